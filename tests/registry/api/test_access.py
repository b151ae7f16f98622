"""Who may do what, over all routes: the table, the scopes, the outsider, the stranger."""

from typing import Any

import pytest

from accounts.services import SCOPES
from registry import names, permissions
from registry.api.urls import VIEWS
from registry.permissions import Scope
from tests.cast import Api, Member, join

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
GUID = "ef524ea1-b91e-7317-3d93-8ade36c1db32"
ARGUMENTS = {"subject": "orders", "version": "1", "schema_id": "1", "guid": GUID, "context": ".emea"}
TEXT = {"schema": '"int"'}
BODIES: dict[str, Any] = {"POST": TEXT, "PUT": {"compatibility": "NONE", "mode": "READONLY"}}

REQUESTS = sorted(permissions.TABLE)
ON_ONE_SUBJECT = [(route, method) for route, method in REQUESTS if "{" in names.ROUTES[route]]


def path(route: str, **other: str) -> str:
    return "/" + names.ROUTES[route].format(**{**ARGUMENTS, **other})


def send(api: Api, route: str, method: str, who: Member | None, **other: str) -> Any:
    return api.send(method, path(route, **other), BODIES.get(method), as_=who)


@pytest.fixture
def orders(api: Api, owner: Member) -> None:
    """orders has int, which is id 1."""
    assert api.post("/subjects/orders/versions", TEXT, as_=owner).status_code == 200


def test_every_method_of_every_view_has_its_line_in_the_table() -> None:
    served = {(view.route, method) for view in VIEWS for method in METHODS if hasattr(view, method.lower())}

    assert served == set(permissions.TABLE)


def test_every_route_has_a_view() -> None:
    assert {view.route for view in VIEWS} == set(names.ROUTES)


@pytest.mark.parametrize(("route", "method"), REQUESTS)
def test_nothing_is_anonymous(api: Api, orders: None, route: str, method: str) -> None:
    response = send(api, route, method, None)

    assert response.status_code == 401
    assert response.json() == {"error_code": 401, "message": "Unauthorized"}
    assert response["WWW-Authenticate"] == 'Basic realm="callboard", Bearer realm="callboard"'


@pytest.mark.parametrize(("route", "method"), REQUESTS)
def test_a_key_is_good_for_its_scopes_only(api: Api, orders: None, route: str, method: str) -> None:
    needed = permissions.TABLE[route, method].scope
    useless = join("useless", "owners", scopes=["catalog:read"])

    response = send(api, route, method, useless)

    if needed is None:
        assert response.status_code == 200
        return
    operation = "Read" if needed == Scope.SUBJECTS_READ else "Write"
    subject = "orders" if "{subject}" in names.ROUTES[route] else "*"
    assert response.status_code == 403
    assert response.json() == {
        "error_code": 40301,
        "message": f"User is denied operation {operation} on Subject: {subject}",
    }


@pytest.mark.parametrize(("route", "method"), REQUESTS)
def test_an_owner_may_do_what_the_table_offers(api: Api, orders: None, keeper: Member, route: str, method: str) -> None:
    response = send(api, route, method, keeper)

    allowed = permissions.TABLE[route, method].need not in {permissions.Need.GLOBAL, permissions.Need.MANAGE_CONTEXT}
    never_set = route in {"subject_config", "subject_mode", "subject_metadata"} and method != "PUT"
    assert response.status_code == (403 if not allowed else 404 if never_set else 200)


@pytest.mark.parametrize(("route", "method"), ON_ONE_SUBJECT)
def test_to_an_outsider_a_hidden_subject_is_one_that_is_not_there(
    api: Api, orders: None, hide: Any, route: str, method: str
) -> None:
    hide("orders")
    outsider = join("outsider", "strangers", scopes=SCOPES)

    hidden = send(api, route, method, outsider)
    elsewhere = {"subject": "nothing", "schema_id": "7", "guid": GUID[:-1] + "0"}
    missing = send(api, route, method, outsider, **elsewhere)

    if (route, method) in {("versions", "POST"), ("subject_config", "PUT"), ("subject_mode", "PUT")}:
        # That a name is taken can't be hidden in a shared name space: refused like any name one may not use.
        assert (hidden.status_code, hidden.json()["error_code"]) == (403, 40301)
        return
    assert hidden.status_code == missing.status_code
    expected = missing.content.replace(b"nothing", b"orders").replace(b"7 not", b"1 not")
    assert hidden.content == expected.replace(elsewhere["guid"].encode(), GUID.encode())


def test_lists_leave_out_what_is_hidden(api: Api, orders: None, owner: Member, outsider: Member, hide: Any) -> None:
    hide("orders")

    assert api.get("/subjects", as_=outsider).json() == []
    assert api.get("/schemas", as_=outsider).json() == []
    assert api.get("/subjects", as_=owner).json() == ["orders"]


def test_a_content_is_seen_through_the_subject_one_may_see(
    api: Api, orders: None, owner: Member, outsider: Member, hide: Any
) -> None:
    api.post("/subjects/open/versions", TEXT, as_=owner)
    hide("orders")

    assert api.get("/schemas/ids/1", as_=outsider).json()["subject"] == "open"
    assert api.get("/schemas/ids/1/subjects", as_=outsider).json() == ["open"]
    assert api.get("/schemas/ids/1/versions", as_=outsider).json() == [{"subject": "open", "version": 1}]


def test_a_key_with_a_prefix_sees_and_makes_nothing_else(api: Api, orders: None, owner: Member) -> None:
    narrow = join("narrow", "owners", prefixes=["ord_"])
    api.post("/subjects/ord_a/versions", TEXT, as_=owner)

    assert api.get("/subjects", as_=narrow).json() == ["ord_a"]
    assert api.get("/subjects/orders/versions", as_=narrow).json()["error_code"] == 40401
    assert api.post("/subjects/ord_b/versions", TEXT, as_=narrow).status_code == 200
    assert api.post("/subjects/other/versions", TEXT, as_=narrow).json()["error_code"] == 40301
    assert api.post("/subjects/orders/versions", {"schema": '"long"'}, as_=narrow).json()["error_code"] == 40301


def test_who_manages_everything_may_change_everything(api: Api, orders: None, admin: Member, hide: Any) -> None:
    hide("orders")

    assert api.get("/subjects/orders/versions", as_=admin).json() == [1]
    assert api.post("/subjects/orders/versions", {"schema": '"long"'}, as_=admin).json()["version"] == 2
    assert api.put("/config/orders", {"compatibility": "NONE"}, as_=admin).status_code == 200


def test_force_needs_the_right_to_set_the_level(api: Api, orders: None, outsider: Member, teammate: Member) -> None:
    assert api.post("/subjects/orders/versions?force=true", {"schema": '"string"'}, as_=outsider).status_code == 403
    assert api.post("/subjects/orders/versions?force=true", {"schema": '"string"'}, as_=teammate).status_code == 200


def test_basic_and_bearer_are_the_same_person(api: Api, orders: None, owner: Member) -> None:
    for credentials in (owner.basic, owner.bearer):
        assert api.get("/subjects", headers={"Authorization": credentials}).json() == ["orders"]
