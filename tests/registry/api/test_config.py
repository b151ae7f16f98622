"""/config and /config/{s}."""

import json
from typing import Any

import pytest

from audit.models import AuditEvent
from registry.models import Subject
from tests.cast import Api, Member

INVALID_LEVEL = {
    "error_code": 42203,
    "message": "Invalid compatibility level. Valid values are none, backward, forward, full, "
    "backward_transitive, forward_transitive, and full_transitive",
}


def last_event() -> Any:
    event = AuditEvent.objects.order_by("-seq").first()
    assert event is not None
    return json.loads(event.payload)


@pytest.fixture
def subject(api: Api, owner: Member) -> str:
    api.post("/subjects/a/versions", {"schema": '"string"'}, as_=owner)
    return "a"


def test_where_nothing_is_set_the_servers_level_counts(api: Api, owner: Member, settings: Any) -> None:
    assert api.get("/config", as_=owner).json() == {"compatibilityLevel": "BACKWARD"}

    settings.CALLBOARD = {**settings.CALLBOARD, "COMPATIBILITY": "FULL"}
    assert api.get("/config?defaultToGlobal=true", as_=owner).json() == {"compatibilityLevel": "FULL"}


@pytest.mark.parametrize("given", ["FULL", "full", "Full"])
def test_a_level_is_taken_in_any_letter_case(api: Api, admin: Member, given: str) -> None:
    assert api.put("/config", {"compatibility": given}, as_=admin).json() == {"compatibility": "FULL"}
    assert api.get("/config", as_=admin).json() == {"compatibilityLevel": "FULL"}


@pytest.mark.parametrize("given", ["bad", "", " FULL", "backward-transitive", 1])
def test_an_unknown_level_is_refused(api: Api, admin: Member, given: Any) -> None:
    assert api.put("/config", {"compatibility": given}, as_=admin).json() == INVALID_LEVEL
    assert api.get("/config", as_=admin).json() == {"compatibilityLevel": "BACKWARD"}


def test_a_put_is_a_patch_and_null_clears(api: Api, owner: Member, subject: str) -> None:
    def put(body: dict[str, Any]) -> Any:
        return api.put("/config/a", body, as_=owner).json()

    assert put({"compatibility": "FULL", "normalize": True}) == {"normalize": True, "compatibility": "FULL"}
    assert put({"validateNewSchemas": False})["validateNewSchemas"] is False
    assert put({"normalize": None, "validateNewSchemas": None}) == {"compatibility": "FULL"}
    assert put({"compatibility": None}) == {}
    assert put({}) == {}
    assert api.get("/config/a", as_=owner).json() == {"compatibilityLevel": "BACKWARD"}


@pytest.mark.parametrize(("given", "taken"), [("true", True), ("TRUE", True), ("false", False), (0, False), (2, True)])
def test_a_boolean_may_come_in_disguise(api: Api, owner: Member, subject: str, given: Any, taken: bool) -> None:
    assert api.put("/config/a", {"normalize": given}, as_=owner).json() == {"normalize": taken}


@pytest.mark.parametrize("body", [{"normalize": "x"}, {"normalize": []}, {"compatibility": ["FULL"]}, []])
def test_a_wrong_type_is_a_400(api: Api, owner: Member, subject: str, body: Any) -> None:
    assert api.put("/config/a", body, as_=owner).status_code == 400


def test_a_subject_without_config_says_so_unless_asked_for_what_is_in_force(
    api: Api, owner: Member, admin: Member, subject: str
) -> None:
    api.put("/config", {"compatibility": "NONE"}, as_=admin)

    assert api.get("/config/a", as_=owner).json() == {
        "error_code": 40408,
        "message": "Subject 'a' does not have subject-level compatibility configured",
    }
    assert api.get("/config/a?defaultToGlobal=true", as_=owner).json() == {"compatibilityLevel": "NONE"}


def test_a_subject_config_without_level_masks_the_level_above(
    api: Api, owner: Member, admin: Member, subject: str
) -> None:
    api.put("/config", {"compatibility": "NONE"}, as_=admin)
    api.put("/config/a", {"normalize": True}, as_=owner)

    in_force = api.get("/config/a?defaultToGlobal=true", as_=owner).json()
    refused = api.post("/subjects/a/versions", {"schema": '"int"'}, as_=owner)

    assert in_force == {"normalize": True, "compatibilityLevel": "BACKWARD"}
    assert refused.json()["error_code"] == 40901


