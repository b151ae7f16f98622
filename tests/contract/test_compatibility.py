"""Section 5.3, where the server's level is BACKWARD, and section 5.4: levels, groups, inherited metadata and rules."""

from typing import Any

import pytest

from tests.contract.calls import Registry, field, record
from tests.contract.marking import row

TICKET = record("Ticket", field("seat"))
WITH_PRICE = record("Ticket", field("seat"), field("price", "int"))
WITH_FREE_PRICE = record("Ticket", field("seat"), field("price", "int", default=0))
OTHER = record("Ticket", field("gate"))
BAD_DEFAULT = record("Ticket", field("seat", default=None))
GLOBAL = ":.__GLOBAL:"


def rule(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": "CONDITION", "mode": "WRITE", "type": "CEL", "expr": "true", **more}


def properties(**given: str) -> dict[str, Any]:
    return {"properties": given}


def names(rule_set: Any) -> list[str]:
    return [each["name"] for each in rule_set["domainRules"]]


@row("5.3", 1)
def test_a_new_field_needs_a_default(registry: Registry) -> None:
    registry.register("tickets", TICKET)

    refusal = registry.refusal("POST", "/subjects/tickets/versions", {"schema": WITH_PRICE})

    assert refusal["error_code"] == 40901
    assert "READER_FIELD_MISSING_DEFAULT_VALUE" in refusal["message"]
    assert registry.register("tickets", WITH_FREE_PRICE) == 2
    assert registry.refuse("tickets", "a ticket, please") == 42201


@row("5.3", 2)
def test_force_registers_what_does_not_fit(registry: Registry) -> None:
    registry.register("tickets", TICKET)

    assert registry.post("/subjects/tickets/versions?force=true", {"schema": WITH_PRICE})["id"] == 2


@row("5.3", 3)
def test_without_a_level_everything_fits(registry: Registry) -> None:
    registry.register("tickets", TICKET)

    registry.level("NONE", "tickets")

    assert registry.register("tickets", WITH_PRICE) == 2


@row("5.3", 4)
def test_the_level_decides_which_changes_are_fine(registry: Registry) -> None:
    registry.register("tickets", TICKET)
    for level, is_fine in (("BACKWARD", False), ("FORWARD", True), ("BACKWARD", False)):
        registry.level(level)

        assert registry.get("/config") == {"compatibilityLevel": level}
        assert registry.fits("tickets", WITH_PRICE) is is_fine


@row("5.3", 5)
def test_versions_of_another_group_do_not_count(registry: Registry) -> None:
    registry.put("/config/tickets", {"compatibilityGroup": "season"})
    registry.register("tickets", TICKET, metadata=properties(season="spring"))

    assert registry.refuse("tickets", OTHER) == 40901
    assert registry.register("tickets", OTHER, metadata=properties(season="autumn")) == 2


@row("5.3", 6)
def test_versions_without_a_group_are_a_group(registry: Registry) -> None:
    registry.register("tickets", TICKET)
    registry.put("/config/tickets", {"compatibilityGroup": "season"})
    assert registry.refuse("tickets", OTHER) == 40901
    assert registry.register("tickets", OTHER, metadata=properties(season="spring")) == 2

    assert registry.refuse("tickets", OTHER, metadata=properties(colour="red")) == 40901
    assert registry.register("tickets", WITH_FREE_PRICE, metadata={}) == 3


@row("5.3", 7)
def test_null_takes_the_group_and_leaves_the_rest(registry: Registry) -> None:
    config = {"compatibility": "FORWARD", "validateFields": True}
    registry.put("/config/tickets", {**config, "compatibilityGroup": "season"})

    assert registry.put("/config/tickets", {"compatibilityGroup": None}) == config

    assert registry.get("/config/tickets") == {"compatibilityLevel": "FORWARD", "validateFields": True}


@row("5.3", 8)
def test_metadata_of_the_config_goes_into_every_version(registry: Registry) -> None:
    registry.put("/config", {"defaultMetadata": properties(house="opera")})
    first = registry.registered("tickets", TICKET, metadata=properties(stage="main"))
    both = properties(house="opera", stage="main")
    assert first["metadata"] == registry.get("/schemas/ids/1")["metadata"] == both
    assert registry.registered("tickets", WITH_FREE_PRICE)["metadata"] == both

    third = registry.registered("tickets", TICKET, metadata=properties(foyer="left"))

    assert third["metadata"] == properties(house="opera", foyer="left")
    assert registry.lookup("tickets", TICKET, metadata=third["metadata"])["version"] == third["version"]
    again = registry.registered("tickets", TICKET, metadata=properties(foyer="left"))
    assert (again["id"], again["metadata"]) == (third["id"], third["metadata"])


@row("5.3", 9)
def test_rules_of_the_config_come_before_those_of_the_request(registry: Registry) -> None:
    registry.put("/config", {"defaultRuleSet": {"domainRules": [rule("house")]}})
    first = registry.registered("tickets", TICKET, ruleSet={"domainRules": [rule("stage")]})
    assert names(first["ruleSet"]) == ["house", "stage"]
    assert names(registry.registered("tickets", WITH_FREE_PRICE)["ruleSet"]) == ["house", "stage"]

    third = registry.registered("tickets", TICKET, ruleSet={"domainRules": [rule("foyer", type="ENCRYPT")]})

    assert names(third["ruleSet"]) == ["house", "foyer"]
    assert len(registry.get("/schemas?ruleType=CEL")) == 3
    assert len(registry.get("/schemas?ruleType=ENCRYPT")) == 1
    assert len(registry.get("/schemas?ruleType=CEL&latestOnly=true")) == 1
    assert registry.get("/schemas?ruleType=PAINT") == []


@row("5.3", 10)
@pytest.mark.parametrize(
    "more", [{"metadata": properties(stage="main")}, {"ruleSet": {"domainRules": [rule("seated")]}}]
)
def test_a_version_may_change_nothing_but_what_goes_with_it(registry: Registry, more: dict[str, Any]) -> None:
    registry.register("tickets", TICKET)

    made = registry.post("/subjects/tickets/versions", more)

    assert (made["id"], made["version"], made["schema"]) == (2, 2, TICKET)
    assert set(more) <= set(made)


@row("5.3", 11)
def test_a_version_that_is_asked_for_must_be_the_next_one(registry: Registry) -> None:
    registry.register("tickets", TICKET)

    assert registry.refuse("tickets", WITH_FREE_PRICE, version=3) == 42201
    assert registry.registered("tickets", WITH_FREE_PRICE, version=2)["version"] == 2


@row("5.3", 12)
@pytest.mark.parametrize(
    "rule_set",
    [{"migrationRules": [rule("up", mode="READ")]}, {"domainRules": [rule("seated"), rule("seated")]}],
)
def test_a_config_takes_no_wrong_rules(registry: Registry, rule_set: Any) -> None:
    assert registry.error("PUT", "/config", {"defaultRuleSet": rule_set}) == 42210


@row("5.3", 12)
def test_a_rule_needs_a_type(registry: Registry) -> None:
    untyped = {name: value for name, value in rule("seated").items() if name != "type"}

    assert registry.refuse("tickets", TICKET, ruleSet={"domainRules": [untyped]}) == 42210


@row("5.3", 13)
@pytest.mark.parametrize(("is_checked", "status"), [(False, 200), (True, 422)])
def test_a_check_looks_at_defaults_if_new_schemas_are_validated(
    registry: Registry, is_checked: bool, status: int
) -> None:
    registry.put("/config", {"validateNewSchemas": is_checked})
    path = "/compatibility/subjects/tickets/versions"

    answers = [registry.answer("POST", f"{path}{tail}", {"schema": BAD_DEFAULT}) for tail in ("/latest", "")]

    assert [answer.status_code for answer in answers] == [status, status]


@row("5.3", 14)
def test_normalizing_is_inherited_by_a_subject_with_a_level(registry: Registry) -> None:
    registry.put("/config", {"normalize": True})
    registry.level("FORWARD", "tickets")

    assert registry.get("/config/tickets?defaultToGlobal=true")["normalize"] is True
    assert registry.refuse("tickets", BAD_DEFAULT) == 42201


@row("5.3", 15)
@pytest.mark.parametrize("alias", ["billets", "fr%2Fbillets"])
def test_an_alias_stands_for_its_subject(registry: Registry, alias: str) -> None:
    registry.register("tickets", TICKET)

    registry.put(f"/config/{alias}", {"alias": "tickets"})

    shown = registry.get(f"/subjects/{alias}/versions/1")
    assert (shown["subject"], shown["schema"]) == ("tickets", TICKET)


@row("5.3", 15)
def test_an_alias_may_lead_into_another_context(registry: Registry) -> None:
    registry.register(":.tour:tickets", TICKET)

    registry.put("/contexts/.x/config/billets", {"alias": ":.tour:tickets"})

    assert registry.get("/contexts/.x/subjects/billets/versions/1")["subject"] == ":.tour:tickets"


@row("5.3", 15)
def test_an_alias_for_everything_is_none(registry: Registry) -> None:
    registry.register("tickets", TICKET)

    registry.put("/config", {"alias": "tickets"})

    assert registry.error("GET", "/subjects/billets/versions/1") == 40401


def aliases(registry: Registry, query: str) -> list[Any]:
    """Subject, version and aliases of each entry."""
    listed = registry.get(f"/schemas?{query}")
    return [(entry["subject"], entry["version"], entry.get("aliases")) for entry in listed]


@row("5.3", 16)
def test_schemas_are_listed_by_the_aliases_of_their_subjects(registry: Registry) -> None:
    registry.register("passes", TICKET)
    for text in (TICKET, WITH_FREE_PRICE):
        registry.register("tickets", text)
    registry.put("/config/alias1", {"alias": "tickets"})
    registry.put("/config/alias2", {"alias": "tickets"})

    both = [("tickets", version, ["alias1", "alias2"]) for version in (1, 2)]
    assert aliases(registry, "aliases=true&subjectPrefix=alias") == both
    assert aliases(registry, "subjectPrefix=alias") == []
    assert aliases(registry, "aliases=true") == [("passes", 1, None), *both]
    assert aliases(registry, "subjectPrefix=ticket") == [("tickets", 1, None), ("tickets", 2, None)]


@row("5.3", 16)
def test_aliases_of_contexts_are_qualified(registry: Registry) -> None:
    registry.register("tickets", TICKET)
    registry.register(":.tour:tickets", TICKET)
    registry.put("/config/:.tour:alias3", {"alias": "tickets"})

    assert aliases(registry, "aliases=true&subjectPrefix=:*:") == [
        (":.tour:tickets", 1, [":.tour:alias3"]),
        ("tickets", 1, None),
    ]


@row("5.3", 17)
def test_an_empty_rule_set_is_none_to_a_lookup(registry: Registry) -> None:
    first = registry.register("tickets", TICKET, ruleSet={})
    assert registry.lookup("tickets", TICKET)["id"] == first

    second = registry.register("tickets", TICKET, ruleSet={"domainRules": [rule("seated")]})

    assert second != first
    assert registry.lookup("tickets", TICKET, ruleSet={"domainRules": [rule("seated")]})["id"] == second


@row("5.3", 18)
def test_a_level_above_all_contexts_counts(registry: Registry) -> None:
    registry.register("tickets", TICKET)

    registry.level("NONE", GLOBAL)

    assert registry.get("/config?defaultToGlobal=true") == {"compatibilityLevel": "NONE"}
    assert registry.register("tickets", WITH_PRICE) == 2


@row("5.3", 19)
def test_deleted_schemas_are_listed_when_asked_for(registry: Registry) -> None:
    registry.register("tickets", TICKET)
    registry.delete("/subjects/tickets")

    assert registry.get("/schemas") == []
    [listed] = registry.get("/schemas?deleted=true")
    assert listed["deleted"] is True
    assert listed["ts"] > 0


@row("5.4", 1)
def test_a_change_has_to_fit_all_versions(registry: Registry, backward_transitive: None) -> None:
    registry.register("tickets", TICKET)
    registry.register("tickets", WITH_FREE_PRICE)

    assert registry.refuse("tickets", WITH_PRICE) == 40901


@row("5.4", 2)
def test_a_default_may_be_dropped(registry: Registry, backward_transitive: None) -> None:
    registry.register("tickets", WITH_FREE_PRICE)

    assert registry.register("tickets", WITH_PRICE) == 2
