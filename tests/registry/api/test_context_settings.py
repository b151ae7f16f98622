"""Config and mode of whole contexts, and of `:.__GLOBAL:` above them."""

from typing import Any

import pytest

from registry.services import grants
from tests.cast import STAGE, Api, Member, last_event


@pytest.fixture
def may_set_all_of_emea(admin: Member, outsider: Member) -> None:
    """The outsider may do everything but manage in the context `.emea`."""
    scope = grants.create_scope(principal=admin.principal, actor=STAGE, prefix="", context=".emea")
    grants.grant_on_scope(
        principal=admin.principal,
        actor=STAGE,
        scope_id=scope.pk,
        holder=grants.Holder(group="strangers"),
        role="maintainer",
    )


def test_a_context_has_a_config_of_its_own(api: Api, admin: Member) -> None:
    assert api.put("/config/:.emea:", {"compatibility": "FULL"}, as_=admin).json() == {"compatibility": "FULL"}

    assert api.get("/config/:.emea", as_=admin).json() == {"compatibilityLevel": "FULL"}
    assert api.get("/config/:.emea:orders?defaultToGlobal=true", as_=admin).json() == {"compatibilityLevel": "FULL"}
    assert api.get("/config", as_=admin).json() == {"compatibilityLevel": "BACKWARD"}
    assert last_event()["object"] == {"kind": "context", "ref": ":.emea:"}


def test_a_context_without_config_says_so(api: Api, admin: Member) -> None:
    assert api.get("/config/:.emea", as_=admin).json() == {
        "error_code": 40408,
        "message": "Subject ':.emea:' does not have subject-level compatibility configured",
    }
    assert api.delete("/config/:.emea:", as_=admin).json() == {
        "error_code": 40401,
        "message": "Subject ':.emea:' not found.",
    }


def test_a_context_does_not_fall_back_to_the_default_one(api: Api, admin: Member) -> None:
    api.put("/config", {"compatibility": "NONE", "normalize": True}, as_=admin)

    for path in ("/config/:.emea:", "/config/:.emea:orders"):
        assert api.get(f"{path}?defaultToGlobal=true", as_=admin).json() == {"compatibilityLevel": "BACKWARD"}


def test_what_a_context_leaves_open_it_shows_as_the_default_one_has_it(api: Api, admin: Member) -> None:
    """And its subjects do not."""
    api.put("/config", {"compatibility": "NONE", "normalize": True, "alias": "x"}, as_=admin)
    api.put("/config/:.emea:", {"validateFields": True}, as_=admin)

    def shown(path: str) -> Any:
        return api.get(path, as_=admin).json()

    own = {"validateFields": True, "compatibilityLevel": "BACKWARD"}
    assert shown("/config/:.emea:?defaultToGlobal=true") == {"normalize": True, **own}
    assert shown("/config/:.emea:") == own
    assert shown("/config/:.emea:orders?defaultToGlobal=true") == own


def test_the_global_config_is_seen_where_nothing_nearer_is_set(api: Api, admin: Member) -> None:
    api.put("/config/:.__GLOBAL:", {"compatibility": "NONE"}, as_=admin)

    for path in ("/config", "/config/orders", "/config/:.emea:", "/config/:.emea:orders"):
        assert api.get(f"{path}?defaultToGlobal=true", as_=admin).json() == {"compatibilityLevel": "NONE"}
    assert api.get("/config", as_=admin).json() == {"compatibilityLevel": "BACKWARD"}
    assert last_event()["object"] == {"kind": "global", "ref": ":.__GLOBAL:"}


def test_the_global_config_unblocks_a_registration(api: Api, owner: Member, admin: Member) -> None:
    api.post("/subjects/orders/versions", {"schema": '"string"'}, as_=owner)
    api.put("/config/:.__GLOBAL", {"compatibility": "NONE"}, as_=admin)

    assert api.post("/subjects/orders/versions", {"schema": '"int"'}, as_=owner).json()["version"] == 2


@pytest.mark.parametrize("path", ["/config/:.__GLOBAL", "/config/:.__GLOBAL:"])
def test_the_global_config_is_never_a_404(api: Api, admin: Member, path: str) -> None:
    default = {"compatibilityLevel": "BACKWARD"}

    assert api.get(path, as_=admin).json() == api.delete(path, as_=admin).json() == default
    api.put(path, {"compatibility": "FULL"}, as_=admin)
    assert api.delete(path, as_=admin).json() == {"compatibilityLevel": "FULL"}


