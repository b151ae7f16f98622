"""A change of mode and something that the mode forbids, at once: the log tells which came first."""

import json
from functools import partial

import pytest

from accounts.principals import Principal
from audit.models import AuditEvent
from registry.services import mode
from tests.cast import join
from tests.registry.services.test_races import ROUNDS, at_once, register, set_level

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@pytest.fixture
def principal() -> Principal:
    return join("owner", "owners").principal


def set_mode(principal: Principal, subject: str | None, given: str) -> None:
    mode.set_mode(principal=principal, actor=principal.actor(None), subject_name=subject, given=given, force=False)


def actions_on(subject: str) -> list[str]:
    rows = AuditEvent.objects.filter(object_ref=f":.:{subject}").order_by("seq")
    return [json.loads(row.payload)["action"] for row in rows]


def test_no_config_changes_after_its_subject_became_read_only(principal: Principal) -> None:
    for n in range(ROUNDS):
        subject = f"s{n}"
        register(principal, subject, '"int"')

        at_once(
            partial(set_level, principal, subject, "FULL"),
            partial(set_mode, principal, subject, "READONLY"),
        )

        assert actions_on(subject) in (
            ["subject.registered", "mode.changed"],
            ["subject.registered", "compatibility.changed", "mode.changed"],
        )
