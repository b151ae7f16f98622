from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts import tokens
from accounts.models import ApiKey, ApiSecret, ServiceAccount, User
from accounts.services import IssuedKey

NOW = timezone.now().replace(microsecond=0)
YEAR = timedelta(days=365)


def refuses(values: dict[str, Any], model: type[User] | type[ApiKey] | type[ApiSecret]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        model._default_manager.create(**values)


def secret(key: ApiKey, **values: Any) -> dict[str, Any]:
    return {
        "key": key,
        "n": 2,
        "hmac": bytes(32),
        "pepper_version": 1,
        "created_at": NOW,
        "expires_at": NOW + timedelta(days=1),
    } | values


@pytest.mark.parametrize("flags", [{"is_staff": True}, {"is_superuser": True}])
def test_a_service_user_is_never_staff_nor_superuser(flags: dict[str, bool], db: None) -> None:
    refuses({"username": "robot", "is_service": True} | flags, User)


@pytest.mark.parametrize(
    "expires_at",
    [NOW + YEAR + timedelta(seconds=1), NOW + YEAR * 100, NOW, NOW - timedelta(seconds=1)],
)
def test_a_secret_lives_for_a_year_at_most(issued: IssuedKey, expires_at: datetime) -> None:
    refuses(secret(issued.key, expires_at=expires_at), ApiSecret)


def test_a_secret_may_live_for_a_year(issued: IssuedKey) -> None:
    with transaction.atomic():
        ApiSecret.objects.create(**secret(issued.key, expires_at=NOW + YEAR))
        transaction.set_rollback(True)


@pytest.mark.parametrize("n", [1, 0])
def test_the_secrets_of_a_key_are_numbered_from_one_and_apart(issued: IssuedKey, n: int) -> None:
    refuses(secret(issued.key, n=n), ApiSecret)


@pytest.mark.parametrize(
    "values",
    [
        {"id12": "same"},
        {"revoked_at": NOW},
        {"revoked_by": "service:1"},
    ],
)
def test_a_key_has_an_id_of_its_own_and_is_revoked_by_someone(issued: IssuedKey, values: dict[str, Any]) -> None:
    new = {"id12": "fresh", "user": issued.key.user, "label": "x", "scopes": [], "max_expires_at": NOW}
    same = {"id12": issued.key.id12} if values.get("id12") == "same" else values

    refuses(new | {"created_at": NOW, "created_by": "test"} | same, ApiKey)


@pytest.mark.sqlite
def test_the_year_is_checked_by_functions_of_the_database_alone(db: None) -> None:
    """Another program that opens the file, a backup check say, does not know Django's own functions."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE sql LIKE 'CREATE TABLE %accounts%'")
        assert "django_" not in "".join(row[0] for row in cursor.fetchall() if "django_content" not in row[0])


def test_models_print_as_what_people_call_them(issued: IssuedKey, account: ServiceAccount) -> None:
    assert str(account) == "orders-producer"
    assert str(issued.key) == issued.key.id12
    assert str(issued.key.secrets.get()) == f"{issued.key.pk}/1"
    assert tokens.PREFIX not in repr(issued.key.secrets.get())
