"""Every write route of our own API that knows its caller, walked: nothing that it did not ask for slips in."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.test import Client

from config.openapi.views import document
from tests.cast import Member, join_as_administrator, sign_in
from tests.openapi.conftest import CSRF
from tests.unchanged import nothing_changes

pytestmark = pytest.mark.django_db
ARGUMENTS = {
    "scope_id": "1",
    "export_id": "00000000-0000-0000-0000-000000000000",
    "name": "owner",
    "id12": "000000000000",
}
Write = tuple[str, str]


def writes() -> Iterator[Write]:
    for path, methods in document()["paths"].items():
        if path.startswith("/api/v1/"):
            yield from ((m.upper(), path) for m, operation in methods.items() if m != "get" and "security" in operation)


WRITES = sorted(writes())


def described(write: Write) -> Any:
    method, path = write
    return document()["paths"][path][method.lower()]


def known(write: Write) -> set[str]:
    """The members of the body, or the parameters of the query."""
    operation = described(write)
    query = {parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "query"}
    body = operation.get("requestBody")
    if body is None:
        return query
    name = body["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[-1]
    return set(document()["components"]["schemas"][name]["properties"])


def send(client: Client, write: Write, given: Any, **headers: str) -> Any:
    """Given as the query of a DELETE, else as the body."""
    method, path = write
    path = path.format(**ARGUMENTS)
    if method == "DELETE":
        return client.delete(path, query_params=given, headers=headers)
    data = given if isinstance(given, bytes) else json.dumps(given).encode()
    return client.generic(method, path, data, "application/json", headers=headers)


@pytest.fixture
def root(owner: Member) -> Client:
    return sign_in("root", "owners", is_superuser=True).client


def test_there_are_writes_to_walk() -> None:
    assert len(WRITES) >= 16


@pytest.mark.parametrize("write", WRITES, ids=" ".join)
def test_a_member_that_is_unknown_is_refused_by_name(root: Client, write: Write) -> None:
    with nothing_changes():
        response = send(root, write, {"no_such_member": "x"})

    assert response.status_code == 422, response.content
    assert response.json()["errors"] == {"no_such_member": ["There is no such member."]}


COLUMNS = {
    name
    for app in ("registry", "accounts", "audit", "auth")
    for model in apps.get_app_config(app).get_models()
    for field in model._meta.get_fields()
    for name in (field.name, getattr(field, "attname", field.name))
}


@pytest.mark.parametrize("write", WRITES, ids=" ".join)
def test_no_column_of_any_table_slips_in(root: Client, write: Write) -> None:
    columns = dict.fromkeys(COLUMNS - known(write), "1")

    with nothing_changes():
        response = send(root, write, columns)

    assert response.status_code == 422
    assert set(response.json()["errors"]) == set(columns)


@pytest.mark.parametrize("write", WRITES, ids=" ".join)
def test_a_session_without_its_token_writes_nothing(root: Client, write: Write) -> None:
    root.handler.enforce_csrf_checks = True

    with nothing_changes():
        response = send(root, write, {})

    assert (response.status_code, response.json()["error_code"]) == (403, 403)


@pytest.mark.parametrize("write", WRITES, ids=" ".join)
def test_a_token_that_is_not_the_cookies_is_none(root: Client, write: Write) -> None:
    root.handler.enforce_csrf_checks = True
    root.cookies["csrf"] = CSRF

    response = send(root, write, {}, **{"X-CSRFToken": "d" * 32})

    assert response.status_code == 403


@pytest.mark.parametrize("write", WRITES, ids=" ".join)
def test_a_session_and_a_key_at_once_are_nobody(root: Client, write: Write) -> None:
    admin = join_as_administrator("admin", "administrators")

    with nothing_changes():
        response = send(root, write, {}, Authorization=admin.bearer)

    assert (response.status_code, response.json()["error_code"]) == (400, 400)


@pytest.mark.parametrize("write", WRITES, ids=" ".join)
def test_a_key_that_is_none_is_not_made_good_by_a_session(root: Client, write: Write) -> None:
    assert send(root, write, {}, Authorization="Bearer x").status_code == 401


def test_a_session_beside_no_key_is_that_of_the_page(root: Client) -> None:
    root.handler.enforce_csrf_checks = True
    root.cookies["csrf"] = CSRF

    made = send(root, ("POST", "/api/v1/groups"), {"name": "new"}, **{"X-CSRFToken": CSRF})

    assert made.status_code == 201


BODIES = {
    "a member twice": (b'{"name":"a","name":"b"}', 422),
    "a member twice within": (b'{"x":[{"a":1,"a":1}]}', 422),
    "NaN": (b'{"name":NaN}', 422),
    "Infinity": (b'{"name":-Infinity}', 422),
    "too large a number": (b'{"name":1e999}', 422),
    "half a character": (b'{"name":"\\ud800"}', 422),
    "half a character in a name": (b'{"\\udfff":1}', 422),
    "an escaped NUL": (b'{"name":"a\\u0000b"}', 422),
    "a NUL within": (b'{"x":[{"y":"\\u0000"}]}', 422),
    "a raw NUL": (b'{"name":"a\0b"}', 400),
    "no UTF-8": (b'{"name":"\xff"}', 400),
    "no JSON": (b"{", 400),
    "two values": (b"{} {}", 400),
    "too many digits": (b'{"name":' + b"9" * 5000 + b"}", 400),
    "too deep": (b'{"name":' + b"[" * 100_000 + b"}", 400),
    "a list": (b"[]", 422),
    "a text": (b'"name"', 422),
    "null": (b"null", 422),
    "blanks": (b" \n", 422),
}


@pytest.mark.parametrize("body", BODIES, ids=str)
def test_a_body_that_means_nothing_or_two_things_is_refused(root: Client, body: str) -> None:
    data, status = BODIES[body]

    with nothing_changes():
        responses = [send(root, write, data) for write in WRITES if write[0] != "DELETE"]

    assert {response.status_code for response in responses} == {status}
    assert {response.json()["error_code"] for response in responses} == {status}


def test_what_is_refused_is_named(root: Client) -> None:
    response = send(root, ("POST", "/api/v1/keys"), b'{"scopes":["a","\\u0000"]}')

    assert response.json()["message"] == "`scopes[1]` holds the character U+0000, which can't be stored"


@pytest.mark.parametrize("write", [write for write in WRITES if write[0] == "DELETE"], ids=" ".join)
def test_a_parameter_that_comes_twice_is_refused(root: Client, write: Write) -> None:
    for name in known(write):
        response = send(root, write, {name: ["a", "b"]})

        assert response.status_code == 422
        assert name in response.json()["errors"]


def test_a_body_has_the_limit_of_the_registry(root: Client, settings: Any) -> None:
    settings.CALLBOARD = {**settings.CALLBOARD, "LIMIT_BODY_BYTES": 2048}

    response = send(root, ("POST", "/api/v1/groups"), b'{"name":"x"}'.ljust(2049))

    assert (response.status_code, response.json()["error_code"]) == (413, 413)


def test_as_many_parameters_as_anybody_likes_are_refused(root: Client) -> None:
    response = root.get("/api/v1/subjects?" + "a&" * 1001)

    assert (response.status_code, response.json()["error_code"]) == (400, 400)


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/", "/api/v1/scopes/-1", "/backstage/v1/nothing"])
def test_a_path_that_is_not_ours_is_a_404_in_plain_json(root: Client, path: str) -> None:
    root.handler.enforce_csrf_checks = True

    for response in (root.get(path), root.delete(path)):
        assert (response.status_code, response["Content-Type"]) == (404, "application/json")
        assert response.json() == {"error_code": 404, "message": "Not found"}
