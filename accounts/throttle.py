"""How often somebody may try. Kept in the process, so that trying costs no database: N workers allow N times that."""

from collections import OrderedDict
from threading import Lock
from time import monotonic


class Throttle:
    """At most `limit` tries in `seconds`, for each key."""

    MOST_KEYS = 10_000

    def __init__(self, *, limit: int, seconds: float) -> None:
        self.limit = limit
        self.seconds = seconds
        self._lock = Lock()
        # Key → when its window began, tries since. In order of beginning: the oldest makes room.
        self._windows: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def is_exhausted(self, key: str) -> bool:
        with self._lock:
            return self._tries(key) >= self.limit

    def count(self, key: str) -> None:
        with self._lock:
            tries = self._tries(key)
            if not tries:
                self._windows.pop(key, None)
                self._windows[key] = (monotonic(), 1)
                if len(self._windows) > self.MOST_KEYS:
                    self._windows.popitem(last=False)
                return
            self._windows[key] = (self._windows[key][0], tries + 1)

    def clear(self) -> None:
        with self._lock:
            self._windows.clear()

    def _tries(self, key: str) -> int:
        began, tries = self._windows.get(key, (0.0, 0))
        return tries if tries and monotonic() - began < self.seconds else 0
