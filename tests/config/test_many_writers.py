"""Writers at once, through a real server: one lock too many shows as a deadlock only here."""

import json
from concurrent.futures import ThreadPoolExecutor

from tests.servers import Server

WRITERS = 8
VERSIONS = 12


def test_registrations_at_once_are_all_accepted(server: Server) -> None:
    """In the second round every content is known already, which takes other locks than the first."""
    with ThreadPoolExecutor(WRITERS) as writers:
        rounds = [list(writers.map(lambda n, r=r: register(server, r, n), range(WRITERS))) for r in range(3)]

    assert {status for answers in rounds for statuses in answers for status in statuses} == {200}


def register(server: Server, round_number: int, writer: int) -> list[int]:
    """The answers to one subject's versions, each of which replaces an optional field."""
    path = f"/subjects/busy-{round_number}-{writer}/versions"
    return [server.call("POST", path, {"schema": schema(writer, version)}).status for version in range(VERSIONS)]


def schema(writer: int, version: int) -> str:
    fields = [{"name": f"f{version}", "type": "int", "default": 0}]
    return json.dumps({"type": "record", "name": f"Busy{writer}", "fields": fields})