def test_the_mode_of_a_context_counts_for_its_subjects(api: Api, admin: Member) -> None:
    api.put("/mode/:.emea:", {"mode": "READONLY"}, as_=admin)

    refused = api.put("/config/:.emea:orders", {"compatibility": "NONE"}, as_=admin).json()

    assert refused["message"] == "Subject :.emea:orders in context :.emea: is in read-only mode"
    assert api.put("/config/orders", {"compatibility": "NONE"}, as_=admin).status_code == 200


def test_a_read_only_context_holds_its_own_config_still(api: Api, admin: Member) -> None:
    api.put("/mode/:.emea:", {"mode": "READONLY"}, as_=admin)

    refused = api.put("/config/:.emea:", {"compatibility": "NONE"}, as_=admin).json()

    assert refused["message"] == "Subject :.emea: in context :.emea: is in read-only mode"


def test_a_recursive_delete_clears_the_subjects_of_the_context_alone(api: Api, admin: Member) -> None:
    for name in (":.emea:", ":.emea:orders", ":.emea:payments", ":.apac:orders", "orders"):
        api.put(f"/mode/{name}", {"mode": "READONLY"}, as_=admin)

    assert api.delete("/mode/:.emea:?recursive=true", as_=admin).json() == {"mode": "READONLY"}

    assert last_event()["detail"] == {"before": "READONLY", "after": None, "cleared": ["orders", "payments"]}
    for name in (":.emea:", ":.emea:orders", ":.emea:payments"):
        assert api.get(f"/mode/{name}", as_=admin).json()["error_code"] == 40409
    for name in (":.apac:orders", "orders"):
        assert api.get(f"/mode/{name}", as_=admin).json() == {"mode": "READONLY"}


def test_a_recursive_delete_of_a_context_without_mode_answers_with_nothing(api: Api, admin: Member) -> None:
    api.put("/mode/:.emea:orders", {"mode": "READONLY"}, as_=admin)

    assert api.delete("/mode/:.emea:?recursive=true", as_=admin).json() == {}
    assert api.get("/mode/:.emea:orders", as_=admin).json()["error_code"] == 40409


def test_a_name_that_begins_with_a_context_is_still_checked(api: Api, admin: Member) -> None:
    for name in (":.emea:__EMPTY", ":.emea:a%2Fversions", ":*:a", ":.a%2Fb:"):
        assert api.put(f"/config/{name}", {"compatibility": "NONE"}, as_=admin).json()["error_code"] == 42208
        assert api.put(f"/mode/{name}", {"mode": "READONLY"}, as_=admin).json()["error_code"] == 42208


@pytest.mark.parametrize("name", ["*", ":.emea:", ":.emea:*"])
def test_the_empty_subject_may_be_set_even_where_it_may_not_register(
    api: Api, admin: Member, settings: Any, name: str
) -> None:
    settings.CALLBOARD = {**settings.CALLBOARD, "REJECT_EMPTY_SUBJECT": True}

    assert api.put(f"/config/{name}", {"compatibility": "NONE"}, as_=admin).status_code == 200
    assert api.put(f"/mode/{name}", {"mode": "READONLY"}, as_=admin).status_code == 200


def test_a_context_is_set_by_whom_the_whole_context_was_granted(
    api: Api, outsider: Member, may_set_all_of_emea: None
) -> None:
    assert api.put("/config/:.emea:", {"compatibility": "NONE"}, as_=outsider).status_code == 200
    assert api.put("/mode/:.emea:", {"mode": "READONLY"}, as_=outsider).status_code == 200
    assert api.delete("/mode/:.emea:?recursive=true", as_=outsider).status_code == 200
    assert api.put("/mode/:.emea:", {"mode": "IMPORT"}, as_=outsider).json()["error_code"] == 40301
    assert api.put("/mode/:.emea:?force=true", {"mode": "READWRITE"}, as_=outsider).json()["error_code"] == 40301
    assert api.put("/config/:.apac:", {"compatibility": "NONE"}, as_=outsider).json()["error_code"] == 40301
    assert api.put("/config", {"compatibility": "NONE"}, as_=outsider).json()["error_code"] == 40301


def test_whoever_owns_a_subject_without_a_name_does_not_own_its_context(api: Api, owner: Member) -> None:
    api.post("/subjects/:.emea:/versions", {"schema": '"string"'}, as_=owner)

    assert api.put("/config/:.emea:", {"compatibility": "NONE"}, as_=owner).json()["error_code"] == 40301
    assert api.put("/mode/:.emea:", {"mode": "READONLY"}, as_=owner).json()["error_code"] == 40301
