import pytest
from django.core import checks as system_checks
from django.db import connection
from pytest_django import Settings

from audit import triggers
from config import checks


def found(*databases: str) -> set[str | None]:
    """Our own messages; libraries have theirs."""
    ids = {message.id for message in system_checks.run_checks(databases=databases)}
    return {id for id in ids if id and id.startswith("callboard.")}


@pytest.mark.django_db
def test_the_settings_of_the_tests_pass_every_check(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["registry.example"]

    assert found("default") == set()
    assert checks.audit_guards() == []


def test_production_that_answers_to_any_host_is_warned_about(settings: Settings) -> None:
    settings.PRODUCTION = True
    settings.ALLOWED_HOSTS = ["*"]

    assert "callboard.W001" in found()


def test_production_that_names_its_hosts_is_fine(settings: Settings) -> None:
    settings.PRODUCTION = True
    settings.ALLOWED_HOSTS = ["registry.example"]

    assert "callboard.W001" not in found()


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_sqlite_that_may_lose_acknowledged_ids_is_refused() -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous = NORMAL")

    refused = found("default")

    connection.close()
    assert "callboard.E002" in refused


@pytest.mark.django_db(transaction=True)
def test_a_database_without_its_audit_triggers_is_refused() -> None:
    triggers.remove(connection)

    refused = checks.audit_guards()

    triggers.install(connection)
    assert [message.id for message in refused] == ["callboard.E003"]
