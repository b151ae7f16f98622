"""From the command to the first answer, the memory of a server that has nothing to do, and how long a stop takes."""

import time
from dataclasses import dataclass

from bench import client, processes, servers, tables
from bench.options import Options
from bench.servers import Home

# Until what a start leaves behind has settled.
_IDLE_SECONDS = 1


@dataclass(frozen=True)
class Figures:
    answered: float
    memory: float
    processes: int
    stopped: float


def run(options: Options) -> None:
    first, again, connected = [], [], []
    for _ in range(options.rounds):
        with servers.sqlite_home() as home:
            first.append(_once(home, keeps_connection=False))
            again.append(_once(home, keeps_connection=False))
            connected.append(_once(home, keeps_connection=True))
    header = ["start on SQLite", "first answer s", "Pss MiB", "processes", "stopped by SIGINT s"]
    rows = [
        _row("empty data folder", first),
        _row("restart", again),
        _row("restart, a client stays connected", connected),
    ]
    tables.show(f"Start and stop, {options.rounds} times; median (least–greatest)", header, rows)


def _once(home: Home, *, keeps_connection: bool) -> Figures:
    started = time.monotonic()
    with servers.launched(home) as server:
        server.wait_until_it_answers()
        answered = time.monotonic() - started
        time.sleep(_IDLE_SECONDS)
        memory, amount = processes.memory(server.process.pid), len(processes.tree(server.process.pid))
        if not keeps_connection:
            return Figures(answered, memory, amount, server.stop())
        with client.Connection(server.port) as connection:
            connection.exchange(client.request("GET", "/healthz"))
            return Figures(answered, memory, amount, server.stop())


def _row(name: str, rounds: list[Figures]) -> list[str]:
    return [
        name,
        tables.spread([f.answered for f in rounds], 2),
        tables.spread([f.memory for f in rounds], 1),
        tables.spread([f.processes for f in rounds]),
        tables.spread([f.stopped for f in rounds], 2),
    ]
