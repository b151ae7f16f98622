"""A writing process: `python -m tests.audit.writer DATABASE NUMBER` makes that many changes with their events.

It says `ready`, waits for a line, and prints for each change how many events of others came in between its queueing and
its own.
"""

import json
import os
import sys

import django
from django.db import connection


def main(database: str, number: int) -> None:
    django.setup()
    connection.settings_dict["NAME"] = database
    connection.ensure_connection()
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps([change(turn) for turn in range(number)]))


def change(turn: int) -> int:
    from django.contrib.auth.models import Group

    from audit import transactions
    from audit.models import AuditEvent
    from tests.audit.changes import pay

    before = AuditEvent.objects.order_by("-seq").values_list("seq", flat=True).first() or 0
    with transactions.write():
        Group.objects.create(name=f"{os.getpid()}-{turn}")
        seq = pay()
    return seq - before - 1


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
