"""What is kept of parsed schemas: how much, what is read again and what is not, and that nobody sees a wrong one."""

import json
import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.principals import Principal
from audit import events, transactions
from registry import schemas
from registry.bodies import Definition
from registry.models import SchemaVersion
from registry.schemas import Reference
from registry.schemas.base import ParsedSchema
from registry.services import parsed, registration
from registry.services.parsed import Kept
from tests.cast import STAGE, join

EMPTY = schemas.parse("AVRO", '"int"')


def key(number: int) -> parsed.Key:
    return number, UUID(int=number)


def kept(of: Kept, numbers: range) -> list[int]:
    return [number for number in numbers if of.find(key(number))]


def test_the_ones_asked_for_last_stay() -> None:
    some = Kept(most_schemas=3, most_bytes=1000)
    for number in range(3):
        some.keep(key(number), EMPTY, 1)
    some.find(key(0))
    some.keep(key(3), EMPTY, 1)

    assert kept(some, range(4)) == [0, 2, 3]


def test_bytes_count_too() -> None:
    some = Kept(most_schemas=100, most_bytes=800)
    for number in range(9):
        some.keep(key(number), EMPTY, 100)

    assert kept(some, range(9)) == list(range(1, 9))


def test_one_that_is_very_large_drives_nobody_out() -> None:
    some = Kept(most_schemas=100, most_bytes=800)
    some.keep(key(0), EMPTY, 100)
    some.keep(key(1), EMPTY, 101)

    assert kept(some, range(2)) == [0]


def test_one_that_is_kept_twice_counts_once() -> None:
    some = Kept(most_schemas=100, most_bytes=800)
    for _ in range(20):
        some.keep(key(0), EMPTY, 100)
    for number in range(1, 8):
        some.keep(key(number), EMPTY, 100)

    assert kept(some, range(8)) == list(range(8))


def test_after_clearing_there_is_room_for_as_much_as_before() -> None:
    some = Kept(most_schemas=100, most_bytes=800)
    for _ in range(3):
        some.clear()
        for number in range(8):
            some.keep(key(number), EMPTY, 100)

    assert kept(some, range(8)) == list(range(8))


def test_a_key_with_another_guid_is_another_schema() -> None:
    some = Kept(most_schemas=10, most_bytes=800)
    some.keep((1, UUID(int=1)), EMPTY, 1)

    assert some.find((1, UUID(int=2))) is None


def test_many_threads_leave_it_whole() -> None:
    some = Kept(most_schemas=50, most_bytes=8000)

    def use(offset: int) -> None:
        for number in range(2000):
            some.keep(key((number * 7 + offset) % 100), EMPTY, 100 + number % 3)
            some.find(key(number % 100))

    threads = [threading.Thread(target=use, args=(offset,)) for offset in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(kept(some, range(100))) == len(some._schemas) == 50
    assert some._bytes == sum(size for _, size in some._schemas.values())


@pytest.fixture
def principal() -> Principal:
    return join("owner", "owners").principal


def record(*fields: str) -> str:
    made = [{"name": name, "type": "string", "default": ""} for name in fields]
    return json.dumps({"type": "record", "name": "R", "fields": made}, separators=(",", ":"))


def register(principal: Principal, subject: str, text: str, *references: Reference) -> None:
    registration.register_version(
        principal=principal,
        actor=principal.actor(None),
        subject_name=subject,
        definition=Definition(text, references=references),
        normalize=False,
        force=False,
    )


def history(subject: str) -> list[tuple[int, ParsedSchema]]:
    return list(parsed.newest_first(SchemaVersion.objects.filter(subject__name=subject).live()))


def texts(subject: str) -> list[tuple[int, str]]:
    return [(version, schema.canonical) for version, schema in history(subject)]


def queries(call: Callable[[], Any]) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        call()
    return [query["sql"] for query in captured]


def fill(principal: Principal, subject: str, count: int) -> list[tuple[int, str]]:
    """Newest first."""
    made = [record(*(f"f{number}" for number in range(version + 1))) for version in range(count)]
    for text in made:
        register(principal, subject, text)
    return list(enumerate(made, 1))[::-1]


outside_a_transaction = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@outside_a_transaction
@pytest.mark.parametrize("count", [0, 1, 2, 22, 45])
def test_a_history_is_read_newest_first(principal: Principal, count: int) -> None:
    expected = fill(principal, "orders", count)

    assert texts("orders") == expected
    assert texts("orders") == expected


@outside_a_transaction
def test_a_history_longer_than_a_piece_is_read_whole(principal: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsed, "_IDS_AT_ONCE", 5)
    monkeypatch.setattr(parsed, "_TEXTS_AT_ONCE", 2)
    expected = fill(principal, "orders", 17)

    assert texts("orders") == expected


@outside_a_transaction
def test_what_is_kept_is_not_read_again(principal: Principal) -> None:
    fill(principal, "orders", 30)
    parsed.KEPT.clear()
    cold = queries(lambda: history("orders"))
    known = dict(history("orders"))

    warm = queries(lambda: history("orders"))

    # The newest with its text, the ids of the others, nothing after them; cold, the texts in two pieces.
    assert (len(cold), len(warm)) == (4, 2)
    assert sum('"text"' in query for query in warm) == 1
    assert all(schema is known[version] for version, schema in history("orders"))


@outside_a_transaction
def test_only_what_is_missing_is_read(principal: Principal) -> None:
    fill(principal, "orders", 30)
    history("orders")
    heads = {head.version: head for head in parsed._heads(SchemaVersion.objects.live(), 100)}
    for version in (3, 4):
        del parsed.KEPT._schemas[heads[version].key]

    *_, last = queries(lambda: history("orders"))

    assert f"IN ({heads[4].pk}, {heads[3].pk})" in last


@outside_a_transaction
def test_one_content_is_parsed_once_for_all_subjects(principal: Principal) -> None:
    fill(principal, "orders", 1)
    fill(principal, "payments", 1)

    assert history("orders")[0][1] is history("payments")[0][1]


@outside_a_transaction
def test_a_version_that_is_deleted_meanwhile_is_left_out(principal: Principal) -> None:
    fill(principal, "orders", 3)
    parsed.KEPT.clear()
    versions = parsed.newest_first(SchemaVersion.objects.live())
    next(versions)
    heads = parsed._heads(SchemaVersion.objects.live(), 3)
    with transactions.write():
        SchemaVersion.objects.filter(version=2).delete()
        events.record(STAGE, events.Action.CONFIG_CHANGED, kind="subject", ref=":.:orders")

    assert [version for version, _ in parsed._parsed(heads)] == [1]


@outside_a_transaction
def test_a_schema_keeps_what_its_references_brought(principal: Principal) -> None:
    register(principal, "money", '{"type":"fixed","name":"n.Money","size":8}')
    referrer = '{"type":"record","name":"n.Bill","fields":[{"name":"total","type":"n.Money"}]}'
    register(principal, "bills", referrer, Reference("n.Money", "money", 1))
    resolved = history("bills")[0][1].resolved

    asked = queries(lambda: history("bills"))

    assert '"size":8' in resolved
    assert len(asked) == 2


@pytest.mark.django_db
def test_inside_a_transaction_nothing_is_kept(principal: Principal) -> None:
    fill(principal, "orders", 2)

    assert history("orders")[0][1] is not history("orders")[0][1]
    assert not parsed.KEPT._schemas