def test_other_fields_come_from_the_top_level(api: Api, owner: Member, admin: Member, subject: str) -> None:
    api.put("/config", {"normalize": True}, as_=admin)
    api.put("/config/a", {"compatibility": "NONE"}, as_=owner)

    response = api.post(
        "/subjects/a/versions", {"schema": '{"type":"record","name":"R","z":1,"a":2,"fields":[]}'}, as_=owner
    )

    assert response.json()["schema"] == '{"type":"record","name":"R","fields":[],"a":2,"z":1}'


def test_deleting_returns_what_was_in_force(api: Api, owner: Member, subject: str) -> None:
    api.put("/config/a", {"compatibility": "FULL"}, as_=owner)

    assert api.delete("/config/a", as_=owner).json() == {"compatibilityLevel": "FULL"}
    assert api.delete("/config/a", as_=owner).json() == {"error_code": 40401, "message": "Subject 'a' not found."}


def test_deleting_the_top_level_is_fine_even_if_nothing_is_set(api: Api, admin: Member) -> None:
    assert api.delete("/config", as_=admin).json() == {"compatibilityLevel": "BACKWARD"}


def test_the_default_context_is_the_top_level(api: Api, admin: Member) -> None:
    api.put("/config/:.:", {"compatibility": "FULL"}, as_=admin)

    assert api.get("/config", as_=admin).json() == {"compatibilityLevel": "FULL"}
    assert api.get("/config/:.", as_=admin).json() == {"compatibilityLevel": "FULL"}


@pytest.mark.parametrize("name", ["__GLOBAL", "__EMPTY", "a%0Ab", "a%2Fversions", "a%2F%2F"])
def test_a_name_nobody_may_have_is_refused_after_its_level(api: Api, admin: Member, name: str) -> None:
    assert api.put(f"/config/{name}", {"compatibility": "bad"}, as_=admin).json() == INVALID_LEVEL
    assert api.put(f"/config/{name}", {"compatibility": "FULL"}, as_=admin).json()["error_code"] == 42208
    assert api.get(f"/config/{name}", as_=admin).json()["error_code"] == 40408


ALL_FIELDS = {
    "alias": "other",
    "aliasForDeks": "another",
    "normalize": True,
    "validateFields": True,
    "validateNewSchemas": False,
    "validateRules": True,
    "compatibility": "FULL",
    "compatibilityPolicy": "LENIENT",
    "compatibilityGroup": "region",
}


def test_every_field_is_stored_and_returned(api: Api, owner: Member, subject: str) -> None:
    updated = api.put("/config/a", ALL_FIELDS, as_=owner).json()

    assert list(updated.items()) == list(ALL_FIELDS.items())
    shown = {("compatibilityLevel" if name == "compatibility" else name): value for name, value in ALL_FIELDS.items()}
    assert api.get("/config/a", as_=owner).json() == shown
    assert api.delete("/config/a", as_=owner).json() == shown


@pytest.mark.parametrize("member", [name for name in ALL_FIELDS if name != "compatibility"])
def test_a_null_clears_one_field_and_leaves_the_others(api: Api, owner: Member, subject: str, member: str) -> None:
    api.put("/config/a", ALL_FIELDS, as_=owner)

    updated = api.put("/config/a", {member: None}, as_=owner).json()

    assert updated == {name: value for name, value in ALL_FIELDS.items() if name != member}


def test_an_empty_text_is_kept_but_not_shown(api: Api, owner: Member, subject: str) -> None:
    assert api.put("/config/a", {"alias": ""}, as_=owner).json() == {"alias": ""}
    assert api.get("/config/a", as_=owner).json() == {"compatibilityLevel": "BACKWARD"}


def test_a_number_may_stand_for_a_text(api: Api, owner: Member, subject: str) -> None:
    assert api.put("/config/a", {"alias": 5}, as_=owner).json() == {"alias": "5"}


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_a_text_that_no_database_holds_is_refused(api: Api, owner: Member, subject: str, text: str) -> None:
    response = api.put("/config/a", {"alias": text}, as_=owner)

    assert response.status_code == 422
    assert "alias" in response.json()["message"]


