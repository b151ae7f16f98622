"""docs/compatibility-table.md is true of the routes: what it lists is there, what it calls missing is refused."""

import re

import pytest

from registry import names, permissions
from tests.cast import Api, Member
from tests.environment import CHECKOUT
from tests.unchanged import nothing_changes

TEXT = (CHECKOUT / "docs" / "compatibility-table.md").read_text("utf-8")
LISTED = re.findall(r"^\| `([A-Z]+ /\S*)` \|", TEXT, re.MULTILINE)
MISSING = [
    ("GET", "/associations/subjects/orders"),
    ("GET", "/associations/resources/lkc-1"),
    ("POST", "/associations"),
    ("POST", "/associations:batchGet"),
    ("POST", "/associations:batchMutate"),
    ("GET", "/dek-registry/v1/keks"),
    ("POST", "/dek-registry/v1/keks"),
    ("GET", "/exporters"),
    ("POST", "/exporters"),
    ("GET", "/catalog/v1/types/tagdefs"),
]


def test_the_table_lists_every_route_once() -> None:
    routes = [f"{method} /{names.ROUTES[route]}" for route, method in permissions.TABLE]

    assert sorted(LISTED) == sorted(routes)


@pytest.mark.django_db
@pytest.mark.parametrize(("method", "path"), MISSING)
def test_what_is_not_there_yet_is_refused(api: Api, admin: Member, method: str, path: str) -> None:
    with nothing_changes():
        answer = api.send(method, path, {"name": "x"}, as_=admin)

    assert answer.status_code == 404
    assert answer.json() == {"error_code": 404, "message": "HTTP 404 Not Found"}


@pytest.mark.django_db
@pytest.mark.parametrize("schema_type", ["JSON", "PROTOBUF"])
def test_other_types_are_refused_by_name(api: Api, admin: Member, schema_type: str) -> None:
    body = {"schema": '{"type":"object"}', "schemaType": schema_type}

    with nothing_changes():
        answer = api.post("/subjects/orders/versions", body, as_=admin)

    assert answer.json() == {"error_code": 42201, "message": f"Invalid schema type {schema_type}"}
