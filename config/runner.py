"""`python -S config/runner.py SERVER`: keeps `manage.py audit_worker` at work beside the process SERVER, its parent.

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
STOP_SECONDS = 1.5
# Requests come first.
NICENESS = 5


class Keeper:
    def __init__(self, server: int) -> None:
        self._server = server
        self._worker = 0
        self._start_at = 0.0
        self._asked = False

    def stop(self, *args: object) -> None:
        self._asked = True

    def keep(self) -> None:
        # Whose parent is gone gets another one.
        while not self._asked and os.getppid() == self._server:
            if self._worker and self._has_ended():
                print("callboard: the worker of exports ended and is started again", file=sys.stderr, flush=True)
                self._worker = 0
            if not self._worker and time.monotonic() >= self._start_at:
                self._start()
            time.sleep(TICK_SECONDS)
        self._end()

    def _start(self) -> None:
        self._start_at = time.monotonic() + RESTART_SECONDS
        command = [sys.executable, "manage.py", "audit_worker", "--parent", str(os.getpid())]
        self._worker = os.posix_spawn(sys.executable, command, os.environ)

    def _has_ended(self) -> bool:
        return os.waitpid(self._worker, os.WNOHANG)[0] != 0

    def _end(self) -> None:
        if not self._worker:
            return
        os.kill(self._worker, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while not self._has_ended():
            if time.monotonic() >= deadline:
                os.kill(self._worker, signal.SIGKILL)
                os.waitpid(self._worker, 0)
                return
            time.sleep(0.02)


if __name__ == "__main__":
    keeper = Keeper(int(sys.argv[1]))
    signal.signal(signal.SIGTERM, keeper.stop)
    # Ctrl-C reaches the server too, whose end is noticed. A worker inherits this, and so is not torn from its imports.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICENESS)
    keeper.keep()
