"""System checks: refuse unsafe settings before the first request."""

from collections.abc import Sequence
from typing import Any

from django.apps.config import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connection, connections

from audit import triggers

# What `PRAGMA synchronous` answers for FULL and EXTRA; less may lose acknowledged ids in a power cut.
SAFE_SYNCHRONOUS = {2, 3}


@register(Tags.security)
def production_names_its_hosts(*, app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    if not settings.PRODUCTION or "*" not in settings.ALLOWED_HOSTS:
        return []
    return [
        Warning(
            "CALLBOARD_ALLOWED_HOSTS is `*` in production.",
            hint="Name the hosts that clients use, comma separated.",
            id="callboard.W001",
        )
    ]


@register(Tags.database)
def sqlite_keeps_what_it_acknowledged(
    *, app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None, **kwargs: Any
) -> list[CheckMessage]:
    return [problem for alias in databases or () for problem in _sqlite_problems(alias)]


def _sqlite_problems(alias: str) -> list[CheckMessage]:
    if connections[alias].vendor != "sqlite":
        return []
    with connections[alias].cursor() as cursor:
        journal = cursor.execute("PRAGMA journal_mode").fetchone()[0]
        synchronous = cursor.execute("PRAGMA synchronous").fetchone()[0]
    problems: list[CheckMessage] = []
    if journal != "wal":
        problems.append(Error(f"SQLite's journal mode is {journal}, not WAL.", id="callboard.E001"))
    if synchronous not in SAFE_SYNCHRONOUS:
        problems.append(Error("SQLite's synchronous setting is below FULL.", id="callboard.E002"))
    return problems


def audit_guards() -> list[CheckMessage]:
    """Refuses a database whose audit triggers are gone.

    Asked at start, after `migrate`: registered as a system check it would stop `migrate`, which puts them back.
    """
    missing = triggers.missing(connection)
    if not missing:
        return []
    return [
        Error(
            f"{len(missing)} audit triggers are missing from the database, the first is {missing[0]}.",
            hint="Find out who removed them, then run `manage.py migrate`, which installs them.",
            id="callboard.E003",
        )
    ]
