"""Each event is one line of the server's log, for whoever collects logs elsewhere."""

import io
import json
import logging
import logging.config
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group

from audit import events, transactions
from audit.events import Action
from audit.models import AuditEvent
from config import logs
from registry.models.subjects import Lifecycle
from tests.audit.changes import ACTOR, create_group, pay


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What a server that logs warnings for machines would write, but for the rest of its log."""
    configuration = logs.configuration("json", "WARNING")
    stream = io.StringIO()
    configuration["handlers"]["stderr"]["stream"] = stream
    logging.config.dictConfig(configuration)
    yield stream
    logging.config.dictConfig(settings.LOGGING)


def lines(written: io.StringIO) -> list[Any]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


@pytest.mark.django_db(transaction=True)
def test_an_event_is_one_line_whatever_the_level(written: io.StringIO) -> None:
    with transactions.write():
        Group.objects.create(name="owners")
        seq = events.record(
            ACTOR, Action.GROUP_CREATED, kind="group", ref="group:1", detail={"name": "owners"}, reason="ticket 7"
        )

    [line] = lines(written)
    del line["timestamp"]
    event = AuditEvent.objects.get(seq=seq)
    assert line == {
        "event": "audit event",
        "logger": "audit.event",
        "level": "info",
        "seq": seq,
        "hash": bytes(event.hash).hex(),
        "at": json.loads(event.payload)["at"],
        "action": "group.created",
        "actor": {"kind": "service", "ref": "service:1"},
        "auth": "api_key",
        "cred": "7QmX2fLbA9Zt",
        "request": "r-1",
        "object": {"kind": "group", "ref": "group:1"},
        "detail": {"name": "owners"},
        "reason": "ticket 7",
    }


@pytest.mark.django_db(transaction=True)
def test_a_line_says_what_was_hashed_and_not_how_python_held_it(written: io.StringIO, caplog: Any) -> None:
    with caplog.at_level(logging.INFO), transactions.write():
        events.record(ACTOR, Action.LIFECYCLE_CHANGED, kind="test", ref="1", detail={"after": Lifecycle.APPROVED})

    [record] = [record for record in caplog.records if record.name == "audit.event"]
    assert type(record.msg["detail"]["after"]) is str


@pytest.mark.django_db(transaction=True)
def test_personal_data_stands_in_no_line(written: io.StringIO) -> None:
    with transactions.write():
        events.record(ACTOR, Action.USER_CREATED, kind="person", ref="person:7", personal={"email": "alice@corp.test"})

    assert "alice" not in written.getvalue() and "pii" not in lines(written)[0]


@pytest.mark.django_db(transaction=True)
def test_an_event_that_is_taken_back_is_no_line(written: io.StringIO) -> None:
    with pytest.raises(ZeroDivisionError), transactions.write():
        Group.objects.create(name="owners")
        pay()
        _ = 1 / 0

    assert lines(written) == []


@pytest.mark.django_db(transaction=True)
def test_events_of_one_transaction_are_a_line_each_in_their_order(written: io.StringIO) -> None:
    create_group("first")
    with transactions.write():
        pay()
        pay()

    assert [line["seq"] for line in lines(written)] == [1, 2, 3]
