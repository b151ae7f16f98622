"""Section 5.5: what each mode allows, and how modes come and go."""

from typing import Any

import pytest

from tests.contract.calls import INT, STRING, Registry, dumped, field, record
from tests.contract.marking import row

TICKET = record("Ticket", field("seat"))
OTHER = record("Ticket", field("gate", "int"))
GLOBAL = ":.__GLOBAL:"


@row("5.5", 1)
def test_readonly_takes_nothing(registry: Registry) -> None:
    registry.mode("READONLY")

    assert registry.refuse("tickets", TICKET) == 42205


@row("5.5", 2)
def test_readwrite_takes_no_id(registry: Registry) -> None:
    registry.mode("READWRITE")

    assert registry.refuse("tickets", TICKET, id=7) == 42205
    assert registry.register("tickets", TICKET) == 1


@row("5.5", 3)
def test_import_wants_an_id(registry: Registry) -> None:
    registry.mode("IMPORT")

    assert registry.register("tickets", TICKET, id=7) == 7
    assert registry.refuse("tickets", OTHER) == 42205


@row("5.5", 4)
def test_null_takes_a_mode_back(registry: Registry) -> None:
    registry.mode("READONLY")

    assert registry.mode(None) == {"mode": None}

    assert registry.get("/mode") == {"mode": "READWRITE"}


@row("5.5", 5)
@pytest.mark.parametrize("subject", ["", "tickets"])
def test_import_wants_an_empty_scope_unless_forced(registry: Registry, subject: str) -> None:
    registry.register("tickets", TICKET)
    path = f"/mode/{subject}" if subject else "/mode"

    assert registry.error("PUT", path, {"mode": "IMPORT"}) == 42205
    assert registry.mode("IMPORT", subject, "?force=true") == {"mode": "IMPORT"}


@row("5.5", 6)
def test_what_is_there_needs_no_id_in_import(registry: Registry) -> None:
    registry.mode("IMPORT")
    registry.register("tickets", TICKET, id=7, version=1)

    assert registry.register("tickets", TICKET) == 7


@row("5.5", 7)
def test_a_deleted_subject_can_be_imported_anew(registry: Registry) -> None:
    assert registry.register("tickets", TICKET) == 1
    registry.delete("/subjects/tickets")
    registry.mode("IMPORT", "tickets")

    assert registry.register("tickets", TICKET, id=7, version=1) == 7
    assert registry.register("tickets", TICKET, id=7, version=1) == 7
    registry.delete("/subjects/tickets")
    assert registry.register("tickets", TICKET, id=7, version=1) == 7
    assert registry.text("/schemas/ids/7/schema") == TICKET
    with_metadata = registry.registered("tickets", TICKET, id=8, version=2, metadata={"properties": {"stage": "main"}})
    assert with_metadata["id"] == 8
    assert registry.text("/schemas/ids/8/schema") == TICKET


@row("5.5", 8)
def test_import_keeps_spellings_apart(registry: Registry) -> None:
    registry.mode("IMPORT")
    one, other = (
        dumped({"type": "record", "name": "Ticket", "fields": [], **props})
        for props in ({"ink": "red", "art": "none"}, {"art": "none", "ink": "red"})
    )

    assert [registry.register("tickets", text, id=number) for text, number in ((one, 7), (other, 8))] == [7, 8]
    assert [registry.text(f"/schemas/ids/{number}/schema") for number in (7, 8)] == [one, other]


@row("5.5", 8)
def test_import_gives_one_content_two_ids(registry: Registry) -> None:
    registry.mode("IMPORT")
    registry.register("tickets", TICKET, id=7, version=1)
    registry.register("tickets", TICKET, id=8, version=2)
    registry.register("passes", TICKET, id=9, version=1)

    assert [registry.get(f"/subjects/tickets/versions/{version}")["id"] for version in (1, 2)] == [7, 8]
    found = registry.lookup("passes", TICKET)
    assert (found["id"], found["version"]) == (9, 1)


