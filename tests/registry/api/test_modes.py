"""/mode and /mode/{s}."""

from typing import Any

import pytest

from audit.models import AuditEvent
from registry.models import Mode, Subject
from registry.services import grants
from tests.cast import STAGE, Api, Member, last_event

INVALID_MODE = {
    "error_code": 42204,
    "message": "Invalid mode. Valid values are READWRITE, READONLY, IMPORT and FORWARD.",
}
FORWARD_ONLY_GLOBAL = {"error_code": 42204, "message": "Forward mode only supported on global level"}
READ_ONLY = {"error_code": 42205, "message": "Subject a in context  is in read-only mode"}


def test_where_nothing_is_set_all_is_open(api: Api, owner: Member, subject: str) -> None:
    assert api.get("/mode", as_=owner).json() == {"mode": "READWRITE"}
    assert api.get("/mode/:.__GLOBAL:", as_=owner).json() == {"mode": "READWRITE"}
    assert api.get("/mode/a?defaultToGlobal=true", as_=owner).json() == {"mode": "READWRITE"}
    assert api.get("/mode/a", as_=owner).json() == {
        "error_code": 40409,
        "message": "Subject 'a' does not have subject-level mode configured",
    }


@pytest.mark.parametrize("given", ["READONLY", "READONLY_OVERRIDE", "ReadWrite"])
def test_a_mode_is_echoed_as_it_was_sent_and_shown_in_capitals(
    api: Api, owner: Member, subject: str, given: str
) -> None:
    assert api.put("/mode/a", {"mode": given}, as_=owner).json() == {"mode": given}
    assert api.get("/mode/a", as_=owner).json() == {"mode": given.upper()}


@pytest.mark.parametrize("body", [{"mode": "NOPE"}, {"mode": ""}, {"mode": 1}, {}, {"mde": "READONLY"}])
def test_an_unknown_mode_is_refused(api: Api, owner: Member, subject: str, body: Any) -> None:
    assert api.put("/mode/a", body, as_=owner).json() == INVALID_MODE
    assert not Mode.objects.exists()


@pytest.mark.parametrize("body", [{"mode": ["READONLY"]}, []])
def test_a_wrong_type_is_a_400(api: Api, owner: Member, subject: str, body: Any) -> None:
    assert api.put("/mode/a", body, as_=owner).status_code == 400


@pytest.mark.parametrize("body", ["", "null"])
def test_a_missing_body_says_so(api: Api, owner: Member, body: str) -> None:
    assert api.put("/mode/a", body, as_=owner).json() == {
        "error_code": 422,
        "message": "updateMode.request must not be null (was null)",
    }


def test_a_null_clears_and_is_echoed(api: Api, owner: Member, subject: str) -> None:
    api.put("/mode/a", {"mode": "READONLY"}, as_=owner)

    assert api.put("/mode/a", {"mode": None}, as_=owner).json() == {"mode": None}
    assert api.get("/mode/a", as_=owner).json()["error_code"] == 40409


@pytest.mark.parametrize("name", ["__GLOBAL", "a%0Ab", "a%2Fversions"])
def test_a_name_nobody_may_have_is_refused_after_its_mode(api: Api, admin: Member, name: str) -> None:
    assert api.put(f"/mode/{name}", {"mode": "bad"}, as_=admin).json() == INVALID_MODE
    assert api.put(f"/mode/{name}", {"mode": "READONLY"}, as_=admin).json()["error_code"] == 42208
    assert api.get(f"/mode/{name}", as_=admin).json()["error_code"] == 40409


def test_the_nearest_mode_counts(api: Api, owner: Member, admin: Member, subject: str) -> None:
    def in_force() -> Any:
        return api.get("/mode/a?defaultToGlobal=true", as_=owner).json()["mode"]

    api.put("/mode/:.__GLOBAL:", {"mode": "FORWARD"}, as_=admin)
    assert in_force() == "FORWARD"
    api.put("/mode", {"mode": "READONLY"}, as_=admin)
    assert in_force() == "READONLY"
    api.put("/mode/a", {"mode": "READWRITE"}, as_=owner)
    assert in_force() == "READWRITE"
    api.delete("/mode/a", as_=owner)
    assert in_force() == "READONLY"
    api.delete("/mode", as_=admin)
    assert in_force() == "FORWARD"


def test_the_top_level_does_not_show_what_is_set_above_it_unless_asked(api: Api, admin: Member) -> None:
    api.put("/mode/:.__GLOBAL:", {"mode": "READONLY"}, as_=admin)

    assert api.get("/mode", as_=admin).json() == {"mode": "READWRITE"}
    assert api.get("/mode?defaultToGlobal=true", as_=admin).json() == {"mode": "READONLY"}


def test_a_mode_of_one_context_is_none_of_another(api: Api, admin: Member) -> None:
    api.put("/mode", {"mode": "READONLY"}, as_=admin)

    assert api.get("/mode/:.c:?defaultToGlobal=true", as_=admin).json() == {"mode": "READWRITE"}
    assert api.get("/mode/:.c:a?defaultToGlobal=true", as_=admin).json() == {"mode": "READWRITE"}


