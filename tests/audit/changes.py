"""Changes for the tests to make: groups, which owe an event like every guarded table."""

from django.contrib.auth.models import Group

from audit import events, transactions
from audit.actors import Actor
from audit.events import Action

ACTOR = Actor("service", "service:1", auth="api_key", credential="7QmX2fLbA9Zt", request_id="r-1")


def pay(ref: str = "group:1") -> int:
    return events.record(ACTOR, Action.GROUP_CREATED, kind="group", ref=ref)


def create_group(name: str) -> Group:
    with transactions.write():
        group = Group.objects.create(name=name)
        pay(f"group:{group.pk}")
    return group
