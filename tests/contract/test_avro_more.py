"""Section 5.1, what is left: importing, normalizing, the server itself, metadata, rule sets, reserved fields."""

from typing import Any

import pytest

from tests.contract.calls import INT, STRING, Registry, dumped, field, record
from tests.contract.marking import row

pytestmark = pytest.mark.usefixtures("none")
TICKET = record("Ticket", field("seat"))
PASS = record("Pass", field("gate"))
# Canonical, and not in normal form: the props stand in the order they came in.
RAW = dumped({"type": "record", "name": "Ticket", "fields": [field("seat")], "ink": "red", "art": "none"})
NORMAL = dumped({"type": "record", "name": "Ticket", "fields": [field("seat")], "art": "none", "ink": "red"})
RULES = {"domainRules": [{"name": "seated", "kind": "CONDITION", "mode": "WRITE", "type": "CEL", "expr": "true"}]}


def by_version(registry: Registry, version: int | str = 1) -> Any:
    return registry.get(f"/subjects/tickets/versions/{version}")


@row("5.1", 17)
@pytest.mark.parametrize("subject", ["tickets", "passes"])
def test_an_id_that_is_taken_is_not_imported_over(registry: Registry, subject: str) -> None:
    registry.mode("IMPORT")
    assert registry.register("tickets", TICKET, id=7, version=1) == 7

    assert registry.refuse(subject, PASS, id=7, version=2) == 42205


@row("5.1", 18)
def test_what_a_subject_normalizes_is_imported_as_it_is(registry: Registry) -> None:
    registry.put("/config/tickets", {"normalize": True})
    registry.mode("IMPORT")

    registry.register("tickets", RAW, id=7, version=1)

    assert by_version(registry)["schema"] == RAW


@row("5.1", 19)
def test_a_subject_may_normalize_what_it_is_given(registry: Registry) -> None:
    registry.put("/config/tickets", {"normalize": True})

    registry.register("tickets", RAW)

    assert by_version(registry)["schema"] == NORMAL


@row("5.1", 20)
def test_an_import_is_not_normalized_even_when_asked_for(registry: Registry) -> None:
    registry.mode("IMPORT")

    registry.post("/subjects/tickets/versions?normalize=true", {"schema": RAW, "id": 7, "version": 1})

    assert by_version(registry)["schema"] == RAW


@row("5.1", 21)
def test_one_id_is_imported_under_several_versions(registry: Registry) -> None:
    registry.mode("IMPORT")

    imported = [registry.register("tickets", TICKET, id=7, version=version) for version in (1, 2, 1)]

    assert imported == [7, 7, 7]
    assert registry.versions("tickets") == [1, 2]


@row("5.1", 50)
def test_a_bad_default_is_refused_when_normalizing_too(registry: Registry) -> None:
    bad = {"schema": record("Ticket", field("seat", default=None))}

    assert registry.error("POST", "/subjects/tickets/versions?normalize=true", bad) == 42201
    query = "normalize=true&verbose=true"
    told = registry.post(f"/compatibility/subjects/tickets/versions/latest?{query}", bad)
    assert told["is_compatible"] is False
    assert "Invalid schema" in told["messages"][0]


@row("5.1", 79)
def test_the_server_says_what_it_is(registry: Registry) -> None:
    told = registry.get("/v1/metadata/id")

    assert not told.get("id")
    assert told["scope"]["path"] == []
    assert all(told["scope"]["clusters"].values())
    assert set(registry.get("/v1/metadata/version")) == {"version", "commitId"}
    assert registry.get("/v1/metadata/deployment") == {"attributes": []}


@row("5.1", 80)
def test_headers_of_the_operator_come_with_an_answer(registry: Registry, settings: Any) -> None:
    assert "Strict-Transport-Security" not in registry.answer("GET", "/v1/metadata/id")

    settings.CALLBOARD = {**settings.CALLBOARD, "RESPONSE_HEADERS": {"Strict-Transport-Security": "max-age=600"}}

    assert registry.answer("GET", "/v1/metadata/id")["Strict-Transport-Security"] == "max-age=600"


