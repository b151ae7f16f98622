"""Registrations over HTTP with key, compatibility check and audit event; afterwards the database has to be right."""

import contextlib
import functools
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field

from bench import anchor, client, servers, tables, texts, workers
from bench.options import Options
from bench.servers import Failed, Home, Server
from bench.workers import Round

CLIENTS = (1, 8)
SUBJECTS = [f"bench-{number:02}-value" for number in range(50)]
KEYS = 4
# Share of requests whose text this client has registered before.
AGAIN = 0.2

Acknowledged = tuple[str, int, int]


@dataclass
class Tally:
    """What one client saw: seconds a request, and (subject, version, id) by the text's mark."""

    seconds: list[float] = field(default_factory=list)
    acknowledged: dict[str, Acknowledged] = field(default_factory=dict)
    again: int = 0
    lasted: float = 0.0
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Figures:
    rate: float
    server: float
    database: float
    p50: float
    p99: float
    greatest: float
    again: float


@dataclass(frozen=True)
class Candidate:
    home: Home
    server: Server
    keys: list[str]
    acknowledged: list[Acknowledged] = field(default_factory=list)
    # by number of clients and number of the round
    rounds: dict[int, dict[int, Figures]] = field(default_factory=lambda: defaultdict(dict))


def run(options: Options) -> None:
    # The clients are forked before there are servers, whose files they would hold open.
    with workers.pool(max(CLIENTS)) as executor, servers.homes() as homes, contextlib.ExitStack() as stack:
        candidates = [stack.enter_context(_candidate(home)) for home in homes]
        constant = stack.enter_context(anchor.constant(candidates[0].server))
        for candidate in candidates:
            _play(executor, candidate, max(CLIENTS), name="warm", seconds=1)
        floors = []
        plays = [(candidate, clients) for candidate in candidates for clients in CLIENTS]
        for number in range(options.rounds):
            floors.append(constant.cost(executor, options.seconds))
            for candidate, clients in random.sample(plays, len(plays)):
                if figures := _play(executor, candidate, clients, name=f"r{number}", seconds=options.seconds):
                    candidate.rounds[clients][number] = figures
        _show(floors, candidates, options)
        for candidate in candidates:
            verify(candidate)


@contextlib.contextmanager
def _candidate(home: Home) -> Iterator[Candidate]:
    """With a first version of every subject."""
    with servers.callboard(home) as server:
        candidate = Candidate(home, server, home.new_keys(KEYS))
        with client.Connection(server.port) as connection:
            first = Tally()
            for number, subject in enumerate(SUBJECTS):
                key = candidate.keys[number % KEYS]
                _register(connection, first, subject, key=key, mark=f"first_{number}")
        candidate.acknowledged.extend(first.acknowledged.values())
        if first.failures:
            raise Failed(first.failures[0])
        yield candidate


def _play(executor: Executor, candidate: Candidate, clients: int, *, name: str, seconds: float) -> Figures | None:
    """None when the round is void. What was acknowledged counts all the same."""
    port, keys = candidate.server.port, candidate.keys
    loads: list[Callable[[float], Tally]] = [
        functools.partial(_load, port, keys[number % KEYS], f"{name}_{clients}_{number}", seconds)
        for number in range(clients)
    ]
    played = workers.play(executor, loads, candidate.server, candidate.home)
    for tally in played.results:
        candidate.acknowledged.extend(tally.acknowledged.values())
    failures = [failure for tally in played.results for failure in tally.failures]
    if failures:
        print(f"void round, {candidate.home.name}, {clients} clients: {len(failures)} failures, such as {failures[0]}")
        return None
    return _figures(candidate.home, played)


def _figures(home: Home, played: Round[Tally]) -> Figures:
    latencies = [taken * 1000 for tally in played.results for taken in tally.seconds]
    requests = len(latencies)
    if home.database_pid and not played.database:
        raise Failed("PostgreSQL had nothing to do; which database was written?")
    return Figures(
        rate=requests / max(tally.lasted for tally in played.results),
        server=played.server / requests / 1000,
        database=played.database / requests / 1000,
        p50=tables.percentile(latencies, 50),
        p99=tables.percentile(latencies, 99),
        greatest=max(latencies),
        again=sum(tally.again for tally in played.results) / requests,
    )


def _load(port: int, key: str, name: str, seconds: float, begin: float) -> Tally:
    """One client: registers for so long, in no subject's order."""
    chance, tally = random.Random(name), Tally()
    with client.Connection(port) as connection:
        client.wait_until(begin)
        while time.monotonic() < begin + seconds and not tally.failures:
            if tally.acknowledged and chance.random() < AGAIN:
                mark = chance.choice(list(tally.acknowledged))
                subject, tally.again = tally.acknowledged[mark][0], tally.again + 1
            else:
                mark, subject = f"{name}_{len(tally.acknowledged)}", chance.choice(SUBJECTS)
            _register(connection, tally, subject, key=key, mark=mark)
    tally.lasted = time.monotonic() - begin
    return tally


