"""Every night the log is verified, and the outcome is an event."""

import json
import logging
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from audit import tasks, triggers, verification
from audit.events import Action
from audit.models import AuditEvent
from config.celery import app
from tests.audit.changes import create_group


def outcome() -> Any:
    return json.loads(AuditEvent.objects.get(action=Action.AUDIT_VERIFIED).payload)["detail"]


@pytest.mark.django_db
def test_a_whole_log_is_said_to_be_whole() -> None:
    create_group("owners")
    head = AuditEvent.objects.get()

    tasks.verify()

    assert outcome() == {
        "exit_code": 0,
        "message": f"whole: 1 events, the last is 1 with hash {bytes(head.hash).hex()}",
        "last": 1,
        "hash": bytes(head.hash).hex(),
    }


@pytest.mark.django_db(transaction=True)
def test_damage_is_an_event_and_an_error_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    create_group("owners")
    triggers.remove(connection)
    AuditEvent.objects.update(action="group.renamed")
    triggers.install(connection)

    with caplog.at_level(logging.ERROR):
        tasks.verify()

    assert (outcome()["exit_code"], outcome()["message"]) == (1, "BROKEN at seq 1: not as in the payload: action")
    assert "the audit log is damaged" in caplog.text


@pytest.mark.django_db
def test_it_is_due_once_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    before = verification.is_due()
    tasks.verify()
    after = verification.is_due()
    monkeypatch.setattr(verification, "EVERY", timedelta(0))

    assert (before, after, verification.is_due()) == (True, False, True)


@pytest.mark.django_db
def test_a_worker_that_is_asked_to_end_leaves_no_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    create_group("owners")
    monkeypatch.setattr(verification, "CHUNK", 1)

    assert verification.check_and_record(stopping=lambda: True) is None
    assert not AuditEvent.objects.filter(action=Action.AUDIT_VERIFIED).exists()


def test_beat_asks_for_it_every_night() -> None:
    assert app.conf.beat_schedule["verify"]["task"] == tasks.verify.name
