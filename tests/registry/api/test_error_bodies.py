"""Every error in its words and in one shape, and nothing in it that is not for the client."""

import json
import logging
import os
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.http import UnreadablePostError
from django.test import Client
from psycopg import sql

from registry import access, names
from registry.services import candidates, listing, registration, storing
from tests import servers, wire
from tests.cast import Api, Member
from tests.servers import Factory, Server

V1 = "application/vnd.schemaregistry.v1+json"
RECORD = '{"type":"record","name":"R","fields":[]}'
VERSION = 'is not a valid version id. Allowed values are between [1, 2^31-1] and the string "latest"'
LEVELS = "none, backward, forward, full, backward_transitive, forward_transitive, and full_transitive"

# Method, path, body, error code and text. `orders` has a record and is all there is.
ERRORS: list[tuple[str, str, Any, int, str]] = [
    ("GET", "/nowhere", None, 404, "HTTP 404 Not Found"),
    ("GET", "/modes", None, 404, "HTTP 404 Not Found"),
    ("GET", "/exporters", None, 404, "HTTP 404 Not Found"),
    ("GET", "/schemas/ids/x", None, 404, "HTTP 404 Not Found"),
    ("GET", "/subjects?offset=x", None, 404, "HTTP 404 Not Found"),
    ("GET", "/subjects/orders", None, 405, "HTTP 405 Method Not Allowed"),
    ("DELETE", "/subjects", None, 405, "HTTP 405 Method Not Allowed"),
    ("PATCH", "/config", {}, 405, "HTTP 405 Method Not Allowed"),
    ("GET", "/subjects?offset=-1", None, 422, "offset must not be negative"),
    ("POST", "/subjects/orders/versions", b"", 422, "register.request must not be null (was null)"),
    ("GET", "/subjects/a/versions", None, 40401, "Subject 'a' not found."),
    ("GET", "/subjects/a/versions/1", None, 40401, "Subject 'a' not found."),
    ("POST", "/subjects/a", {"schema": RECORD}, 40401, "Subject 'a' not found."),
    ("DELETE", "/config/a", None, 40401, "Subject 'a' not found."),
    ("GET", "/subjects/:.:a/versions", None, 40401, "Subject 'a' not found."),
    ("GET", "/subjects/orders/versions/2", None, 40402, "Version 2 not found."),
    ("POST", "/compatibility/subjects/orders/versions/2", {"schema": RECORD}, 40402, "Version 2 not found."),
    ("GET", "/schemas/ids/2", None, 40403, "Schema 2 not found"),
    ("GET", "/schemas/ids/2/schema", None, 40403, "Schema 2 not found"),
    ("GET", "/schemas/ids/2/subjects", None, 40403, "Schema not found"),
    ("GET", "/schemas/ids/2/versions", None, 40403, "Schema not found"),
    ("GET", "/schemas/guids/x", None, 40403, "Schema x not found"),
    ("POST", "/subjects/orders", {"schema": '"int"'}, 40403, "Schema not found"),
    ("GET", "/config/a", None, 40408, "Subject 'a' does not have subject-level compatibility configured"),
    ("GET", "/mode/a", None, 40409, "Subject 'a' does not have subject-level mode configured"),
    ("DELETE", "/mode/a", None, 40401, "Subject 'a' not found."),
    ("POST", "/subjects/a/versions", {}, 42201, "Empty schema"),
    ("POST", "/subjects/a/versions", {"schema": "x", "schemaType": "JSON"}, 42201, "Invalid schema type JSON"),
    ("GET", "/subjects/orders/versions/0", None, 42202, f"The specified version '0' {VERSION}"),
    ("GET", "/subjects/orders/versions/x", None, 42202, f"The specified version 'x' {VERSION}"),
    ("PUT", "/config", {"compatibility": "x"}, 42203, f"Invalid compatibility level. Valid values are {LEVELS}"),
    ("PUT", "/mode", {"mode": "x"}, 42204, "Invalid mode. Valid values are READWRITE, READONLY, IMPORT and FORWARD."),
    ("PUT", "/mode", {"mode": "FORWARD"}, 42204, "Forward mode only supported on global level"),
    ("PUT", "/mode/orders", {"mode": "IMPORT"}, 42205, "Cannot import since found existing subjects"),
    ("POST", "/subjects/a/versions", {"schema": RECORD, "id": 7}, 42205, "Subject a in context  is not in import mode"),
    (
        "POST",
        "/subjects/__EMPTY/versions",
        {"schema": RECORD},
        42208,
        "The specified subject '__EMPTY' is not a valid.",
    ),
]


@pytest.fixture
def orders(api: Api, admin: Member) -> None:
    assert api.post("/subjects/orders/versions", {"schema": RECORD}, as_=admin).status_code == 200


