"""What the database itself refuses: an edited audit log, and a change without an event.

Every table that an app names in `audited_models()` of its AppConfig owes an event for each change of a row, and every
event pays for what came before it in its transaction. Whoever owes at the commit is refused, whatever the way the
change was made: ORM, raw SQL, another program.

The triggers stand outside the migrations, which they would break: SQLite drops those of a table it rebuilds, and
refuses the rebuild while one elsewhere names the table; PostgreSQL alters no table that still owes. So they are all
removed before migrations run and installed after them. Each name ends in a digest of its definition, so that one whose
definition has changed since counts as missing.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from django.apps import apps
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model


@dataclass(frozen=True)
class Audited:
    """A table whose rows do not change without an event. With `update_columns`, an update of others alone is free."""

    model: type[Model]
    update_columns: Sequence[str] | None = None

    @property
    def table(self) -> str:
        return self.model._meta.db_table


@runtime_checkable
class Auditing(Protocol):
    """An AppConfig that has tables to guard."""

    def audited_models(self) -> Iterable[Audited]: ...


@dataclass(frozen=True)
class Moving:
    """A table whose changes bear upon who may do what. Of updates, only those that change one of these columns do."""

    model: type[Model]
    columns: Sequence[str]
    inserts: bool = True

    @property
    def table(self) -> str:
        return self.model._meta.db_table


@runtime_checkable
class Watching(Protocol):
    """An AppConfig that has triggers of its own, which come and go with the guards."""

    def triggers(self, vendor: str) -> Iterable["Trigger"]: ...

    def trigger_preparation(self, vendor: str) -> Iterable[str]: ...


Place = tuple[str, str]


@dataclass(frozen=True)
class Trigger:
    table: str
    label: str
    when: str
    action: str
    create: str = "CREATE TRIGGER"
    # The other table it works on; the log if not named.
    target: str = ""

    @property
    def name(self) -> str:
        return f"audit_{self.label}_{hashlib.sha256(self._sql('').encode()).hexdigest()[:8]}"

    @property
    def place(self) -> Place:
        return self.table, self.name

    @property
    def sql(self) -> str:
        return self._sql(f'"{self.name}" ')

    def _sql(self, name: str) -> str:
        return f'{self.create} {name}{self.when} ON "{self.table}" {self.action}'


def audited() -> list[Audited]:
    return [one for app in apps.get_app_configs() if isinstance(app, Auditing) for one in app.audited_models()]


def install(connection: BaseDatabaseWrapper) -> None:
    """Brings the triggers up to date on the tables that exist; those that are right already are left alone."""
    tables = set(connection.introspection.table_names())
    wanted = [each for each in _wanted(connection) if {each.table, each.target or _log_table()} <= tables]
    found = _found(connection)
    kept = {each.place for each in wanted if found.get(each.place)}
    new = [each.sql for each in wanted if each.place not in kept]
    drops = [_drop(connection, place) for place in found if place not in kept]
    _execute(connection, [*drops, *(_preparation(connection.vendor, wanted) if wanted else []), *new])


def remove(connection: BaseDatabaseWrapper) -> None:
    """Takes all guards away, also those of a table that is no longer named."""
    drops = [_drop(connection, place) for place in _found(connection)]
    _execute(connection, [*drops, *CLEARANCE[connection.vendor]])


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """The triggers that should be in the database and are not, or are switched off there."""
    found = _found(connection)
    return sorted(f"{each.name} on {each.table}" for each in _wanted(connection) if not found.get(each.place))


def before_migrate(*, using: str, plan: Sequence[object], **kwargs: Any) -> None:
    # `migrate` with nothing to do leaves a running server guarded.
    if plan:
        remove(connections[using])


def after_migrate(*, using: str, **kwargs: Any) -> None:
    install(connections[using])


def _log_table() -> str:
    return _table("AuditEvent")


def _table(name: str) -> str:
    model: type[Model] = apps.get_model("audit", name)
    return model._meta.db_table


def _log_guards(vendor: str) -> Iterator[Trigger]:
    """The log keeps every event until an anchor covers it; and an anchor is of an event with a checkpoint, and owes."""
    log, anchors, checkpoints = _log_table(), _table("AuditAnchor"), _table("Checkpoint")
    if vendor == "postgresql":
        yield Trigger(log, "no_change", "BEFORE UPDATE OR DELETE", _CALL.format("audit_kept"), target=anchors)
        yield Trigger(log, "no_truncate", "BEFORE TRUNCATE", "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()")
        yield Trigger(anchors, "anchor", "BEFORE INSERT", _CALL.format("audit_anchored"), target=checkpoints)
        deferred = f"DEFERRABLE INITIALLY DEFERRED {_CALL.format('audit_owed')}"
        yield Trigger(anchors, "owed", "AFTER INSERT", deferred, create="CREATE CONSTRAINT TRIGGER")
        return
    # INSERT OR REPLACE fires no delete trigger.
    taken = f'WHEN EXISTS (SELECT 1 FROM "{log}" WHERE seq = NEW.seq) '  # noqa: S608 - our own tables
    covered = f'WHEN OLD.seq > coalesce((SELECT max(seq) FROM "{anchors}"), 0) '  # noqa: S608
    signed = f'SELECT 1 FROM "{log}" e JOIN "{checkpoints}" c ON c.seq = e.seq'  # noqa: S608
    false = f"WHEN NOT EXISTS ({signed} WHERE e.seq = NEW.seq AND e.hash = NEW.hash) "
    yield Trigger(log, "no_update", "BEFORE UPDATE", _SQLITE_REFUSE)
    yield Trigger(log, "no_delete", "BEFORE DELETE", covered + _SQLITE_REFUSE, target=anchors)
    yield Trigger(log, "no_replace", "BEFORE INSERT", taken + _SQLITE_REFUSE)
    yield Trigger(anchors, "anchor", "BEFORE INSERT", false + _SQLITE_REFUSE, target=checkpoints)
    yield Trigger(anchors, "owed_insert", "AFTER INSERT", _SQLITE_OWE)


def _execute(connection: BaseDatabaseWrapper, statements: list[str]) -> None:
    if not statements:
        return
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _found(connection: BaseDatabaseWrapper) -> dict[Place, bool]:
    """The triggers in the database, and whether they are switched on."""
    with connection.cursor() as cursor:
        cursor.execute(FOUND[connection.vendor])
        return {(table, name): bool(enabled) for table, name, enabled in cursor.fetchall()}


def _drop(connection: BaseDatabaseWrapper, place: Place) -> str:
    table, name = place
    return f'DROP TRIGGER "{name}"' + (f' ON "{table}"' if connection.vendor == "postgresql" else "")


def _wanted(connection: BaseDatabaseWrapper) -> Iterator[Trigger]:
    kept, paying, owing = WANTED[connection.vendor]
    yield from _log_guards(connection.vendor)
    yield from kept(_table("Checkpoint"))
    yield from kept(_table("AuditAnchor"))
    yield from paying(_log_table())
    for each in audited():
        yield from owing(each)
    for app in _watching():
        yield from app.triggers(connection.vendor)


def _watching() -> Iterator[Watching]:
    return (app for app in apps.get_app_configs() if isinstance(app, Watching))


def _preparation(vendor: str, wanted: list[Trigger]) -> Iterator[str]:
    yield from PREPARATION[vendor]
    targets = {each.target for each in wanted}
    for app in _watching():
        if targets & {each.target for each in app.triggers(vendor)}:
            yield from app.trigger_preparation(vendor)


def _columns(columns: Sequence[str] | None) -> str:
    return "" if columns is None else " OF " + ", ".join(f'"{column}"' for column in columns)


# PostgreSQL. The setting `callboard.audited` holds the transaction's id from an event on to the next change. It ends
# with the transaction, and a rollback to a savepoint takes it back together with the event.

_CALL = "FOR EACH ROW EXECUTE FUNCTION {}()"
_POSTGRESQL_FUNCTIONS = [
    """
