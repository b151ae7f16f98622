"""A real Backstage backend on loopback, with databases of its own on the PostgreSQL that the tests run on."""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import psycopg
import pytest
from psycopg import sql

from tests.clients import npm
from tests.servers import execute, free_port

FOLDER = Path(__file__).resolve().parent / "backstage"
LOCK = FOLDER / "package-lock.json"
STAMP = FOLDER / "node_modules" / ".installed"
READY_SECONDS = 90
STOP_SECONDS = 15
T = TypeVar("T")


@dataclass(frozen=True)
class Backstage:
    url: str
    token: str
    process: subprocess.Popen[bytes]
    log_path: Path

    @property
    def log(self) -> str:
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def call(self, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
                return response.status, json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(errors="replace")

    def apis(self) -> dict[str, Any]:
        """The API entities of the catalog, by the subject they stand for."""
        status, found = self.call("/api/catalog/entities/by-query?" + urlencode({"filter": "kind=api", "limit": 500}))
        assert status == 200, found
        return {item["metadata"]["annotations"]["callboard/subject"]: item for item in found["items"]}

    def wait_for(self, what: str, condition: Callable[[dict[str, Any]], T | None], *, seconds: float = 60) -> T:
        """What the condition makes of the catalog's APIs, as soon as that is anything."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := condition(self.apis()):
                return found
            time.sleep(0.25)
        raise AssertionError(f"not seen in {seconds} s: {what}; the end of Backstage's log:\n{self.log[-4000:]}")


def find_node() -> Path:
    node = npm.find()
    if node is None or not STAMP.exists() or STAMP.read_bytes() != LOCK.read_bytes():
        pytest.skip("`make test` sets up Backstage, and said why it could not")
    return node.node


@contextlib.contextmanager
def running(folder: Path, *, feed: str, location: str) -> Iterator[Backstage]:
    """Reads the one stock Location; `feed` is the host and port that it may read from."""
    prefix, token, port = f"backstage_{secrets.token_hex(4)}_", secrets.token_hex(16), free_port()
    given = folder / "app-config.json"
    given.write_text(json.dumps(configuration(port, token, prefix, feed=feed, location=location)))
    log_path = folder / "backstage.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [find_node(), "backend.mjs", "--config", given],
            cwd=FOLDER,
            env={name: value for name, value in os.environ.items() if not name.startswith(("APP_CONFIG_", "PG"))},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    backstage = Backstage(f"http://127.0.0.1:{port}", token, process, log_path)
    try:
        wait_until_ready(backstage)
        yield backstage
    finally:
        stop(process)
        drop_databases(prefix)


def configuration(port: int, token: str, prefix: str, *, feed: str, location: str) -> dict[str, Any]:
    own = f"http://127.0.0.1:{port}"
    return {
        "app": {"baseUrl": own},
        "backend": {
            "baseUrl": own,
            "listen": {"host": "127.0.0.1", "port": port},
            "database": {"client": "pg", "connection": os.environ["DATABASE_URL"], "prefix": prefix},
            "auth": {"externalAccess": [{"type": "static", "options": {"token": token, "subject": "tests"}}]},
            "reading": {"allow": [{"host": feed, "paths": ["/backstage/"]}]},
        },
        "catalog": {
            "processingInterval": {"seconds": 2},
            "locations": [{"type": "url", "target": location}],
        },
    }


def wait_until_ready(backstage: Backstage) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and backstage.process.poll() is None:
        with contextlib.suppress(OSError):
            if backstage.call("/.backstage/health/v1/readiness")[0] == 200:
                return
        time.sleep(0.1)
    raise AssertionError(f"no Backstage (exit code {backstage.process.poll()}):\n{backstage.log[-4000:]}")


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def drop_databases(prefix: str) -> None:
    base = os.environ["DATABASE_URL"]
    with psycopg.connect(base) as connection:
        found = connection.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [prefix])
        names = [name for (name,) in found.fetchall()]
    for name in names:
        execute(base, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
