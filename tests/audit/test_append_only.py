"""Every way of changing what is in the log is refused by the database."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, transaction

from audit.models import AuditEvent
from tests.audit.changes import create_group

TABLE = AuditEvent._meta.db_table
COLUMNS = ", ".join(str(field.column) for field in AuditEvent._meta.concrete_fields)
EDITED = COLUMNS.replace("payload", "'{}' AS payload")


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def save() -> None:
    event = AuditEvent.objects.get(seq=1)
    event.payload = "{}"
    event.save()


def bulk_upsert() -> None:
    event = AuditEvent.objects.get(seq=1)
    AuditEvent.objects.bulk_create([event], update_conflicts=True, unique_fields=["seq"], update_fields=["payload"])


def refused(edit: Callable[[], object]) -> None:
    before = list(AuditEvent.objects.order_by("seq").values())

    with pytest.raises(IntegrityError, match="audit log is append-only"), transaction.atomic():
        edit()

    assert list(AuditEvent.objects.order_by("seq").values()) == before


@pytest.fixture(autouse=True)
def two_events(db: None) -> None:
    create_group("owners")
    create_group("others")


@pytest.mark.parametrize(
    "edit",
    [
        save,
        bulk_upsert,
        lambda: AuditEvent.objects.update(payload="{}"),
        lambda: AuditEvent.objects.filter(seq=1).delete(),
        lambda: run(f"DELETE FROM {TABLE}"),
        lambda: run(f"UPDATE {TABLE} SET seq = seq + 10"),
        lambda: run(
            f"INSERT INTO {TABLE} ({COLUMNS}) SELECT {COLUMNS} FROM {TABLE} WHERE seq = 1 "
            "ON CONFLICT (seq) DO UPDATE SET payload = '{}'"
        ),
    ],
    ids=["save", "bulk upsert", "update", "queryset delete", "DELETE", "new number", "upsert"],
)
def test_an_event_is_not_edited(edit: Callable[[], object]) -> None:
    refused(edit)


@pytest.mark.postgresql
@pytest.mark.parametrize("cascade", ["", "CASCADE"])
def test_the_log_is_not_truncated(cascade: str) -> None:
    connection.check_constraints()

    refused(lambda: run(f"TRUNCATE {TABLE} {cascade or ', audit_auditpii'}"))


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "sql",
    [
        f"INSERT OR REPLACE INTO {TABLE} ({COLUMNS}) SELECT {EDITED} FROM {TABLE} WHERE seq = 1",
        f"REPLACE INTO {TABLE} (rowid, {COLUMNS}) SELECT 1, {EDITED} FROM {TABLE} WHERE seq = 1",
        f"REPLACE INTO {TABLE} ({COLUMNS}) SELECT {COLUMNS.replace('seq', '1')} FROM {TABLE} WHERE seq = 2",
        f"UPDATE OR REPLACE {TABLE} SET seq = 1 WHERE seq = 2",
    ],
)
def test_an_event_is_not_replaced(sql: str) -> None:
    refused(lambda: run(sql))


@pytest.mark.sqlite
def test_an_event_has_no_second_number_by_which_to_replace_it() -> None:
    with connection.cursor() as cursor:
        numbers = cursor.execute(f"SELECT rowid, seq FROM {TABLE}").fetchall()

    assert numbers == [(1, 1), (2, 2)]
