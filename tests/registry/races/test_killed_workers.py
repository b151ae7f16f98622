"""Many clients of a server whose workers are killed while they write: what was acknowledged is there, once."""

import http.client
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest

from tests.contract import calls
from tests.servers import Factory, Server

WRITERS = 8
REGISTRATIONS = 200
WORKERS = 3
SUBJECTS = 4
ALL = WRITERS * REGISTRATIONS
# After so many acknowledgements a worker is killed.
KILLS = ALL // 4, ALL // 2
PAGE = 500
SECONDS = 240


@dataclass
class Writing:
    server: Server
    # By subject and version: id and text.
    acknowledged: dict[tuple[str, int], tuple[int, str]] = field(default_factory=dict)
    interrupted: list[str] = field(default_factory=list)

    def write(self, writer: int) -> None:
        """Every second registration is of content that another writer registers in another subject."""
        for turn in range(REGISTRATIONS):
            author = writer if turn % 2 else writer - writer % 2
            text = calls.record("Busy", calls.field(f"w{author}t{turn}", default=""))
            subject = f"busy-{writer % SUBJECTS}"
            found = self.register(subject, text)
            self.acknowledged[subject, found["version"]] = (found["id"], text)

    def register(self, subject: str, text: str) -> Any:
        """As clients do it: whoever hears nothing asks again."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            try:
                answer = self.server.call("POST", f"/subjects/{subject}/versions", {"schema": text})
            except (OSError, http.client.HTTPException) as lost:
                self.interrupted.append(repr(lost))
                continue
            assert answer.status == 200, answer.body
            return answer.json()
        raise AssertionError(f"no answer but {self.interrupted[-1]}")


@pytest.fixture
def written(start_server: Factory) -> Writing:
    """Everything registered, with a worker killed twice meanwhile."""
    writing = Writing(start_server(CALLBOARD_WORKERS=str(WORKERS)))
    with ThreadPoolExecutor(WRITERS) as writers:
        done = [writers.submit(writing.write, writer) for writer in range(WRITERS)]
        for kill in KILLS:
            while len(writing.acknowledged) < kill and not any(each.done() for each in done):
                time.sleep(0.01)
            os.kill(writing.server.workers[0], signal.SIGKILL)
        for each in done:
            each.result(SECONDS)
    return writing


def listed(server: Server) -> Iterator[Any]:
    """Every version that the server has."""
    for offset in count(step=PAGE):
        page = server.call("GET", f"/schemas?deleted=true&offset={offset}&limit={PAGE}").json()
        yield from page
        if len(page) < PAGE:
            return


@pytest.mark.timeout(SECONDS + 60)
def test_nothing_is_lost_doubled_or_left_out_when_workers_are_killed(written: Writing) -> None:
    stored = list(listed(written.server))

    assert written.interrupted, "the killed workers had nothing to do"
    by_place = {(each["subject"], each["version"]): (each["id"], each["schema"]) for each in stored}
    assert {place: by_place.get(place) for place in written.acknowledged} == written.acknowledged
    assert len(stored) == len(by_place) == len(written.acknowledged) == ALL
    for subject, versions in Counter(subject for subject, _ in by_place).items():
        assert sorted(version for name, version in by_place if name == subject) == list(range(1, versions + 1))
    texts = dict(by_place.values())
    assert sorted(texts) == list(range(1, len(set(texts.values())) + 1))
    assert "whole" in written.server.home.manage("audit_verify")
