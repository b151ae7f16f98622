"""The check of a schema against a long history, at BACKWARD_TRANSITIVE: what is parsed anew, and what is kept."""

import json
import random
from dataclasses import dataclass, field
from typing import Any

from bench import client, processes, servers, tables
from bench.options import Options
from bench.servers import Failed, Home, Server

SUBJECTS = [f"bench-{number}-value" for number in range(5)]
VERSIONS = 100
# Of the first version and of the last, in fields: 3 and 15 kB.
FIELDS = (27, 127)
WARM_CHECKS = 10


@dataclass
class Figures:
    """CPU µs of one check in the server, and of PostgreSQL's part in it."""

    server: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)


def run(options: Options) -> None:
    with servers.homes() as homes:
        rows = []
        for home in homes:
            with servers.callboard(home) as server:
                (key,) = home.new_keys(1)
                _fill(server, key)
            home.vacuum()
            plain, cold, warm = Figures(), Figures(), Figures()
            for _ in range(options.rounds):
                _check(home, key, plain, cold, warm)
            rows += [
                _row(f"{home.name}, against the latest", plain),
                _row(f"{home.name}, all, cold", cold),
                _row(f"{home.name}, all, kept", warm),
            ]
    first, last = (len(schema_text("bench-0", fields)) for fields in FIELDS)
    title = (
        f"Checks over HTTP of version {VERSIONS + 1} against {VERSIONS} versions of {first:,} to {last:,} bytes, one "
        f"client\n{options.rounds} starts × {len(SUBJECTS)} subjects; median (least–greatest)"
    )
    tables.show(title, ["database, versions", "server CPU µs", "PostgreSQL CPU µs"], rows)


def schema_text(mark: str, fields: int) -> str:
    """One field more is a compatible version; what is beside plain texts comes in turn."""
    listed = [_field(mark, position) for position in range(fields)]
    record = {"type": "record", "name": "Order", "namespace": "com.example.shop", "fields": listed}
    return json.dumps(record, separators=(",", ":"))


def _field(mark: str, position: int) -> dict[str, Any]:
    made: dict[str, Any] = {"name": f"field_{position}", "doc": f"What {mark} says at place {position}"}
    match position % 6:
        case 0:
            return made | {"type": ["null", "string"], "default": None}
        case 1:
            return made | {"type": {"type": "long", "logicalType": "timestamp-millis"}, "default": 0}
        case 2:
            symbols = {"type": "enum", "name": f"State{position}", "symbols": ["NEW", "PAID", "SENT"]}
            return made | {"type": symbols, "default": "NEW"}
        case 3:
            inner = [{"name": "street", "type": "string"}, {"name": "town", "type": ["null", "string"]}]
            record = {"type": "record", "name": f"Address{position}", "fields": inner}
            return made | {"type": ["null", record], "default": None}
        case 4:
            return made | {"type": {"type": "array", "items": "string"}, "default": []}
        case _:
            return made | {"type": "string", "default": ""}


def _body(subject: str, fields: int) -> bytes:
    return json.dumps({"schema": schema_text(subject, fields)}).encode()


def _fill(server: Server, key: str) -> None:
    with client.Connection(server.port) as connection:
        for subject in SUBJECTS:
            for fields in range(FIELDS[0], FIELDS[1]):
                path = f"/subjects/{subject}/versions"
                _ask(connection, client.request("POST", path, key=key, body=_body(subject, fields)))


def _check(home: Home, key: str, plain: Figures, cold: Figures, warm: Figures) -> None:
    """A server that has just started keeps nothing yet."""
    with (
        servers.callboard(home, CALLBOARD_COMPATIBILITY="BACKWARD_TRANSITIVE") as server,
        client.Connection(server.port) as connection,
    ):
        _ask(connection, client.request("GET", "/subjects", key=key))
        for subject in random.sample(SUBJECTS, len(SUBJECTS)):
            versions = f"/compatibility/subjects/{subject}/versions"
            body = _body(subject, FIELDS[1])
            for path, figures, times in (
                (versions, cold, 1),
                (versions, warm, WARM_CHECKS),
                (f"{versions}/latest", plain, WARM_CHECKS),
            ):
                message = client.request("POST", path, key=key, body=body)
                _measure(home, server, connection, message, times=times, figures=figures)


def _measure(
    home: Home, server: Server, connection: client.Connection, message: bytes, *, times: int, figures: Figures
) -> None:
    roots = [server.process.pid, *([home.database_pid] if home.database_pid else [])]
    before = [processes.snapshot(root) for root in roots]
    for _ in range(times):
        if _ask(connection, message) != {"is_compatible": True}:
            raise Failed("a version that should be compatible is not")
    spent = [processes.cpu_between(was, processes.snapshot(root)) for root, was in zip(roots, before, strict=True)]
    figures.server.append(spent[0] / times / 1000)
    figures.database.append(sum(spent[1:]) / times / 1000)


def _ask(connection: client.Connection, message: bytes) -> Any:
    answer = connection.exchange(message)
    if answer.status != 200:
        raise Failed(f"{message[:60]!r}: {answer.status} {answer.body[:300]!r}")
    return json.loads(answer.body)


def _row(name: str, figures: Figures) -> list[str]:
    database = tables.spread(figures.database) if any(figures.database) else ""
    return [name, tables.spread(figures.server), database]