CREATE OR REPLACE FUNCTION audit_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF TG_OP = 'DELETE' AND OLD.seq <= coalesce((SELECT max(seq) FROM audit_auditanchor), 0) THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'audit log is append-only' USING ERRCODE = 'integrity_constraint_violation';
END $$""",
    """
CREATE OR REPLACE FUNCTION audit_anchored() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NOT EXISTS (SELECT 1 FROM audit_auditevent e JOIN audit_checkpoint c ON c.seq = e.seq
                  WHERE e.seq = NEW.seq AND e.hash = NEW.hash) THEN
    RAISE EXCEPTION 'audit log is append-only' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$""",
    """
CREATE OR REPLACE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  RAISE EXCEPTION 'audit log is append-only' USING ERRCODE = 'integrity_constraint_violation';
END $$""",
    """
CREATE OR REPLACE FUNCTION audit_paid() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  PERFORM set_config('callboard.audited', pg_current_xact_id()::text, true);
  RETURN NULL;
END $$""",
    """
CREATE OR REPLACE FUNCTION audit_owing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  PERFORM set_config('callboard.audited', '', true);
  RETURN NULL;
END $$""",
    """
CREATE OR REPLACE FUNCTION audit_owed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF coalesce(current_setting('callboard.audited', true), '') <> pg_current_xact_id()::text THEN
    RAISE EXCEPTION 'change to % without an audit event', TG_TABLE_NAME
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$""",
]


def _postgresql_kept(table: str) -> Iterator[Trigger]:
    yield Trigger(table, "no_change", "BEFORE UPDATE OR DELETE", "FOR EACH ROW EXECUTE FUNCTION audit_append_only()")
    yield Trigger(table, "no_truncate", "BEFORE TRUNCATE", "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()")


def _postgresql_paying(table: str) -> Iterator[Trigger]:
    yield Trigger(table, "paid", "AFTER INSERT", "FOR EACH ROW EXECUTE FUNCTION audit_paid()")


def _postgresql_owing(guarded: Audited) -> Iterator[Trigger]:
    table, change = guarded.table, f"AFTER INSERT OR DELETE OR UPDATE{_columns(guarded.update_columns)}"
    yield Trigger(
        table,
        "owed",
        change,
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_owed()",
        create="CREATE CONSTRAINT TRIGGER",
    )
    # A change after the event owes again, as on SQLite: events come last.
    yield Trigger(
        table,
        "owing",
        change,
        "FOR EACH ROW WHEN (coalesce(current_setting('callboard.audited', true), '') <> '') "
        "EXECUTE FUNCTION audit_owing()",
    )
    # No row trigger sees it.
    yield Trigger(table, "no_truncate", "BEFORE TRUNCATE", "FOR EACH STATEMENT EXECUTE FUNCTION audit_owed()")


# SQLite has no deferred triggers, but deferred foreign keys: a change leaves a row that refers to nothing, and the
# event removes it. The row is made anew at each change, because one that a program with foreign keys switched off left
# behind no longer counts; and by two statements, because the ON CONFLICT of whoever fires a trigger overrides the one
# within.

_SQLITE_TABLES = [
    "CREATE TABLE IF NOT EXISTS audit_never (id INTEGER PRIMARY KEY CHECK (0))",
    # Django's check of constraints needs the primary key to name the row.
    "CREATE TABLE IF NOT EXISTS audit_pending (id INTEGER PRIMARY KEY, "
    "owed INTEGER NOT NULL REFERENCES audit_never (id) DEFERRABLE INITIALLY DEFERRED)",
]


_SQLITE_REFUSE = "BEGIN SELECT RAISE(ABORT, 'audit log is append-only'); END"
_SQLITE_OWE = "BEGIN DELETE FROM audit_pending; INSERT INTO audit_pending (id, owed) VALUES (1, 1); END"
_SQLITE_PAY = "BEGIN DELETE FROM audit_pending; END"


def _sqlite_kept(table: str) -> Iterator[Trigger]:
    # INSERT OR REPLACE fires no delete trigger.
    taken = f'WHEN EXISTS (SELECT 1 FROM "{table}" WHERE seq = NEW.seq) '  # noqa: S608 - our own table
    yield Trigger(table, "no_update", "BEFORE UPDATE", _SQLITE_REFUSE)
    yield Trigger(table, "no_delete", "BEFORE DELETE", _SQLITE_REFUSE)
    yield Trigger(table, "no_replace", "BEFORE INSERT", taken + _SQLITE_REFUSE)


def _sqlite_paying(table: str) -> Iterator[Trigger]:
    yield Trigger(table, "paid", "AFTER INSERT", _SQLITE_PAY)


def _sqlite_owing(guarded: Audited) -> Iterator[Trigger]:
    for label, change in ("insert", "INSERT"), ("delete", "DELETE"), ("update", "UPDATE"):
        columns = _columns(guarded.update_columns) if change == "UPDATE" else ""
        yield Trigger(guarded.table, f"owed_{label}", f"AFTER {change}{columns}", _SQLITE_OWE)


PREPARATION = {"postgresql": _POSTGRESQL_FUNCTIONS, "sqlite": _SQLITE_TABLES}
CLEARANCE: dict[str, list[str]] = {
    "postgresql": [],
    "sqlite": ["DROP TABLE IF EXISTS audit_pending", "DROP TABLE IF EXISTS audit_never"],
}
WANTED = {
    "postgresql": (_postgresql_kept, _postgresql_paying, _postgresql_owing),
    "sqlite": (_sqlite_kept, _sqlite_paying, _sqlite_owing),
}
FOUND = {
    "postgresql": """
SELECT c.relname, t.tgname, t.tgenabled IN ('O', 'A') FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
 WHERE NOT t.tgisinternal AND t.tgname ^@ 'audit_' AND pg_table_is_visible(c.oid)""",
    "sqlite": "SELECT tbl_name, name, 1 FROM sqlite_master WHERE type = 'trigger' AND name GLOB 'audit_*'",
}
