"""Servers under load, each on a port, a data folder and a database of its own; all of it is gone afterwards."""

import contextlib
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from bench import client, processes
from bench.conditions import CHECKOUT
from tests import postgres

# Below what Linux hands out to outgoing connections.
_ports = count(21_800)
_numbers = count(1)
READY_SECONDS = 60
STOP_SECONDS = 10
SECRETS = {
    "CALLBOARD_SECRET_KEY": "a secret key for benchmarks" * 2,
    "CALLBOARD_KEY_PEPPER": "a pepper for them" * 3,
    "CALLBOARD_AUDIT_SIGNING_KEY": "a signing key for them" * 2,
}
# The cluster of the tests forgoes what is measured here.
DURABLE = ("fsync", "synchronous_commit", "full_page_writes", "autovacuum", "jit")


class Failed(Exception):
    """A benchmark that can't be run, or whose figures would mean nothing."""


@dataclass(frozen=True)
class Home:
    """A data folder and a database. `database_pid` is the PostgreSQL server's, 0 for SQLite."""

    name: str
    folder: Path
    database_url: str = ""
    database_pid: int = 0

    def environment(self, **given: str) -> dict[str, str]:
        own = {"CALLBOARD_DATA": str(self.folder / "data"), "DATABASE_URL": self.database_url}
        return os.environ | _nothing_set() | SECRETS | own | {"CALLBOARD_LOG_LEVEL": "WARNING"} | given

    def manage(self, *words: str) -> str:
        command = [sys.executable, "manage.py", *words]
        done = subprocess.run(
            command, cwd=CHECKOUT, env=self.environment(), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise Failed(f"manage.py {words[0]}: {done.stderr or done.stdout}")
        return done.stdout.strip()

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        if not self.database_url:
            with contextlib.closing(sqlite3.connect(self.folder / "data" / "callboard.sqlite3")) as connection:
                return connection.execute(statement).fetchall()
        with psycopg.connect(self.database_url, autocommit=True) as server:
            return server.execute(sql.SQL(statement)).fetchall()

    def vacuum(self) -> None:
        """What PostgreSQL does by itself in time. SQLite has no statistics unless somebody asks for them."""
        if self.database_url:
            with psycopg.connect(self.database_url, autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")

    def new_keys(self, amount: int) -> list[str]:
        """Each of a service account of its own; all of one group, so that they may write the same subjects."""
        names = [f"bench-{next(_numbers)}" for _ in range(amount)]
        for name in names:
            self.manage("service_account", name, "--group", "bench")
        return [self.manage("api_key", name) for name in names]


@dataclass
class Server:
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError), client.Connection(self.port) as connection:
                if connection.exchange(client.request("GET", "/healthz")).status == 200:
                    return
            time.sleep(0.005)
        raise Failed(f"no server on port {self.port}: {self.log.read_text(errors='replace')[-2000:]}")

    def stop(self) -> float:
        """As Ctrl-C in a terminal does, which reaches the workers too. Seconds until all were gone."""
        started = time.monotonic()
        self._signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        taken = time.monotonic() - started
        self._signal(signal.SIGKILL)
        self.process.wait()
        return taken

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


@contextlib.contextmanager
def sqlite_home() -> Iterator[Home]:
    with _folder() as folder:
        yield Home("SQLite", folder)


@contextlib.contextmanager
def postgresql() -> Iterator[postgres.Cluster]:
    """A durable cluster. Raises postgres.NoPostgres."""
    postgres.OPTIONS.update(dict.fromkeys(DURABLE, "on"), shared_buffers="128MB")
    with postgres.cluster() as cluster:
        with psycopg.connect(cluster.url()) as connection:
            shown = connection.execute("SHOW fsync").fetchone()
        if shown != ("on",):
            raise Failed("PostgreSQL runs without fsync")
        yield cluster


@contextlib.contextmanager
def postgresql_home(cluster: postgres.Cluster) -> Iterator[Home]:
    name = f"bench_{next(_numbers)}"
    with psycopg.connect(cluster.url(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    pid = int((cluster.folder / "data" / "postmaster.pid").read_text().split()[0])
    url = urlunsplit(urlsplit(cluster.url())._replace(path=f"/{name}"))
    with _folder() as folder:
        yield Home("PostgreSQL", folder, url, pid)


@contextlib.contextmanager
def homes() -> Iterator[list[Home]]:
    """One on each database that there is on this machine."""
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(sqlite_home())]
        try:
            cluster = stack.enter_context(postgresql())
        except postgres.NoPostgres as problem:
            print(f"\nPostgreSQL: not measured, {problem}")
        else:
            print(f"\n{cluster.version}, fsync on")
            found.append(stack.enter_context(postgresql_home(cluster)))
        yield found


@contextlib.contextmanager
def callboard(home: Home, **settings: str) -> Iterator[Server]:
    """A ready server with production settings and one worker."""
    with launched(home, **settings) as server:
        server.wait_until_it_answers()
        yield server


@contextlib.contextmanager
def launched(home: Home, **settings: str) -> Iterator[Server]:
    port = _free_port()
    words = [sys.executable, "-m", "config.serve"]
    with _running(words, port, home.folder, home.environment(CALLBOARD_PORT=str(port), **settings)) as server:
        yield server


@contextlib.contextmanager
def floor(like: Server) -> Iterator[Server]:
    """The constant answer, by the very command line of a Callboard that runs."""
    port = _free_port()
    instead = {"config.wsgi:application": "bench.floor:application", str(like.port): str(port)}
    words = [instead.get(word, word) for word in processes.command_line(like.process.pid)]
    if "bench.floor:application" not in words:
        raise Failed(f"a server with a command line unknown to us: {words}")
    with _folder() as folder, _running(words, port, folder, dict(os.environ)) as server:
        server.wait_until_it_answers()
        yield server


@contextlib.contextmanager
def _running(words: list[str], port: int, folder: Path, environment: dict[str, str]) -> Iterator[Server]:
    log = folder / f"{port}.log"
    with log.open("wb") as output:
        # A session of its own: Ctrl-C in the terminal must reach the benchmark first.
        process = subprocess.Popen(
            words,
            cwd=CHECKOUT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    server = Server(port, process, log)
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="callboard-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    """The next one. A second server on a port in use would get some of the requests and spoil both figures."""
    port = next(_ports)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError as problem:
            raise Failed(f"port {port} is taken; is there another benchmark running?") from problem
    return port


def _nothing_set() -> dict[str, str]:
    """Every setting as not given: an empty value outranks the one in the developer's `.env`."""
    example = (CHECKOUT / ".env.example").read_text("utf-8")
    names = re.findall(r"^#? ?(CALLBOARD_\w+)=", example, re.MULTILINE)
    given = [name for name in os.environ if name.startswith("CALLBOARD_")]
    return dict.fromkeys([*names, *(f"{name}_FILE" for name in names), *given], "")
