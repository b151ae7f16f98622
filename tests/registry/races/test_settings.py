"""A registration and a change of the level that decides about it, in two processes."""

import json

import pytest

from audit.models import AuditEvent
from tests.cast import Api, Member
from tests.contract.calls import field, record
from tests.registry.races.racing import ROUNDS, Race, Request, assert_whole, register

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def levels_registered_under() -> list[tuple[str, str]]:
    """For each registration, in the order of the log: the level it was judged by, and the one in force by then."""
    found, in_force = [], "NONE"
    for event in map(json.loads, AuditEvent.objects.order_by("seq").values_list("payload", flat=True)):
        if event["action"] == "compatibility.changed":
            in_force = event["detail"]["after"]["compatibility_level"]
        elif event["action"] == "subject.registered":
            found.append((event["detail"]["level"], in_force))
    return found


@pytest.mark.parametrize("path", ["/config/orders", "/config"])
def test_a_change_of_level_is_wholly_before_a_registration_or_wholly_after(
    race: Race, api: Api, admin: Member, path: str
) -> None:
    """At NONE anything may follow the version before, at FULL nothing that comes here."""
    accepted = 0
    for n in range(ROUNDS // 2):
        api.put(path, {"compatibility": "NONE"}, as_=admin)

        registered, changed = race.run(
            register(admin, "orders", record("Order", field(f"f{n}"))),
            Request("PUT", path, {"compatibility": "FULL"}, admin),
            number=n,
        )

        assert changed.code == 200
        assert registered.code == 200 or (registered.code == 40901 and accepted > 0)
        accepted += registered.code == 200
    judged = levels_registered_under()
    # Only the very first version fits at FULL.
    assert [pair for pair in judged[1:] if pair != ("NONE", "NONE")] == []
    assert len(judged) == accepted
    assert_whole()
