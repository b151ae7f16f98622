"""Slows down who tries keys that do not open. A key that does is never in the way of this, from wherever it comes.

Counted in the database by address, key and minute, so that all servers count together. Once a minute's limit is
reached, a server remembers that and writes no more until the next one.
"""

import logging
from datetime import datetime, timedelta
from functools import cache
from threading import Lock

from django.db import DatabaseError, connection
from django.utils import timezone

from accounts import lookup
from accounts.models import KeyFailure

logger = logging.getLogger(__name__)

# In a minute. Behind a proxy all callers share its address.
MOST_BY_ADDRESS = 300
MOST_BY_KEY = 60
KEPT = timedelta(hours=1)


class TooManyFailures(Exception):
    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class _Exhausted:
    """Addresses and keys that have reached the limit of this minute."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._minute: datetime | None = None
        self._names: set[str] = set()

    def holds(self, minute: datetime, *names: str) -> bool:
        with self._lock:
            return self._minute == minute and not self._names.isdisjoint(names)

    def add(self, minute: datetime, name: str) -> None:
        with self._lock:
            if self._minute != minute:
                self._minute, self._names = minute, set()
            self._names.add(name)

    def clear(self) -> None:
        with self._lock:
            self._names.clear()


exhausted = _Exhausted()


def count(*, address: str, key_id: str) -> None:
    """One more try that failed. Raises TooManyFailures once there were too many in this minute."""
    now = timezone.now()
    minute = now.replace(second=0, microsecond=0)
    refused = TooManyFailures(60 - now.second)
    if exhausted.holds(minute, address, key_id):
        raise refused
    by_address, by_key = _count(minute, address, key_id)
    if by_address > MOST_BY_ADDRESS:
        exhausted.add(minute, address)
    if by_key > MOST_BY_KEY:
        exhausted.add(minute, key_id)
    if by_address > MOST_BY_ADDRESS or by_key > MOST_BY_KEY:
        raise refused


def _count(minute: datetime, address: str, key_id: str) -> tuple[int, int]:
    """How many there were in this minute. Nobody waits for a lock, or fails, because something could not be counted."""
    at = lookup.stored(minute)
    try:
        with connection.cursor() as cursor:
            if lookup.execute_without_waiting(cursor, _upsert(), [address, key_id, at]) and not minute.minute % 10:
                lookup.execute_without_waiting(cursor, _purge(), [lookup.stored(minute - KEPT)])
            cursor.execute(_sums(), [address, key_id, at, address, key_id])
            by_address, by_key = cursor.fetchone()
    except DatabaseError as error:
        logger.info("failure of a key not counted: %s", type(error).__name__)
        return 0, 0
    return by_address or 0, by_key or 0


def _table() -> str:
    return KeyFailure._meta.db_table


@cache
def _upsert() -> str:
    return (
        f'INSERT INTO "{_table()}" (address, key_id, minute, tries) VALUES (%s, %s, %s, 1) '  # noqa: S608 - our own table
        f'ON CONFLICT (minute, address, key_id) DO UPDATE SET tries = "{_table()}".tries + 1'
    )


@cache
def _purge() -> str:
    return f'DELETE FROM "{_table()}" WHERE minute < %s'  # noqa: S608


@cache
def _sums() -> str:
    counted = "SELECT sum(CASE WHEN address = %s THEN tries END), sum(CASE WHEN key_id = %s THEN tries END)"
    return f'{counted} FROM "{_table()}" WHERE minute = %s AND (address = %s OR key_id = %s)'  # noqa: S608
