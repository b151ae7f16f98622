"""Real Callboard servers, `python -m config.serve`, each with a data folder and a database of its own."""

import contextlib
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from tests import environment, log_secrets

READY_SECONDS = 60
STOP_SECONDS = 10
MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Home:
    """What outlives a server process, and what several of them may share: data folder and database."""

    folder: Path
    database_url: str
    # where the server is started; a copy of the checkout elsewhere, for tests of that
    checkout: Path = environment.CHECKOUT

    def environment(self, **given: str) -> dict[str, str]:
        secrets = environment.SECRETS if self.database_url else {}
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("COV_", "COVERAGE_", "PYTEST_"))}
        own = {"CALLBOARD_DATA": str(self.folder), "DATABASE_URL": self.database_url}
        return inherited | environment.blank() | secrets | own | given

    def run(self, *words: str, **given: str) -> subprocess.CompletedProcess[str]:
        """A Python command that is expected to end, such as `manage.py migrate`."""
        return subprocess.run(
            [sys.executable, *words],
            cwd=self.checkout,
            env=self.environment(**given),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def manage(self, *words: str) -> str:
        done = self.run("manage.py", *words)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@dataclass
class Server:
    home: Home
    port: int
    process: subprocess.Popen[bytes]
    log_path: Path
    key: str = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    @property
    def workers(self) -> list[int]:
        """The processes that answer requests."""
        return [pid for pid in children(self.process.pid) if "-m granian" in command(pid)]

    def call(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> Answer:
        """With the first key unless another one is given; an empty one sends no credentials."""
        key = self.key if key is None else key
        headers = {"Content-Type": MEDIA_TYPE} if body is not None else {}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
                return Answer(response.status, dict(response.headers), response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read())

    def new_key(self, account: str, *, group: str, scopes: str = "") -> str:
        """A key of a new service account of that group."""
        self.home.manage("service_account", account, "--group", group)
        return self.another_key(account, scopes=scopes)

    def another_key(self, account: str, *, scopes: str = "") -> str:
        return self.home.manage("api_key", account, *(["--scopes", scopes] if scopes else []))

    def stop(self, number: int = signal.SIGTERM) -> float:
        """Seconds until the parent process was gone."""
        started = time.monotonic()
        self.process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        return time.monotonic() - started

    def kill(self) -> None:
        """As a power cut would: the whole tree, at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        log_secrets.look_at_server(self.log, where=f"the log of the server at port {self.port}")


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return ""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def launch(home: Home, **given: str) -> Server:
    """A server process, not waited for."""
    port = int(given.setdefault("CALLBOARD_PORT", str(free_port())))
    home.folder.mkdir(parents=True, exist_ok=True)
    log_path = home.folder.parent / f"{home.folder.name}-{port}-{next(_numbers)}.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "config.serve"],
            cwd=home.checkout,
            env=home.environment(**given),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return Server(home, port, process, log_path)


def start(home: Home, **given: str) -> Server:
    """A server that answers. The first one at a home brings the first key with it; the others have to be given one."""
    server = launch(home, **given)
    try:
        wait_until_ready(server)
    except BaseException:
        server.kill()
        raise
    server.key = first_key(server.log)
    return server


def first_key(printed: str) -> str:
    found = re.search(r"cbk_\w+", printed)
    return found[0] if found else ""


def wait_until_ready(server: Server) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        with contextlib.suppress(OSError):
            if server.call("GET", "/readyz", key="").status == 200:
                return
        time.sleep(0.03)
    raise AssertionError(f"no server (exit code {server.process.poll()}); the end of its log:\n{server.log[-3000:]}")


@contextlib.contextmanager
def new_home(folder: Path, checkout: Path = environment.CHECKOUT) -> Iterator[Home]:
    """On the database that the tests run on: a file in the folder, or a fresh database of the PostgreSQL server."""
    base = os.environ.get("DATABASE_URL", "")
    if not base:
        yield Home(folder, "", checkout)
        return
    url = make_database(base)
    try:
        yield Home(folder, url, checkout)
    finally:
        drop_database(url)


def make_database(base: str, template: str = "template1") -> str:
    """The address of a new one beside `base`, like the template, which nobody may be connected to."""
    name = f"callboard_live_{os.getpid()}_{next(_numbers)}"
    made = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
    execute(base, made)
    return urlunsplit(urlsplit(base)._replace(path=f"/{name}"))


def copy_database(url: str) -> str:
    return make_database(os.environ["DATABASE_URL"], template=_name(url))


def drop_database(url: str) -> None:
    execute(os.environ["DATABASE_URL"], sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(_name(url))))


def _name(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


def execute(url: str, statement: sql.Composed) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


Factory = Callable[..., Server]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that only speak to it; each takes subjects of its own names."""
    with new_home(tmp_path_factory.mktemp("server") / "data") as home:
        running = start(home)
        yield running
        running.stop()
        running.kill()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """An empty data folder and database."""
    with new_home(tmp_path / "data") as made:
        yield made


@pytest.fixture
def start_server(home: Home) -> Iterator[Factory]:
    """`start_server(CALLBOARD_…="…")`: a server at `home`, each call another one; all are gone after the test."""
    started: list[Server] = []

    def start_one(at: Home = home, **given: str) -> Server:
        started.append(start(at, **given))
        return started[-1]

    yield start_one
    for running in started:
        running.kill()
