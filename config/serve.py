"""`python -m config.serve`: brings the database up to date and serves. What can't work is one line and an exit code.

The checks and migrations run in this process, which then becomes granian: the server's parent carries no Django.
"""

import contextlib
import fcntl
import io
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django
from django.conf import settings
from django.core import checks as system_checks
from django.core.checks import CheckMessage, Tags
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connection, connections
from django.db.migrations.executor import MigrationExecutor

# A thread holds its request until the database has answered. Fewer leave readers waiting behind writers in their queue,
# more take the interpreter from the writers: 4 readers and 8 writers on SQLite, two busy cores, in requests a second
#   4 threads: 54 read, 65 written;   8 threads: 175 and 55;   16 threads: 291 and 30
THREADS = 8
BACKLOG = 2048
# Seconds that requests in flight have at a stop; kept-alive connections would hold a worker for ever.
STOP_SECONDS = 1
# Any number that nobody else is likely to lock; it orders replicas that start at once on one database.
START_LOCK = 0x63616C6C626F6172


def main() -> None:
    host, port = settings.CALLBOARD["HOST"], settings.CALLBOARD["PORT"]
    refuse_taken_port(host, port)
    try:
        prepare()
    except (DatabaseError, CommandError, OSError) as problem:
        sys.exit(f"callboard: {' '.join(str(problem).split())}")
    start_runner()
    become_server(host, port)


def refuse_taken_port(host: str, port: int) -> None:
    """granian's workers share their port, so a second server would silently take half of the requests."""
    try:
        family, kind, protocol, _, target = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(target)
            probe.listen(1)
    except OSError as problem:
        sys.exit(
            f"callboard: can't serve on {host}:{port} ({problem.strerror or problem}); "
            "CALLBOARD_HOST and CALLBOARD_PORT name another place"
        )


def prepare() -> None:
    settings.DATA.mkdir(parents=True, exist_ok=True)
    django.setup()
    refuse(system_checks.run_checks())
    with one_start_at_a_time(settings.DATA / "start.lock"):
        migrate()
        from config import checks, static

        static.collect()
        refuse([*system_checks.run_checks(tags=[Tags.database], databases=["default"]), *checks.audit_guards()])
        if settings.CALLBOARD["LOG_FORMAT"] == "text":
            # What a first start makes it says itself, to people.
            logging.getLogger("audit.event").setLevel(logging.WARNING)
        # Prints the address, and on an empty database the first key.
        call_command("first_start")
        call_command("forget_sessions")
        call_command("key_reminders", log_only=True)
    connections.close_all()


def refuse(messages: list[CheckMessage]) -> None:
    for message in messages:
        if message.is_serious() and not message.is_silenced():
            sys.exit(f"callboard: {message.msg} {message.hint or ''} ({message.id})")


@contextlib.contextmanager
def one_start_at_a_time(path: Path) -> Iterator[None]:
    """Of several processes on this machine, and of several replicas on one PostgreSQL."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if connection.vendor != "postgresql":
            yield
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [START_LOCK])
            yield
            cursor.execute("SELECT pg_advisory_unlock(%s)", [START_LOCK])


def migrate() -> None:
    executor = MigrationExecutor(connection)
    if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return
    with contextlib.redirect_stdout(io.StringIO()):
        call_command("migrate", interactive=False, verbosity=0)


def start_runner() -> None:
    """Beside the server, unless workers of a broker make the exports. It ends with this process, granian by then."""
    if settings.CALLBOARD["BROKER_URL"]:
        return
    command = [sys.executable, "-S", "config/runner.py", str(os.getpid())]
    subprocess.Popen(command, cwd=settings.BASE_DIR, stdin=subprocess.DEVNULL)


def become_server(host: str, port: int) -> NoReturn:
    os.chdir(settings.BASE_DIR)
    options = {
        "--interface": "wsgi",
        "--host": host,
        "--port": port,
        "--workers": settings.CALLBOARD["WORKERS"],
        "--blocking-threads": THREADS,
        "--backlog": BACKLOG,
        "--workers-kill-timeout": STOP_SECONDS,
        # Its warnings say that there are more threads than it would take.
        "--log-level": "error",
    }
    flags = ["--respawn-failed-workers", "--no-ws"]
    words = [str(word) for option in options.items() for word in option]
    os.execv(sys.executable, [sys.executable, "-m", "granian", "config.wsgi:application", *words, *flags])  # noqa: S606


if __name__ == "__main__":
    main()
