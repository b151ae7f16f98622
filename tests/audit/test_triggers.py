"""The guards come back after whatever migrations do to the tables."""

import functools
import io
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.core.management.sql import emit_pre_migrate_signal
from django.db import IntegrityError, connection, models
from django.db.migrations import Migration
from django.db.migrations.state import ProjectState

from audit import transactions, triggers
from audit.models import AuditAnchor, AuditEvent, Checkpoint
from tests.audit.changes import create_group

pytestmark = pytest.mark.django_db(transaction=True)
TABLES = [AuditEvent, AuditAnchor, Checkpoint, *(guarded.model for guarded in triggers.audited())]


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def begin_migration() -> None:
    emit_pre_migrate_signal(
        verbosity=0, interactive=False, db="default", plan=[(Migration("0002_test", "audit"), False)]
    )


def end_migration() -> None:
    call_command("migrate", verbosity=0, stdout=io.StringIO())


def test_a_fresh_database_has_all_guards() -> None:
    assert triggers.missing(connection) == []


def test_migrations_run_without_guards_and_leave_them_behind() -> None:
    begin_migration()
    during = triggers.missing(connection)
    end_migration()

    assert any(place.endswith(f" on {AuditEvent._meta.db_table}") for place in during)
    assert any(place.endswith(f" on {Group._meta.db_table}") for place in during)
    assert triggers.missing(connection) == []


def test_a_run_without_migrations_leaves_the_guards_alone() -> None:
    emit_pre_migrate_signal(verbosity=0, interactive=False, db="default", plan=[])

    assert triggers.missing(connection) == []


@functools.cache
def project_state() -> Any:
    return ProjectState.from_apps(apps).apps


def as_migrations_see_it(model: type[models.Model]) -> type[models.Model]:
    """Without its abstract bases, whose many-to-many tables would be made anew as well."""
    found: type[models.Model] = project_state().get_model(model._meta.label)
    return found


@pytest.mark.parametrize("model", TABLES, ids=lambda model: model._meta.label)
def test_a_rebuilt_table_is_guarded_again(model: type[models.Model]) -> None:
    constraint = models.CheckConstraint(condition=models.Q(pk__isnull=False), name="audit_test_rebuild")
    model = as_migrations_see_it(model)

    begin_migration()
    # On SQLite each of them makes the table anew.
    with connection.schema_editor() as editor:
        editor.add_constraint(model, constraint)
    with connection.schema_editor() as editor:
        editor.remove_constraint(model, constraint)
    end_migration()

    assert triggers.missing(connection) == []


def test_a_change_is_refused_again_after_a_rebuild() -> None:
    begin_migration()
    end_migration()

    with pytest.raises(IntegrityError), transactions.write():
        Group.objects.create(name="owners")


def test_removing_leaves_nothing_behind() -> None:
    triggers.remove(connection)
    triggers.remove(connection)

    Group.objects.create(name="owners")
    Group.objects.all().delete()
    assert [
        table for table in connection.introspection.table_names() if table in {"audit_pending", "audit_never"}
    ] == []


def test_installing_twice_changes_nothing() -> None:
    create_group("owners")

    triggers.install(connection)

    assert triggers.missing(connection) == []


def test_a_guard_that_is_gone_is_named_and_put_back() -> None:
    gone = next(each for each in triggers._wanted(connection) if each.table == Group._meta.db_table)
    run(f'DROP TRIGGER "{gone.name}"' + (f" ON {gone.table}" if connection.vendor == "postgresql" else ""))

    assert triggers.missing(connection) == [f"{gone.name} on {gone.table}"]
    triggers.install(connection)
    assert triggers.missing(connection) == []


@pytest.mark.postgresql
def test_a_guard_that_is_switched_off_is_named_and_put_back() -> None:
    run(f"ALTER TABLE {AuditEvent._meta.db_table} DISABLE TRIGGER USER")

    assert len(triggers.missing(connection)) == 3
    triggers.install(connection)
    assert triggers.missing(connection) == []


def test_a_guard_that_no_app_asks_for_is_removed() -> None:
    action = "EXECUTE FUNCTION audit_owed()" if connection.vendor == "postgresql" else "BEGIN SELECT 1; END"
    run(f"CREATE TRIGGER audit_owed_former AFTER INSERT ON auth_permission FOR EACH ROW {action}")

    triggers.install(connection)

    assert ("auth_permission", "audit_owed_former") not in triggers._found(connection)


def test_tables_that_do_not_exist_yet_are_guarded_later() -> None:
    begin_migration()
    run(f'ALTER TABLE "{Group._meta.db_table}" RENAME TO audit_test_hidden')
    triggers.install(connection)
    without = triggers.missing(connection)
    run(f'ALTER TABLE audit_test_hidden RENAME TO "{Group._meta.db_table}"')
    end_migration()

    assert len(without) == 3
    assert triggers.missing(connection) == []
