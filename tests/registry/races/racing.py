"""Requests that meet: each to a process of its own, all let go at the same moment."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, Any

from django.core.management import call_command

from registry.models import ReferenceLink, SchemaVersion, Subject
from tests.audit import exports
from tests.cast import Member
from tests.environment import CHECKOUT

ROUNDS = 100
# Seconds that one request may start before the other.
LARGEST_LAG = 0.02


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    body: Any
    who: Member


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any

    @property
    def code(self) -> int:
        """Of an error; 200 is none."""
        return 200 if self.status == 200 else int(self.body["error_code"])


def register(who: Member, subject: str, text: str, **more: Any) -> Request:
    return Request("POST", f"/subjects/{subject}/versions", {"schema": text, **more}, who)


def delete(who: Member, path: str) -> Request:
    return Request("DELETE", path, None, who)


class Racer:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._input, self._output = _pipe(process.stdin), _pipe(process.stdout)

    def call(self, request: Request, lag: float) -> None:
        """It is ready with it when this returns."""
        given = {"method": request.method, "path": request.path, "body": request.body, "bearer": request.who.bearer}
        self._say({**given, "lag": lag})
        self._expect("ready")

    def go(self) -> None:
        self._say(None)

    def forget(self) -> None:
        self._say(None)
        self._expect("forgotten")

    @property
    def answer(self) -> Answer:
        return Answer(*json.loads(self._output.readline()))

    def _say(self, what: Any) -> None:
        self._input.write(json.dumps(what) + "\n")
        self._input.flush()

    def _expect(self, word: str) -> None:
        assert self._output.readline() == f"{word}\n", "a racer has died; its last words are on stderr"


def _pipe(file: IO[str] | None) -> IO[str]:
    assert file is not None
    return file


@dataclass(frozen=True)
class Race:
    """Two processes, which stay for all rounds of all tests."""

    racers: tuple[Racer, Racer]

    def run(self, one: Request, other: Request, *, number: int, head_start: float = 0) -> tuple[Answer, Answer]:
        """The answers to both. Which starts first, and by how much, changes from one number to the next.

        A head start in seconds is for the one that has more to do before the two meet.
        """
        lag = _lag(number) - head_start
        first, second = self.racers
        first.call(one, max(lag, 0))
        second.call(other, max(-lag, 0))
        first.go()
        second.go()
        return first.answer, second.answer


def _lag(number: int) -> float:
    """From minus the largest to plus, closest together about zero."""
    return LARGEST_LAG * ((number % 21 - 10) / 10) ** 3


@contextmanager
def start() -> Iterator[Race]:
    with ExitStack() as running:
        command = [sys.executable, "-m", "tests.registry.races.racer"]
        environment = exports.environment(CALLBOARD_LOG_LEVEL="ERROR")
        one, other = (
            running.enter_context(
                subprocess.Popen(
                    command,
                    cwd=CHECKOUT,
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for _ in range(2)
        )
        yield Race((Racer(one), Racer(other)))


def versions() -> dict[tuple[str, int], tuple[int, str]]:
    """By subject and version: id and text, of all that is live."""
    live = SchemaVersion.objects.live().stored()
    return {(str(stored.subject), stored.version): (stored.schema_id, stored.text) for stored in live}


def assert_whole() -> None:
    """The audit log, and what must hold of the tables whatever happened."""
    call_command("audit_verify")
    assert not Subject.objects.filter(versions__isnull=True).exists()
    links = ReferenceLink.objects.filter(referrer__versions__deleted_at__isnull=True)
    assert not links.filter(target__deleted_at__isnull=False).exists()
