"""/config and /config/{s}."""

from typing import Any

import pytest

from audit.models import AuditEvent
from registry.models import Subject
from tests.cast import Api, Member, last_event

INVALID_LEVEL = {
    "error_code": 42203,
    "message": "Invalid compatibility level. Valid values are none, backward, forward, full, "
    "backward_transitive, forward_transitive, and full_transitive",
}


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