def test_the_default_context_is_the_top_level(api: Api, admin: Member) -> None:
    api.put("/mode/:.:", {"mode": "IMPORT"}, as_=admin)
    api.put("/mode/:.:", {"mode": "READONLY"}, as_=admin)

    assert api.get("/mode", as_=admin).json() == {"mode": "READONLY"}
    assert api.delete("/mode/:.:", as_=admin).json() == {"mode": "READONLY"}
    assert api.get("/mode/:.:", as_=admin).json() == {"mode": "READWRITE"}


@pytest.mark.parametrize("mode", ["READONLY", "READONLY_OVERRIDE"])
def test_read_only_holds_the_config_still_and_not_the_mode(api: Api, owner: Member, subject: str, mode: str) -> None:
    api.put("/config/a", {"compatibility": "FULL"}, as_=owner)
    api.put("/mode/a", {"mode": mode}, as_=owner)

    assert api.put("/config/a", {"compatibility": "NONE"}, as_=owner).json() == READ_ONLY
    assert api.delete("/config/a", as_=owner).json() == READ_ONLY
    assert api.get("/config/a", as_=owner).json() == {"compatibilityLevel": "FULL"}
    assert api.put("/mode/a", {"mode": "READWRITE"}, as_=owner).status_code == 200
    assert api.delete("/config/a", as_=owner).status_code == 200


@pytest.mark.parametrize("mode", ["READONLY", "READONLY_OVERRIDE"])
def test_read_only_refuses_what_is_new_and_knows_what_is_old(
    api: Api, owner: Member, admin: Member, subject: str, mode: str
) -> None:
    api.put("/mode/a", {"mode": mode}, as_=owner)

    assert api.post("/subjects/a/versions", {"schema": '"bytes"'}, as_=owner).json() == READ_ONLY
    assert api.post("/subjects/a/versions", {"schema": '"string"'}, as_=owner).json()["version"] == 1
    assert api.delete("/subjects/a", as_=admin).json() == READ_ONLY


def test_read_only_is_said_after_all_that_is_wrong_with_the_request(api: Api, owner: Member, admin: Member) -> None:
    api.put("/mode", {"mode": "READONLY"}, as_=admin)

    def put(path: str, body: Any, who: Member = admin) -> Any:
        return api.put(path, body, as_=who).json()

    assert put("/config", {"compatibility": "NONE"})["message"] == "Subject null in context  is in read-only mode"
    assert put("/config", {"compatibility": "bad"})["error_code"] == 42203
    assert put("/config/__EMPTY", {"compatibility": "NONE"})["error_code"] == 42208
    assert put("/config", {"compatibility": "NONE"}, owner)["error_code"] == 40301
    assert api.delete("/config/nothing", as_=admin).json()["error_code"] == 40401


@pytest.mark.parametrize("path", ["/mode/a", "/mode", "/mode/:.", "/mode/:.:", "/mode/:.__GLOBAL:a"])
def test_forward_is_for_the_global_level_alone(api: Api, admin: Member, path: str) -> None:
    assert api.put(path, {"mode": "FORWARD"}, as_=admin).json() == FORWARD_ONLY_GLOBAL


def test_forward_is_compared_in_capitals_as_confluent_does(api: Api, admin: Member) -> None:
    assert api.put("/mode/a", {"mode": "forward"}, as_=admin).json() == {"mode": "forward"}
    assert api.get("/mode/a", as_=admin).json() == {"mode": "FORWARD"}


@pytest.mark.parametrize("path", ["/mode/:.__GLOBAL", "/mode/:.__GLOBAL:"])
def test_forward_is_set_read_and_deleted_on_the_global_level(api: Api, admin: Member, path: str) -> None:
    assert api.put(path, {"mode": "FORWARD"}, as_=admin).json() == {"mode": "FORWARD"}
    assert api.get(path, as_=admin).json() == {"mode": "FORWARD"}
    assert api.delete(path, as_=admin).json() == {"mode": "FORWARD"}
    assert api.get(path, as_=admin).json() == {"mode": "READWRITE"}


def test_deleting_returns_the_mode(api: Api, owner: Member, subject: str) -> None:
    api.put("/mode/a", {"mode": "READONLY"}, as_=owner)

    assert api.delete("/mode/a", as_=owner).json() == {"mode": "READONLY"}
    assert api.delete("/mode/a", as_=owner).json() == {"error_code": 40401, "message": "Subject 'a' not found."}
    assert api.delete("/mode/a?recursive=true", as_=owner).json() == {}


def test_deleting_the_top_level_is_fine_even_if_nothing_is_set(api: Api, admin: Member) -> None:
    assert api.delete("/mode", as_=admin).json() == {"mode": "READWRITE"}
    assert api.delete("/mode?recursive=true", as_=admin).json() == {"mode": "READWRITE"}
    assert not AuditEvent.objects.filter(payload__contains="mode.changed").exists()


