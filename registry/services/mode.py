"""Mode: what may be done to the subjects of a scope. Read, set, clear; in force it stands beside the config."""

from django.conf import settings
from django.db.models import F, Q

from audit import events, transactions
from audit.actors import Actor
from registry import access
from registry.errors import ForwardOnlyGlobal, InvalidMode, ModeNotFound, OperationNotPermitted, SubjectNotFound
from registry.models import Mode, SchemaVersion, Subject
from registry.models.settings import ModeName, Scope
from registry.names import SubjectName
from registry.permissions import Permission
from registry.services import config, deletion, scopes
from registry.services.scopes import SettingScope


def in_force(subject: SubjectName) -> ModeName:
    """The subject's own mode, else its context's, else that of `:.__GLOBAL:`, else READWRITE."""
    return config.in_force(subject).mode


def get_mode(*, principal: access.Principal, subject_name: str | None, default_to_global: bool) -> str:
    """The mode set at this scope; with `default_to_global` the one in force.

    Raises ModeNotFound for a subject or a context that has none of its own. A subject that may not be seen has none.
    """
    scope = scopes.parse(subject_name)
    own = _own(scope) if scopes.may_view(principal, scope) else None
    if own is not None:
        return own
    if default_to_global:
        return in_force(SubjectName(scope.subject.context, ""))
    if not scope.always_answers:
        raise ModeNotFound(str(scope))
    return ModeName.READWRITE


def set_mode(
    *, principal: access.Principal, actor: Actor, subject_name: str | None, given: str | None, force: bool
) -> None:
    """Sets the mode, or clears it where None is given. Setting what is already set leaves no event.

    IMPORT needs a scope without live versions and removes the deleted ones there; `force` passes over both. Raises
    InvalidMode, ForwardOnlyGlobal, InvalidSubject, AccessDenied, OperationNotPermitted, and ReferenceExists if what is
    to be removed is still referred to.
    """
    mode = _parse(given)
    scope = scopes.check_settable(subject_name)
    # Compared as it was sent, as Confluent does: `forward` passes.
    if given == ModeName.FORWARD and scope.kind != Scope.GLOBAL:
        raise ForwardOnlyGlobal
    dangerous = force or mode in {ModeName.IMPORT, ModeName.FORWARD}
    scopes.require(principal, Permission.MANAGE if dangerous else Permission.SET_COMPATIBILITY, scope)
    _refuse_if_fixed()
    with transactions.write():
        scopes.take_lock()
        before = _own(scope)
        if mode == before:
            return
        removed = _make_room(scope) if mode == ModeName.IMPORT and not force else []
        _store(scope, mode)
        detail = {"before": before, "after": mode, **({"forced": True} if force else {}), **_listed("removed", removed)}
        scopes.record(actor, scope, events.Action.MODE_CHANGED, detail)


def clear_mode(*, principal: access.Principal, actor: Actor, subject_name: str | None, recursive: bool) -> str | None:
    """Removes the mode of this scope and returns it; with `recursive` also the modes of the subjects in a context.

    Raises SubjectNotFound for a subject or a context that has none, unless recursive; AccessDenied,
    OperationNotPermitted.
    """
    scope = scopes.parse(subject_name)
    found = recursive or scope.always_answers or (_own(scope) is not None and scopes.may_view(principal, scope))
    if not found:
        raise SubjectNotFound(str(scope))
    scopes.require(principal, Permission.SET_COMPATIBILITY, scope)
    _refuse_if_fixed()
    with transactions.write():
        scopes.take_lock()
        before = _own(scope)
        if before is None and not recursive and not scope.always_answers:
            raise SubjectNotFound(str(scope))
        cleared = _clear_below(scope) if recursive else []
        if before is not None or cleared:
            Mode.objects.filter(scope.row).delete()
            detail = {"before": before, "after": None, **_listed("cleared", cleared)}
            scopes.record(actor, scope, events.Action.MODE_CHANGED, detail)
    return ModeName.READWRITE if before is None and scope.always_answers else before


def _parse(given: str | None) -> ModeName | None:
    if given is None:
        return None
    if given.upper() not in ModeName.values:
        raise InvalidMode
    return ModeName(given.upper())


def _refuse_if_fixed() -> None:
    if not settings.CALLBOARD["MODE_MUTABILITY"]:
        raise OperationNotPermitted("Mode changes are not allowed")


def _own(scope: SettingScope) -> str | None:
    return Mode.objects.filter(scope.row).values_list("mode", flat=True).first()


def _store(scope: SettingScope, mode: ModeName | None) -> None:
    stored = Mode.objects.filter(scope.row)
    if mode is None:
        stored.delete()
    elif not stored.update(mode=mode):
        Mode.objects.create(**scope.columns(), mode=mode)


def _clear_below(scope: SettingScope) -> list[str]:
    """The modes of all subjects in a context, and the names of those that had one."""
    if scope.kind == Scope.SUBJECT:
        return []
    modes = Mode.objects.filter(kind=Scope.SUBJECT, context__name=scope.subject.context)
    cleared = sorted(modes.values_list("subject_name", flat=True))
    with_a_mode = Subject.objects.filter(context__name=scope.subject.context, name__in=modes.values("subject_name"))
    with_a_mode.update(revision=F("revision") + 1)
    modes.delete()
    return cleared


def _make_room(scope: SettingScope) -> list[str]:
    """The names of the subjects whose deleted versions made room for what is to be imported.

    Raises OperationNotPermitted if a version in the scope is live, ReferenceExists.
    """
    if SchemaVersion.objects.live().filter(_within(scope)).exists():
        raise OperationNotPermitted("Cannot import since found existing subjects")
    return deletion.clear(_within(scope))


def _within(scope: SettingScope) -> Q:
    """The versions in a scope. The top level has those of all contexts here, and not only those of the default one."""
    if scope.always_answers:
        return Q()
    if scope.kind == Scope.CONTEXT:
        return Q(subject__context__name=scope.subject.context)
    return Q(subject__context__name=scope.subject.context, subject__name=scope.subject.name)


def _listed(member: str, names: list[str]) -> dict[str, list[str]]:
    return {member: names} if names else {}
