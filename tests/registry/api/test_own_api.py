"""/api/v1/: owner, visibility, life cycle, grants, scopes and policies."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from audit.models import AuditEvent
from config.openapi.views import DocumentView
from registry import permissions
from registry.api.own import OwnView
from registry.api.own_urls import ROUTES
from registry.models import Subject
from tests.cast import Api, Member, join

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@pytest.fixture
def orders(api: Api, owner: Member) -> None:
    for text in ('"int"', '"long"'):
        assert api.post("/subjects/orders/versions", {"schema": text}, as_=owner).status_code == 200


@pytest.fixture
def manager(sign_in: Any, orders: None) -> Any:
    """A person of the owner group."""
    return sign_in("maria", "owners")


@pytest.fixture
def stranger(sign_in: Any, orders: None) -> Any:
    return sign_in("sam", "strangers")


def events() -> list[Any]:
    return [json.loads(event.payload) for event in AuditEvent.objects.order_by("seq")]


def test_every_method_of_every_view_has_its_line_in_the_table() -> None:
    views: list[type[OwnView]] = [*ROUTES.values(), DocumentView]
    served = {(view.route, m) for view in views for m in METHODS if hasattr(view, m.lower())}

    assert served == set(permissions.OWN_TABLE)


BODIES: dict[str, Any] = {
    "own_lifecycle": {"subject": "orders", "version": "1", "to": "deprecated"},
    "own_owner": {"subject": "orders", "owner": "strangers"},
    "own_visibility": {"subject": "orders", "visibility": "restricted"},
    "own_grants": {"subject": "orders", "group": "strangers", "role": "reader"},
    "own_scopes": {"prefix": "ord"},
    "own_scope_grants": {"group": "strangers", "role": "reader"},
    "own_policies": {"key": "initial_state", "value": "draft", "subject": "orders"},
}
PATHS = {view.route: path.replace("<int:scope_id>", "1") for path, view in ROUTES.items()}
QUERIES = {"own_subject": "?subject=orders", "own_grants": "?subject=orders", "own_policies": "?key=initial_state"}
CHANGES = [key for key in sorted(permissions.OWN_TABLE) if key[1] != "GET"]


def request(route: str, method: str) -> tuple[str, str, Any]:
    query = QUERIES.get(route, "") if method in {"GET", "DELETE"} else ""
    if (route, method) == ("own_grants", "DELETE"):
        query += "&group=strangers"
    if (route, method) == ("own_scope_grants", "DELETE"):
        query = "?group=strangers"
    if (route, method) == ("own_policies", "DELETE"):
        query += "&subject=orders"
    return method, PATHS[route] + query, BODIES.get(route) if method in {"POST", "PUT"} else None


@pytest.mark.parametrize(("route", "method"), [key for key in sorted(permissions.OWN_TABLE) if key[0] in PATHS])
def test_a_stranger_without_credentials_is_401(api: Api, orders: None, route: str, method: str) -> None:
    verb, path, body = request(route, method)

    response = api.send(verb, f"/api/v1/{path}", body, content_type="application/json")

    assert (response.status_code, response.json()["error_code"]) == (401, 401)


@pytest.mark.parametrize(("route", "method"), CHANGES)
def test_an_outsider_changes_nothing(stranger: Any, route: str, method: str) -> None:
    before = len(events())

    response = stranger.send(*request(route, method))

    assert response.status_code in {403, 404, 422}
    assert len(events()) == before


@pytest.mark.parametrize(("route", "method"), CHANGES)
def test_a_hidden_subject_is_not_there(stranger: Any, hide: Any, route: str, method: str) -> None:
    if "subject" not in (BODIES.get(route) or {}) and "subject" not in request(route, method)[1]:
        return
    hide("orders")

    hidden = stranger.send(*request(route, method))

    assert hidden.status_code == 404
    assert hidden.json() == {"error_code": 40401, "message": "Subject 'orders' not found."}


@pytest.mark.parametrize(("route", "method"), [key for key, rule in permissions.OWN_TABLE.items() if rule.people_only])
def test_a_key_can_not_do_what_is_for_people(api: Api, orders: None, admin: Member, route: str, method: str) -> None:
    verb, path, body = request(route, method)

    response = api.send(verb, f"/api/v1/{path}", body, as_=admin, content_type="application/json")

    assert (response.status_code, response.json()["error_code"]) == (403, 403)


def test_a_session_without_its_csrf_token_changes_nothing(manager: Any) -> None:
    manager.client.handler.enforce_csrf_checks = True

    response = manager.send("PUT", "subjects/visibility", BODIES["own_visibility"])

    assert response.status_code == 403
    assert Subject.objects.get().visibility == "internal"


def test_an_unknown_member_is_refused_by_name(manager: Any) -> None:
    response = manager.send("PUT", "subjects/owner", {"subject": "orders", "owner": "strangers", "id": 3})

    assert response.status_code == 422
    assert "id" in response.json()["errors"]


def test_subjects_are_listed_with_owner_and_state(api: Api, owner: Member, orders: None) -> None:
    api.post("/subjects/payments/versions", {"schema": '"int"'}, as_=owner)

    first = api.get("/api/v1/subjects?limit=1", as_=owner).json()
    rest = api.get(f"/api/v1/subjects?after={first['next']}", as_=owner).json()

    assert first["items"] == [
        {
            "subject": "orders",
            "owner": "owners",
            "visibility": "internal",
            "state": "approved",
            "versions": 2,
            "newest": 2,
        }
    ]
    assert [item["subject"] for item in rest["items"]] == ["payments"]
    assert rest["next"] is None
    assert api.get("/api/v1/subjects?prefix=pay", as_=owner).json()["items"] == rest["items"]


def test_one_subject_shows_its_versions_and_what_the_caller_may_do(api: Api, owner: Member, orders: None) -> None:
    body = api.get("/api/v1/subjects/detail?subject=orders", as_=owner).json()

    assert body["compatibility"] == "BACKWARD"
    assert "manage" in body["permissions"]
    assert [(row["version"], row["id"], row["state"]) for row in body["versions"]] == [
        (2, 2, "approved"),
        (1, 1, "approved"),
    ]


def test_a_subject_goes_to_another_group_in_one_event(manager: Any, stranger: Any) -> None:
    response = manager.send("PUT", "subjects/owner", {**BODIES["own_owner"], "reason": "they use it"})

    assert response.status_code == 200
    assert Subject.objects.get().owner.name == "strangers"
    last = events()[-1]
    assert (last["action"], last["detail"], last["reason"]) == (
        "owner.changed",
        {"before": "owners", "after": "strangers"},
        "they use it",
    )
    assert manager.send("PUT", "subjects/owner", BODIES["own_owner"]).status_code == 403


def test_an_owner_must_exist(manager: Any) -> None:
    response = manager.send("PUT", "subjects/owner", {"subject": "orders", "owner": "nobody"})

    assert response.json() == {"error_code": 422, "message": "There is no group 'nobody'"}


def test_hiding_a_subject_and_showing_it_again(manager: Any, stranger: Any) -> None:
    manager.send("PUT", "subjects/visibility", BODIES["own_visibility"])
    assert stranger.send("GET", "subjects/detail?subject=orders").status_code == 404

    manager.send("PUT", "subjects/visibility", {"subject": "orders", "visibility": "internal"})
    assert stranger.send("GET", "subjects/detail?subject=orders").status_code == 200
    assert [event["action"] for event in events()][-2:] == ["visibility.changed"] * 2


def test_a_role_is_given_changed_and_taken(api: Api, manager: Any, outsider: Member) -> None:
    def register() -> int:
        return int(api.post("/subjects/orders/versions", {"schema": '"double"'}, as_=outsider).status_code)

    assert register() == 403
    assert (
        manager.send("PUT", "grants", {"subject": "orders", "group": "strangers", "role": "reader"}).status_code == 200
    )
    assert register() == 403
    manager.send("PUT", "grants", {"subject": "orders", "group": "strangers", "role": "writer"})
    assert register() == 200
    assert manager.send("GET", "grants?subject=orders").json()["items"] == [
        {"group": "strangers", "role": "writer", "permissions": ["register", "view"]}
    ]
    assert manager.send("DELETE", "grants?subject=orders&group=strangers").status_code == 204
    assert manager.send("DELETE", "grants?subject=orders&group=strangers").status_code == 404
    assert api.post("/subjects/orders/versions", {"schema": '"float"'}, as_=outsider).status_code == 403
    assert [event["action"] for event in events() if event["action"].startswith("grant")] == [
        "grant.added",
        "grant.added",
        "grant.removed",
    ]


def test_a_grant_lets_see_what_is_hidden(api: Api, manager: Any, outsider: Member, hide: Any) -> None:
    hide("orders")
    assert api.get("/subjects", as_=outsider).json() == []

    manager.send("PUT", "grants", {"subject": "orders", "group": "strangers", "role": "reader"})

    assert api.get("/subjects", as_=outsider).json() == ["orders"]
    assert api.get("/schemas/ids/1", as_=outsider).status_code == 200


@pytest.mark.parametrize("prefix", ["ord_", "", "ord_x"])
def test_a_scope_covers_exactly_its_prefix(
    api: Api, owner: Member, outsider: Member, sign_in: Any, hide: Any, prefix: str
) -> None:
    admin = sign_in("ada", is_superuser=True)
    names = ("ord_a", "ordXa", "Ord_a")
    for name in names:
        api.post(f"/subjects/{name}/versions", {"schema": '"int"'}, as_=owner)
        hide(name)
    scope = admin.send("POST", "scopes", {"prefix": prefix}).json()

    admin.send("PUT", f"scopes/{scope['id']}/grants", {"group": "strangers", "role": "reader"})

    covered = sorted(name for name in names if name.startswith(prefix))
    assert api.get("/subjects", as_=outsider).json() == covered
    for name in names:
        assert api.get(f"/subjects/{name}/versions", as_=outsider).status_code == (200 if name in covered else 404)


def test_a_scope_lets_create_where_creation_is_scoped(api: Api, outsider: Member, sign_in: Any, settings: Any) -> None:
    settings.CALLBOARD = {**settings.CALLBOARD, "SUBJECT_CREATION": "scoped"}
    admin = sign_in("ada", is_superuser=True)
    scope = admin.send("POST", "scopes", {"prefix": "new-"}).json()
    admin.send("PUT", f"scopes/{scope['id']}/grants", {"user": outsider.account.user.username, "role": "writer"})

    assert api.post("/subjects/new-a/versions", {"schema": '"int"'}, as_=outsider).status_code == 200
    assert api.post("/subjects/old-a/versions", {"schema": '"int"'}, as_=outsider).status_code == 403


def test_a_scope_lets_set_a_level_before_the_subject_exists(api: Api, outsider: Member, sign_in: Any) -> None:
    admin = sign_in("ada", is_superuser=True)
    scope = admin.send("POST", "scopes", {"prefix": "new-"}).json()
    assert api.put("/config/new-a", {"compatibility": "NONE"}, as_=outsider).status_code == 403

    admin.send("PUT", f"scopes/{scope['id']}/grants", {"group": "strangers", "role": "maintainer"})

    assert api.put("/config/new-a", {"compatibility": "NONE"}, as_=outsider).status_code == 200


def test_who_manages_a_scope_may_make_one_inside_it(sign_in: Any) -> None:
    admin, lead = sign_in("ada", is_superuser=True), sign_in("lea", "leads")
    outer = admin.send("POST", "scopes", {"prefix": "pay-"}).json()
    assert lead.send("POST", "scopes", {"prefix": "pay-eu-"}).status_code == 403

    admin.send("PUT", f"scopes/{outer['id']}/grants", {"group": "leads", "role": "owner"})

    assert lead.send("POST", "scopes", {"prefix": "pay-eu-"}).status_code == 201
    assert lead.send("POST", "scopes", {"prefix": "pa"}).status_code == 403
    assert admin.send("POST", "scopes", {"prefix": "pay-"}).status_code == 409
    assert [item["prefix"] for item in lead.send("GET", "scopes").json()["items"]] == ["pay-", "pay-eu-"]


def test_a_scope_takes_its_grants_along(api: Api, owner: Member, outsider: Member, sign_in: Any, hide: Any) -> None:
    admin = sign_in("ada", is_superuser=True)
    api.post("/subjects/ord/versions", {"schema": '"int"'}, as_=owner)
    hide("ord")
    scope = admin.send("POST", "scopes", {"prefix": "o"}).json()
    admin.send("PUT", f"scopes/{scope['id']}/grants", {"group": "strangers", "role": "reader"})

    assert admin.send("DELETE", f"scopes/{scope['id']}").status_code == 204

    assert api.get("/subjects", as_=outsider).json() == []
    assert events()[-1]["detail"]["grants"] == [{"holder": "group:strangers", "permissions": ["view"]}]
    assert admin.send("DELETE", f"scopes/{scope['id']}").status_code == 404


def test_a_draft_is_no_latest_and_no_baseline(api: Api, owner: Member, manager: Any) -> None:
    manager.send("PUT", "policies", BODIES["own_policies"])

    draft = api.post("/subjects/orders/versions", {"schema": '"double"'}, as_=owner).json()

    assert draft["version"] == 3
    assert api.get("/subjects/orders/versions/latest", as_=owner).json()["version"] == 2
    assert api.get("/subjects/orders/versions/3", as_=owner).status_code == 200
    assert api.get("/subjects/orders/versions", as_=owner).json() == [1, 2, 3]
    # float reads long, which is the baseline, and not double, which is a draft
    assert api.post("/compatibility/subjects/orders/versions", {"schema": '"float"'}, as_=owner).json() == {
        "is_compatible": True
    }


def test_a_version_goes_through_its_life(api: Api, owner: Member, manager: Any) -> None:
    def move(to: str, version: str = "2", **more: Any) -> Any:
        return manager.send("POST", "subjects/lifecycle", {"subject": "orders", "version": version, "to": to, **more})

    def latest() -> int:
        return int(api.get("/subjects/orders/versions/latest", as_=owner).json()["version"])

    refused = move("retired").json()
    assert refused["error_code"] == 409
    assert (
        refused["message"]
        == "The state of version 2 of subject 'orders' is approved: it can become deprecated, not retired"
    )
    assert move("deprecated", sunset_on="2027-01-31", reason="replaced").status_code == 200
    assert latest() == 1
    assert move("deprecated", version="1").status_code == 200
    assert latest() == 2
    assert move("retired", version="2").status_code == 200
    assert latest() == 1
    assert move("retired", version="1").status_code == 200
    assert api.get("/subjects/orders/versions/latest", as_=owner).json()["error_code"] == 40402
    assert api.get("/schemas/ids/2", as_=owner).status_code == 200


def test_a_move_is_one_event_with_its_reason(manager: Any) -> None:
    manager.send(
        "POST",
        "subjects/lifecycle",
        {"subject": "orders", "version": "latest", "to": "deprecated", "sunset_on": "2027-01-31", "reason": "replaced"},
    )

    last = events()[-1]
    assert (last["action"], last["object"]) == ("lifecycle.changed", {"kind": "version", "ref": ":.:orders:2"})
    assert last["detail"] == {"before": "approved", "after": "deprecated", "sunset_on": "2027-01-31"}
    assert last["reason"] == "replaced"


def test_a_retired_version_still_counts_for_compatibility(api: Api, owner: Member, manager: Any) -> None:
    for to in ("deprecated", "retired"):
        manager.send("POST", "subjects/lifecycle", {"subject": "orders", "version": "2", "to": to})

    response = api.post("/subjects/orders/versions", {"schema": '"string"'}, as_=owner)

    assert "{oldSchemaVersion: 2}" in response.json()["message"]


def test_retiring_a_subject_retires_its_versions(api: Api, owner: Member, manager: Any) -> None:
    def move(to: str, **version: str) -> int:
        return int(manager.send("POST", "subjects/lifecycle", {"subject": "orders", "to": to, **version}).status_code)

    assert move("deprecated") == 200
    assert move("retired") == 409
    for version in ("1", "2"):
        assert move("deprecated", version=version) == 200
    assert move("retired") == 200

    body = api.get("/api/v1/subjects/detail?subject=orders", as_=owner).json()
    assert body["state"] == "retired"
    assert {row["state"] for row in body["versions"]} == {"retired"}


def test_a_key_needs_the_scope_of_the_life_cycle(api: Api, orders: None, owner: Member) -> None:
    able = join("able", "owners", scopes=["lifecycle:write", "subjects:read"])
    body = BODIES["own_lifecycle"]

    refused = api.send("POST", "/api/v1/subjects/lifecycle", body, as_=owner, content_type="application/json")
    allowed = api.send("POST", "/api/v1/subjects/lifecycle", body, as_=able, content_type="application/json")

    assert refused.json() == {"error_code": 403, "message": "The key lacks the scope lifecycle:write"}
    assert allowed.status_code == 200


def test_the_nearest_policy_wins(api: Api, owner: Member, manager: Any, sign_in: Any) -> None:
    admin = sign_in("ada", is_superuser=True)
    for prefix in ("o", "ord"):
        admin.send("POST", "scopes", {"prefix": prefix})

    def state_after(**policy: Any) -> str:
        assert admin.send("PUT", "policies", {"key": "initial_state", **policy}).status_code == 200
        number = len(api.get("/subjects/orders/versions", as_=owner).json()) + 1
        text = {"type": "record", "name": "R", "fields": [{"name": f"f{number}", "type": "int", "default": 0}]}
        api.post("/subjects/orders/versions?force=true", {"schema": json.dumps(text)}, as_=owner)
        versions = api.get("/api/v1/subjects/detail?subject=orders", as_=owner).json()["versions"]
        return str(versions[0]["state"])

    assert state_after(value="draft") == "draft"
    assert state_after(value="approved", context=".") == "approved"
    assert state_after(value="draft", prefix="o") == "draft"
    assert state_after(value="approved", prefix="ord") == "approved"
    assert state_after(value="draft", subject="orders") == "draft"
    listed = manager.send("GET", "policies").json()["items"]
    assert [item["place"] for item in listed] == ["global", "context .", "prefix o", "prefix ord", "subject orders"]
    assert admin.send("DELETE", "policies?key=initial_state&subject=orders").status_code == 204
    assert admin.send("DELETE", "policies?key=initial_state&subject=orders").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"key": "nope", "value": "draft"},
        {"key": "initial_state", "value": "retired"},
        {"key": "initial_state", "value": "draft", "prefix": "nowhere"},
        {"key": "initial_state", "value": "draft", "context": ".", "prefix": ""},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(sign_in: Any, body: Any) -> None:
    assert sign_in("ada", is_superuser=True).send("PUT", "policies", body).status_code == 422


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_context_that_can_not_be_has_no_policy(sign_in: Any, method: str) -> None:
    """A name longer than the column was a 500 on PostgreSQL."""
    admin = sign_in("ada", is_superuser=True)
    place = {"key": "initial_state", "context": "x" * 2000}
    query = "?" + urlencode(place) if method == "DELETE" else ""

    response = admin.send(method, f"policies{query}", {**place, "value": "draft"} if method == "PUT" else None)

    assert (response.status_code, response.json()["error_code"]) == (422, 42208)
