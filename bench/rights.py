"""What it takes to see only what one may see: 100,000 hidden subjects, 200,000 grants, a content in 50,000 of them."""

import json
import statistics
import subprocess
import sys
import time
from typing import Any

from bench import client, crowd, servers, tables
from bench.conditions import CHECKOUT
from bench.options import Options
from bench.servers import Failed, Home, Server

READS = {
    "one version, which a scope shows": "/subjects/team003-orders-000003-value/versions/latest",
    "one version, which nothing shows": "/subjects/team001-orders-000001-value/versions/latest",
    "an id that 50,000 subjects carry": "/schemas/ids/1",
    "the subjects of that id": "/schemas/ids/1/subjects",
    "the names of all subjects": "/subjects",
    "the schemas of all subjects, the first 100": "/schemas?subjectPrefix=:*:&limit=100",
    "the first 100 with owner and state": "/api/v1/subjects?limit=100",
}


def run(options: Options) -> None:
    with servers.homes() as homes:
        policy: list[list[str]] = []
        reads: list[list[str]] = []
        for home in homes:
            home.manage("migrate", "-v0")
            keys = _program(home, "fill")
            home.vacuum()
            policy += [
                [f"{home.name}, {what}", str(queries), f"{taken:,.2f}"]
                for what, queries, taken in _program(home, "measure", json.dumps(keys))
            ]
            with servers.callboard(home) as server:
                reads += _reads(home, server, keys, options)
    crowd_in_words = f"{crowd.SUBJECTS:,} restricted subjects, {crowd.SUBJECTS * crowd.GRANTS_EACH:,} grants to groups"
    tables.show(
        f"The policy by itself: {crowd_in_words}; median of many",
        ["database, what: who sees", "queries", "ms"],
        policy,
    )
    tables.show(
        f"Reads over HTTP by one client, by how much of it the key may see; {crowd_in_words}\n"
        f"{options.rounds} × 5 requests, milliseconds until the answer is there; median (least–greatest)",
        ["database, read", *READERS],
        reads,
    )


READERS = (*crowd.READERS, crowd.EVERYTHING)


def _program(home: Home, *words: str) -> Any:
    command = [sys.executable, "-m", "bench.crowd", *words]
    environment = home.environment(DJANGO_SETTINGS_MODULE="config.settings")
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"bench.crowd {words[0]}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _reads(home: Home, server: Server, keys: dict[str, str], options: Options) -> list[list[str]]:
    with client.Connection(server.port) as connection:
        return [
            [f"{home.name}, {what}", *(_spread(connection, path, keys[name], options) for name in READERS)]
            for what, path in READS.items()
        ]


def _spread(connection: client.Connection, path: str, key: str, options: Options) -> str:
    message = client.request("GET", path, key=key)
    connection.exchange(message)
    taken = []
    for _ in range(options.rounds * 5):
        started = time.perf_counter()
        status = connection.exchange(message).status
        taken.append((time.perf_counter() - started) * 1000)
        if status not in {200, 404}:
            raise Failed(f"{path}: {status}")
    return f"{statistics.median(taken):,.1f} ({min(taken):,.1f}–{max(taken):,.1f})"
