"""The server as its operator meets it: a process, its output, its exit code."""

import json
import os
import shutil
import signal
import socket
import stat
import threading
import time
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path

import pytest

from tests import servers
from tests.environment import CHECKOUT, SECRETS
from tests.servers import Answer, Factory, Home, Server

SCHEMA = {"schema": '{"type": "record", "name": "Order", "fields": [{"name": "id", "type": "string"}]}'}


def refused(home: Home, **given: str) -> str:
    """The one line with which a start is refused."""
    done = home.run("-m", "config.serve", **given)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CALLBOARD_PROT", "8081"),
        ("CALLBOARD_PORT", "http"),
        ("CALLBOARD_COMPATIBILITY", "SOMETIMES"),
        ("CALLBOARD_SECRET_KEY_FILE", "/nowhere/secret"),
        ("CALLBOARD_SECRET_KEY", "short"),
        ("CALLBOARD_OIDC_SIGN_ALGO", "HS256"),
        ("DATABASE_URL", "mysql://localhost/registry"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_one_line_that_names_it(home: Home, name: str, value: str) -> None:
    line = refused(home, **{name: value})

    assert line.startswith("callboard: ") and name in line


def test_production_without_its_secrets_is_refused(home: Home) -> None:
    line = refused(home, CALLBOARD_PRODUCTION="on", CALLBOARD_SECRET_KEY="", CALLBOARD_KEY_PEPPER="")

    assert "CALLBOARD_SECRET_KEY" in line


def test_a_provider_makes_an_installation_a_production_one(home: Home) -> None:
    line = refused(home, CALLBOARD_OIDC_ISSUER="https://idp.example", CALLBOARD_SECRET_KEY="")

    assert "CALLBOARD_SECRET_KEY" in line and "production" in line


def test_a_provider_that_is_asked_in_the_clear_stops_the_start_with_one_line(home: Home) -> None:
    client = {"CALLBOARD_OIDC_CLIENT_ID": "portal", "CALLBOARD_OIDC_CLIENT_SECRET": "secret"}

    line = refused(home, CALLBOARD_PRODUCTION="off", CALLBOARD_OIDC_ISSUER="http://idp.example", **client)

    assert "CALLBOARD_OIDC_ISSUER" in line and "callboard.E012" in line


def test_an_unreachable_database_stops_the_start_with_one_line(home: Home) -> None:
    given = {"DATABASE_URL": "postgresql://callboard@/registry?host=/nowhere"}

    line = refused(home, **given, **SECRETS)

    assert "/nowhere" in line


def test_a_data_folder_that_cannot_be_made_stops_the_start_with_one_line(home: Home, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert "file" in refused(home, CALLBOARD_DATA=str(tmp_path / "file" / "data"))


def test_a_taken_port_stops_the_start_with_one_line(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        line = refused(home, CALLBOARD_PORT=port)

    assert f"127.0.0.1:{port}" in line and "CALLBOARD_PORT" in line


def test_a_port_that_another_callboard_serves_is_refused(start_server: Factory, home: Home) -> None:
    first = start_server()

    line = refused(home, CALLBOARD_PORT=str(first.port))

    assert str(first.port) in line


def test_the_first_start_prints_a_key_and_how_to_use_it_in_ten_lines(start_server: Factory) -> None:
    server = start_server()

    lines = server.log.splitlines()
    assert len(lines) <= 10
    assert server.url in server.log and "curl" in server.log
    assert server.call("POST", "/subjects/orders-value/versions", SCHEMA).status == 200


@pytest.mark.sqlite
def test_the_embedded_default_keeps_the_first_key_and_its_secrets_for_the_owner_alone(start_server: Factory) -> None:
    server = start_server()

    folder = server.home.folder
    assert (folder / "first-key").read_text() == server.key + "\n"
    for path in (folder / "first-key", *(folder / "secrets").iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "secrets").stat().st_mode) == 0o700


@pytest.mark.sqlite
def test_secrets_are_made_once(start_server: Factory) -> None:
    first = start_server()
    secrets = {path.name: path.read_text() for path in (first.home.folder / "secrets").iterdir()}
    first.stop()

    start_server()

    assert len(secrets) >= 2
    assert {path.name: path.read_text() for path in (first.home.folder / "secrets").iterdir()} == secrets


def test_a_second_start_keeps_the_data_and_prints_no_secret(start_server: Factory) -> None:
    first = start_server()
    first.call("POST", "/subjects/orders-value/versions", SCHEMA)
    first.stop()

    second = start_server()

    assert "cbk_" not in second.log and second.url in second.log
    assert len(second.log.splitlines()) == 1
    assert second.call("GET", "/subjects", key=first.key).json() == ["orders-value"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_server_within_two_seconds(start_server: Factory, number: int) -> None:
    server = start_server()
    with socket.create_connection(("127.0.0.1", server.port)) as kept_alive:
        kept_alive.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        kept_alive.recv(1024)

        seconds = server.stop(number)

    assert seconds < 2
    assert server.process.returncode == 0
    assert "Traceback" not in server.log


@pytest.mark.parametrize("end", [Server.stop, Server.kill])
def test_what_was_acknowledged_is_there_after_a_stop_and_after_a_kill(
    start_server: Factory, end: Callable[[Server], object]
) -> None:
    first = start_server()
    acknowledged: list[int] = []
    writer = threading.Thread(target=register_until_refused, args=(first, acknowledged))
    writer.start()
    while len(acknowledged) < 5 and writer.is_alive():
        time.sleep(0.005)
    end(first)
    writer.join()

    second = start_server()

    kept = second.call("GET", "/subjects/orders/versions", key=first.key).json()
    assert len(acknowledged) >= 5
    assert kept[: len(acknowledged)] == acknowledged


def register_until_refused(server: Server, acknowledged: list[int]) -> None:
    """Version after version, each with one more optional field."""
    for number in range(1, 1000):
        fields = [{"name": f"f{n}", "type": "int", "default": 0} for n in range(number)]
        schema = json.dumps({"type": "record", "name": "Order", "fields": fields})
        try:
            answer = server.call("POST", "/subjects/orders/versions", {"schema": schema})
        except (OSError, HTTPException):
            return
        if answer.status != 200:
            return
        acknowledged.append(number)


def test_two_first_starts_at_once_make_one_key(home: Home, start_server: Factory) -> None:
    both = [servers.launch(home), servers.launch(home)]
    try:
        for server in both:
            servers.wait_until_ready(server)
        shown = [server.log.count("Bearer cbk_") for server in both]
    finally:
        for server in both:
            server.kill()

    assert sorted(shown) == [0, 1]


def test_several_workers_serve_one_database(start_server: Factory) -> None:
    server = start_server(CALLBOARD_WORKERS="2")

    answers = [server.call("POST", f"/subjects/s{n}/versions", SCHEMA) for n in range(6)]

    assert {answer.json()["id"] for answer in answers} == {1}


def test_a_killed_worker_is_replaced(start_server: Factory) -> None:
    server = start_server()
    (worker,) = server.workers

    os.kill(worker, signal.SIGKILL)
    servers.wait_until_ready(server)

    assert server.process.poll() is None


def test_the_checkout_may_stand_in_a_path_with_spaces(tmp_path: Path) -> None:
    checkout = tmp_path / "a path with spaces"
    shutil.copytree(
        CHECKOUT, checkout, ignore=shutil.ignore_patterns(".*", "__pycache__", "tests", "var", "node_modules")
    )

    with servers.new_home(tmp_path / "data folder", checkout) as home:
        server = servers.start(home)
        answer: Answer = server.call("GET", "/subjects")
        server.kill()

    assert answer.json() == []


def test_health_is_told_without_a_key_and_without_detail(server: Server) -> None:
    assert server.call("GET", "/healthz", key="").status == 200
    assert server.call("GET", "/readyz", key="").json() == {"status": "ok"}
