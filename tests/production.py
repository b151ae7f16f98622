"""The services of docker-compose.yml without a container engine: the same commands and settings, as processes.

What containers give (names of machines, volumes) is replaced by local addresses and folders; nothing else is.
"""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import servers
from tests.environment import CHECKOUT
from tests.redis import Redis
from tests.servers import Home, Server

SCRIPTS = Path(sys.executable).parent


def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    return found


@dataclass
class Production:
    """Two servers, a worker and beat, over one Redis, one database and one data folder."""

    folder: Path
    home: Home
    redis: Redis
    web: list[Server] = field(default_factory=list)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, str]:
        """Of compose's file; secrets and the database are those of the tests."""
        own = {
            "CALLBOARD_BROKER_URL": self.redis.url,
            "CALLBOARD_BASE_URL": "",
            "CALLBOARD_ALLOWED_HOSTS": "*",
            "CALLBOARD_EXPORT_LEASE": "4",
        }
        given = services()["web"]["environment"]
        elsewhere = {name for name in given if name.endswith("_FILE") or name in {"DATABASE_URL", "PGPASSFILE"}}
        return {name: value for name, value in given.items() if name not in elsewhere} | own

    def start(self) -> None:
        for _ in range(services()["web"]["deploy"]["replicas"]):
            self.web.append(servers.start(self.home, **self.settings))
        for number, server in enumerate(self.web):
            server.key = server.key or self.web[number - 1].key
        for name in "worker", "beat":
            self.processes[name] = self._run(name)

    def command(self, words: list[str]) -> list[str]:
        """As it is within the image, but for the folder of the programs and the schedule's own file."""
        first = {"python": sys.executable, "celery": str(SCRIPTS / "celery")}.get(words[0], words[0])
        return [first, *(self.placed(word) for word in words[1:])]

    def placed(self, word: str) -> str:
        return word.replace("/tmp/", f"{self.folder}/").replace(":8081", f":{self.web[0].port}")

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def is_healthy(self, name: str) -> bool:
        """As its health check says."""
        check = services()[name]["healthcheck"]
        how, *words = check["test"]
        command = self.command(["sh", "-c", *words] if how == "CMD-SHELL" else words)
        seconds = int(check["timeout"].removesuffix("s"))
        try:
            done = subprocess.run(
                command, cwd=CHECKOUT, env=self._environment(), capture_output=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def stop(self) -> dict[str, int]:
        """The exit codes of worker and beat after a polite SIGTERM."""
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        codes = {name: process.wait(20) for name, process in self.processes.items()}
        self.processes.clear()
        return codes

    def kill(self) -> None:
        for process in self.processes.values():
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for server in self.web:
            server.kill()

    def _run(self, name: str) -> subprocess.Popen[bytes]:
        words = self.command(services()[name]["command"])
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                words, cwd=CHECKOUT, env=self._environment(), stdout=log, stderr=log, start_new_session=True
            )

    def _environment(self) -> dict[str, str]:
        return self.home.environment(**self.settings)

    def __str__(self) -> str:
        return shlex.join(f"{name}: {self.log(name)[-1500:]}" for name in ("worker", "beat"))


@pytest.fixture
def production(home: Home, redis: Redis, tmp_path: Path) -> Iterator[Production]:
    """On PostgreSQL, as it is meant to be."""
    made = Production(tmp_path, home, redis)
    try:
        made.start()
        yield made
    finally:
        made.kill()
