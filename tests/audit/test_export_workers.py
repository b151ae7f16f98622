"""Exports whose workers are killed, frozen, doubled or poisoned: real processes, real signals."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections
from django.utils import timezone

from audit import exporter
from audit.events import Action
from audit.exporter import MOST_TRIES
from audit.management.commands import audit_worker
from audit.models import AuditExport
from tests.audit import exports
from tests.audit.exports import LEASE, Person
from tests.environment import CHECKOUT

pytestmark = pytest.mark.django_db(transaction=True)
# A slow worker takes a second and a half for them.
EVENTS = 300


class Process:
    """An audit_worker."""

    def __init__(self, log: Path, *words: str, **given: str) -> None:
        self.log_path = log
        with log.open("wb") as output:
            self.popen = subprocess.Popen(
                [sys.executable, *words], cwd=CHECKOUT, env=exports.environment(**given), stdout=output, stderr=output
            )

    @property
    def log(self) -> str:
        return self.log_path.read_text(encoding="utf-8")

    def send(self, number: int) -> None:
        self.popen.send_signal(number)

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait()


Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Process] = []

    def start_one(*words: str, **given: str) -> Process:
        started.append(Process(tmp_path / f"{len(started)}.log", *words, **given))
        return started[-1]

    yield start_one
    for process in started:
        process.kill()


@pytest.fixture
def start_slow(start: Start) -> Start:
    return lambda **given: start("-m", "tests.audit.slow", **given)


@pytest.fixture
def start_worker(start: Start) -> Start:
    return lambda: start("manage.py", "audit_worker")


@pytest.fixture
def audrey() -> Person:
    exports.happen(EVENTS)
    return exports.auditor()


def assert_made_once(export: AuditExport, folder: Path, *, tries: int) -> None:
    """Done, with the bytes of an undisturbed run, one file and one event."""
    export.refresh_from_db()
    undisturbed = exports.write_undisturbed(export, folder)
    assert (export.state, export.tries) == ("done", tries)
    assert export.progress == export.total == export.through_seq
    assert (export.sha256, export.size) == (undisturbed.sha256, undisturbed.size)
    assert exports.read(export).manifest["counts"]["events"] == export.through_seq
    assert exports.files(export) == [export.file]
    assert len(exports.recorded(Action.AUDIT_EXPORTED)) == 1


def test_an_export_whose_worker_is_killed_is_made_by_another_with_the_same_bytes(
    audrey: Person, start_slow: Start, start_worker: Start, tmp_path: Path
) -> None:
    export = audrey.export()
    first = start_slow()
    exports.wait_for(exports.has_begun(export))

    first.kill()

    exporter.run(export.pk)
    export.refresh_from_db()
    assert (export.state, export.tries) == ("running", 1), "the lease of the dead still holds"
    start_worker()
    exports.wait_for(exports.has_state(export, "done"))
    assert_made_once(export, tmp_path / "again", tries=2)


def test_a_worker_that_was_frozen_finds_its_lease_lost_and_harms_nothing(
    audrey: Person, start_slow: Start, start_worker: Start, tmp_path: Path
) -> None:
    export = audrey.export()
    zombie = start_slow()
    exports.wait_for(exports.has_begun(export))
    zombie.send(signal.SIGSTOP)
    start_worker()
    exports.wait_for(exports.has_state(export, "done"))

    zombie.send(signal.SIGCONT)

    exports.wait_for(lambda: "lease lost" in zombie.log)
    assert_made_once(export, tmp_path / "again", tries=2)


def test_a_worker_killed_between_file_and_row_leaves_one_published_file(
    audrey: Person, start_slow: Start, start_worker: Start, tmp_path: Path
) -> None:
    export = audrey.export()
    first = start_slow(SLOW_DIES="yes")
    assert first.popen.wait(20) == -signal.SIGKILL
    assert exports.files(export) == [f"{export.pk}.1.zip"]

    start_worker()

    exports.wait_for(exports.has_state(export, "done"))
    assert_made_once(export, tmp_path / "again", tries=2)


def test_an_id_that_is_delivered_four_times_is_made_once(audrey: Person, tmp_path: Path) -> None:
    export = audrey.export()

    def deliver(_: int) -> None:
        try:
            exporter.run(export.pk)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(deliver, range(4)))

    assert_made_once(export, tmp_path, tries=1)


def test_a_row_nobody_was_told_of_is_found(audrey: Person, start_worker: Start, tmp_path: Path) -> None:
    export = audrey.export()

    start_worker()

    exports.wait_for(exports.has_state(export, "done"))
    assert_made_once(export, tmp_path, tries=1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_is_told_to_stop_stops_at_once_and_hands_over(
    audrey: Person, start_slow: Start, start_worker: Start, tmp_path: Path, number: int
) -> None:
    export = audrey.export()
    first = start_slow()
    exports.wait_for(exports.has_begun(export))

    first.send(number)
    status = first.popen.wait(2)

    left = AuditExport.objects.get(pk=export.pk)
    assert (status, exports.files(export)) == (0, [])
    assert left.lease_until is not None and left.lease_until <= timezone.now() < left.created_at + timedelta(minutes=1)
    start_worker()
    exports.wait_for(exports.has_state(export, "done"))
    assert_made_once(export, tmp_path / "again", tries=2)


def test_a_poisoned_export_fails_after_five_tries_and_blocks_nobody(audrey: Person) -> None:
    poisoned = audrey.export()
    AuditExport.objects.filter(pk=poisoned.pk).update(filters={"from": "never"})
    healthy = exports.auditor("otto").export()
    worker = audit_worker.Worker(os.getppid())

    for _ in range(MOST_TRIES + 2):
        worker.turn()
        AuditExport.objects.filter(pk=poisoned.pk).update(lease_until=timezone.now() - timedelta(seconds=1))

    poisoned.refresh_from_db()
    healthy.refresh_from_db()
    assert (poisoned.state, poisoned.tries, healthy.state) == ("failed", MOST_TRIES, "done")
    assert "ValueError" in poisoned.error
    assert [event.object_ref for event in exports.recorded(Action.AUDIT_EXPORT_FAILED)] == [str(poisoned.pk)]
    assert exports.files(poisoned) == []
    audrey.export()


def test_a_worker_that_dies_every_time_is_given_up_with_a_reason(audrey: Person) -> None:
    export = audrey.export()
    past = timezone.now() - timedelta(seconds=1)
    AuditExport.objects.filter(pk=export.pk).update(state="running", tries=MOST_TRIES, lease_until=past)

    exporter.give_up()
    exporter.give_up()

    export.refresh_from_db()
    assert (export.state, export.error) == ("failed", "The worker died.")
    assert len(exports.recorded(Action.AUDIT_EXPORT_FAILED)) == 1


def test_a_full_disk_is_told_and_tried_again(audrey: Person, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    export = audrey.export()

    def refuse(path: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(exporter, "_sync", refuse)
        exporter.run(export.pk)
    export.refresh_from_db()
    assert export.error == "OSError: [Errno 28] No space left on device"
    assert exports.files(export) == []

    AuditExport.objects.filter(pk=export.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    exporter.run(export.pk)

    assert_made_once(export, tmp_path, tries=2)


def test_a_file_whose_commit_was_made_but_not_heard_of_stays(audrey: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    export = audrey.export()
    finish = exporter._finish

    def finish_and_break(*args: object) -> None:
        finish(*args)  # type: ignore[arg-type]
        raise OSError("connection reset")

    monkeypatch.setattr(exporter, "_finish", finish_and_break)
    exporter.run(export.pk)

    export.refresh_from_db()
    assert (export.state, export.error) == ("done", "")
    assert exports.read(export).manifest["export"] == str(export.pk)


def test_a_long_export_keeps_its_lease(audrey: Person, start_slow: Start) -> None:
    """It lasts longer than a lease, and a second worker looks for work all the while."""
    exports.happen(EVENTS)
    export = audrey.export()
    started = time.monotonic()
    start_slow()
    start_slow()

    exports.wait_for(exports.has_state(export, "done"))

    export.refresh_from_db()
    assert export.tries == 1 and time.monotonic() - started > LEASE


def test_the_files_are_for_the_server_alone(audrey: Person) -> None:
    export = audrey.exported()

    modes = [path.stat().st_mode & 0o777 for path in (settings.DATA / "exports", exports.bundle_path(export))]
    assert modes == [0o700, 0o600]
