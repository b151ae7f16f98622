"""Section 5.1, the rows with references."""

from typing import Any

import pytest

from tests.contract.calls import Registry, dumped, field, record, reference
from tests.contract.marking import row

pytestmark = pytest.mark.usefixtures("none")
SEAT = record("Seat", field("place"), namespace="hall")
TICKET = record("Ticket", field("seat", "Seat"), namespace="hall")
# The referrer with everything in it.
WHOLE_TICKET = TICKET.replace('"Seat"', record("Seat", field("place")))
TO_SEAT = reference("hall.Seat", "seats")

# A union of two records that share an enum.
ZONE = dumped({"type": "enum", "name": "Zone", "namespace": "hall", "symbols": ["STALLS", "CIRCLE"]})
CHAIR = record("Chair", field("zone", "Zone"), namespace="hall")
STAND = record("Stand", field("zone", "Zone"), namespace="hall")
PLACE = dumped(["hall.Stand", "hall.Chair"])
TO_ZONE = reference("hall.Zone", "zones")
TO_STAND_AND_CHAIR = [reference("hall.Stand", "stands"), reference("hall.Chair", "chairs")]
WHOLE_PLACE = dumped(
    [
        {
            "type": "record",
            "name": "Stand",
            "namespace": "hall",
            "fields": [field("zone", {"type": "enum", "name": "Zone", "symbols": ["STALLS", "CIRCLE"]})],
        },
        {"type": "record", "name": "Chair", "namespace": "hall", "fields": [field("zone", "Zone")]},
    ]
)


@pytest.fixture
def ticket(registry: Registry) -> int:
    """tickets version 1 (id 2) refers to seats version 1 (id 1)."""
    return with_ticket(registry)


def with_ticket(registry: Registry, *, seats: str = "seats", tickets: str = "tickets", to: Any = TO_SEAT) -> int:
    registry.register(seats, SEAT)
    return registry.register(tickets, TICKET, references=[to])


@row("5.1", 13)
@pytest.mark.parametrize("missing", [reference("hall.Seat", "nowhere"), reference("hall.Seat", "seats", 9)])
def test_a_reference_that_leads_nowhere_is_refused(registry: Registry, missing: Any) -> None:
    registry.register("seats", SEAT)

    assert registry.refuse("tickets", TICKET, references=[missing]) == 42201


@row("5.1", 14)
def test_what_fails_in_another_context_does_not_fail_a_lookup(registry: Registry, ticket: int) -> None:
    registry.register(":.tour:badges", '"int"')

    assert registry.missing("tickets", TICKET.replace("seat", "chair"), references=[TO_SEAT]) == 40403


@row("5.1", 41)
def test_a_referrer_comes_back_as_it_was_sent(registry: Registry, ticket: int) -> None:
    stored = registry.get("/schemas/ids/2")

    assert (stored["subject"], stored["version"], stored["schema"]) == ("tickets", 1, TICKET)
    assert stored["references"] == [TO_SEAT]
    assert registry.get("/subjects/seats/versions/1/referencedby") == [2]


@row("5.1", 42)
def test_a_referrer_is_found_by_its_whole_text(registry: Registry, ticket: int) -> None:
    found = registry.lookup("tickets", WHOLE_TICKET)

    assert (found["id"], found["version"], found["references"]) == (ticket, 1, [TO_SEAT])


def assert_target_goes_after_its_referrer(registry: Registry, seats: str, tickets: str, number: int) -> None:
    referrers = f"/subjects/{seats}/versions/1/referencedby"
    assert registry.get(referrers) == [number]
    assert registry.error("DELETE", f"/subjects/{seats}/versions/1") == 42206

    assert registry.delete(f"/subjects/{tickets}/versions/1") == 1

    assert registry.get(referrers) == []
    assert registry.get(referrers + "?offset=0&limit=1") == []
    assert registry.delete(f"/subjects/{seats}/versions/1") == 1


@row("5.1", 43)
def test_a_target_can_be_deleted_after_its_referrer(registry: Registry, ticket: int) -> None:
    assert_target_goes_after_its_referrer(registry, "seats", "tickets", ticket)


@row("5.1", 44)
@pytest.mark.parametrize(("tickets", "number"), [(":.tour:tickets", 2), ("tickets", 1)])
def test_a_target_may_stand_in_a_context(registry: Registry, tickets: str, number: int) -> None:
    to = reference("hall.Seat", ":.tour:seats")
    assert with_ticket(registry, seats=":.tour:seats", tickets=tickets, to=to) == number

    stored = registry.get(f"/schemas/ids/{number}?subject={tickets}")
    assert (stored["subject"], stored["schema"], stored["references"]) == (tickets, TICKET, [to])
    assert registry.lookup(tickets, WHOLE_TICKET)["id"] == number
    assert_target_goes_after_its_referrer(registry, ":.tour:seats", tickets, number)


@row("5.1", 45)
def test_an_unqualified_reference_stays_unqualified_in_its_context(registry: Registry) -> None:
    assert with_ticket(registry, seats=":.tour:seats", tickets=":.tour:tickets") == 2
    by_id, by_version = "/schemas/ids/2?subject=:.tour:tickets", "/subjects/:.tour:tickets/versions/1"

    assert registry.get(by_id)["references"] == registry.get(by_version)["references"] == [TO_SEAT]
    qualified = [reference("hall.Seat", ":.tour:seats")]
    assert registry.get(by_id + "&referenceFormat=qualified")["references"] == qualified
    assert registry.get(by_version + "?referenceFormat=qualified")["references"] == qualified
    assert_target_goes_after_its_referrer(registry, ":.tour:seats", ":.tour:tickets", 2)


