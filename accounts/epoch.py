"""The auth epoch: a number that moves, in the same transaction, with every change that bears upon who may do what.

Whatever a process keeps about callers is good under one number only. Triggers of the database move it, so that neither
the admin nor raw SQL can forget to. A sequence would not do: its next value is seen before the commit.

A process asks for the number when the last answer is half a second old, and at once after a change of its own; there is
no thread that polls, and nothing old is believed when the database can't be asked. In strict mode every request asks.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from time import monotonic
from typing import Protocol, runtime_checkable

from django.apps import apps
from django.conf import settings
from django.db import connection

from accounts.models import AuthEpoch
from audit import transactions
from audit.triggers import Moving, Trigger

SECONDS = 0.5


@runtime_checkable
class Moves(Protocol):
    """An AppConfig that has tables which bear upon who may do what."""

    def moving_models(self) -> Iterable[Moving]: ...


@dataclass(frozen=True, slots=True)
class _Reading:
    """`at` is when it was asked for, not when the answer came."""

    number: int | None
    at: float
    written: int

    def is_recent(self) -> bool:
        return (
            monotonic() - self.at < SECONDS
            and self.written == transactions.written()
            and not settings.CALLBOARD["STRICT_COHERENCE"]
        )


_last = _Reading(None, float("-inf"), -1)


def current() -> int | None:
    """None while there is no such row: then nothing may be kept."""
    if _last.is_recent():
        return _last.number
    written, asked_at = transactions.written(), monotonic()
    with connection.cursor() as cursor:
        cursor.execute(_statement())
        row = cursor.fetchone()
    return learn(row[0] if row else None, asked_at=asked_at, written=written)


def learn(number: int | None, *, asked_at: float, written: int) -> int | None:
    """What another statement saw; `asked_at` and `written` are as of before it was sent."""
    global _last
    _last = _Reading(number, asked_at, written)
    return number


@cache
def _statement() -> str:
    return f'SELECT number FROM "{_table()}"'  # noqa: S608 - our own table


def _table() -> str:
    return AuthEpoch._meta.db_table


def triggers(vendor: str) -> Iterator[Trigger]:
    moving = [each for app in apps.get_app_configs() if isinstance(app, Moves) for each in app.moving_models()]
    for each in moving:
        yield from _postgresql(each) if vendor == "postgresql" else _sqlite(each)


def preparation(vendor: str) -> list[str]:
    """Also moves it: while the triggers were away, nobody else did."""
    row = (
        f'INSERT INTO "{_table()}" (id, number) VALUES (1, 1) '  # noqa: S608 - our own table
        f'ON CONFLICT (id) DO UPDATE SET number = "{_table()}".number + 1'
    )
    return [row, _FUNCTION.format(table=_table())] if vendor == "postgresql" else [row]


# At the commit and once a transaction: the row is locked from there on only, after all others, and so deadlocks with
# nothing. The setting ends with the transaction, and a rollback to a savepoint takes it back together with the move.
_FUNCTION = """
CREATE OR REPLACE FUNCTION audit_epoch_move() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF coalesce(current_setting('callboard.epoch', true), '') <> pg_current_xact_id()::text THEN
    UPDATE "{table}" SET number = number + 1;
    PERFORM set_config('callboard.epoch', pg_current_xact_id()::text, true);
  END IF;
  RETURN NULL;
END $$"""


def _postgresql(moving: Moving) -> Iterator[Trigger]:
    for label, change, condition in _changes(moving, "IS DISTINCT FROM"):
        yield Trigger(
            moving.table,
            f"epoch_{label}",
            change,
            f"DEFERRABLE INITIALLY DEFERRED FOR EACH ROW {condition}EXECUTE FUNCTION audit_epoch_move()",
            create="CREATE CONSTRAINT TRIGGER",
            target=_table(),
        )
    # No row trigger sees it.
    yield Trigger(
        moving.table,
        "epoch_truncate",
        "AFTER TRUNCATE",
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_epoch_move()",
        target=_table(),
    )


def _sqlite(moving: Moving) -> Iterator[Trigger]:
    move = f'BEGIN UPDATE "{_table()}" SET number = number + 1; END'  # noqa: S608 - our own table
    for label, change, condition in _changes(moving, "IS NOT"):
        yield Trigger(moving.table, f"epoch_{label}", change, condition + move, target=_table())


def _changes(moving: Moving, differs: str) -> Iterator[tuple[str, str, str]]:
    yield "delete", "AFTER DELETE", ""
    if moving.inserts:
        yield "insert", "AFTER INSERT", ""
    if moving.columns:
        differences = " OR ".join(f'OLD."{column}" {differs} NEW."{column}"' for column in moving.columns)
        yield "update", "AFTER UPDATE", f"WHEN ({differences}) "
