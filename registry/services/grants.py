"""Grants on subjects and scopes: a role given to a group or a user, and taken back whole."""

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Group
from django.contrib.auth.models import Permission as PermissionRow
from django.db import models

from audit import events, transactions
from audit.actors import Actor
from registry import access, names
from registry.errors import AccessDenied, NoSuchGrant, NoSuchScope, ScopeExists, UnprocessableRequest
from registry.models import (
    Context,
    ScopeGroupPermission,
    ScopeUserPermission,
    Subject,
    SubjectGroupPermission,
    SubjectScope,
    SubjectUserPermission,
)
from registry.names import DEFAULT_CONTEXT, SubjectName
from registry.permissions import MANAGE_GLOBAL, ROLES, SCOPE_CODENAMES, SUBJECT_CODENAMES, Permission
from registry.services import governing


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a grant: a group, or a single user by name. Exactly one is given."""

    group: str | None = None
    user: str | None = None

    def __str__(self) -> str:
        return f"group:{self.group}" if self.group is not None else f"user:{self.user}"


@dataclass(frozen=True, slots=True)
class Grant:
    holder: Holder
    role: str
    permissions: tuple[str, ...]


def list_grants(*, principal: access.Principal, subject_name: str) -> list[Grant]:
    """Raises SubjectNotFound; AccessDenied for those who may see the subject but not manage it."""
    name = names.parse(subject_name)
    subject = governing.find(principal, name, Permission.MANAGE)
    return held_on_subject(subject)


def held_on_subject(subject: Subject) -> list[Grant]:
    return _held(SubjectUserPermission, SubjectGroupPermission, subject, SUBJECT_CODENAMES)


def held_on_scope(scope: SubjectScope) -> list[Grant]:
    return _held(ScopeUserPermission, ScopeGroupPermission, scope, SCOPE_CODENAMES)


def grant_on_subject(
    *, principal: access.Principal, actor: Actor, subject_name: str, holder: Holder, role: str
) -> Grant:
    """Gives the role in the place of whatever the holder had.

    Raises SubjectNotFound, AccessDenied, UnprocessableRequest.
    """
    name = names.parse(subject_name)
    with transactions.write():
        subject = governing.lock(principal, name, Permission.MANAGE)
        before = _give(SubjectUserPermission, SubjectGroupPermission, subject, holder, role, SUBJECT_CODENAMES)
        if before != role:
            moved = {"holder": str(holder), "before": before, "after": role}
            events.record(
                actor, events.Action.GRANT_ADDED, kind="subject", ref=governing.ref(name), detail=moved, stamp=subject
            )
    return _grant(holder, role)


def revoke_on_subject(*, principal: access.Principal, actor: Actor, subject_name: str, holder: Holder) -> None:
    """Raises SubjectNotFound, AccessDenied, NoSuchGrant."""
    name = names.parse(subject_name)
    with transactions.write():
        subject = governing.lock(principal, name, Permission.MANAGE)
        before = _take(SubjectUserPermission, SubjectGroupPermission, subject, holder, SUBJECT_CODENAMES)
        moved = {"holder": str(holder), "before": before, "after": None}
        events.record(
            actor, events.Action.GRANT_REMOVED, kind="subject", ref=governing.ref(name), detail=moved, stamp=subject
        )


def list_scopes(*, principal: access.Principal) -> list[SubjectScope]:
    """The scopes that the caller may manage, in order. Two queries."""
    managed = access.scopes_with(principal, Permission.MANAGE)
    rows = SubjectScope.objects.select_related("context").order_by("context__name", "prefix")
    return [
        row
        for row in rows
        if MANAGE_GLOBAL in principal.rights
        or any(row.context_id == context and row.prefix.startswith(prefix) for context, prefix in managed)
    ]


def create_scope(
    *, principal: access.Principal, actor: Actor, prefix: str, context: str = DEFAULT_CONTEXT
) -> SubjectScope:
    """Raises AccessDenied, ScopeExists, InvalidContext, InvalidSubject."""
    context = names.check_context(context)
    if prefix:
        names.check_prefix(prefix)
    _require_scope(principal, context, prefix)
    with transactions.write():
        row, _ = Context.objects.get_or_create(name=context)
        scope, is_new = SubjectScope.objects.get_or_create(context=row, prefix=prefix)
        if not is_new:
            raise ScopeExists(_scope_ref(scope))
        events.record(actor, events.Action.SCOPE_CREATED, kind="scope", ref=_scope_ref(scope))
    return scope


def delete_scope(*, principal: access.Principal, actor: Actor, scope_id: int) -> None:
    """With all that was granted on it. Raises NoSuchScope."""
    with transactions.write():
        scope = _scope(principal, scope_id)
        held = held_on_scope(scope)
        ref = _scope_ref(scope)
        scope.delete()
        detail = {"grants": [{"holder": str(grant.holder), "permissions": list(grant.permissions)} for grant in held]}
        events.record(actor, events.Action.SCOPE_DELETED, kind="scope", ref=ref, detail=detail)


def list_scope_grants(*, principal: access.Principal, scope_id: int) -> list[Grant]:
    """Raises NoSuchScope."""
    return held_on_scope(_scope(principal, scope_id))


def grant_on_scope(*, principal: access.Principal, actor: Actor, scope_id: int, holder: Holder, role: str) -> Grant:
    """Raises NoSuchScope, UnprocessableRequest."""
    with transactions.write():
        scope = _scope(principal, scope_id)
        before = _give(ScopeUserPermission, ScopeGroupPermission, scope, holder, role, SCOPE_CODENAMES)
        if before != role:
            moved = {"holder": str(holder), "before": before, "after": role}
            events.record(actor, events.Action.GRANT_ADDED, kind="scope", ref=_scope_ref(scope), detail=moved)
    return _grant(holder, role)


def revoke_on_scope(*, principal: access.Principal, actor: Actor, scope_id: int, holder: Holder) -> None:
    """Raises NoSuchScope, NoSuchGrant."""
    with transactions.write():
        scope = _scope(principal, scope_id)
        before = _take(ScopeUserPermission, ScopeGroupPermission, scope, holder, SCOPE_CODENAMES)
        moved = {"holder": str(holder), "before": before, "after": None}
        events.record(actor, events.Action.GRANT_REMOVED, kind="scope", ref=_scope_ref(scope), detail=moved)


def _scope(principal: access.Principal, scope_id: int) -> SubjectScope:
    """A scope that the caller may not manage is not there."""
    scope = SubjectScope.objects.select_related("context").filter(pk=scope_id).first()
    if scope is None or not _may_manage(principal, scope.context.name, scope.prefix):
        raise NoSuchScope(scope_id)
    return scope


def _require_scope(principal: access.Principal, context: str, prefix: str) -> None:
    if not _may_manage(principal, context, prefix):
        raise AccessDenied("Write", str(SubjectName(context, f"{prefix}*")))


def _may_manage(principal: access.Principal, context: str, prefix: str) -> bool:
    """Who manages everything, or manages a scope that covers this one."""
    if MANAGE_GLOBAL in principal.rights:
        return True
    return Permission.MANAGE in access.effective(principal, SubjectName(context, prefix), None)


def _scope_ref(scope: SubjectScope) -> str:
    return f":{scope.context.name}:{scope.prefix}"


def _grant(holder: Holder, role: str) -> Grant:
    return Grant(holder, role, tuple(sorted(ROLES[role])))


def _held(by_user: Any, by_group: Any, target: models.Model, codenames: dict[Permission, str]) -> list[Grant]:
    """All grants on a thing, one a holder, groups first."""
    names_of = {codename: permission for permission, codename in codenames.items()}
    rows: dict[Holder, set[Permission]] = {}
    for name, codename in by_group.objects.filter(content_object=target).values_list(
        "group__name", "permission__codename"
    ):
        rows.setdefault(Holder(group=name), set()).add(names_of[codename])
    for name, codename in by_user.objects.filter(content_object=target).values_list(
        "user__username", "permission__codename"
    ):
        rows.setdefault(Holder(user=name), set()).add(names_of[codename])
    return [
        Grant(holder, _role(permissions), tuple(sorted(permissions)))
        for holder, permissions in sorted(rows.items(), key=lambda item: (item[0].group is None, str(item[0])))
    ]


def _role(permissions: set[Permission]) -> str:
    """The role that expands to exactly these, or `custom`: guardian's own tools can give anything."""
    return next((role for role, expanded in ROLES.items() if expanded == permissions), "custom")