def check(response: Any, code: int, message: str) -> None:
    assert response.json() == {"error_code": code, "message": message}
    assert response.status_code == (code if code < 1000 else code // 100)
    assert response["Content-Type"] == V1
    assert response["X-Request-ID"]


@pytest.mark.parametrize(("method", "path", "body", "code", "message"), ERRORS)
def test_an_error_has_its_code_its_status_and_its_text(
    api: Api, admin: Member, orders: None, method: str, path: str, body: Any, code: int, message: str
) -> None:
    check(api.send(method, path, body, as_=admin), code, message)


def test_40301_names_operation_and_subject(api: Api, orders: None, outsider: Member) -> None:
    response = api.post("/subjects/orders/versions", {"schema": RECORD}, as_=outsider)

    check(response, 40301, "User is denied operation Write on Subject: orders")


def test_40901_says_what_is_incompatible_with_what(api: Api, admin: Member, orders: None) -> None:
    response = api.post("/subjects/orders/versions", {"schema": '"int"'}, as_=admin)

    check(
        response,
        40901,
        'Schema being registered is incompatible with an earlier schema for subject "orders", details: '
        "[{errorType:'TYPE_MISMATCH', description:'The type (path '/') of a field in the new schema does not match "
        "with the old schema', additionalInfo:'reader type: INT not compatible with writer type: RECORD'}, "
        f"{{oldSchemaVersion: 1}}, {{oldSchema: '{RECORD}'}}, {{validateFields: 'false', compatibility: 'BACKWARD'}}]",
    )


def test_42201_quotes_the_request_and_then_the_parser(api: Api, admin: Member) -> None:
    response = api.post("/subjects/a/versions", {"schema": '"x"'}, as_=admin)

    check(
        response,
        42201,
        "Invalid schema of type AVRO, details: Invalid schema {subject=a,version=null,id=null,"
        'guid=3fbf839f-a0e7-78a2-0326-ddc34f5cd588,schemaType=AVRO,references=[],metadata=null,ruleSet=null,schema="x",'
        "schemaTags=null,ts=null,deleted=null} with refs [] of type AVRO, details: Undefined schema: x",
    )


def test_42209_begins_with_the_words_of_confluent(api: Api, admin: Member, settings: Any) -> None:
    settings.CALLBOARD = {**settings.CALLBOARD, "LIMIT_SCHEMA_BYTES": 1024}

    response = api.post("/subjects/a/versions", {"schema": '"int"'.ljust(1025)}, as_=admin)

    said = "Register operation failed because schema is too large: more than 1024 bytes (LIMIT_SCHEMA_BYTES)"
    check(response, 42209, said)


def test_50002_after_others_kept_changing_the_subject(api: Api, admin: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    def move(*args: Any, **kwargs: Any) -> None:
        raise storing.Moved

    monkeypatch.setattr(registration, "_hold", move)

    check(api.post("/subjects/a/versions", {"schema": RECORD}, as_=admin), 50002, "Register operation timed out")


CREDENTIALS = [
    "",
    "Bearer",
    "Bearer ",
    "Bearer cbk_nope",
    "Basic",
    "Basic !!!",
    "Basic bm9uZQ==",
    "Basic bm9ib2R5OnNlY3JldA==",
    "Digest x",
    "Bearer eyJhbGciOiJub25lIn0.e30.",
    "Bearer a, Bearer b",
    "é",
    "Bearer " + "x" * 10_000,
]


@pytest.mark.parametrize("path", ["/subjects", "/schemas/ids/1", "/subjects/orders/versions", "/config"])
def test_401_is_the_same_for_whatever_is_wrong_with_the_credentials(api: Api, orders: None, path: str) -> None:
    for header in CREDENTIALS:
        for method in ("GET", "POST", "PUT", "DELETE"):
            response = api.send(method, path, None, headers={"Authorization": header, "Accept": "text/html"})

            check(response, 401, "Unauthorized")
            assert response["WWW-Authenticate"] == 'Basic realm="callboard", Bearer realm="callboard"'


def test_405_says_what_is_allowed(api: Api, admin: Member) -> None:
    allowed = {
        path: sorted(api.send("TRACE", path, None, as_=admin)["Allow"].split(","))
        for path in ("/subjects", "/subjects/a", "/subjects/a/versions", "/config", "/config/a", "/")
    }

    assert allowed == {
        "/subjects": ["GET", "HEAD", "OPTIONS"],
        "/subjects/a": ["DELETE", "OPTIONS", "POST"],
        "/subjects/a/versions": ["GET", "HEAD", "OPTIONS", "POST"],
        "/config": ["DELETE", "GET", "HEAD", "OPTIONS", "PUT"],
        "/config/a": ["DELETE", "GET", "HEAD", "OPTIONS", "PUT"],
        "/": ["GET", "HEAD", "OPTIONS", "POST"],
    }


def test_head_has_the_status_of_get_and_no_body(api: Api, admin: Member, orders: None) -> None:
    for path in ("/subjects", "/subjects/a/versions", "/schemas/ids/1", "/schemas/ids/x", "/nowhere"):
        response = api.send("HEAD", path, None, as_=admin)

        assert response.status_code == api.get(path, as_=admin).status_code
        assert response.content == b""


# What an exception may hold that nobody outside should read.
SECRET = "SELECT * FROM registry_subject WHERE password='hunter2' -- cbk_0123456789ab_secret /srv/callboard"


class Unexpected(Exception):
    pass


def failing(*args: Any, **kwargs: Any) -> Any:
    raise Unexpected(SECRET)


PLACES: dict[str, tuple[Any, str]] = {
    "a service": (listing, "list_subjects"),
    "the router": (names, "split"),
    "the policy": (access, "filter_all"),
}


@pytest.mark.parametrize("place", PLACES)
def test_an_unexpected_exception_is_500_without_a_word_of_it(
    admin: Member, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, place: str
) -> None:
    monkeypatch.setattr(*PLACES[place], failing)
    api = Api(Client(raise_request_exception=False))

    response = api.get("/subjects", as_=admin, headers={"X-Request-ID": "trace-me"})

    check(response, 500, "Internal Server Error")
    assert response["X-Request-ID"] == "trace-me"
    logged = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert any("Unexpected" in str(record.msg) + str(record.exc_info) for record in logged)
    assert any("trace-me" in str(record.msg) for record in caplog.records)
    assert admin.token not in caplog.text


def test_an_unexpected_exception_of_a_write_is_500_too(
    api: Api, admin: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "prepare", failing)

    check(api.post("/subjects/a/versions", {"schema": RECORD}, as_=admin), 500, "Internal Server Error")
    check(api.post("/subjects/a", {"schema": RECORD}, as_=admin), 500, "Internal Server Error")


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_database_that_is_away_is_503_with_a_hint_when_to_come_back(
    api: Api, admin: Member, error: type[Exception]
) -> None:
    def refuse(*args: Any) -> Any:
        raise error(SECRET)

    requests = [("GET", "/subjects"), ("GET", "/schemas/ids/1"), ("POST", "/subjects/a/versions"), ("PUT", "/config")]
    with connection.execute_wrapper(refuse):
        answers = [api.send(method, path, {}, as_=admin) for method, path in requests]

    for answer in answers:
        check(answer, 503, "The database is unavailable; try again in a moment")
        assert answer["Retry-After"] == "2"


def test_a_client_that_hangs_up_is_no_failure_of_ours(
    api: Api, admin: Member, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def hang_up(*args: Any) -> bytes:
        raise UnreadablePostError("connection reset")

    monkeypatch.setattr("django.core.handlers.wsgi.LimitedStream.read", hang_up)

    response = api.post("/subjects/a/versions", {"schema": RECORD}, as_=admin)

    check(response, 400, "EOF Exception encountered - client disconnected during stream processing.")
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_errors_carry_the_extra_headers_of_the_settings(api: Api, admin: Member, settings: Any) -> None:
    settings.CALLBOARD = {**settings.CALLBOARD, "RESPONSE_HEADERS": {"X-Extra": "yes"}}

    for path in ("/subjects/a/versions", "/subjects/a", "/schemas/ids/x"):
        assert api.get(path, as_=admin)["X-Extra"] == "yes"


def test_no_key_is_ever_logged(server: Server) -> None:
    key = server.new_key("quiet", group="quiet")
    spoiled = key[:-1] + ("a" if key[-1] != "a" else "b")
    for given in (key, spoiled):
        server.call("GET", "/subjects", key=given)
        server.call("POST", "/subjects/quiet/versions", {"schema": f'"{given}"'}, key=given)
        server.call("PUT", "/config/quiet", {"compatibility": given}, key=given)
        server.call("GET", f"/subjects/{given}/versions?key={given}", key=given)
        server.call("DELETE", f"/subjects/{given}", key=given)
        wire.get(server, "/subjects", f"X-Request-ID: {given}".encode(), f"Cookie: key={given}".encode(), key=given)

    assert "/subjects/quiet/versions" in server.log
    assert key[17:] not in server.log and spoiled[17:] not in server.log


def within_seconds(seconds: float, holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@pytest.mark.postgresql
def test_a_server_survives_the_absence_of_its_database(start_server: Factory) -> None:
    server = start_server()
    base = os.environ["DATABASE_URL"]
    name = urlsplit(server.home.database_url).path.lstrip("/")

    def allow(allowed: str) -> None:
        altered = sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}")
        servers.execute(base, altered.format(sql.Identifier(name), sql.SQL(allowed)))
        ended = sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}")
        servers.execute(base, ended.format(sql.Literal(name)))

    allow("false")
    read = server.call("GET", "/subjects")
    written = server.call("POST", "/subjects/a/versions", {"schema": RECORD})
    allow("true")

    for answer in (read, written):
        headers = {header.title(): value for header, value in answer.headers.items()}
        assert answer.status == 503 and headers["Retry-After"] == "2"
        assert answer.json() == {"error_code": 503, "message": "The database is unavailable; try again in a moment"}
    assert within_seconds(5, lambda: server.call("GET", "/subjects").status == 200)
    assert json.loads(server.call("GET", "/subjects").body) == []