def _register(connection: client.Connection, tally: Tally, subject: str, *, key: str, mark: str) -> None:
    body = texts.body(texts.schema_text(mark))
    message = client.request("POST", f"/subjects/{subject}/versions", key=key, body=body)
    started = time.perf_counter()
    try:
        answer = connection.exchange(message)
    except OSError as error:
        tally.failures.append(repr(error))
        return
    tally.seconds.append(time.perf_counter() - started)
    if answer.status != 200:
        tally.failures.append(f"{answer.status} {answer.body[:300]!r}")
        return
    shown = json.loads(answer.body)
    acknowledged = (subject, int(shown["version"]), int(shown["id"]))
    if tally.acknowledged.setdefault(mark, acknowledged) != acknowledged:
        tally.failures.append(f"{mark} was {tally.acknowledged[mark]} and is now {acknowledged}")


def _show(floors: list[float], candidates: list[Candidate], options: Options) -> None:
    header = ["database, clients", "requests/s", "server CPU µs", "× constant"]
    header += ["PostgreSQL CPU µs", "p50 ms", "p99 ms", "max ms"]
    rows = [_row(floors, candidate, clients) for candidate in candidates for clients in CLIENTS]
    shares = [f.again for candidate in candidates for rounds in candidate.rounds.values() for f in rounds.values()]
    title = (
        f"Registration over HTTP: {len(SUBJECTS)} subjects, texts of {len(texts.schema_text('r0_8_0_100')):,} bytes, "
        f"BACKWARD, {KEYS} keys, known texts {tables.spread([share * 100 for share in shares])} %\n"
        f"{options.rounds} rounds of {options.seconds:g} s each, interleaved; median (least–greatest) of the rounds; "
        f"constant answer {tables.spread(floors, 1)} µs"
    )
    tables.show(title, header, rows)


def _row(floors: list[float], candidate: Candidate, clients: int) -> list[str]:
    rounds = candidate.rounds[clients]
    return [
        f"{candidate.home.name}, {clients}",
        tables.spread([f.rate for f in rounds.values()]),
        tables.spread([f.server for f in rounds.values()]),
        tables.spread([f.server / floors[number] for number, f in rounds.items()]),
        tables.spread([f.database for f in rounds.values()]) if candidate.home.database_pid else "",
        tables.spread([f.p50 for f in rounds.values()], 1),
        tables.spread([f.p99 for f in rounds.values()], 1),
        tables.spread([f.greatest for f in rounds.values()]),
    ]


def verify(candidate: Candidate) -> None:
    """Raises Failed for an id given twice, a gap, something acknowledged that is not there, a broken audit log."""
    home = candidate.home
    stored = home.query(
        "SELECT s.name, v.version, i.number, c.guid FROM registry_schemaversion v"
        " JOIN registry_subject s ON s.id = v.subject_id JOIN registry_schemaid i ON i.id = v.schema_id"
        " JOIN registry_schema c ON c.id = i.schema_id"
    )
    ids = [number for (number,) in home.query("SELECT number FROM registry_schemaid")]
    _check(home, "two contents with one id", [n for n, times in Counter(ids).items() if times > 1])
    _check(home, "two ids of one content", _doubled({(number, guid) for _, _, number, guid in stored}))
    _check(home, "gaps in", _with_gaps([(name, version) for name, version, *_ in stored]))
    _check(home, "acknowledged and not there:", set(candidate.acknowledged) - {row[:3] for row in stored})
    events = home.query("SELECT count(*) FROM audit_auditevent WHERE action = 'subject.registered'")[0][0]
    _check(home, "versions and events", [] if events == len(stored) else [len(stored), events])
    audit = home.manage("audit_verify")
    print(
        f"  {home.name}: {len(stored):,} versions, all {len(set(candidate.acknowledged)):,} acknowledged ones there, "
        f"{max(ids) - len(ids)} ids skipped, versions without gaps; audit log {audit.partition(',')[0]}"
    )


def _check(home: Home, what: str, wrong: object) -> None:
    if wrong:
        raise Failed(f"{home.name}: {what} {str(wrong)[:500]}")


def _doubled(pairs: set[tuple[int, object]]) -> list[object]:
    return [guid for guid, times in Counter(guid for _, guid in pairs).items() if times > 1]


def _with_gaps(versions: list[tuple[str, int]]) -> list[str]:
    of: dict[str, list[int]] = defaultdict(list)
    for name, version in versions:
        of[name].append(version)
    return [name for name, numbers in of.items() if sorted(numbers) != list(range(1, len(numbers) + 1))]
