"""Two registries, an empty one and a lived-in one, and who asks them. Each is made once for all tests of a module."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoDbBlocker

from accounts.services import SCOPES
from audit import events, transactions
from registry.models import Subject
from tests.cast import STAGE, Api, Member, join, join_as_administrator, sign_in
from tests.openapi.asking import HOSTILE_TEXTS, Caller, Pools, undone

CSRF = "c" * 32
RECORD = '{"type":"record","name":"Order","fields":[{"name":"id","type":"long"}]}'
WIDER = RECORD.replace("]}", ',{"name":"note","type":"string","default":""}]}')
REFERRING = '{"type":"record","name":"Bill","fields":[{"name":"order","type":"Order"}]}'
GUID = "ef524ea1-b91e-7317-3d93-8ade36c1db32"


@pytest.fixture(scope="module")
def stage(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The database, as every example finds it."""
    with django_db_blocker.unblock(), undone():
        yield


@pytest.fixture(scope="module")
def callers(stage: None) -> dict[str, Caller]:
    return {
        "admin": _with_key(join_as_administrator("admin", "administrators")),
        "owner": _with_key(join("owner", "owners", scopes=SCOPES)),
        "outsider": _with_key(join("outsider", "strangers")),
        "root": _with_session("root", "owners", is_superuser=True),
        "sam": _with_session("sam", "strangers"),
    }


def _with_key(member: Member) -> Caller:
    return Caller(member.name, {"Authorization": member.bearer})


def _with_session(name: str, group: str, *, is_superuser: bool = False) -> Caller:
    session = sign_in(name, group, is_superuser=is_superuser).client.cookies["session"].value
    return Caller(name, {"X-CSRFToken": CSRF}, {"session": session, "csrf": CSRF})


@pytest.fixture(scope="module")
def empty(callers: dict[str, Caller]) -> Pools:
    return {"subject": ["orders", *HOSTILE_TEXTS], "version": ["1", "latest", "-1", "x"], "context": [".x", "."]}


@pytest.fixture(scope="module")
def lived_in(callers: dict[str, Caller]) -> Iterator[Pools]:
    with undone():
        yield _live(callers)


def _live(callers: dict[str, Caller]) -> Pools:
    """Subjects with versions, deleted ones, a reference, a context, configs, modes, one that is hidden, grants."""
    api = Api(Client())

    def call(method: str, path: str, body: Any = None, *, who: str = "owner") -> Any:
        response = api.send(method, path, body, headers=callers[who].headers)
        assert response.status_code == 200, response.content
        return response.json()

    for subject in ("orders", "gone", "half", "dead", "secret", ":.emea:trips", "a%2Fb"):
        call("POST", f"/subjects/{subject}/versions", {"schema": RECORD})
    wider = call("POST", "/subjects/orders/versions", {"schema": WIDER, "metadata": {"properties": {"team": "x"}}})
    call("POST", "/subjects/half/versions", {"schema": WIDER})
    reference = {"name": "Order", "subject": "orders", "version": 1}
    call("POST", "/subjects/bills/versions", {"schema": REFERRING, "references": [reference]})
    call("DELETE", "/subjects/gone")
    call("DELETE", "/subjects/half/versions/1")
    call("PUT", "/config/orders", {"compatibility": "FULL", "defaultMetadata": {"properties": {"a": "b"}}})
    call("PUT", "/config/other", {"alias": "orders"}, who="admin")
    call("PUT", "/mode/half", {"mode": "READONLY"})
    _hide("secret")
    return {
        "subject": ["orders", "orders", "gone", "half", "bills", "secret", ":.emea:trips", "other", *HOSTILE_TEXTS],
        "version": ["1", "2", "latest", "-1", "99999999999", "x\0"],
        "newVersion": [None, 2, 3],
        "schema_id": [1, 2, 3, 10**30],
        "guid": [wider["guid"], GUID, "x"],
        "context": [".emea", ".", "emea", ".nothing"],
        "schema": [RECORD, WIDER, REFERRING, '"int"', "x"],
        "references": [[reference], [], None],
        "group": ["owners", "strangers"],
        "owner": ["strangers"],
        "owner_group": ["owners", "strangers"],
        "service_account": ["owner"],
        "role": ["reader", "owner"],
        "to": ["deprecated", "retired", "draft"],
        "visibility": ["restricted", "internal"],
        "key": ["initial_state", "team"],
        "value": ["draft", "x"],
        "scopes": [["subjects:read"]],
        "cidrs": [["10.0.0.0/8"], []],
        "prefixes": [["orders"], []],
        "prefix": ["ord", ""],
        "compatibility": ["FULL", "NONE"],
        "mode": ["READONLY", "IMPORT", "READWRITE"],
        "format": ["resolved"],
        "name": ["owner", "x"],
    }


def _hide(name: str) -> None:
    with transactions.write():
        Subject.objects.filter(name=name).update(visibility="restricted")
        events.record(STAGE, events.Action.CONFIG_CHANGED, kind="subject", ref=f":.:{name}")
