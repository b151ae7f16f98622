import os
import subprocess
import sys
import time

import pytest

from config import celery, runner


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands that a runner gives, which run as processes that do nothing; it stops after a few turns."""
    found: list[str] = []

    def manage(*words: str) -> int:
        found.append(words[0])
        seconds = 60 if words[0] == "audit_worker" else 0
        command = [sys.executable, "-S", "-c", f"import time; time.sleep({seconds})"]
        return os.posix_spawn(sys.executable, command, os.environ)

    monkeypatch.setattr(runner, "_manage", manage)
    monkeypatch.setattr(runner, "TICK_SECONDS", 0.05)
    return found


def keep(monkeypatch: pytest.MonkeyPatch, *, turns: int) -> None:
    keeper = runner.Keeper(os.getppid())
    sleep = time.sleep

    def count(seconds: float) -> None:
        nonlocal turns
        turns -= 1
        if not turns:
            keeper.stop()
        sleep(seconds)

    monkeypatch.setattr(time, "sleep", count)
    keeper.keep()


def test_the_runner_keeps_a_worker_and_clears_up_once_a_day(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    keep(monkeypatch, turns=3)
    assert asked == ["audit_worker"]

    monkeypatch.setattr(runner, "DAY_SECONDS", 0.1)
    keep(monkeypatch, turns=30)

    assert asked.count("audit_worker") == 2
    assert asked.count("forget_sessions") >= 2


def test_beat_clears_up_once_a_day() -> None:
    entry = celery.app.conf.beat_schedule["clear sessions"]

    assert entry["task"] == "config.celery.clear_sessions"
    assert (entry["schedule"].hour, entry["schedule"].minute) == ({3}, {11})


@pytest.mark.django_db
def test_the_task_of_beat_runs() -> None:
    celery.clear_sessions()


def test_the_runner_needs_none_of_djangos_modules() -> None:
    """It stays as long as the server does, and is to be small."""
    code = "import sys; sys.path.insert(0, 'config'); import runner; sys.exit('django' in sys.modules)"

    assert subprocess.run([sys.executable, "-S", "-c", code], check=False).returncode == 0
