"""`python -S config/runner.py SERVER`: keeps `manage.py audit_worker` at work beside the process SERVER, its parent,
and once a day lets `manage.py forget_sessions` clear up.

A worker that crashes is started again, and none outlives the server, however that ended. The server can't do it
itself: it is granian, which looks after its own workers only. Hardly anything is imported, because this process stays.
"""

import os
import signal
import sys
import time

TICK_SECONDS = 0.25
# At most one start in so long: a worker that can't start at all must not eat a processor.
RESTART_SECONDS = 5.0
# The server has cleared up at its start.
DAY_SECONDS = 86_400.0
STOP_SECONDS = 1.5
# Requests come first.
NICENESS = 5


class Keeper:
    def __init__(self, server: int) -> None:
        self._server = server
        self._worker = 0
        self._start_at = 0.0
        self._clearing = 0
        self._clear_at = time.monotonic() + DAY_SECONDS
        self._asked = False

    def stop(self, *args: object) -> None:
        self._asked = True

    def keep(self) -> None:
        # Whose parent is gone gets another one.
        while not self._asked and os.getppid() == self._server:
            if self._worker and _has_ended(self._worker):
                print("callboard: the worker of exports ended and is started again", file=sys.stderr, flush=True)
                self._worker = 0
            if not self._worker and time.monotonic() >= self._start_at:
                self._start()
            self._clear_up()
            time.sleep(TICK_SECONDS)
        self._end()

    def _start(self) -> None:
        self._start_at = time.monotonic() + RESTART_SECONDS
        self._worker = _manage("audit_worker", "--parent", str(os.getpid()))

    def _clear_up(self) -> None:
        if self._clearing and _has_ended(self._clearing):
            self._clearing = 0
        if not self._clearing and time.monotonic() >= self._clear_at:
            self._clear_at = time.monotonic() + DAY_SECONDS
            self._clearing = _manage("forget_sessions")

    def _end(self) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        for process in filter(None, (self._worker, self._clearing)):
            _end_by(deadline, process)


def _manage(*words: str) -> int:
    return os.posix_spawn(sys.executable, [sys.executable, "manage.py", *words], os.environ)


def _has_ended(process: int) -> bool:
    return os.waitpid(process, os.WNOHANG)[0] != 0


def _end_by(deadline: float, process: int) -> None:
    os.kill(process, signal.SIGTERM)
    while not _has_ended(process):
        if time.monotonic() >= deadline:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
            return
        time.sleep(0.02)


if __name__ == "__main__":
    keeper = Keeper(int(sys.argv[1]))
    signal.signal(signal.SIGTERM, keeper.stop)
    # Ctrl-C reaches the server too, whose end is noticed. A worker inherits this, and so is not torn from its imports.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICENESS)
    keeper.keep()
