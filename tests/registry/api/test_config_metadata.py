"""/config: the metadata and rule sets that are added to what is registered."""

from typing import Any

import pytest

from tests.cast import Api, Member, last_event
from tests.unchanged import nothing_changes

METADATA = {"tags": {"Order.id": ["key", "pii"]}, "properties": {"team": "sales"}, "sensitive": ["team"]}
RULES = {"domainRules": [{"name": "total", "type": "CEL", "expr": "message.total > 0"}], "enableAt": "CLIENT"}
RULES_IN_FULL = {
    "domainRules": [
        {
            "name": "total",
            "kind": "TRANSFORM",
            "mode": "WRITEREAD",
            "type": "CEL",
            "expr": "message.total > 0",
            "disabled": False,
        }
    ],
    "enableAt": "CLIENT",
}
COLUMNS = {"defaultRuleSet": "default_rule_set", "overrideRuleSet": "override_rule_set"}


@pytest.mark.parametrize("member", ["defaultMetadata", "overrideMetadata"])
def test_metadata_is_stored_sorted_shown_and_cleared(api: Api, owner: Member, subject: str, member: str) -> None:
    unsorted = {**METADATA, "tags": {"Order.id": ["pii", "key", "pii"]}}

    assert api.put("/config/a", {member: unsorted}, as_=owner).json() == {member: METADATA}
    assert api.get("/config/a", as_=owner).json() == {"compatibilityLevel": "BACKWARD", member: METADATA}
    assert api.put("/config/a", {member: {}}, as_=owner).json() == {member: {}}
    assert api.get("/config/a", as_=owner).json() == {"compatibilityLevel": "BACKWARD", member: {}}
    assert api.put("/config/a", {member: None}, as_=owner).json() == {}


@pytest.mark.parametrize("member", ["defaultRuleSet", "overrideRuleSet"])
def test_a_rule_set_is_stored_shown_in_full_and_cleared(api: Api, owner: Member, subject: str, member: str) -> None:
    assert api.put("/config/a", {member: RULES}, as_=owner).json() == {member: RULES_IN_FULL}
    assert api.get("/config/a", as_=owner).json() == {"compatibilityLevel": "BACKWARD", member: RULES_IN_FULL}
    assert last_event()["detail"] == {"before": {}, "after": {COLUMNS[member]: RULES_IN_FULL}}
    assert api.put("/config/a", {member: None}, as_=owner).json() == {}


WRONG_RULES: list[tuple[Any, str]] = [
    (
        {"migrationRules": [{"name": "up", "type": "JSONATA", "mode": "READ"}]},
        "Migration rules can only be UPGRADE, DOWNGRADE, UPDOWN",
    ),
    (
        {"domainRules": [{"name": "twice", "type": "CEL"}], "encodingRules": [{"name": "twice", "type": "ENCRYPT"}]},
        "Found rule with duplicate name 'twice'",
    ),
    ({"domainRules": [{"name": "untyped"}]}, "Missing rule type"),
]


@pytest.mark.parametrize("member", COLUMNS)
@pytest.mark.parametrize(("rules", "message"), WRONG_RULES)
def test_a_rule_that_is_wrong_is_refused(
    api: Api, owner: Member, subject: str, member: str, rules: Any, message: str
) -> None:
    assert api.put("/config/a", {member: rules}, as_=owner).json() == {"error_code": 42210, "message": message}
    assert api.get("/config/a", as_=owner).json()["error_code"] == 40408


@pytest.mark.parametrize(
    "body",
    [
        {"defaultMetadata": []},
        {"defaultMetadata": {"properties": {"team": None}}},
        {"overrideMetadata": {"tags": {"Order": "pii"}}},
        {"defaultRuleSet": "x"},
        {"overrideRuleSet": {"domainRules": [{"name": "total", "type": "CEL", "mode": "NOPE"}]}},
    ],
)
def test_metadata_and_rules_of_the_wrong_shape_are_a_400(api: Api, owner: Member, subject: str, body: Any) -> None:
    assert api.put("/config/a", body, as_=owner).json()["error_code"] == 400


def test_metadata_that_no_schema_can_hold_is_refused_by_its_path(api: Api, owner: Member, subject: str) -> None:
    body = {"defaultMetadata": {"tags": {"Order.id": ["pii", "a\0b"]}}}

    with nothing_changes():
        answer = api.put("/config/a", body, as_=owner)

    assert answer.json() == {
        "error_code": 42201,
        "message": "`defaultMetadata.tags.Order.id[1]` holds the character U+0000, which no schema can hold",
    }


def test_of_all_that_is_wrong_the_level_is_said_first_then_the_rules_then_the_name(
    api: Api, owner: Member, admin: Member
) -> None:
    level, rules = {"compatibility": "bad"}, {"defaultRuleSet": {"domainRules": [{"name": "untyped"}]}}
    api.put("/mode", {"mode": "READONLY"}, as_=admin)

    def code(name: str, body: Any, who: Member = admin) -> Any:
        return api.put(f"/config/{name}", body, as_=who).json()["error_code"]

    assert code("__EMPTY", {**level, **rules}) == 42203
    assert code("__EMPTY", rules) == 42210
    assert code("__EMPTY", {"compatibility": "NONE"}, owner) == 42208
    assert code("orders", {"compatibility": "NONE"}, owner) == 40301
    assert code("orders", {"compatibility": "NONE"}) == 42205


def test_metadata_and_rules_are_not_inherited_by_a_subject_with_a_config(
    api: Api, owner: Member, admin: Member, subject: str
) -> None:
    api.put("/config", {"defaultMetadata": METADATA, "overrideRuleSet": RULES, "alias": "x"}, as_=admin)

    def shown() -> Any:
        return api.get("/config/a?defaultToGlobal=true", as_=owner).json()

    assert set(shown()) == {"alias", "compatibilityLevel", "defaultMetadata", "overrideRuleSet"}
    api.put("/config/a", {"normalize": True}, as_=owner)
    assert shown() == {"normalize": True, "compatibilityLevel": "BACKWARD"}
