"""A request that takes too long is broken off and leaves nothing; one statement too."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import pytest
from django.db import OperationalError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client

from config import deadline
from tests.cast import Api, Member, Person, sign_in
from tests.unchanged import nothing_changes

pytestmark = pytest.mark.django_db


@pytest.fixture
def out_of_time(settings: Any) -> None:
    """The time is over before the first statement."""
    settings.CALLBOARD = {**settings.CALLBOARD, "REQUEST_TIMEOUT": -1}


@pytest.fixture
def late() -> Person:
    return sign_in("late")


@contextmanager
def new_connection() -> Iterator[BaseDatabaseWrapper]:
    """As a thread of the server opens it."""
    opened = connections.create_connection("default")
    try:
        opened.connect()
        deadline.limit_statements(connection=opened)
        yield opened
    finally:
        opened.close()


def test_a_request_over_its_time_is_504(api: Api, owner: Member, out_of_time: None) -> None:
    answer = api.get("/subjects", as_=owner)

    assert answer.status_code == 504
    assert answer.json() == {"error_code": 504, "message": "HTTP 504 Gateway Timeout"}


def test_a_registration_over_its_time_changes_nothing(api: Api, owner: Member, out_of_time: None) -> None:
    with nothing_changes():
        answer = api.post("/subjects/late/versions", {"schema": '"string"'}, as_=owner)

    assert answer.status_code == 504


def test_our_own_api_says_so_in_its_shape(client: Client, owner: Member, out_of_time: None) -> None:
    answer = client.get("/api/v1/me", headers={"Authorization": owner.bearer})

    assert (answer.status_code, answer.json()["error_code"]) == (504, 504)


def test_a_page_says_so_in_words(late: Person, out_of_time: None) -> None:
    answer = late.client.get("/ui/")

    assert answer.status_code == 504
    assert answer.content == b"HTTP 504 Gateway Timeout\n"


def test_our_own_api_says_so_in_its_shape_to_a_session_too(late: Person, out_of_time: None) -> None:
    answer = late.client.get("/api/v1/me")

    assert (answer.status_code, answer.json()["error_code"]) == (504, 504)


def test_a_request_in_time_is_answered(api: Api, owner: Member) -> None:
    assert api.get("/subjects", as_=owner).status_code == 200


@pytest.mark.sqlite
def test_a_statement_is_broken_off_when_the_request_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    monkeypatch.setattr(deadline._current, "deadline", monotonic() + 0.2, raising=False)

    with (
        new_connection() as opened,
        opened.cursor() as cursor,
        pytest.raises(OperationalError, match="interrupted"),
    ):
        cursor.execute(numbers)


@pytest.mark.postgresql
def test_a_statement_has_a_time_of_its_own(settings: Any) -> None:
    settings.CALLBOARD = {**settings.CALLBOARD, "STATEMENT_TIMEOUT": 1}

    with (
        new_connection() as opened,
        opened.cursor() as cursor,
        pytest.raises(OperationalError, match="statement timeout"),
    ):
        cursor.execute("SELECT pg_sleep(30)")


@pytest.mark.postgresql
def test_commands_have_no_such_limit() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")

        assert cursor.fetchone() == ("0",)