def test_deleting_the_top_level_leaves_the_subjects_their_modes_unless_recursive(
    api: Api, owner: Member, admin: Member, subject: str
) -> None:
    api.put("/mode/a", {"mode": "READONLY"}, as_=owner)
    api.put("/mode", {"mode": "READONLY"}, as_=admin)

    assert api.delete("/mode", as_=admin).json() == {"mode": "READONLY"}
    assert api.get("/mode/a", as_=owner).json() == {"mode": "READONLY"}
    assert api.delete("/mode?recursive=true", as_=admin).json() == {"mode": "READWRITE"}
    assert api.get("/mode/a", as_=owner).json()["error_code"] == 40409
    assert last_event()["detail"] == {"before": None, "after": None, "cleared": ["a"]}


def test_modes_may_be_fixed_by_a_setting(api: Api, admin: Member, settings: Any) -> None:
    settings.CALLBOARD = {**settings.CALLBOARD, "MODE_MUTABILITY": False}
    fixed = {"error_code": 42205, "message": "Mode changes are not allowed"}

    assert api.put("/mode", {"mode": "READONLY"}, as_=admin).json() == fixed
    assert api.delete("/mode", as_=admin).json() == fixed
    assert api.put("/mode/a", {"mode": "NOPE"}, as_=admin).json() == INVALID_MODE
    assert api.delete("/mode/a", as_=admin).json()["error_code"] == 40401
    assert api.get("/mode", as_=admin).json() == {"mode": "READWRITE"}


def test_a_change_is_one_event_and_moves_the_subject(api: Api, owner: Member, subject: str) -> None:
    before = Subject.objects.get()
    events = AuditEvent.objects.count()

    api.put("/mode/a?force=true", {"mode": "IMPORT"}, as_=owner)

    event = last_event()
    assert AuditEvent.objects.count() == events + 1
    assert event["action"] == "mode.changed"
    assert event["object"] == {"kind": "subject", "ref": ":.:a"}
    assert event["detail"] == {"before": None, "after": "IMPORT", "forced": True}
    assert Subject.objects.get().revision == before.revision + 1
    assert Subject.objects.get().changed_seq == events + 1


@pytest.mark.parametrize(
    ("path", "kind", "ref"), [("/mode", "context", ":.:"), ("/mode/:.__GLOBAL", "global", ":.__GLOBAL:")]
)
def test_the_event_names_the_scope(api: Api, admin: Member, path: str, kind: str, ref: str) -> None:
    api.put(path, {"mode": "READONLY"}, as_=admin)

    assert last_event()["object"] == {"kind": kind, "ref": ref}


def test_setting_what_is_set_leaves_no_event(api: Api, owner: Member, subject: str) -> None:
    api.put("/mode/a", {"mode": "READONLY"}, as_=owner)
    events = AuditEvent.objects.count()

    api.put("/mode/a", {"mode": "readonly"}, as_=owner)
    api.put("/mode/b", {"mode": None}, as_=owner)

    assert AuditEvent.objects.count() == events


def test_the_top_level_is_for_those_who_manage_everything(api: Api, owner: Member) -> None:
    for path in ("/mode", "/mode/:.", "/mode/:.__GLOBAL:", "/mode/:.__GLOBAL:x"):
        assert api.put(path, {"mode": "READONLY"}, as_=owner).json()["error_code"] == 40301
    assert api.delete("/mode", as_=owner).json()["error_code"] == 40301


def test_who_may_set_the_level_may_set_a_mode_that_loses_nothing(
    api: Api, owner: Member, outsider: Member, subject: str
) -> None:
    holder = grants.Holder(group="strangers")
    grants.grant_on_subject(principal=owner.principal, actor=STAGE, subject_name="a", holder=holder, role="maintainer")

    assert api.put("/mode/a", {"mode": "READONLY"}, as_=outsider).status_code == 200
    assert api.put("/mode/a?force=true", {"mode": "READWRITE"}, as_=outsider).json()["error_code"] == 40301
    assert api.put("/mode/a", {"mode": "IMPORT"}, as_=outsider).json()["error_code"] == 40301
    assert api.put("/mode/a", {"mode": "forward"}, as_=outsider).json()["error_code"] == 40301
    assert api.delete("/mode/a", as_=outsider).status_code == 200


def test_an_outsider_may_read_a_mode_but_not_change_it(api: Api, owner: Member, outsider: Member, subject: str) -> None:
    api.put("/mode/a", {"mode": "READONLY"}, as_=owner)

    assert api.get("/mode/a", as_=outsider).json() == {"mode": "READONLY"}
    assert api.put("/mode/a", {"mode": "READWRITE"}, as_=outsider).json()["error_code"] == 40301
    assert api.delete("/mode/a", as_=outsider).json()["error_code"] == 40301


def test_the_mode_of_a_hidden_subject_is_not_there(
    api: Api, owner: Member, outsider: Member, subject: str, hide: Any
) -> None:
    api.put("/mode/a", {"mode": "READONLY"}, as_=owner)
    hide("a")

    assert api.get("/mode/a", as_=outsider).json()["error_code"] == 40409
    assert api.get("/mode/a?defaultToGlobal=true", as_=outsider).json() == {"mode": "READWRITE"}
    assert api.delete("/mode/a", as_=outsider).json()["error_code"] == 40401
