"""A change without its event is refused at the commit, whatever the way it is made."""

import itertools
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import IntegrityError, connection, models, transaction

from accounts.models import ApiSecret
from audit import transactions, triggers
from audit.models import AuditEvent
from audit.triggers import Audited
from tests.audit.changes import create_group, pay

GROUPS = Group._meta.db_table
# What a row needs besides a value of the right type in each column.
PARTICULARS: dict[str, dict[str, object]] = {
    "registry.Config": {"kind": "global"},
    "registry.Mode": {"kind": "global"},
    "registry.Policy": {"kind": "global"},
}


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def save() -> None:
    group = Group.objects.get()
    group.name = "renamed"
    group.save()


def lose_the_event() -> None:
    Group.objects.create(name="second")
    with transaction.atomic():
        pay()
        transaction.set_rollback(True)


def change_after_the_event() -> None:
    Group.objects.create(name="second")
    pay()
    Group.objects.create(name="third")


CHANGES: dict[str, Callable[[], object]] = {
    "create": lambda: Group.objects.create(name="second"),
    "save": save,
    "update": lambda: Group.objects.update(name="renamed"),
    "bulk_create": lambda: Group.objects.bulk_create([Group(name="second"), Group(name="third")]),
    "bulk_create that ignores conflicts": lambda: Group.objects.bulk_create([Group(name="2")], ignore_conflicts=True),
    "delete": lambda: Group.objects.get().delete(),
    "queryset delete": lambda: Group.objects.all().delete(),
    "many to many": lambda: Group.objects.get().permissions.add(Permission.objects.all()[0]),
    "INSERT": lambda: run(f"INSERT INTO {GROUPS} (id, name) VALUES (99, 'second')"),
    "UPDATE": lambda: run(f"UPDATE {GROUPS} SET name = 'renamed'"),
    "DELETE": lambda: run(f"DELETE FROM {GROUPS}"),
    "upsert": lambda: run(
        f"INSERT INTO {GROUPS} (id, name) SELECT id, name FROM {GROUPS} WHERE true "
        "ON CONFLICT (id) DO UPDATE SET name = 'renamed'"
    ),
    "event rolled back": lose_the_event,
    "change after the event": change_after_the_event,
}


def state() -> list[Any]:
    permissions = Group.permissions.through.objects.order_by("pk").values_list()
    return [*Group.objects.order_by("pk").values_list(), *permissions, AuditEvent.objects.count()]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_without_an_event_is_not_committed(change: Callable[[], object]) -> None:
    create_group("first")
    before = state()

    with pytest.raises(IntegrityError), transactions.write():
        change()

    assert state() == before


@pytest.mark.django_db(transaction=True)
def test_a_single_statement_is_a_transaction_too() -> None:
    with pytest.raises(IntegrityError):
        run(f"INSERT INTO {GROUPS} (id, name) VALUES (99, 'second')")

    assert not Group.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_connection_goes_on_after_a_refusal() -> None:
    with pytest.raises(IntegrityError), transactions.write():
        Group.objects.create(name="first")

    create_group("second")

    assert [group.name for group in Group.objects.all()] == ["second"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_an_event_pays_for_all_changes_before_it(change: Callable[[], object]) -> None:
    create_group("first")

    with transactions.write():
        change()
        pay()

    assert AuditEvent.objects.count() >= 2


@pytest.mark.django_db(transaction=True)
def test_a_change_that_is_taken_back_owes_nothing() -> None:
    with transactions.write(), transaction.atomic():
        Group.objects.create(name="first")
        transaction.set_rollback(True)

    assert not AuditEvent.objects.exists()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_guarded_table_is_not_truncated() -> None:
    create_group("first")

    with pytest.raises(IntegrityError, match="change to auth_group without an audit event"):
        run(f"TRUNCATE {GROUPS} CASCADE")


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_a_debt_left_by_a_program_without_foreign_keys_excuses_nobody() -> None:
    run("PRAGMA foreign_keys = OFF")
    Group.objects.create(name="first")
    run("PRAGMA foreign_keys = ON")

    with pytest.raises(IntegrityError), transactions.write():
        Group.objects.bulk_create([Group(name="second")], ignore_conflicts=True)

    assert [group.name for group in Group.objects.all()] == ["first"]


@pytest.mark.sqlite
@pytest.mark.django_db
def test_nothing_can_make_up_for_a_debt_but_an_event() -> None:
    with pytest.raises(IntegrityError, match="CHECK constraint failed"), transaction.atomic():
        run("INSERT INTO audit_never (id) VALUES (1)")


@pytest.fixture
def taken_back(db: None) -> Iterator[None]:
    """The rows refer to parents that do not exist, so nothing of them may come near a commit."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def owes(table: str) -> bool:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            return bool(cursor.execute("SELECT count(*) FROM audit_pending").fetchone()[0])
        cursor.execute("SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND tgname ^@ 'audit_owed'", [table])
        [[name]] = cursor.fetchall()
        try:
            with transaction.atomic():
                cursor.execute(f"SET CONSTRAINTS {name} IMMEDIATE")
        except IntegrityError:
            return True
        cursor.execute(f"SET CONSTRAINTS {name} DEFERRED")
        return False


def new_row(model: type[models.Model]) -> models.Model:
    moments = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in itertools.count())
    particulars = PARTICULARS.get(model._meta.label, {})
    values = {
        field.attname: particulars[field.name] if field.name in particulars else value_for(field, moments)
        for field in model._meta.concrete_fields
        if not isinstance(field, models.AutoField)
    }
    row = model(**values)
    # Past the model's own ideas: this is about the table.
    row.save_base(raw=True, force_insert=True)
    return row


def value_for(field: Any, moments: Iterator[datetime]) -> object:
    if field.null:
        return None
    if field.has_default() and not isinstance(field, models.DateTimeField):
        return field.get_default()
    examples: dict[type, Callable[[], object]] = {
        models.DateTimeField: lambda: next(moments),
        models.ForeignKey: lambda: 1,
        models.UUIDField: uuid.uuid4,
        models.BinaryField: lambda: b"x",
        models.JSONField: list,
        models.IntegerField: lambda: 1,
        models.CharField: lambda: "x",
        models.TextField: lambda: "x",
    }
    return next(example() for kind, example in examples.items() if isinstance(field, kind))


def first_column(guarded: Audited) -> str:
    return next(iter(guarded.update_columns or [str(guarded.model._meta.concrete_fields[-1].column)]))


@pytest.mark.usefixtures("taken_back")
@pytest.mark.parametrize("guarded", triggers.audited(), ids=lambda guarded: guarded.table)
def test_every_guarded_table_owes_for_each_kind_of_change(guarded: Audited) -> None:
    new_row(guarded.model)
    debts = [owes(guarded.table)]
    for change in (
        f'UPDATE "{guarded.table}" SET "{first_column(guarded)}" = "{first_column(guarded)}"',
        f'DELETE FROM "{guarded.table}"',
    ):
        pay()
        debts.append(owes(guarded.table))
        run(change)
        debts.append(owes(guarded.table))

    assert debts == [True, False, True, False, True]


@pytest.mark.usefixtures("taken_back")
def test_saying_when_a_secret_was_last_used_owes_nothing() -> None:
    new_row(ApiSecret)
    pay()

    ApiSecret.objects.update(last_used_at=datetime.now(UTC))

    assert not owes(ApiSecret._meta.db_table)
