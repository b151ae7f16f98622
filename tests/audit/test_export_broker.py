"""Exports by Celery with a real Redis: killed workers, lost messages, a broker that is away.

On one of the two databases: what a worker does with its row is proved on both elsewhere.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from audit.models import AuditExport
from tests.audit import exports
from tests.audit.test_export_workers import assert_made_once
from tests.environment import CHECKOUT
from tests.redis import Redis

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]


class Worker:
    """Of Celery: a parent and a process that works. With `--beat` it also sees to what is due."""

    def __init__(self, redis: Redis, app: str, *words: str, log: Path, **settings: str) -> None:
        self.log_path = log
        options = ["--concurrency", "1", "--loglevel", "info", *words]
        with log.open("wb") as output:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", app, "worker", *options],
                cwd=CHECKOUT,
                env=exports.environment(CALLBOARD_BROKER_URL=redis.url, **settings),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def is_ready(self) -> bool:
        return " ready." in self.log_path.read_text(encoding="utf-8")

    def kill(self) -> None:
        """All of it, at once."""
        if self.popen.poll() is None:
            os.killpg(self.popen.pid, signal.SIGKILL)
            self.popen.wait()


Start = Callable[..., Worker]


@pytest.fixture
def start(redis: Redis, tmp_path: Path) -> Iterator[Start]:
    started: list[Worker] = []

    def start_one(app: str, *words: str, **settings: str) -> Worker:
        worker = Worker(redis, app, *words, log=tmp_path / f"worker-{len(started)}.log", **settings)
        started.append(worker)
        exports.wait_for(lambda: worker.is_ready)
        return worker

    yield start_one
    for worker in started:
        worker.kill()


def ask(redis: Redis) -> tuple[int, AuditExport, float]:
    asked = subprocess.run(
        [sys.executable, "-m", "tests.audit.ask"],
        cwd=CHECKOUT,
        env=exports.environment(CALLBOARD_BROKER_URL=redis.url),
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.returncode == 0, asked.stderr
    status, export_id, seconds = json.loads(asked.stdout.splitlines()[-1])
    return status, AuditExport.objects.get(pk=export_id), seconds


def test_an_export_whose_worker_is_killed_is_made_by_another(redis: Redis, start: Start, tmp_path: Path) -> None:
    exports.happen(300)
    first = start("tests.audit.slow", SLOW_STOPS="yes")
    status, export, _ = ask(redis)
    exports.wait_for(exports.has_begun(export))

    first.kill()
    start("config.celery", "--beat", "--schedule", str(tmp_path / "schedule"))

    exports.wait_for(exports.has_state(export, "done"), seconds=30)
    assert status == 202
    assert_made_once(export, tmp_path / "again", tries=2)


def test_while_redis_is_away_exports_are_accepted_and_made_once_it_is_back(
    redis: Redis, start: Start, tmp_path: Path
) -> None:
    start("config.celery", "--beat", "--schedule", str(tmp_path / "schedule"))
    redis.stop()

    status, export, seconds = ask(redis)
    assert (status, export.state) == (202, "queued") and seconds < 5
    redis.start()

    exports.wait_for(exports.has_state(export, "done"), seconds=40)
    assert_made_once(export, tmp_path / "again", tries=1)
