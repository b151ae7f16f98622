"""Section 5.8: tags inside schemas, given and taken with a registration or at a version of their own."""

from typing import Any

import pytest

from tests.contract.calls import Registry, dumped, field, record
from tests.contract.marking import row

TICKET = record("Ticket", field("seat"), namespace="hall")
PATH = "/subjects/tickets/versions"


def tags(path: str, *names: str) -> dict[str, Any]:
    kind = "sr_field" if path.count(".") > 1 else "sr_record"
    return {"schemaEntity": {"entityPath": path, "entityType": kind}, "tags": list(names)}


def tagged(*names: str, of_seat: tuple[str, ...] = (), more: tuple[dict[str, Any], ...] = ()) -> str:
    seat = field("seat", **({"confluent:tags": list(of_seat)} if of_seat else {}))
    schema = {"type": "record", "name": "Ticket", "namespace": "hall", "fields": [seat, *more]}
    return dumped({**schema, "confluent:tags": list(names)} if names else schema)


def stamp(number: int) -> dict[str, Any]:
    return {"properties": {"confluent:version": str(number)}}


def rule(name: str, expr: str = "true") -> dict[str, Any]:
    return {"name": name, "kind": "CONDITION", "mode": "WRITE", "type": "CEL", "expr": expr}


@pytest.fixture(autouse=True)
def ticket(none: None, registry: Registry) -> None:
    registry.register("tickets", TICKET)


@row("5.8", 1)
def test_a_registration_gives_and_takes_tags(registry: Registry) -> None:
    added = registry.registered("tickets", TICKET, version=2, schemaTagsToAdd=[tags("hall.Ticket", "VIP", "GALA")])
    assert (added["id"], added["schema"], added["metadata"]) == (2, tagged("VIP", "GALA"), stamp(2))
    assert registry.get(f"{PATH}/latest?findTags=*")["schemaTags"] == [tags("hall.Ticket", "VIP", "GALA")]

    removed = registry.registered(
        "tickets", added["schema"], version=3, schemaTagsToRemove=[tags("hall.Ticket", "GALA")]
    )

    assert (removed["version"], removed["schema"], removed["metadata"]) == (3, tagged("VIP"), stamp(3))
    assert registry.get("/schemas/ids/3?findTags=VIP")["schemaTags"] == [tags("hall.Ticket", "VIP")]


@row("5.8", 2)
def test_tags_are_carried_over_to_the_next_version(registry: Registry) -> None:
    registry.registered("tickets", TICKET, schemaTagsToAdd=[tags("hall.Ticket", "VIP")])
    price = field("price", "int", default=0)
    evolved = tagged(more=(price,))

    carried = registry.registered("tickets", evolved, propagateSchemaTags=True)
    assert carried["schema"] == tagged("VIP", more=(price,))
    own = tagged(of_seat=("PII",), more=(price, field("row", "int", default=0)))
    merged = registry.registered("tickets", own, propagateSchemaTags=True)

    assert merged["version"] == 4
    found = registry.get(f"{PATH}/latest?findTags=*")["schemaTags"]
    assert found == [tags("hall.Ticket", "VIP"), tags("hall.Ticket.seat", "PII")]


@row("5.8", 3)
@pytest.mark.parametrize("subject", ["tickets", ":.tour:tickets"])
def test_tags_make_the_next_version_and_stamp_it(registry: Registry, subject: str) -> None:
    registry.register(subject, TICKET)

    made = registry.registered(subject, TICKET, schemaTagsToAdd=[tags("hall.Ticket", "VIP")])

    assert (made["version"], made["metadata"]) == (2, stamp(2))


@row("5.8", 4)
def test_tags_want_the_next_version_and_a_path_that_is_there(registry: Registry) -> None:
    assert registry.refuse("tickets", TICKET, version=7, schemaTagsToAdd=[tags("hall.Ticket", "VIP")]) == 42201
    assert registry.refuse("tickets", TICKET, version=2, schemaTagsToAdd=[tags("hall.Pass", "VIP")]) == 42201
    assert registry.versions("tickets") == [1]


@row("5.8", 5)
def test_a_stored_version_is_tagged(registry: Registry) -> None:
    body = {"newVersion": 2, "tagsToAdd": [tags("hall.Ticket", "VIP"), tags("hall.Ticket.seat", "PII")]}
    made = registry.post(f"{PATH}/latest/tags", body)
    assert (made["version"], made["schema"], made["metadata"]) == (2, tagged("VIP", of_seat=("PII",)), stamp(2))

    made = registry.post(f"{PATH}/2/tags", {"tagsToRemove": [tags("hall.Ticket", "VIP")]})

    assert (made["version"], made["schema"], made["metadata"]) == (3, tagged(of_seat=("PII",)), stamp(3))


@row("5.8", 5)
def test_tagging_what_is_not_there(registry: Registry) -> None:
    body = {"tagsToAdd": [tags("hall.Ticket", "VIP")]}

    assert registry.error("POST", "/subjects/passes/versions/latest/tags", body) == 40401
    assert registry.error("POST", f"{PATH}/9/tags", body) == 40402
    assert registry.error("POST", f"{PATH}/latest/tags", {**body, "newVersion": 9}) == 42201


@row("5.8", 6)
def test_rules_are_merged_and_taken_with_tags(registry: Registry) -> None:
    registry.register("tickets", TICKET, ruleSet={"domainRules": [rule("one"), rule("two")]})

    merge = {"rulesToMerge": {"domainRules": [rule("one", "false"), rule("three")]}}
    merged = registry.post(f"{PATH}/latest/tags", merge)
    rules = merged["ruleSet"]["domainRules"]
    assert [(each["name"], each["expr"]) for each in rules] == [("two", "true"), ("one", "false"), ("three", "true")]
    removed = registry.post(f"{PATH}/latest/tags", {"rulesToRemove": ["two", "nobody"]})

    assert [each["name"] for each in removed["ruleSet"]["domainRules"]] == ["one", "three"]
