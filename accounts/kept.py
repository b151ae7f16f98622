"""Principals that a process keeps, so that a caller who comes again costs no query.

Each is good under the auth epoch it was read under, until its credential ends, and for 30 seconds at the most. Nobody
is kept who was refused. What stands here of the header is a hash under a key that dies with the process.
"""

import hashlib
import secrets
from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import Generic, NamedTuple, TypeVar

SECONDS = 30.0
MOST = 10_000

Kept = TypeVar("Kept")


class _Entry(NamedTuple, Generic[Kept]):
    what: Kept
    epoch: int
    until: float


class Cache(Generic[Kept]):
    def __init__(self, epoch: Callable[[], int | None]) -> None:
        self._epoch = epoch
        self._entries: dict[bytes, _Entry[Kept]] = {}
        self._lock = Lock()
        self._key = secrets.token_bytes(32)

    def name(self, header: str | None) -> bytes:
        """Under which name it is kept."""
        given = b"" if header is None else b"=" + header.encode(errors="surrogatepass")
        return hashlib.blake2b(given, digest_size=16, key=self._key).digest()

    def get(self, name: bytes) -> Kept | None:
        entry = self._entries.get(name)
        if entry is None or entry.until <= monotonic() or entry.epoch != self._epoch():
            return None
        return entry.what

    def keep(self, name: bytes, what: Kept, *, epoch: int | None, seconds: float) -> None:
        """For so many seconds at most; without an epoch not at all."""
        if epoch is None or seconds <= 0:
            return
        entry = _Entry(what, epoch, monotonic() + min(seconds, SECONDS))
        with self._lock:
            self._entries.pop(name, None)
            self._entries[name] = entry
            if len(self._entries) > MOST:
                del self._entries[next(iter(self._entries))]

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