def _give(
    by_user: Any, by_group: Any, target: models.Model, holder: Holder, role: str, codenames: dict[Permission, str]
) -> str | None:
    """The role held before."""
    if role not in ROLES:
        raise UnprocessableRequest(f"A role is one of {', '.join(ROLES)}")
    table, key = _place(by_user, by_group, holder)
    wanted = {codenames[permission] for permission in ROLES[role]}
    held = table.objects.filter(content_object=target, **key)
    has = set(held.values_list("permission__codename", flat=True))
    held.exclude(permission__codename__in=wanted).delete()
    rows = PermissionRow.objects.filter(content_type__app_label="registry", codename__in=wanted - has)
    table.objects.bulk_create(table(content_object=target, permission=row, **key) for row in rows)
    return _role_of(has, codenames)


def _take(
    by_user: Any, by_group: Any, target: models.Model, holder: Holder, codenames: dict[Permission, str]
) -> str | None:
    """The role held before. Raises NoSuchGrant."""
    table, key = _place(by_user, by_group, holder)
    held = table.objects.filter(content_object=target, **key)
    has = set(held.values_list("permission__codename", flat=True))
    if not has:
        raise NoSuchGrant(str(holder))
    held.delete()
    return _role_of(has, codenames)


def _role_of(held: set[str], codenames: dict[Permission, str]) -> str | None:
    """None for who holds nothing."""
    return _role({permission for permission, codename in codenames.items() if codename in held}) if held else None


def _place(by_user: Any, by_group: Any, holder: Holder) -> tuple[Any, dict[str, models.Model]]:
    """The table for this kind of holder, and the holder's row. Raises UnprocessableRequest."""
    if holder.group is not None:
        group = Group.objects.filter(name=holder.group).first()
        if group is None:
            raise UnprocessableRequest(f"There is no group '{holder.group}'")
        return by_group, {"group": group}
    user_model = apps.get_model(settings.AUTH_USER_MODEL)
    user = user_model.objects.filter(username=holder.user).first()
    if user is None:
        raise UnprocessableRequest(f"There is no user '{holder.user}'")
    return by_user, {"user": user}
