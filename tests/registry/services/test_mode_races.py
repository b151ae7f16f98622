"""A change of mode and something that the mode forbids, at once: the log tells which came first."""

import json
from functools import partial

import pytest

from accounts.principals import Principal
from audit.models import AuditEvent
from registry.errors import OperationNotPermitted
from registry.services import mode
from tests.cast import join, join_as_administrator
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


def test_nothing_is_registered_once_the_mode_forbids_it(principal: Principal) -> None:
    """The log tells the order: between the top level's becoming read-only and open again there is no registration."""
    admin = join_as_administrator("admin", "administrators").principal
    for n in range(ROUNDS):
        register(principal, f"s{n}", '"int"')
        registered, _ = at_once(
            partial(register, principal, f"s{n}", '"long"'), partial(set_mode, admin, None, "READONLY")
        )
        set_mode(admin, None, "READWRITE")
        assert registered == (2, 2) or isinstance(registered, OperationNotPermitted)

    is_open = True
    for row in AuditEvent.objects.order_by("seq"):
        event = json.loads(row.payload)
        if event["action"] == "mode.changed":
            is_open = event["detail"]["after"] == "READWRITE"
        elif event["action"] == "subject.registered":
            assert is_open


def test_room_is_made_for_an_import_only_where_nothing_is_registered(principal: Principal) -> None:
    admin = join_as_administrator("admin", "administrators").principal
    for n in range(ROUNDS):
        registered, imported = at_once(
            partial(register, principal, f"s{n}", '"int"'), partial(set_mode, admin, f"s{n}", "IMPORT")
        )

        assert isinstance(registered, OperationNotPermitted) != isinstance(imported, OperationNotPermitted)
