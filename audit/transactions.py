"""How changes are written."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.sqlite3.base import DatabaseWrapper as SQLite

_written = 0


def written() -> int:
    """How many writing transactions of this process have ended: whoever keeps something that one may have changed
    compares it."""
    return _written


@contextmanager
def write() -> Iterator[None]:
    """The one way to open a writing transaction. It ends with `events.record` or changes nothing.

    A call inside another transaction is a RuntimeError, because what looks committed here would not be; Django's
    TestCase, which wraps each test in one, is let through.

    On SQLite writers wait in a queue first: SQLite itself lets them poll, and some starve for seconds. The place at
    the head is given up as soon as the commit is made or has failed, before the callbacks of `on_commit` run, which
    may be slow or write themselves.
    """
    global _written
    connection = connections[DEFAULT_DB_ALIAS]
    try:
        with ExitStack() as turn:
            if path := _queue(connection):
                turn.enter_context(_turn(path))
            with transaction.atomic(durable=True):
                if path:
                    transaction.on_commit(turn.close)
                yield
    finally:
        # Two threads may count as one. Both have committed by then, and the number has moved: that is enough.
        _written += 1


def _queue(connection: BaseDatabaseWrapper) -> str | None:
    """The file on which writers queue, or None where there is no queue to stand in.

    Whoever is in a transaction has the database to itself already, or is about to be refused.
    """
    if not isinstance(connection, SQLite) or connection.in_atomic_block or connection.is_in_memory_db():
        return None
    return f"{connection.settings_dict['NAME']}.writers"


@contextmanager
def _turn(path: str) -> Iterator[None]:
    """Waits until the writers of all threads and processes that came before are done.

    The kernel lets whoever releases a lock take it again before the one that waits has woken up. So there are two: to
    the lock itself leads a place in front of it, and whoever is done finds that place taken by the next.
    """
    with ExitStack() as head:
        with _locked(f"{path}.next"):
            head.enter_context(_locked(path))
        yield


@contextmanager
def _locked(path: str) -> Iterator[None]:
    """A file opened for each turn, so that threads exclude one another like processes and a fork inherits no state.

    A killed process leaves nothing locked. Reading is enough to lock: the file may belong to another user.
    """
    file = os.open(path, os.O_RDONLY | os.O_CREAT, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        # Closing is not enough if a process was forked meanwhile: it has the file open too.
        fcntl.flock(file, fcntl.LOCK_UN)
        os.close(file)
