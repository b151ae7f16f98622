"""The constant answer as one of the candidates of a run: what it costs today is the unit for the others."""

import contextlib
import functools
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from bench import client, floor, servers, workers
from bench.client import Expected
from bench.servers import Failed, Server
from bench.workers import Round

CONNECTIONS = 16


@dataclass(frozen=True)
class Constant:
    server: Server
    expected: list[Expected]

    def cost(self, executor: Executor, seconds: float) -> float:
        """CPU µs of a request. Raises Failed for a wrong answer."""
        played = drive(executor, self.server, self.expected, seconds=seconds, home=None)
        (tally,) = played.results
        if tally.failures:
            raise Failed(f"the constant answer: {tally.failures[0]}")
        return played.server / tally.answered / 1000


@contextlib.contextmanager
def constant(like: Server) -> Iterator[Constant]:
    with servers.floor(like) as server, client.Connection(server.port) as connection:
        message = client.request("GET", "/")
        if connection.exchange(message).body != floor.BODY:
            raise Failed("the constant answer is another one")
        yield Constant(server, [Expected(message, len(floor.BODY))])


def drive(
    executor: Executor, server: Server, expected: Sequence[Expected], *, seconds: float, home: servers.Home | None
) -> Round[client.Tally]:
    load = functools.partial(_drive, server.port, expected, seconds)
    return workers.play(executor, [load], server, home)


def _drive(port: int, expected: Sequence[Expected], seconds: float, begin: float) -> client.Tally:
    return client.drive(port, expected, connections=CONNECTIONS, begin=begin, seconds=seconds)