@pytest.mark.parametrize(("given", "taken"), [("STRICT", "STRICT"), ("lenient", "LENIENT")])
def test_a_policy_is_taken_in_any_letter_case(api: Api, owner: Member, subject: str, given: str, taken: str) -> None:
    assert api.put("/config/a", {"compatibilityPolicy": given}, as_=owner).json() == {"compatibilityPolicy": taken}


@pytest.mark.parametrize("given", ["LOGICAL", "NOPE", ""])
def test_a_policy_that_is_not_known_is_refused_and_not_dropped(
    api: Api, owner: Member, subject: str, given: str
) -> None:
    response = api.put("/config/a", {"compatibilityPolicy": given}, as_=owner)

    assert (response.status_code, response.json()["error_code"]) == (422, 422)
    assert "STRICT and LENIENT" in response.json()["message"]
    assert api.get("/config/a", as_=owner).json()["error_code"] == 40408


def test_the_level_has_another_name_in_a_put(api: Api, owner: Member, subject: str) -> None:
    assert api.put("/config/a", {"compatibilityLevel": "FULL"}, as_=owner).json() == {}


def test_most_of_what_a_subject_leaves_open_comes_from_the_top_level(
    api: Api, owner: Member, admin: Member, subject: str
) -> None:
    api.put("/config", ALL_FIELDS, as_=admin)
    api.put("/config/a", {"normalize": False}, as_=owner)

    assert api.get("/config/a?defaultToGlobal=true", as_=owner).json() == {
        "normalize": False,
        "validateFields": True,
        "validateNewSchemas": False,
        "validateRules": True,
        "compatibilityLevel": "BACKWARD",
        "compatibilityPolicy": "LENIENT",
        "compatibilityGroup": "region",
    }
    assert api.get("/config/a", as_=owner).json() == {"normalize": False, "compatibilityLevel": "BACKWARD"}


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


COLUMNS = {"defaultRuleSet": "default_rule_set", "overrideRuleSet": "override_rule_set"}
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


def test_a_change_of_level_is_one_event_with_before_and_after(api: Api, owner: Member, subject: str) -> None:
    api.put("/config/a", {"compatibility": "FULL"}, as_=owner)
    api.put("/config/a", {"compatibility": "NONE"}, as_=owner)

    event = last_event()
    assert event["action"] == "compatibility.changed"
    assert event["object"] == {"kind": "subject", "ref": ":.:a"}
    assert event["detail"] == {
        "before": {"compatibility_level": "FULL"},
        "after": {"compatibility_level": "NONE"},
    }
    assert Subject.objects.get().changed_seq == AuditEvent.objects.count()


def test_setting_what_is_set_leaves_no_event(api: Api, owner: Member, subject: str) -> None:
    api.put("/config/a", {"compatibility": "FULL"}, as_=owner)
    events = AuditEvent.objects.count()

    api.put("/config/a", {"compatibility": "full"}, as_=owner)

    assert AuditEvent.objects.count() == events


def test_the_top_level_is_for_those_who_manage_everything(api: Api, owner: Member) -> None:
    for response in (api.put("/config", {"compatibility": "FULL"}, as_=owner), api.delete("/config", as_=owner)):
        assert (response.status_code, response.json()["error_code"]) == (403, 40301)


def test_an_outsider_may_read_a_config_but_not_change_it(
    api: Api, owner: Member, outsider: Member, subject: str
) -> None:
    api.put("/config/a", {"compatibility": "FULL"}, as_=owner)

    assert api.get("/config/a", as_=outsider).json() == {"compatibilityLevel": "FULL"}
    assert api.put("/config/a", {"compatibility": "NONE"}, as_=outsider).json()["error_code"] == 40301
    assert api.delete("/config/a", as_=outsider).json()["error_code"] == 40301


def test_the_config_of_a_hidden_subject_is_not_there(
    api: Api, owner: Member, outsider: Member, subject: str, hide: Any
) -> None:
    api.put("/config/a", {"compatibility": "FULL"}, as_=owner)
    hide("a")

    assert api.get("/config/a", as_=outsider).json()["error_code"] == 40408
    assert api.delete("/config/a", as_=outsider).json()["error_code"] == 40401


def test_a_config_may_be_set_before_the_subject_exists(api: Api, admin: Member) -> None:
    assert api.put("/config/later", {"compatibility": "NONE"}, as_=admin).json() == {"compatibility": "NONE"}
    assert api.get("/config/later", as_=admin).json() == {"compatibilityLevel": "NONE"}
    assert not Subject.objects.exists()
