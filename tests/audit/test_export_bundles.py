"""What is in an export, and that it is the same however it was made."""

import csv
import hashlib
import io
import tomllib
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from audit import bundles, chain
from audit.events import Action
from audit.models import AuditEvent, AuditExport, Filters
from tests.audit import exports
from tests.audit.exports import Person
from tests.environment import CHECKOUT


@pytest.fixture
def audrey(db: None) -> Person:
    return exports.auditor()


@pytest.mark.parametrize(
    "cell",
    [
        '=HYPERLINK("http://x")',
        "-2+3+cmd|' /C calc'!A0",
        "+1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1",
        "\u00a0=1",
        "\u200b=1",
        "\ufeff =1",
        "\x01=1",
        "＝1",
        "＋1",
        "－1",
        "＠1",
    ],
)
def test_a_cell_that_may_be_a_formula_begins_with_an_apostrophe(cell: str) -> None:
    assert bundles.safe_cell(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "orders-value", ":.:a=b", "1-2", "ü=1", "'=1", "  ", "{}", "2026-01-01"])
def test_any_other_cell_stays_as_it_is(cell: str) -> None:
    assert bundles.safe_cell(cell) == cell


def test_the_table_quotes_every_cell_and_ends_lines_as_spreadsheets_do() -> None:
    assert bundles.table([["a", 'b"c'], ["", "d\ne"]]) == b'"a","b""c"\r\n"","d\ne"\r\n'


@pytest.mark.parametrize("payload", ["", "[]", "{}", '{"actor":1}', "[" * 100_000])
def test_a_damaged_event_has_a_row_too(payload: str) -> None:
    row = bundles.table_row(7, payload, bytes(32))

    assert len(row) == len(bundles.COLUMNS)
    assert row[0] == "7" and row[bundles.COLUMNS.index("detail")] == payload


def test_the_generator_is_this_release() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert f"{project['name']} {project['version']}" == bundles.GENERATOR


def test_a_bundle_holds_its_files_in_order_stored_and_without_a_date(audrey: Person) -> None:
    export = audrey.exported()

    with zipfile.ZipFile(exports.bundle_path(export)) as bundle:
        entries = bundle.infolist()
    assert [entry.filename for entry in entries] == exports.MEMBERS
    assert {(entry.compress_type, entry.date_time) for entry in entries} == {(0, (1980, 1, 1, 0, 0, 0))}


def test_the_manifest_names_the_sum_of_every_other_file(audrey: Person) -> None:
    content = exports.read(audrey.exported())

    named = {name: file["sha256"] for name, file in content.manifest["files"].items()}
    assert named == {
        name: hashlib.sha256(data).hexdigest()
        for name, data in content.members.items()
        if not name.startswith("manifest.")
    }


def test_the_manifest_says_what_was_asked_by_whom_and_what_there_is(audrey: Person) -> None:
    exports.happen(3)
    export = audrey.exported(action="subject.registered")

    manifest = exports.read(export).manifest
    last = AuditEvent.objects.get(seq=export.through_seq)
    assert manifest["filters"] == {"action": "subject.registered"}
    assert manifest["requested_by"] == audrey.principal.ref
    assert manifest["counts"] == {"events": 3, "omitted": export.through_seq - 3}
    assert manifest["through_seq"] == export.through_seq
    assert manifest["first"]["seq"] == 1
    assert manifest["last"] == {"seq": last.seq, "hash": bytes(last.hash).hex()}


def test_events_are_in_the_bundle_byte_by_byte(audrey: Person) -> None:
    exports.happen(1, ref=':.:zahlungen-ü\0"x\\')

    content = exports.read(audrey.exported())

    stored = AuditEvent.objects.filter(seq__lte=content.manifest["through_seq"]).order_by("seq")
    assert [event["payload"] for event in content.events] == [event.payload for event in stored]


