"""What `events.record` leaves behind."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from audit import chain, events, transactions
from audit.actors import Actor
from audit.chain import NotCanonical
from audit.events import Action
from audit.models import AuditEvent, AuditPii
from registry.models import Context, Subject
from tests.audit.changes import ACTOR, create_group, pay


def record(**given: Any) -> int:
    with transactions.write():
        return events.record(ACTOR, Action.CONFIG_CHANGED, kind="subject", ref=":.:orders", **given)


@pytest.mark.django_db
def test_an_event_says_who_did_what_to_what_and_how() -> None:
    seq = record(detail={"before": None, "after": ["FULL"]}, reason="ticket 7")

    payload = json.loads(AuditEvent.objects.get(seq=seq).payload)
    assert len(bytes.fromhex(payload.pop("salt"))) == 16
    assert datetime.now(UTC) - datetime.fromisoformat(payload.pop("at")) < timedelta(minutes=1)
    assert payload == {
        "v": 1,
        "actor": {"kind": "service", "ref": "service:1"},
        "auth": "api_key",
        "cred": "7QmX2fLbA9Zt",
        "request": "r-1",
        "action": "config.changed",
        "object": {"kind": "subject", "ref": ":.:orders"},
        "detail": {"before": None, "after": ["FULL"]},
        "reason": "ticket 7",
    }


@pytest.mark.django_db
def test_what_was_not_said_is_left_out() -> None:
    with transactions.write():
        seq = events.record(Actor("system", "tests"), Action.SYSTEM_STARTED, kind="system", ref="callboard")

    payload = json.loads(AuditEvent.objects.get(seq=seq).payload)
    assert sorted(payload) == ["action", "actor", "at", "auth", "detail", "object", "salt", "v"]


@pytest.mark.django_db
def test_the_columns_repeat_the_payload() -> None:
    event = AuditEvent.objects.get(seq=record())

    copies = chain.copies(json.loads(event.payload))
    assert {column: getattr(event, column) for column in copies} == copies


@pytest.mark.django_db
def test_events_are_numbered_from_one_and_chained() -> None:
    numbers = [record(), record(), record()]

    events_ = list(AuditEvent.objects.order_by("seq"))
    assert numbers == [event.seq for event in events_] == [1, 2, 3]
    assert [bytes(event.prev) for event in events_] == [bytes(32), *(bytes(event.hash) for event in events_[:2])]
    assert all(
        bytes(event.hash) == chain.link(bytes(event.prev), event.seq, chain.digest(event.payload)) for event in events_
    )


@pytest.mark.django_db
def test_an_object_may_have_any_name() -> None:
    with transactions.write():
        seq = events.record(ACTOR, Action.CONFIG_CHANGED, kind="subject", ref=':.:%s"\0\u2028é')

    event = AuditEvent.objects.get(seq=seq)
    assert json.loads(event.payload)["object"]["ref"] == ':.:%s"\0\u2028é'
    assert event.object_ref == ':.:%s"\ufffd\u2028é'


@pytest.mark.django_db
def test_personal_data_stands_beside_the_log() -> None:
    seq = record(personal={"email": "alice@corp.test", "name": "Alice"})

    payload = AuditEvent.objects.get(seq=seq).payload
    rows = {row.name: row for row in AuditPii.objects.filter(event=seq)}
    assert {name: row.value for name, row in rows.items()} == {"email": "alice@corp.test", "name": "Alice"}
    assert "alice" not in payload.lower()
    assert json.loads(payload)["pii"] == {
        name: chain.commitment(bytes(row.salt), row.value) for name, row in rows.items()
    }


@pytest.mark.django_db
def test_a_stamped_row_carries_the_number_of_the_event() -> None:
    owner = create_group("owners")
    with transactions.write():
        context, _ = Context.objects.get_or_create(name=".")
        subjects = [Subject.objects.create(context=context, name=name, owner=owner) for name in ("orders", "other")]
        seq = events.record(ACTOR, Action.SUBJECT_REGISTERED, kind="subject", ref=":.:orders", stamp=subjects[0])

    assert [subject.changed_seq for subject in subjects] == [seq, 0]
    assert dict(Subject.objects.values_list("name", "changed_seq")) == {"orders": seq, "other": 0}


@pytest.mark.django_db
def test_the_event_is_the_last_of_few_statements() -> None:
    owner = create_group("owners")
    with transactions.write():
        context, _ = Context.objects.get_or_create(name=".")
        subject = Subject.objects.create(context=context, name="orders", owner=owner)
        with CaptureQueriesContext(connection) as queries:
            events.record(ACTOR, Action.SUBJECT_REGISTERED, kind="subject", ref=":.:orders", stamp=subject)

    assert len(queries) == 3
    assert f'INSERT INTO "{AuditEvent._meta.db_table}"' in queries[-1]["sql"]


@pytest.mark.django_db
@pytest.mark.parametrize("detail", [{"share": 0.5}, {"id": 2**53}, {"text": "\udfff"}], ids=repr)
def test_a_detail_without_a_single_spelling_is_refused(detail: dict[str, object]) -> None:
    with pytest.raises(NotCanonical):
        record(detail=detail)

    assert not AuditEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_event_outside_a_transaction_is_a_mistake() -> None:
    with pytest.raises(TransactionManagementError, match="transactions.write"):
        pay()


@pytest.mark.django_db(transaction=True)
def test_a_failure_after_the_event_takes_change_and_event_back() -> None:
    with pytest.raises(ZeroDivisionError), transactions.write():
        Group.objects.create(name="owners")
        pay()
        _ = 1 / 0

    assert not Group.objects.exists()
    assert not AuditEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_failure_of_the_event_takes_the_change_back() -> None:
    with pytest.raises(NotCanonical), transactions.write():
        Group.objects.create(name="owners")
        events.record(ACTOR, Action.GROUP_CREATED, kind="group", ref="group:1", detail={"share": 0.5})

    assert not Group.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_number_given_up_is_given_again() -> None:
    create_group("first")
    with pytest.raises(ZeroDivisionError), transactions.write():
        pay()
        _ = 1 / 0

    create_group("second")

    assert list(AuditEvent.objects.order_by("seq").values_list("seq", flat=True)) == [1, 2]


@pytest.mark.django_db(transaction=True)
def test_several_events_of_one_transaction_stand_together() -> None:
    with transactions.write():
        Group.objects.create(name="owners")
        numbers = [pay(), pay(), pay()]

    assert numbers == [1, 2, 3]


@pytest.mark.django_db
def test_a_transaction_that_changes_nothing_leaves_no_event() -> None:
    with transactions.write():
        list(Group.objects.all())

    assert not AuditEvent.objects.exists()
