"""The OpenAPI document says all there is, and nothing else."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import get_resolver
from rest_framework.views import APIView

from config.openapi.views import document
from registry import names, permissions
from registry.api.urls import VIEWS
from tests.cast import Api, Member

METHODS = ("get", "post", "put", "patch", "delete")
URL = "/api/openapi.json"


def operations() -> Iterator[tuple[str, str, Any]]:
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


# Proves by its body who calls.
OPEN = {"post_api_v1_tokens_exchange"}
OPERATIONS = {operation["operationId"]: (path, method, operation) for path, method, operation in operations()}


def views(patterns: Any) -> Iterator[type[APIView]]:
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            yield from views(pattern.url_patterns)
        elif issubclass(getattr(pattern.callback, "cls", object), APIView):
            yield pattern.callback.cls


def methods_of(view: type[APIView]) -> list[str]:
    return [method for method in METHODS if hasattr(view, method) and method in view.http_method_names]


def test_the_document_is_valid_and_was_made_without_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("spectacular", validate=True, fail_on_warn=True)

    assert "openapi: 3.1.0" in capsys.readouterr().out


def test_every_route_of_the_registry_is_described() -> None:
    served = {("/" + names.ROUTES[view.route], method) for view in VIEWS for method in methods_of(view)}

    assert served == {(path, method) for path, method, operation in operations() if operation["tags"] == ["Registry"]}


def test_every_other_view_is_described() -> None:
    served = sum(len(methods_of(view)) for view in views(get_resolver().url_patterns))

    assert served == len([path for path, _, operation in operations() if operation["tags"] != ["Registry"]])


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_an_operation_says_what_it_does_and_what_it_answers(name: str) -> None:
    _, method, operation = OPERATIONS[name]

    done = [status for status in operation["responses"] if status < "400"]
    assert operation["summary"]
    assert done
    assert ("401" in operation["responses"]) == ("security" in operation) == (name not in OPEN)
    assert method in {"get", "delete"} or "requestBody" in operation or name.endswith("_link")


def test_errors_name_their_codes() -> None:
    _, _, register = OPERATIONS["post_versions"]

    reference = register["responses"]["409"]["$ref"].rsplit("/", 1)[-1]

    content = document()["components"]["responses"][reference]["content"]
    assert set(content) == {
        "application/vnd.schemaregistry.v1+json",
        "application/vnd.schemaregistry+json",
        "application/json",
    }
    schema = document()["components"]["schemas"]["Error_40901"]
    assert schema["properties"]["error_code"] == {"type": "integer", "enum": [40901]}


@pytest.mark.parametrize("name", sorted(OPERATIONS.keys() - OPEN))
def test_a_key_is_offered_where_a_key_is_good(name: str) -> None:
    path, _, operation = OPERATIONS[name]
    ways = [set(way) for way in operation["security"]]

    is_for_people = "For people" in operation.get("description", "")
    assert ({"bearer"} in ways) != is_for_people
    assert any("session" in way for way in ways) == path.startswith("/api/")


def test_the_scope_of_a_key_is_the_one_of_the_table() -> None:
    for (route, method), rule in permissions.TABLE.items():
        _, _, operation = OPERATIONS[f"{method.lower()}_{route}"]
        assert (rule.scope is not None) == ("403" in operation["responses"])
        assert rule.scope is None or f"`{rule.scope}`" in operation["description"]


def test_everybody_with_a_key_may_read_the_document(api: Api, outsider: Member) -> None:
    response = api.get(URL, as_=outsider)

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response.json() == json.loads(json.dumps(document()))


def test_a_stranger_may_not(db: None, client: Client) -> None:
    assert client.get(URL).status_code == 401
