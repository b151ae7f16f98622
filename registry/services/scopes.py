"""Where a config or a mode is set: on a subject, a context, or `:.__GLOBAL:`; and the lock of all of them.

The default context's scope is what clients call the top level: `/config`, `/config/:.:`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import F, Q

from audit import events
from audit.actors import Actor
from registry import access, names
from registry.errors import AccessDenied
from registry.models import Context, Subject
from registry.models.settings import Scope
from registry.names import DEFAULT_CONTEXT, SubjectName
from registry.permissions import MANAGE_GLOBAL, Permission
from registry.services import governing

# Arbitrary, ours: registrations share it, changes of config, mode and policy take it alone.
_LOCK = 0x63616C6C_636F6E66


def share_lock() -> None:
    """Holds config and mode still until the transaction ends, for what has to be wholly before or after a change.

    SQLite has one writer at a time anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_LOCK])


def take_lock() -> None:
    """For a change of config, mode or policy: waits for the registrations under way, and those to come wait for it."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


@dataclass(frozen=True, slots=True)
class SettingScope:
    """A place of the ladder. `subject` has an empty name unless the kind is SUBJECT."""

    kind: Scope
    subject: SubjectName

    def __str__(self) -> str:
        """As errors name it; the protocol has no name for the top level."""
        return "null" if self.is_top else str(self.subject)

    @property
    def is_top(self) -> bool:
        return self.subject.is_default_context

    @property
    def always_answers(self) -> bool:
        """At the top level and above it, what is not set is the server's default, and no 404."""
        return self.is_top or self.kind == Scope.GLOBAL

    @property
    def row(self) -> Q:
        """Finds the row that stands here, in the table of configs as in that of modes."""
        if not names.is_storable(self.subject):
            return Q(pk__in=[])
        if self.kind == Scope.GLOBAL:
            return Q(kind=Scope.GLOBAL)
        return Q(kind=self.kind, context__name=self.subject.context, subject_name=self.subject.name)

    def columns(self) -> dict[str, Any]:
        """For a new row. A context comes into being with the first setting of it."""
        if self.kind == Scope.GLOBAL:
            return {"kind": Scope.GLOBAL}
        context, _ = Context.objects.get_or_create(name=self.subject.context)
        return {"kind": self.kind, "context": context, "subject_name": self.subject.name}


def parse(subject_name: str | None) -> SettingScope:
    """The scope that a path names; none is the top level."""
    subject = SubjectName(DEFAULT_CONTEXT, "") if subject_name is None else names.parse(subject_name)
    if subject.name:
        return SettingScope(Scope.SUBJECT, subject)
    return SettingScope(Scope.GLOBAL if subject.context == names.GLOBAL_CONTEXT else Scope.CONTEXT, subject)


def check_settable(subject_name: str | None) -> SettingScope:
    """The same for a change. Raises InvalidSubject for a name that nothing can have.

    The empty subject and `*` may have settings even where the server refuses to register under them.
    """
    if subject_name is not None and not names.parse(subject_name).is_default_context:
        names.check_settable(subject_name)
    return parse(subject_name)


def may_view(principal: access.Principal, scope: SettingScope) -> bool:
    """Settings outlive and precede subjects: without a subject there is nothing to hide behind its settings."""
    stored = _stored(scope)
    return stored is None or Permission.VIEW in access.effective(principal, scope.subject, stored)


def require(principal: access.Principal, permission: Permission, scope: SettingScope) -> None:
    """Raises AccessDenied. A context's settings take a grant on the whole context; those above it, manage_global."""
    if scope.is_top or scope.subject.context == names.GLOBAL_CONTEXT:
        if MANAGE_GLOBAL not in principal.rights:
            raise AccessDenied("Write", "__GLOBAL")
        return
    access.require(principal, permission, scope.subject, _stored(scope))


def record(actor: Actor, scope: SettingScope, action: events.Action, detail: Mapping[str, Any]) -> None:
    """One event. The subject, if there is one, moves with its settings: a registration under way starts again."""
    subject = _stored(scope)
    if subject is not None:
        Subject.objects.filter(pk=subject.pk).update(revision=F("revision") + 1)
    events.record(actor, action, kind=scope.kind, ref=governing.ref(scope.subject), detail=detail, stamp=subject)


def _stored(scope: SettingScope) -> Subject | None:
    """The subject, if the scope is one. That a context has a subject without a name gives nobody the context."""
    return Subject.objects.named(scope.subject).first() if scope.kind == Scope.SUBJECT else None
