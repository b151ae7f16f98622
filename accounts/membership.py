"""Who belongs to a group, and which rights of the whole registry the group has."""

from collections.abc import Iterable

from django.contrib.auth.models import Group, Permission

from accounts.models import User
from accounts.services import PROVIDER_GROUP_PREFIX, InvalidValue, UnknownRight
from audit import events, transactions
from audit.actors import Actor

# Rights that belong to no subject; everything else is owned or granted.
RIGHTS = ("registry.manage_global", "audit.view_auditevent", "audit.export_auditevent")


def set_members(*, actor: Actor, group: Group, people: Iterable[User]) -> None:
    """Makes these people, and no others, the members; service accounts stay, they belong to their owner group.

    Raises InvalidValue for a group that the identity provider fills.
    """
    if group.name.startswith(PROVIDER_GROUP_PREFIX):
        raise InvalidValue(f"who belongs to {group.name} is said by the identity provider")
    wanted = {person.pk: person for person in people}
    with transactions.write():
        group = Group.objects.select_for_update(no_key=True).get(pk=group.pk)
        members = {person.pk: person for person in User.objects.filter(groups=group, is_service=False)}
        added = [wanted[pk] for pk in sorted(wanted.keys() - members.keys())]
        removed = [members[pk] for pk in sorted(members.keys() - wanted.keys())]
        if not added and not removed:
            return
        for person in added:
            person.groups.add(group)
        for person in removed:
            person.groups.remove(group)
        events.record(
            actor,
            events.Action.MEMBERSHIP_SYNCED,
            kind="group",
            ref=f"group:{group.pk}",
            detail={"added": [f"person:{p.pk}" for p in added], "removed": [f"person:{p.pk}" for p in removed]},
        )


def set_rights(*, actor: Actor, group: Group, rights: Iterable[str]) -> None:
    """Gives the group these rights of the whole registry and takes the others. Raises UnknownRight."""
    wanted = set(rights)
    if unknown := sorted(wanted - set(RIGHTS)):
        raise UnknownRight(unknown[0])
    with transactions.write():
        group = Group.objects.select_for_update(no_key=True).get(pk=group.pk)
        held = rights_of(group)
        if held == wanted:
            return
        group.permissions.set(_rows(wanted))
        events.record(
            actor,
            events.Action.GRANT_ADDED if wanted > held else events.Action.GRANT_REMOVED,
            kind="group",
            ref=f"group:{group.pk}",
            detail={"before": sorted(held), "after": sorted(wanted)},
        )


def rights_of(group: Group) -> set[str]:
    rows = group.permissions.values_list("content_type__app_label", "codename")
    return {f"{app_label}.{codename}" for app_label, codename in rows} & set(RIGHTS)


def _rows(rights: set[str]) -> list[Permission]:
    found = []
    for right in sorted(rights):
        app_label, _, codename = right.partition(".")
        found.append(Permission.objects.get(content_type__app_label=app_label, codename=codename))
    return found