def test_events_and_omitted_ones_together_form_the_chain(audrey: Person) -> None:
    exports.happen(2)
    exports.happen(2, ref=":.:payments-value")
    exports.happen(1)

    content = exports.read(audrey.exported(object_prefix=":.:orders-"))

    digests = {row["seq"]: bytes.fromhex(row["digest"]) for row in content.omitted}
    digests |= {event["seq"]: chain.digest(event["payload"]) for event in content.events}
    hash_ = chain.FIRST_PREV
    for seq in range(1, content.manifest["through_seq"] + 1):
        hash_ = chain.link(hash_, seq, digests[seq])
    assert hash_.hex() == content.manifest["last"]["hash"]
    assert {payload["object"]["ref"] for payload in content.payloads} == {":.:orders-value"}
    assert len(content.events) == 3


def test_the_table_shows_hostile_names_harmlessly(audrey: Person) -> None:
    exports.happen(1, ref='=HYPERLINK("http://x")')

    content = exports.read(audrey.exported(action="subject.registered"))

    rows = list(csv.DictReader(io.StringIO(content.members["events.csv"].decode(), newline="")))
    assert [row["object_ref"] for row in rows] == ['\'=HYPERLINK("http://x")']
    assert rows[0]["detail"] == '{"version":1}'
    assert rows[0]["hash"] == content.events[0]["hash"]


def test_nothing_later_than_the_request_is_in_the_bundle(audrey: Person, tmp_path: Path) -> None:
    export = audrey.export()
    exports.happen(3)

    with_later = exports.write_undisturbed(export, tmp_path)

    content = exports.unpack(with_later.path.read_bytes())
    assert content.payloads[-1]["action"] == "audit.export_requested"
    assert content.events[-1]["seq"] == export.through_seq


def test_every_try_gives_the_same_bytes(audrey: Person, tmp_path: Path) -> None:
    exports.happen(10)
    export = audrey.exported(object_prefix=":.:orders")

    again = exports.write_undisturbed(export, tmp_path)

    assert (again.sha256, again.size) == (export.sha256, export.size)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"action": "config.changed"}, {"config.changed"}),
        ({"object_ref": ":.:b_1"}, {"config.changed"}),
        ({"object_prefix": ":.:b_"}, {"config.changed"}),
        ({"object_prefix": ":.:A"}, set()),
        ({"object_kind": "user"}, {"user.created"}),
        ({"actor": "tests", "object_kind": "subject"}, {"subject.registered", "config.changed", "lifecycle.changed"}),
        ({"actor": "nobody"}, set()),
    ],
)
def test_filters_choose_exactly(audrey: Person, filters: dict[str, Any], expected: set[str]) -> None:
    exports.happen(1, ref=":.:a")
    exports.happen(1, ref=":.:b_1", action=Action.CONFIG_CHANGED)
    exports.happen(1, ref=":.:bx1", action=Action.LIFECYCLE_CHANGED)

    content = exports.read(audrey.exported(**filters))

    assert {payload["action"] for payload in content.payloads} == expected


def test_a_period_begins_with_its_first_moment_and_ends_before_its_last(audrey: Person) -> None:
    exports.happen(4)
    times = list(AuditEvent.objects.order_by("seq").values_list("at", flat=True))

    export = audrey.exported(since=times[1], until=times[3])

    content = exports.read(export)
    assert [event["seq"] for event in content.events] == [2, 3]
    # What lies between the period and the next signature, without its content.
    assert [event["seq"] for event in content.omitted] == list(range(4, export.through_seq + 1))
    assert content.manifest["filters"] == {"from": chain.time_text(times[1]), "to": chain.time_text(times[3])}


def test_a_period_without_events_is_an_empty_bundle(audrey: Person) -> None:
    long_ago = datetime(1999, 1, 1, tzinfo=UTC)

    content = exports.read(audrey.exported(since=long_ago, until=long_ago + timedelta(days=1)))

    assert (content.events, content.omitted) == ([], [])
    assert (content.manifest["first"], content.manifest["last"]) == (None, None)


def test_filters_are_stored_and_read_back_as_they_were() -> None:
    filters = Filters(datetime(2026, 1, 1, tzinfo=UTC), None, action="key.issued", object_prefix=":.:")

    assert Filters.from_json(filters.as_json()) == filters


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["done", "failed", "running", "lost"])
def test_the_database_refuses_a_state_that_does_not_fit(state: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditExport.objects.create(filters={}, requested_by="person:1", state=state)