@row("5.5", 8)
def test_each_subject_finds_its_own_import(registry: Registry) -> None:
    registry.mode("IMPORT")
    registry.register("tickets", TICKET, id=7, version=1)
    registry.register("passes", TICKET, id=8, version=1)

    found = [registry.lookup(subject, TICKET) for subject in ("tickets", "passes")]

    assert [(each["id"], each["version"]) for each in found] == [(7, 1), (8, 1)]


@row("5.5", 9)
def test_import_asks_for_no_compatibility(registry: Registry) -> None:
    registry.mode("IMPORT")
    registry.register("tickets", INT, id=7, version=1)

    assert registry.register("tickets", STRING, id=8, version=2) == 8


@row("5.5", 10)
def test_a_mode_above_all_contexts_counts(registry: Registry) -> None:
    registry.mode("READONLY", GLOBAL)

    assert registry.get("/mode?defaultToGlobal=true") == {"mode": "READONLY"}
    assert registry.refuse("tickets", TICKET) == 42205


@row("5.5", 11)
def test_deleting_a_mode_returns_it(registry: Registry) -> None:
    registry.mode("READONLY")
    registry.mode("READWRITE", "tickets")

    assert registry.delete("/mode/tickets") == {"mode": "READWRITE"}
    assert registry.get("/mode/tickets?defaultToGlobal=true") == {"mode": "READONLY"}
    assert registry.delete("/mode") == {"mode": "READONLY"}
    assert registry.get("/mode") == {"mode": "READWRITE"}


@row("5.5", 12)
@pytest.mark.parametrize("path", ["/mode/tickets", "/mode", "/mode/:.", "/mode/:.__GLOBAL:tickets"])
def test_forward_stands_above_all_contexts_only(registry: Registry, path: str) -> None:
    refusal = registry.refusal("PUT", path, {"mode": "FORWARD"})

    assert refusal == {"error_code": 42204, "message": "Forward mode only supported on global level"}


@row("5.5", 12)
@pytest.mark.parametrize("above", [GLOBAL, ":.__GLOBAL"])
def test_forward_is_set_and_read_there(registry: Registry, above: str) -> None:
    registry.mode("FORWARD", above)

    assert registry.get(f"/mode/{above}") == {"mode": "FORWARD"}


def modes(registry: Registry, **given: str) -> None:
    """`tour` is a context with modes, `home` another one, and `tickets` a subject of the default context."""
    places = {"tour": ":.tour:", "tour_a": ":.tour:a", "tour_b": ":.tour:b", "home_a": ":.home:a", "top": ""}
    for place, mode in given.items():
        registry.mode(mode, places.get(place, place))


@row("5.5", 13)
def test_a_recursive_delete_takes_the_modes_below(registry: Registry) -> None:
    modes(registry, tour="READONLY", tour_a="READWRITE", tour_b="IMPORT", home_a="READONLY", tickets="READONLY")

    assert registry.delete("/mode/:.tour:?recursive=true") == {"mode": "READONLY"}

    assert [registry.error("GET", f"/mode/:.tour:{subject}") for subject in ("a", "b")] == [40409, 40409]
    assert [registry.get(f"/mode/{subject}") for subject in (":.home:a", "tickets")] == [{"mode": "READONLY"}] * 2


@row("5.5", 13)
def test_a_plain_delete_leaves_the_modes_below(registry: Registry) -> None:
    modes(registry, tour="READONLY", tour_a="READWRITE")

    assert registry.delete("/mode/:.tour:") == {"mode": "READONLY"}

    assert registry.get("/mode/:.tour:a") == {"mode": "READWRITE"}


@row("5.5", 13)
def test_the_top_level_is_above_the_default_context_alone(registry: Registry) -> None:
    modes(registry, top="READONLY", tickets="READWRITE", tour_a="IMPORT")

    assert registry.delete("/mode?recursive=true") == {"mode": "READONLY"}

    assert registry.error("GET", "/mode/tickets") == 40409
    assert registry.get("/mode/:.tour:a") == {"mode": "IMPORT"}


@row("5.5", 13)
def test_a_context_without_a_mode_has_modes_below_all_the_same(registry: Registry) -> None:
    modes(registry, tour_a="READONLY")

    answer: Any = registry.delete("/mode/:.tour:?recursive=true")

    assert answer.get("mode") is None
    assert registry.error("GET", "/mode/:.tour:a") == 40409
