"""A team, its robot, and ways to see what the robot's key opens."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import models

from accounts import services
from accounts.models import ServiceAccount
from accounts.services import IssuedKey
from audit import events, transactions
from audit.models import AuditEvent
from tests.cast import STAGE


@pytest.fixture
def group(db: None) -> Group:
    return services.create_group(actor=STAGE, name="team-orders")


@pytest.fixture
def account(group: Group) -> ServiceAccount:
    return services.create_service_account(actor=STAGE, name="orders-producer", owner_group=group)


@pytest.fixture
def issued(account: ServiceAccount) -> IssuedKey:
    return services.issue_key(actor=STAGE, account=account, label="ci")


@pytest.fixture
def change() -> Callable[..., None]:
    """Puts a row into a state that no service makes yet, with the event that every change owes."""

    def apply(row: models.Model, **values: Any) -> None:
        with transactions.write():
            type(row)._default_manager.filter(pk=row.pk).update(**values)
            events.record(STAGE, events.Action.KEY_REVOKED, kind="test", ref=str(row.pk))

    return apply


@pytest.fixture
def recorded(db: None) -> Callable[[], list[dict[str, Any]]]:
    """The events since the last look, as they were hashed."""
    seen = 0

    def look() -> list[dict[str, Any]]:
        nonlocal seen
        rows = list(AuditEvent.objects.filter(seq__gt=seen).order_by("seq"))
        seen = rows[-1].seq if rows else seen
        return [json.loads(row.payload) for row in rows]

    return look
