"""A write that fails at any step leaves everything as it was, on real transactions, and the next one finds no trace."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, connection
from django.test import Client

from audit import events
from registry import bodies
from registry.models import Context, Schema, SchemaVersion, Subject
from registry.services import registration, scopes, storing
from tests.cast import Api, Member, join_as_administrator
from tests.unchanged import nothing_changes, stored

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

OLD = '{"type":"record","name":"R","fields":[]}'
NEW = '{"type":"record","name":"T","fields":[{"name":"f","type":"R"}]}'
REFERRING = {"schema": NEW, "references": [{"name": "R", "subject": "old", "version": 1}]}


@pytest.fixture
def api() -> Api:
    return Api(Client())


@pytest.fixture
def admin() -> Member:
    return join_as_administrator("admin", "administrators")


@pytest.fixture(autouse=True)
def old(api: Api, admin: Member) -> None:
    """`old` has one version, which is id 1, and a config."""
    assert api.post("/subjects/old/versions", {"schema": OLD}, as_=admin).status_code == 200
    assert api.put("/config/old", {"compatibility": "NONE"}, as_=admin).status_code == 200


# Writes, with what they answer once nothing stands in their way any more.
WRITES: dict[str, tuple[str, str, Any, dict[str, Any]]] = {
    "a new subject": ("POST", "/subjects/new/versions", REFERRING, {"id": 2, "version": 1}),
    "a new version": ("POST", "/subjects/old/versions", {"schema": '"int"'}, {"id": 2, "version": 2}),
    "a known content": ("POST", "/subjects/new/versions", {"schema": OLD}, {"id": 1, "version": 1}),
    "the config": ("PUT", "/config", {"normalize": True}, {"normalize": True}),
    "a new config": ("PUT", "/config/new", {"compatibility": "FULL"}, {"compatibility": "FULL"}),
    "another config": ("PUT", "/config/old", {"compatibility": "FULL"}, {"compatibility": "FULL"}),
    "no config": ("DELETE", "/config/old", None, {"compatibilityLevel": "NONE"}),
}


class FailsAt:
    """Lets a number of statements pass and raises at the next."""

    def __init__(self, passing: int, error: Exception) -> None:
        self.left = passing
        self.error = error

    def __call__(self, execute: Callable[..., Any], *statement: Any) -> Any:
        self.left -= 1
        if self.left == -1:
            raise self.error
        return execute(*statement)


@pytest.mark.parametrize("write", WRITES)
def test_whichever_statement_fails_nothing_is_left_of_a_write(api: Api, admin: Member, write: str) -> None:
    method, path, body, expected = WRITES[write]
    for passing in range(200):
        before, statement = stored(), FailsAt(passing, OperationalError("disk I/O error"))
        with connection.execute_wrapper(statement):
            response = api.send(method, path, body, as_=admin)
        if statement.left >= 0:
            break
        assert response.status_code == 503
        assert stored() == before

    assert passing > 5
    assert response.status_code == 200
    assert expected.items() <= response.json().items()


# Steps of registering, as where they are and what they are called there.
STEPS: dict[str, tuple[Any, str]] = {
    "the shared lock of config": (scopes, "share_lock"),
    "the subject": (registration, "_hold"),
    "all rows": (storing, "store"),
    "the content": (storing, "_content"),
    "the id": (storing, "_schema_id"),
    "the counter of ids": (Context, "save"),
    "the references": (storing, "_link"),
    "the version": (SchemaVersion.objects, "create"),
    "the revision": (Subject, "save"),
    "the event": (events, "record"),
    "the number of the event": (events, "_next"),
    "the number on the subject": (events, "_stamp"),
    "the row of the event": (events, "_insert"),
}


def broken(patch: pytest.MonkeyPatch, step: tuple[Any, str], error: Exception) -> None:
    """The step is done, and then fails."""
    place, name = step
    original = getattr(place, name)

    def fail(*args: Any, **kwargs: Any) -> Any:
        original(*args, **kwargs)
        raise error

    patch.setattr(place, name, fail)


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_fails_after_it_was_done_is_undone(
    api: Api, admin: Member, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    with nothing_changes(), monkeypatch.context() as patch:
        broken(patch, STEPS[step], RuntimeError("the step failed"))
        failed = api.post("/subjects/new/versions", REFERRING, as_=admin)

    made = api.post("/subjects/new/versions", REFERRING, as_=admin)

    assert (failed.status_code, failed.json()) == (500, {"error_code": 500, "message": "Internal Server Error"})
    assert (made.json()["id"], made.json()["version"]) == (2, 1)
    assert Subject.objects.get(name="new").revision == 1


@pytest.mark.parametrize("write", WRITES)
def test_a_commit_that_fails_is_no_commit(api: Api, admin: Member, monkeypatch: pytest.MonkeyPatch, write: str) -> None:
    method, path, body, _ = WRITES[write]

    def fail() -> None:
        raise OperationalError("disk I/O error")

    with nothing_changes(), monkeypatch.context() as patch:
        patch.setattr(connection, "_commit", fail)
        response = api.send(method, path, body, as_=admin)

    assert response.status_code == 503


class _Timeout(Exception):
    sqlstate = "57014"


def timed_out() -> OperationalError:
    error = OperationalError("canceling statement due to statement timeout")
    error.__cause__ = _Timeout()
    return error


# What the database may say, and the status and code of the answer.
DATABASE: dict[str, tuple[Exception, int, int]] = {
    "gone": (OperationalError("server closed the connection unexpectedly"), 503, 503),
    "closed": (InterfaceError("connection already closed"), 503, 503),
    "full": (OperationalError("database or disk is full"), 503, 503),
    "locked": (OperationalError("database is locked"), 500, 50002),
    "too slow": (timed_out(), 500, 50002),
    "unique": (IntegrityError("duplicate key value violates unique constraint"), 500, 50002),
    "anything else": (DatabaseError("database disk image is malformed"), 500, 500),
}


@pytest.mark.parametrize("case", DATABASE)
def test_whatever_the_database_says_the_client_learns_only_what_to_do(
    api: Api, admin: Member, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    error, status, code = DATABASE[case]

    with nothing_changes(), monkeypatch.context() as patch:
        broken(patch, STEPS["the row of the event"], error)
        response = api.post("/subjects/new/versions", REFERRING, as_=admin)

    assert (response.status_code, response.json()["error_code"]) == (status, code)
    assert str(error) not in response.content.decode()
    assert response.has_header("Retry-After") == (status == 503)


REFUSALS: dict[str, tuple[str, str, Any, int]] = {
    "no schema": ("POST", "/subjects/new/versions", {"schema": "x"}, 42201),
    "no such reference": (
        "POST",
        "/subjects/new/versions",
        {"schema": NEW, "references": [{"name": "R", "subject": "old", "version": 2}]},
        42201,
    ),
    "no such type": ("POST", "/subjects/new/versions", {"schema": OLD, "schemaType": "JSON"}, 42201),
    "no such name": ("POST", "/subjects/a%00/versions", {"schema": OLD}, 42208),
    "an id": ("POST", "/subjects/new/versions", {"schema": '"int"', "id": 9}, 42205),
    "incompatible": ("POST", "/subjects/strict/versions", {"schema": '"int"'}, 40901),
    "no such level": ("PUT", "/config/new", {"compatibility": "SOME"}, 42203),
    "no config": ("DELETE", "/config/new", None, 40401),
    "half a config": ("PUT", "/config", {"compatibility": "FULL", "normalize": "perhaps"}, 400),
    "the same config": ("PUT", "/config/old", {"compatibility": "NONE"}, 200),
    "the same schema": ("POST", "/subjects/old/versions", {"schema": OLD}, 200),
}


def test_a_refused_or_repeated_write_changes_nothing(api: Api, admin: Member) -> None:
    api.post("/subjects/strict/versions", {"schema": OLD}, as_=admin)

    for case, (method, path, body, code) in REFUSALS.items():
        with nothing_changes():
            response = api.send(method, path, body, as_=admin)

        assert response.json().get("error_code", 200) == code, case


def test_a_failure_after_the_commit_does_not_undo_it(api: Api, admin: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is lost, the write is not: the same request again is answered with what it made."""
    with monkeypatch.context() as patch:
        patch.setattr(bodies, "registered", lambda *args, **kwargs: 1 / 0)
        lost = api.post("/subjects/new/versions", REFERRING, as_=admin)
    before = stored()

    again = api.post("/subjects/new/versions", REFERRING, as_=admin)

    assert (lost.status_code, again.status_code) == (500, 200)
    assert (again.json()["id"], again.json()["version"]) == (2, 1)
    assert stored() == before


def test_two_contents_with_one_guid_are_told_apart(api: Api, admin: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    guid = str(Schema.objects.get().guid)

    with nothing_changes(), monkeypatch.context() as patch:
        patch.setattr("registry.schemas.identity.guid", lambda *args: guid)
        response = api.post("/subjects/new/versions", {"schema": '"int"'}, as_=admin)

    assert response.json()["error_code"] == 42201
    assert guid in response.json()["message"]
