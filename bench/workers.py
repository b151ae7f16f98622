"""Load from processes of its own, so that clients do not wait for one another, and what the servers paid for it."""

import contextlib
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from bench import client, processes
from bench.servers import Home, Server

T = TypeVar("T")
# Until all clients are connected.
_LEAD_SECONDS = 0.3


@dataclass(frozen=True)
class Round(Generic[T]):
    """What each client brought back, and the nanoseconds that both servers were on a processor meanwhile."""

    results: list[T]
    server: int
    database: int


@contextlib.contextmanager
def pool(size: int) -> Iterator[Executor]:
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(size, context, initializer=_leave_signals_to_the_parent) as executor:
        yield executor


def _leave_signals_to_the_parent() -> None:
    """Ctrl-C reaches all processes of a terminal; a client ends with its round anyway."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def play(executor: Executor, clients: Sequence[Callable[[float], T]], server: Server, home: Home | None) -> Round[T]:
    """Runs the clients at once, each of which is given the moment to begin at."""
    begin = time.monotonic() + _LEAD_SECONDS
    futures = [executor.submit(run, begin) for run in clients]
    client.wait_until(begin - 0.01)
    roots = [server.process.pid, *([home.database_pid] if home and home.database_pid else [])]
    before = [processes.snapshot(root) for root in roots]
    results = [future.result() for future in futures]
    spent = [processes.cpu_between(was, processes.snapshot(root)) for root, was in zip(roots, before, strict=True)]
    return Round(results, spent[0], sum(spent[1:]))
