"""Policies: read, set, clear, and which one is in force. For each key the nearest scope wins."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Q, Value
from django.db.models.functions import Length, Substr
from django.utils import timezone

from audit import events, transactions
from audit.actors import Actor
from registry import access, names
from registry.errors import AccessDenied, NoSuchPolicy, UnprocessableRequest
from registry.models import Context, Policy, Subject, SubjectScope
from registry.models.policies import PolicyKey, PolicyKind
from registry.models.subjects import Lifecycle
from registry.names import SubjectName
from registry.permissions import MANAGE_GLOBAL, Permission
from registry.services import governing, scopes

VALUES = {PolicyKey.INITIAL_STATE: (Lifecycle.APPROVED, Lifecycle.DRAFT)}
_NEAREST = {PolicyKind.SUBJECT: 0, PolicyKind.PREFIX: 1, PolicyKind.CONTEXT: 2, PolicyKind.GLOBAL: 3}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a policy is set: exactly one of these, or none for the whole registry.

    Prefix and subject are qualified names: `orders-` is meant in the default context, `:.x:orders-` in `.x`.
    """

    context: str | None = None
    prefix: str | None = None
    subject: str | None = None

    def __str__(self) -> str:
        if self.subject is not None:
            return f"subject {self.subject}"
        if self.prefix is not None:
            return f"prefix {self.prefix}"
        return f"context {self.context}" if self.context is not None else "global"


def initial_state(subject: SubjectName) -> str:
    """The state of a new version under this name. One query."""
    rows = Policy.objects.filter(_around(subject), key=PolicyKey.INITIAL_STATE).values_list(
        "kind", "subject_scope__prefix", "value"
    )
    nearest = min(rows, key=lambda row: (_NEAREST[PolicyKind(row[0])], -len(row[1] or "")), default=None)
    return Lifecycle.APPROVED if nearest is None else str(nearest[2])


def list_policies(*, principal: access.Principal) -> list[Policy]:
    """All of them: whoever may register should know what will be asked of him, and names are filtered by view."""
    rows = Policy.objects.select_related("context", "subject_scope__context", "subject__context").order_by("key", "pk")
    visible = set(Subject.objects.visible_to(principal).filter(policies__isnull=False).values_list("pk", flat=True))
    return [row for row in rows if row.subject_id is None or row.subject_id in visible]


def described(row: Policy) -> dict[str, Any]:
    """A policy as our own API shows it."""
    return {
        "key": row.key,
        "value": row.value,
        "place": str(_place(row)),
        "set_by": row.set_by,
        "set_at": row.set_at.isoformat(),
        "reason": row.reason,
    }


def _place(row: Policy) -> Place:
    if row.subject is not None:
        return Place(subject=str(SubjectName(row.subject.context.name, row.subject.name)))
    if row.subject_scope is not None:
        return Place(prefix=str(SubjectName(row.subject_scope.context.name, row.subject_scope.prefix)))
    return Place(context=row.context.name if row.context is not None else None)


def set_policy(
    *, principal: access.Principal, actor: Actor, place: Place, key: str, value: Any, reason: str = ""
) -> Policy:
    """Setting what is set leaves no event.

    Raises AccessDenied, UnprocessableRequest, InvalidContext, InvalidSubject.
    """
    _check(key, value)
    with transactions.write():
        scopes.take_lock()
        where = _where(principal, place)
        row = Policy.objects.filter(key=key, **where).first()
        before = row.value if row else None
        if row is not None and before == value:
            return row
        row = row or Policy(key=key, **where)
        row.value, row.set_by, row.set_at, row.reason = value, actor.ref, timezone.now(), reason
        row.save()
        _record(actor, _place(row), key, before, value, reason)
    return row


def clear_policy(*, principal: access.Principal, actor: Actor, place: Place, key: str) -> None:
    """Raises AccessDenied, NoSuchPolicy."""
    with transactions.write():
        scopes.take_lock()
        row = Policy.objects.filter(key=key, **_where(principal, place)).first()
        if row is None:
            raise NoSuchPolicy(key, str(place))
        before, place = row.value, _place(row)
        row.delete()
        _record(actor, place, key, before, None, "")


def _around(subject: SubjectName) -> Q:
    in_context = Q(subject_scope__context__name=subject.context)
    scopes = SubjectScope.objects.filter(context__name=subject.context).filter(
        prefix=Substr(Value(subject.name), Value(1), Length("prefix"))
    )
    return (
        Q(kind=PolicyKind.GLOBAL)
        | Q(kind=PolicyKind.CONTEXT, context__name=subject.context)
        | (Q(kind=PolicyKind.PREFIX, subject_scope__in=scopes) & in_context)
        | Q(kind=PolicyKind.SUBJECT, subject__context__name=subject.context, subject__name=subject.name)
    )


def _check(key: str, value: Any) -> None:
    if key not in PolicyKey.values:
        raise UnprocessableRequest(f"A policy key is one of {', '.join(PolicyKey.values)}")
    allowed = VALUES[PolicyKey(key)]
    if value not in allowed:
        raise UnprocessableRequest(f"{key} is one of {', '.join(allowed)}")


def _where(principal: access.Principal, place: Place) -> dict[str, Any]:
    """The columns of the place. Who may set it: who manages the subject, the prefix, or everything."""
    if place.subject is not None:
        name = names.parse(place.subject)
        return {"kind": PolicyKind.SUBJECT, "subject": governing.lock(principal, name, Permission.MANAGE)}
    if place.prefix is not None:
        return {"kind": PolicyKind.PREFIX, "subject_scope": _scope(principal, place.prefix)}
    if MANAGE_GLOBAL not in principal.rights:
        raise AccessDenied("Write", "__GLOBAL")
    if place.context is not None:
        context, _ = Context.objects.get_or_create(name=names.check_context(place.context))
        return {"kind": PolicyKind.CONTEXT, "context": context}
    return {"kind": PolicyKind.GLOBAL}


def _scope(principal: access.Principal, prefix: str) -> SubjectScope:
    name = names.parse(prefix)
    known = SubjectScope.objects.filter(context__name=name.context, prefix=name.name)
    scope = known.first() if names.is_storable(name) else None
    may = MANAGE_GLOBAL in principal.rights or Permission.MANAGE in access.effective(principal, name, None)
    if scope is None or not may:
        raise UnprocessableRequest(f"There is no scope '{prefix}'; make it first")
    return scope


def _record(actor: Actor, place: Place, key: str, before: Any, after: Any, reason: str) -> None:
    events.record(
        actor,
        events.Action.POLICY_CHANGED,
        kind="policy",
        ref=f"{key} at {place}",
        detail={"key": key, "before": before, "after": after},
        reason=reason or None,
    )
