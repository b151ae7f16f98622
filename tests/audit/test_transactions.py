"""The one way to write, and on SQLite the queue in front of it."""

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, connection, connections, transaction

from audit import transactions
from audit.models import AuditEvent
from tests.audit.changes import create_group, pay

committing = pytest.mark.django_db(transaction=True)


def queue() -> str:
    return f"{connection.settings_dict['NAME']}.writers"


def is_free(path: str) -> bool:
    file = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(file)
    return True


def everybody_may_write() -> bool:
    return is_free(queue()) and is_free(f"{queue()}.next")


@committing
def test_what_was_written_is_committed() -> None:
    group = create_group("owners")

    assert not connection.in_atomic_block
    assert Group.objects.get() == group


@committing
def test_a_writing_transaction_inside_another_is_a_mistake() -> None:
    with pytest.raises(RuntimeError, match="durable"), transactions.write():
        create_group("owners")
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        create_group("owners")

    assert not Group.objects.exists()


@pytest.mark.django_db
def test_the_transaction_of_a_test_case_is_let_through() -> None:
    create_group("owners")
    create_group("others")

    assert AuditEvent.objects.count() == 2


@committing
def test_a_callback_after_the_commit_may_write() -> None:
    with transactions.write():
        transaction.on_commit(partial(create_group, "second"))
        Group.objects.create(name="first")
        pay()

    assert Group.objects.count() == 2


@pytest.mark.sqlite
@committing
def test_the_turn_lasts_until_the_commit_and_not_longer() -> None:
    seen = []

    with transactions.write():
        transaction.on_commit(lambda: seen.append(everybody_may_write()))
        seen.append(is_free(queue()))

    assert [*seen, everybody_may_write()] == [False, True, True]


@pytest.mark.sqlite
@committing
def test_whoever_waits_holds_the_place_in_front_of_the_lock() -> None:
    with ThreadPoolExecutor(1) as pool:
        with transactions.write():
            waiting = pool.submit(create_group_in_thread, "second")
            while is_free(f"{queue()}.next"):
                pass
            create_first_group()
        waiting.result(timeout=10)

    assert [group.name for group in Group.objects.order_by("pk")] == ["first", "second"]


def create_first_group() -> None:
    Group.objects.create(name="first")
    pay()


def create_group_in_thread(name: str) -> None:
    try:
        create_group(name)
    finally:
        connections.close_all()


@pytest.mark.sqlite
@committing
def test_a_failed_change_gives_the_turn_up() -> None:
    with pytest.raises(ZeroDivisionError), transactions.write():
        _ = 1 / 0

    assert everybody_may_write()


@pytest.mark.sqlite
@committing
def test_a_failed_commit_gives_the_turn_up() -> None:
    with pytest.raises(IntegrityError), transactions.write():
        Group.objects.create(name="without an event")

    assert everybody_may_write()


HOLDER = """
import sys, time, django
django.setup()
from django.db import connection
from audit import transactions
connection.settings_dict["NAME"] = sys.argv[1]
with transactions.write():
    print("writing", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder() -> Iterator["subprocess.Popen[str]"]:
    """A process in the middle of a writing transaction."""
    command = [sys.executable, "-c", HOLDER, str(connection.settings_dict["NAME"])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdout.readline() == "writing\n"
        yield process
        process.kill()


@pytest.mark.sqlite
@committing
def test_a_killed_writer_keeps_nobody_waiting(holder: "subprocess.Popen[str]") -> None:
    held = not is_free(queue())

    holder.kill()
    holder.wait()

    assert held
    create_group("owners")


@pytest.mark.sqlite
@committing
def test_a_process_forked_during_a_turn_does_not_keep_it() -> None:
    with transactions.write():
        child = os.fork()
        if child == 0:
            # Has all files open that are open here, until the test is over.
            signal.pause()
    free = everybody_may_write()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)

    assert free


@pytest.mark.sqlite
@pytest.mark.parametrize("name", [":memory:", "file:memorydb_default?mode=memory&cache=shared"])
def test_a_database_in_memory_has_no_queue(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "NAME", name)

    assert transactions._queue(connection) is None
