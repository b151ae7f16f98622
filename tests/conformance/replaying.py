"""Scenarios sent to servers: the fresh ones each to one of their own, all others to one that they share."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests import servers, wire
from tests.conformance.comparing import differences
from tests.conformance.recordings import Scenario, Step
from tests.servers import Answer, Home, Server


@dataclass(frozen=True)
class Outcome:
    """How one step went: `differences` is empty where the answers agree."""

    scenario: str
    number: int
    step: Step
    differences: tuple[str, ...]
    # An earlier step of the scenario differed, as it may; this one can be a consequence.
    is_after: bool

    @property
    def agrees(self) -> bool:
        return not self.differences

    @property
    def is_allowed(self) -> bool:
        return not self.agrees and bool(self.step.differs)

    @property
    def is_unexplained(self) -> bool:
        return not self.agrees and not self.step.differs

    def __str__(self) -> str:
        after = " (after a step that may differ)" if self.is_after else ""
        lines = "".join(f"\n      {each}" for each in self.differences)
        return f"{self.scenario} {self.number}{after}: {self.step.method} {self.step.path}{lines}"


def replay(scenario: Scenario, server: Server) -> list[Outcome]:
    outcomes: list[Outcome] = []
    is_after = False
    for number, step in enumerate(scenario.steps):
        found = tuple(differences(step, send(step, server)))
        outcomes.append(Outcome(scenario.name, number, step, found, is_after))
        is_after = is_after or outcomes[-1].is_allowed
    return outcomes


def send(step: Step, server: Server) -> Answer:
    """The path goes out as it was recorded, byte for byte."""
    headers = [f"{name}: {value}".encode() for name, value in step.headers]
    if step.body is not None or step.method in {"POST", "PUT"}:
        headers.append(f"Content-Length: {len(step.body or b'')}".encode())
    pieces = [wire.head(server, step.method, step.path, *headers)]
    return wire.exchange(server, [*pieces, step.body] if step.body else pieces)


class Stage:
    """Servers for scenarios. A fresh one begins as a copy of one prepared place, which spares it the migrations."""

    def __init__(self, folder: Path, prepared: Home, key: str) -> None:
        self.folder = folder
        self.prepared = prepared
        self.key = key
        self.shared: Server | None = None
        self._number = 0

    def replay(self, scenario: Scenario) -> list[Outcome]:
        if not scenario.is_fresh:
            self.shared = self.shared or self._start(self._copied())
            return replay(scenario, self.shared)
        with self._own(scenario) as server:
            return replay(scenario, server)

    @contextlib.contextmanager
    def _own(self, scenario: Scenario) -> Iterator[Server]:
        home = self._copied()
        server = self._start(home, **scenario.settings)
        try:
            yield server
        finally:
            server.kill()
            self._remove(home)

    def _start(self, home: Home, **given: str) -> Server:
        server = servers.start(home, **given)
        server.key = self.key
        return server

    def _copied(self) -> Home:
        self._number += 1
        folder = self.folder / f"home-{self._number}"
        shutil.copytree(self.prepared.folder, folder)
        if not self.prepared.database_url:
            return Home(folder, "")
        return Home(folder, servers.copy_database(self.prepared.database_url))

    def _remove(self, home: Home) -> None:
        shutil.rmtree(home.folder, ignore_errors=True)
        if home.database_url:
            servers.drop_database(home.database_url)

    def close(self) -> None:
        if self.shared:
            self.shared.kill()
            self._remove(self.shared.home)


@contextlib.contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    with servers.new_home(folder / "prepared") as prepared:
        prepared.folder.mkdir(parents=True)
        prepared.manage("migrate", "--verbosity", "0")
        printed = prepared.manage("first_start")
        made = Stage(folder, prepared, servers.first_key(printed))
        try:
            yield made
        finally:
            made.close()
