"""Reads of many ids and subjects, beside a constant answer of the same server program in the same run."""

import contextlib
import json
import random
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

from bench import anchor, client, floor, servers, tables, texts, workers
from bench.client import Expected
from bench.options import Options
from bench.servers import Failed, Home, Server

SUBJECTS = 1000
KEYS = 4


@dataclass(frozen=True)
class Figures:
    server: float
    database: float
    rate: float


@dataclass(frozen=True)
class Candidate:
    """Requests in random order with what each must bring. By number of the round, as a void one leaves no figures."""

    name: str
    server: Server
    expected: list[Expected]
    home: Home
    rounds: dict[int, Figures] = field(default_factory=dict)


@dataclass(frozen=True)
class Stored:
    subject: str
    version: int
    schema_id: int
    text: str


def run(options: Options) -> None:
    # The client is forked before there are servers, whose files it would hold open.
    with workers.pool(1) as executor, servers.homes() as homes, contextlib.ExitStack() as stack:
        candidates = [made for home in homes for made in stack.enter_context(_candidates(home))]
        constant = stack.enter_context(anchor.constant(candidates[0].server))
        for candidate in candidates:
            _play(executor, candidate, seconds=1)
        floors = []
        for number in range(options.rounds):
            plays: list[Candidate | None] = [None, *candidates]
            for played in random.sample(plays, len(plays)):
                if played is None:
                    floors.append(constant.cost(executor, options.seconds))
                elif figures := _play(executor, played, seconds=options.seconds):
                    played.rounds[number] = figures
        _show(floors, candidates, options)


@contextlib.contextmanager
def _candidates(home: Home) -> Iterator[list[Candidate]]:
    with servers.callboard(home) as server, client.Connection(server.port) as connection:
        keys = home.new_keys(KEYS)
        stored = _fill(connection, keys)
        home.vacuum()
        ids = _asked(connection, keys, {f"/schemas/ids/{one.schema_id}": one for one in stored})
        latest = _asked(connection, keys, {f"/subjects/{one.subject}/versions/latest": one for one in stored})
        yield [
            Candidate(f"id, {home.name}", server, ids, home),
            Candidate(f"latest, {home.name}", server, latest, home),
        ]


def _fill(connection: client.Connection, keys: list[str]) -> list[Stored]:
    made = []
    for number in range(SUBJECTS):
        subject, text = f"bench-{number:04}-value", texts.schema_text(f"read_{number:05}")
        body = texts.body(text)
        path = f"/subjects/{subject}/versions"
        shown = _json(connection, client.request("POST", path, key=keys[number % KEYS], body=body))
        made.append(Stored(subject, shown["version"], shown["id"], text))
    return made


def _asked(connection: client.Connection, keys: list[str], wanted: dict[str, Stored]) -> list[Expected]:
    """Asks for everything once, which is the warm-up too, and sees that the answer is what was registered."""
    found = []
    for number, path in enumerate(random.sample(list(wanted), len(wanted))):
        message, one = client.request("GET", path, key=keys[number % KEYS]), wanted[path]
        shown = _json(connection, message)
        if (shown["subject"], shown["version"], shown["schema"]) != (one.subject, one.version, one.text):
            raise Failed(f"{path} answers with something else: {shown}")
        found.append(Expected(message, len(connection.exchange(message).body)))
    return found


def _json(connection: client.Connection, message: bytes) -> Any:
    answer = connection.exchange(message)
    if answer.status != 200:
        raise Failed(f"{message[:60]!r}: {answer.status} {answer.body[:300]!r}")
    return json.loads(answer.body)


def _play(executor: Executor, candidate: Candidate, *, seconds: float) -> Figures | None:
    """None when the round is void."""
    played = anchor.drive(executor, candidate.server, candidate.expected, seconds=seconds, home=candidate.home)
    (tally,) = played.results
    if tally.failures:
        print(f"void round, {candidate.name}: {tally.failures[0]}")
        return None
    if bool(candidate.home.database_pid) != bool(played.database):
        raise Failed(f"{candidate.name}: not the database that was meant")
    return Figures(
        server=played.server / tally.answered / 1000,
        database=played.database / tally.answered / 1000,
        rate=tally.answered / tally.seconds,
    )


def _show(floors: list[float], candidates: list[Candidate], options: Options) -> None:
    header = ["read", "server CPU µs", "× constant", "PostgreSQL CPU µs", "requests/s", "body bytes"]
    title = (
        f"Reads: {SUBJECTS:,} ids and as many subjects in random order, {KEYS} keys, "
        f"{anchor.CONNECTIONS} connections of a Python client\n"
        f"{options.rounds} rounds of {options.seconds:g} s each, interleaved; median (least–greatest) of the rounds"
    )
    unit = ["constant answer", tables.spread(floors, 1), "", "", "", f"{len(floor.BODY):,}"]
    tables.show(title, header, [unit, *(_row(floors, candidate) for candidate in candidates)])


def _row(floors: list[float], candidate: Candidate) -> list[str]:
    rounds = candidate.rounds
    return [
        candidate.name,
        tables.spread([f.server for f in rounds.values()]),
        tables.spread([f.server / floors[number] for number, f in rounds.items()], 1),
        tables.spread([f.database for f in rounds.values()]) if candidate.home.database_pid else "",
        tables.spread([f.rate for f in rounds.values()]),
        f"{sum(one.length for one in candidate.expected) / len(candidate.expected):,.0f}",
    ]
