"""A process of a race, `python -m tests.registry.races.racer`: Callboard as a server runs it, asked through its pipes.

Each line it reads is a request or null. For a request it says `ready`, waits for a line, and prints the answer; for
null it forgets what it keeps of a database, which the next test begins anew.
"""

import json
import sys
import time
from typing import Any

import django
from django.db import connection
from django.test import Client


def main() -> None:
    django.setup()
    from tests.cast import forget

    client = Client(raise_request_exception=False)
    connection.ensure_connection()
    for line in sys.stdin:
        request = json.loads(line)
        if request is None:
            forget()
            say("forgotten")
        else:
            say("ready")
            sys.stdin.readline()
            say(json.dumps(answer(client, **request)))


def answer(client: Client, method: str, path: str, body: Any, bearer: str, lag: float) -> tuple[int, Any]:
    """Status and JSON."""
    from tests.cast import MEDIA_TYPE

    if lag:
        time.sleep(lag)
    data = json.dumps(body) if body is not None else ""
    response: Any = client.generic(method, path, data, MEDIA_TYPE, headers={"Authorization": bearer})
    return response.status_code, response.json()


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
