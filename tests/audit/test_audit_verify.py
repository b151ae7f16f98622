"""`manage.py audit_verify`: what it says and its exit codes, for each way of tampering."""

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db import connection

from audit import chain, events, transactions, triggers
from audit.events import Action
from audit.models import AuditEvent, AuditPii
from tests.audit.changes import ACTOR, create_group

EVENTS = 5


@pytest.fixture
def log(transactional_db: None) -> Iterator[None]:
    """A log of five events, the third with personal data, from which somebody has taken the guards away."""
    for number in range(1, EVENTS + 1):
        if number == 3:
            record_login()
        else:
            create_group(f"group {number}")
    triggers.remove(connection)
    yield
    Group.objects.all().delete()


def record_login() -> None:
    with transactions.write():
        events.record(
            ACTOR, Action.GRANT_ADDED, kind="user", ref="u1", personal={"email": "alice@corp.test", "name": "Alice"}
        )


def verify() -> tuple[int, str]:
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("audit_verify", stdout=out, stderr=err)
    except CommandError as error:
        return error.returncode, str(error)
    return 0, out.getvalue() + err.getvalue()


def edited(seq: int, **members: Any) -> str:
    return chain.payload({**json.loads(AuditEvent.objects.get(seq=seq).payload), **members})


def chain_anew(start: int) -> None:
    """What someone with the database at hand can do: every hash from there on, and the copies, fit again."""
    prev = AuditEvent.objects.get(seq=start - 1).hash if start > 1 else chain.FIRST_PREV
    for event in AuditEvent.objects.filter(seq__gte=start).order_by("seq"):
        link = chain.link(bytes(prev), event.seq, chain.digest(event.payload))
        copies = chain.copies(json.loads(event.payload))
        AuditEvent.objects.filter(seq=event.seq).update(prev=prev, hash=link, **copies)
        prev = link


@pytest.mark.django_db
def test_an_empty_log_is_whole() -> None:
    assert verify() == (0, f"whole: 0 events, the last is 0 with hash {bytes(32).hex()}\n")


def test_a_whole_log_says_where_it_ends(log: None) -> None:
    last = AuditEvent.objects.get(seq=EVENTS)

    assert verify() == (0, f"whole: 5 events, the last is 5 with hash {bytes(last.hash).hex()}\n")


@pytest.mark.parametrize("column", ["payload", "hash", "prev"])
def test_an_edited_event_is_named(log: None, column: str) -> None:
    value = edited(2, object={"kind": "group", "ref": "group:99"}) if column == "payload" else b"x" * 32
    AuditEvent.objects.filter(seq=2).update(**{column: value})

    code, said = verify()

    assert (code, said.split(":")[0]) == (1, "BROKEN at seq 2")


def test_an_edited_event_with_a_hash_that_fits_breaks_the_next(log: None) -> None:
    event = AuditEvent.objects.get(seq=2)
    payload = edited(2, reason="none")
    link = chain.link(bytes(event.prev), 2, chain.digest(payload))
    AuditEvent.objects.filter(seq=2).update(payload=payload, hash=link)

    code, said = verify()

    assert (code, said.split(":")[0]) == (1, "BROKEN at seq 3")


@pytest.mark.parametrize(
    "copies",
    [
        {"action": "grant.added"},
        {"actor_ref": "service:2"},
        {"object_ref": "group:99"},
        {"credential_id": ""},
        {"schema_version": 2},
    ],
    ids=lambda copies: next(iter(copies)),
)
def test_an_edited_copy_is_named(log: None, copies: dict[str, Any]) -> None:
    AuditEvent.objects.filter(seq=4).update(**copies)

    assert verify() == (1, f"BROKEN at seq 4: not as in the payload: {next(iter(copies))}")


def test_an_edited_time_is_named(log: None) -> None:
    at = AuditEvent.objects.get(seq=4).at
    AuditEvent.objects.filter(seq=4).update(at=at - timedelta(microseconds=1))

    assert verify() == (1, "BROKEN at seq 4: not as in the payload: at")


@pytest.mark.parametrize("payload", ["", "[]", "{}", "[" * 100_000, '{"at":"yesterday"}'], ids=lambda text: text[:4])
def test_what_is_no_payload_is_named(log: None, payload: str) -> None:
    event = AuditEvent.objects.get(seq=5)
    link = chain.link(bytes(event.prev), 5, chain.digest(payload))
    AuditEvent.objects.filter(seq=5).update(payload=payload, hash=link)

    code, said = verify()

    assert (code, said.split(":")[0]) == (1, "BROKEN at seq 5")


def test_a_missing_event_is_a_gap(log: None) -> None:
    AuditEvent.objects.filter(seq=2).delete()

    assert verify() == (2, "GAP at 2")


def test_a_missing_start_is_a_gap(log: None) -> None:
    AuditEvent.objects.filter(seq__lte=2).delete()

    assert verify() == (2, "GAP at 1")


def test_events_moved_together_are_no_way_to_hide_a_gap(log: None) -> None:
    AuditEvent.objects.filter(seq=2).delete()
    AuditPii.objects.all().delete()
    for seq in (3, 4, 5):
        AuditEvent.objects.filter(seq=seq).update(seq=seq - 1)

    code, said = verify()

    assert (code, said.split(":")[0]) == (1, "BROKEN at seq 2")


@pytest.mark.parametrize("edit", [{"value": "bob@corp.test"}, {"salt": b"x" * 16}, {"name": "phone"}], ids=repr)
def test_personal_data_that_was_not_committed_to_is_named(log: None, edit: dict[str, Any]) -> None:
    AuditPii.objects.filter(name="email").update(**edit)

    code, said = verify()

    assert (code, said.split(":")[0]) == (1, "BROKEN at seq 3")


def test_erased_personal_data_leaves_the_log_whole(log: None) -> None:
    AuditPii.objects.all().delete()

    assert verify()[0] == 0


def test_a_clock_that_went_back_is_a_warning(log: None) -> None:
    AuditEvent.objects.filter(seq=4).update(payload=edited(4, at="2001-01-01T00:00:00.000000Z"))
    chain_anew(4)

    code, said = verify()

    assert code == 0
    assert "The clock went back 1 times." in said


def test_an_end_cut_off_shows_only_in_number_and_hash(log: None) -> None:
    before = verify()
    AuditEvent.objects.filter(seq=5).delete()

    assert verify()[0] == 0
    assert verify() != before


def test_a_log_chained_anew_shows_only_in_its_hash(log: None) -> None:
    before = verify()
    AuditEvent.objects.filter(seq=2).update(payload=edited(2, reason="another"))
    chain_anew(2)

    assert verify()[0] == 0
    assert verify() != before
