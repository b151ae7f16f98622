"""/api/v1/: who I am, groups, service accounts and keys."""

import json
from typing import Any

import pytest
from django.test import Client

from accounts.models import ApiKey
from audit.models import AuditEvent
from tests.cast import Api, Member, sign_in

ROUTES = ["me", "groups", "service-accounts", "keys"]


def send(client: Client, method: str, path: str, body: Any = None) -> Any:
    data = b"" if body is None else json.dumps(body).encode()
    return client.generic(method, f"/api/v1/{path}", data, "application/json")


@pytest.fixture
def maria(owner: Member) -> Client:
    return sign_in("maria", owner.group.name).client


@pytest.fixture
def sam(outsider: Member) -> Client:
    return sign_in("sam", outsider.group.name).client


@pytest.mark.parametrize("path", ROUTES)
def test_a_stranger_is_401(client: Client, db: None, path: str) -> None:
    assert send(client, "GET", path).status_code == 401


def test_a_key_learns_who_it_is_and_nothing_else(api: Api, owner: Member) -> None:
    me = api.get("/api/v1/me", as_=owner).json()

    assert (me["kind"], me["name"], me["groups"]) == ("service", "owner", ["owners"])
    for path in ROUTES[1:]:
        assert api.get(f"/api/v1/{path}", as_=owner).status_code == 403


def test_a_person_learns_who_they_are(maria: Client) -> None:
    me = send(maria, "GET", "me").json()

    assert (me["kind"], me["name"], me["groups"], me["rights"]) == ("person", "maria", ["owners"], [])


def test_a_member_makes_an_account_and_a_key_of_it(maria: Client, api: Api) -> None:
    account = send(maria, "POST", "service-accounts", {"name": "checkout", "owner_group": "owners"})
    issued = send(maria, "POST", "keys", {"service_account": "checkout", "label": "ci", "days": 7})

    assert (account.status_code, issued.status_code) == (201, 201)
    assert issued["Cache-Control"] == "no-store"
    token = issued.json()["key"]
    headers = {"Authorization": f"Bearer {token}"}
    assert api.get("/subjects", headers=headers).status_code == 200
    listed = send(maria, "GET", "keys").json()["items"]
    assert token not in json.dumps(listed)
    assert {"ci", "owner"} <= {item["label"] for item in listed}


def test_a_revoked_key_opens_nothing(maria: Client, api: Api, owner: Member) -> None:
    id12 = owner.token[4:16]

    assert send(maria, "DELETE", f"keys/{id12}?reason=lost").status_code == 204

    assert api.get("/subjects", as_=owner).status_code == 401
    assert ApiKey.objects.get(id12=id12).revoked_reason == "lost"


def test_a_disabled_account_opens_nothing(maria: Client, api: Api, owner: Member) -> None:
    assert send(maria, "DELETE", "service-accounts/owner").status_code == 204

    assert api.get("/subjects", as_=owner).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "service-accounts", {"name": "x", "owner_group": "owners"}, 422),
        ("DELETE", "service-accounts/owner", None, 404),
        ("POST", "keys", {"service_account": "owner", "label": "x"}, 422),
        ("POST", "groups", {"name": "mine"}, 403),
    ],
)
def test_an_outsider_changes_nothing(
    sam: Client, owner: Member, method: str, path: str, body: Any, status: int
) -> None:
    before = AuditEvent.objects.count()

    assert send(sam, method, path, body).status_code == status
    assert send(sam, "DELETE", f"keys/{owner.token[4:16]}").status_code == 404
    assert AuditEvent.objects.count() == before


def test_an_outsider_sees_only_what_is_theirs(sam: Client, owner: Member) -> None:
    assert [item["name"] for item in send(sam, "GET", "groups").json()["items"]] == ["strangers"]
    assert [item["name"] for item in send(sam, "GET", "service-accounts").json()["items"]] == ["outsider"]
    assert {item["service_account"] for item in send(sam, "GET", "keys").json()["items"]} == {"outsider"}


def test_who_manages_everything_makes_groups(db: None) -> None:
    ada = sign_in("ada", is_superuser=True).client

    assert send(ada, "POST", "groups", {"name": "payments"}).status_code == 201
    assert send(ada, "POST", "groups", {"name": "payments"}).status_code == 409
    assert send(ada, "POST", "groups", {"name": "idp:x"}).status_code == 422
    assert "payments" in {item["name"] for item in send(ada, "GET", "groups").json()["items"]}


@pytest.mark.parametrize(
    "body",
    [
        {"service_account": "owner", "label": "x", "scopes": ["everything"]},
        {"service_account": "owner", "label": "x", "days": 91},
        {"service_account": "owner", "label": ""},
        {"service_account": "owner", "label": "x", "is_superuser": True},
        [],
    ],
)
def test_a_key_that_makes_no_sense_is_refused(maria: Client, body: Any) -> None:
    assert send(maria, "POST", "keys", body).status_code == 422