@row("5.1", 81)
def test_a_mode_is_that_of_the_subject_or_else_the_one_above(registry: Registry) -> None:
    assert registry.get("/mode") == {"mode": "READWRITE"}
    assert registry.error("GET", "/mode/tickets") == 40409
    assert registry.get("/mode/tickets?defaultToGlobal=true") == {"mode": "READWRITE"}
    registry.mode("READONLY")
    registry.mode("READWRITE", "tickets")
    assert registry.register("tickets", TICKET) == 1

    registry.delete("/mode/tickets")

    assert registry.refuse("tickets", PASS) == 42205
    registry.mode("READONLY_OVERRIDE")
    assert registry.get("/mode") == {"mode": "READONLY_OVERRIDE"}
    assert registry.refuse("tickets", PASS) == 42205


@row("5.1", 82)
def test_metadata_is_inherited_from_the_version_before(registry: Registry) -> None:
    metadata = {"properties": {"stage": "main"}}
    number = registry.register("tickets", TICKET, metadata=metadata)

    assert registry.register("tickets", TICKET) == number
    assert by_version(registry)["metadata"] == metadata


@row("5.1", 83)
def test_a_rule_set_is_stored_shown_and_inherited(registry: Registry) -> None:
    first = registry.registered("tickets", TICKET, ruleSet=RULES)
    [shown] = first["ruleSet"]["domainRules"]
    assert shown == {**RULES["domainRules"][0], "disabled": False}
    for answer in (
        registry.get("/schemas/ids/1"),
        by_version(registry),
        registry.lookup("tickets", TICKET, ruleSet=RULES),
    ):
        assert answer["ruleSet"] == first["ruleSet"]

    assert registry.register("tickets", TICKET) == 1

    rules = {"domainRules": [{**RULES["domainRules"][0], "expr": "false"}]}
    other = registry.registered("tickets", TICKET, ruleSet=rules)
    assert other["id"] == 2
    assert other["guid"] != first["guid"]


# In this order: top level, subject, whether a reserved field may come in.
@row("5.1", 84)
@pytest.mark.parametrize(
    ("above", "own", "is_free"),
    [
        (None, None, True),
        (True, None, False),
        (False, None, True),
        (None, True, False),
        (False, True, False),
        (True, False, True),
    ],
)
def test_reserved_fields_are_kept_out_where_fields_are_validated(
    registry: Registry, above: bool | None, own: bool | None, is_free: bool
) -> None:
    registry.put("/config", {"validateFields": above})
    registry.put("/config/tickets", {"validateFields": own})
    reserved = {"properties": {"confluent:reserved": "seat,row"}}

    answer = registry.answer("POST", "/subjects/tickets/versions", {"schema": TICKET, "metadata": reserved})

    assert answer.status_code == (200 if is_free else 409)


@row("5.1", 84)
def test_a_reserved_field_stays_reserved(registry: Registry) -> None:
    registry.put("/config", {"validateFields": True})
    registry.register("tickets", TICKET, metadata={"properties": {"confluent:reserved": "row,gate"}})

    assert registry.refuse("tickets", TICKET, metadata={"properties": {"confluent:reserved": "row"}}) == 40901


@row("5.1", 85)
@pytest.mark.parametrize(
    "config",
    [{"compatibility": "FULL"}, {"normalize": True}, {"validateFields": True}, {"compatibilityGroup": "application"}],
)
def test_a_config_comes_back_as_it_was_sent(registry: Registry, config: dict[str, Any]) -> None:
    assert registry.put("/config/tickets", config) == config
    assert registry.put("/config", config) == config


@row("5.1", 86)
@pytest.mark.parametrize(
    "text", [record("Ticket", namespace="box-office"), record("Ticket", field("seat", default=None))]
)
def test_new_schemas_are_checked_unless_switched_off(registry: Registry, text: str) -> None:
    assert registry.refuse("tickets", text) == 42201

    registry.put("/config", {"validateNewSchemas": False})

    assert registry.register("tickets", text) == 1


@row("5.1", 88)
def test_a_sensitive_value_is_shown(registry: Registry) -> None:
    metadata = {"properties": {"till": "4711"}, "sensitive": ["till"]}
    registry.register("tickets", TICKET, metadata=metadata)

    assert registry.get("/schemas/ids/1")["metadata"] == metadata


@row("5.1", 90)
def test_every_registration_tells_the_version(registry: Registry) -> None:
    texts = [("tickets", INT), ("tickets", INT), ("tickets", STRING), ("passes", STRING)]

    assert [registry.registered(*one)["version"] for one in texts] == [1, 1, 2, 1]
