"""Who owns a subject, and who may see it at all."""

from django.contrib.auth.models import Group
from django.db.models import F

from audit import events, transactions
from audit.actors import Actor
from registry import access, names
from registry.errors import UnprocessableRequest
from registry.models import Subject
from registry.models.subjects import Visibility
from registry.permissions import Permission
from registry.services import governing


def transfer(
    *, principal: access.Principal, actor: Actor, subject_name: str, group_name: str, reason: str = ""
) -> None:
    """Gives the subject to another group. Raises SubjectNotFound, AccessDenied, UnprocessableRequest."""
    name = names.parse(subject_name)
    with transactions.write():
        subject = governing.lock(principal, name, Permission.MANAGE)
        group = Group.objects.filter(name=group_name).first()
        if group is None:
            raise UnprocessableRequest(f"There is no group '{group_name}'")
        if subject.owner_id == group.pk:
            return
        before = Group.objects.values_list("name", flat=True).get(pk=subject.owner_id)
        Subject.objects.filter(pk=subject.pk).update(owner=group, revision=F("revision") + 1)
        events.record(
            actor,
            events.Action.OWNER_CHANGED,
            kind="subject",
            ref=governing.ref(name),
            detail={"before": before, "after": group.name},
            reason=reason or None,
            stamp=subject,
        )


def set_visibility(*, principal: access.Principal, actor: Actor, subject_name: str, visibility: str) -> None:
    """Raises SubjectNotFound, AccessDenied, UnprocessableRequest."""
    if visibility not in Visibility.values:
        raise UnprocessableRequest(f"Visibility is one of {', '.join(Visibility.values)}")
    name = names.parse(subject_name)
    with transactions.write():
        subject = governing.lock(principal, name, Permission.MANAGE)
        if (before := subject.visibility) == visibility:
            return
        Subject.objects.filter(pk=subject.pk).update(visibility=visibility, revision=F("revision") + 1)
        events.record(
            actor,
            events.Action.VISIBILITY_CHANGED,
            kind="subject",
            ref=governing.ref(name),
            detail={"before": before, "after": visibility},
            stamp=subject,
        )