def with_place(registry: Registry) -> list[int]:
    """Ids of an enum, two records with it, and the union of them."""
    return [
        registry.register("zones", ZONE),
        registry.register("stands", STAND, references=[TO_ZONE]),
        registry.register("chairs", CHAIR, references=[TO_ZONE]),
        registry.register("places", PLACE, references=TO_STAND_AND_CHAIR),
    ]


@row("5.1", 46)
def test_references_have_references(registry: Registry) -> None:
    assert with_place(registry) == [1, 2, 3, 4]

    root, resolved = registry.get("/schemas/ids/4"), registry.get("/schemas/ids/4?format=resolved")

    assert (root["schema"], root["references"]) == (PLACE, TO_STAND_AND_CHAIR)
    assert resolved["schema"] == WHOLE_PLACE
    assert resolved["guid"] == root["guid"]
    assert registry.lookup("places", WHOLE_PLACE)["version"] == 1


@row("5.1", 47)
def test_a_deleted_referrer_still_holds_its_target(registry: Registry, ticket: int) -> None:
    registry.delete("/subjects/tickets/versions/1")
    registry.delete("/subjects/seats/versions/1")
    assert registry.error("DELETE", "/subjects/seats/versions/1?permanent=true") == 42206

    registry.delete("/subjects/tickets/versions/1?permanent=true")

    assert registry.delete("/subjects/seats/versions/1?permanent=true") == 1


@row("5.1", 48)
def test_a_type_that_nothing_brings_is_refused(registry: Registry) -> None:
    registry.register("seats", SEAT)

    assert registry.refuse("tickets", TICKET) == 42201


@row("5.1", 49)
def test_normalizing_makes_one_schema_of_many_spellings(registry: Registry) -> None:
    registry.register("stands", record("Stand", field("zone"), namespace="hall"))
    registry.register("chairs", record("Chair", field("zone"), namespace="hall"))
    fields = [field("one", "hall.Stand"), field("two", "hall.Chair")]
    sent = {"type": "record", "name": "Pair", "fields": fields, "ink": {"b": 1, "a": 2}, "art": "none"}
    other = {"art": "none", "fields": fields, "ink": {"a": 2, "b": 1}, "name": "Pair", "type": "record"}
    first = {"schema": dumped(sent), "references": TO_STAND_AND_CHAIR}
    second = {"schema": dumped(other), "references": TO_STAND_AND_CHAIR[::-1]}

    registered = registry.post("/subjects/pairs/versions?normalize=true", first)
    found = registry.post("/subjects/pairs?normalize=true", second)

    assert (registered["id"], registered["version"]) == (3, 1)
    assert (found["id"], found["version"]) == (3, 1)
    whole = dumped({**other, "fields": [field("one", whole_place("Stand")), field("two", whole_place("Chair"))]})
    assert registry.post("/subjects/pairs?normalize=true", {"schema": whole})["version"] == 1


def whole_place(name: str) -> Any:
    return {"type": "record", "name": name, "namespace": "hall", "fields": [field("zone")]}


@row("5.1", 51)
def test_what_is_refused_leaves_no_subject(registry: Registry) -> None:
    registry.refuse("seats", record("Seat", field("place", "nobody")))
    registry.refuse("tickets", TICKET, references=[TO_SEAT])

    assert registry.get("/subjects") == []


@row("5.1", 65)
def test_a_referrer_does_not_come_back_without_its_target(registry: Registry, ticket: int) -> None:
    registry.delete("/subjects/tickets/versions/1")
    registry.delete("/subjects/seats/versions/1")

    assert registry.refuse("tickets", TICKET, references=[TO_SEAT]) == 42201
    assert registry.get("/subjects/seats/versions/1/referencedby?deleted=true") == [ticket]

    registry.delete("/subjects/tickets/versions/1?permanent=true")
    registry.delete("/subjects/seats/versions/1?permanent=true")
    assert registry.refuse("tickets", TICKET, references=[TO_SEAT]) == 42201


@row("5.1", 66)
def test_a_referrer_does_not_come_back_after_both_are_gone(registry: Registry, ticket: int) -> None:
    for subject in ("tickets", "seats"):
        registry.delete(f"/subjects/{subject}/versions/1")
        registry.delete(f"/subjects/{subject}/versions/1?permanent=true")

    assert registry.refuse("tickets", TICKET, references=[TO_SEAT]) == 42201
    changed = record("Ticket", field("seat", "Seat"), field("price", "int"), namespace="hall")
    assert registry.refuse("tickets", changed, references=[TO_SEAT]) == 42201


@row("5.1", 67)
def test_a_deleted_version_stays_as_long_as_a_referrer_is_stored(registry: Registry) -> None:
    registry.register("seats", record("Seat", namespace="hall"))
    target = registry.register("seats", SEAT)
    referrer = registry.register("tickets", TICKET, references=[reference("hall.Seat", "seats", 2)])
    registry.delete("/subjects/tickets/versions/1")
    registry.delete("/subjects/seats/versions/2")

    again = registry.registered("seats", SEAT)

    assert (again["id"], again["version"]) == (target, 3)
    assert registry.get("/subjects/seats/versions/2?deleted=true")["id"] == target
    assert referrer in registry.get("/subjects/seats/versions/2/referencedby?deleted=true")


@row("5.1", 89)
def test_a_reference_within_a_subject_does_not_keep_it(registry: Registry) -> None:
    registry.register("seats", SEAT)
    registry.register("seats", TICKET, references=[TO_SEAT])

    assert registry.delete("/subjects/seats") == [1, 2]
    assert registry.delete("/subjects/seats?permanent=true") == [1, 2]
