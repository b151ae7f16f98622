"""Config: read, set, clear, and what is in force for a subject."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import F, Q

from audit import events, transactions
from audit.actors import Actor
from registry import access, names
from registry.errors import AccessDenied, ConfigNotFound, InvalidCompatibilityLevel, SubjectNotFound
from registry.models import Config, Context, Subject
from registry.models.settings import CompatibilityLevel, Scope
from registry.names import DEFAULT_CONTEXT, SubjectName
from registry.permissions import MANAGE_GLOBAL, Permission
from registry.services import governing

TOP_LEVEL = SubjectName(DEFAULT_CONTEXT, "")
# Arbitrary, ours: registrations share it, changes of config take it alone.
_CONFIG_LOCK = 0x63616C6C_636F6E66
Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class InForce:
    """What counts for a subject, whatever the scope it comes from."""

    level: CompatibilityLevel
    normalize: bool
    validate_new_schemas: bool


def in_force(subject: SubjectName) -> InForce:
    """The ladder: the subject's config, else its context's, else the global one, else the server's default.

    Two quirks of Confluent are kept. A subject config without a level takes the server default, not the level above
    it; for its other fields it inherits from the default context, whatever context the subject is in.
    """
    rows = {(row.kind, row.context and row.context.name): row for row in _rows(subject)}
    own = rows.get((Scope.SUBJECT, subject.context))
    top = rows.get((Scope.CONTEXT, DEFAULT_CONTEXT))
    if own is not None:
        return _in_force(own.compatibility_level, own, top)
    scope = rows.get((Scope.CONTEXT, subject.context)) or rows.get((Scope.GLOBAL, None))
    return _in_force(scope.compatibility_level if scope else None, scope)


def _in_force(level: str | None, *rows: Config | None) -> InForce:
    return InForce(
        level=CompatibilityLevel(level or settings.CALLBOARD["COMPATIBILITY"]),
        normalize=_first_set("normalize", rows, default=False),
        validate_new_schemas=_first_set(
            "validate_new_schemas", rows, default=settings.CALLBOARD["VALIDATE_NEW_SCHEMAS"]
        ),
    )


def _first_set(field: str, rows: tuple[Config | None, ...], *, default: bool) -> bool:
    values = (getattr(row, field) for row in rows if row is not None)
    return next((value for value in values if value is not None), default)


def _rows(subject: SubjectName) -> list[Config]:
    if not names.is_storable(subject):
        return []
    return list(
        Config.objects.select_related("context").filter(
            Q(kind=Scope.GLOBAL)
            | Q(kind=Scope.CONTEXT, context__name__in=[DEFAULT_CONTEXT, subject.context])
            | Q(kind=Scope.SUBJECT, context__name=subject.context, subject_name=subject.name)
        )
    )


def share_lock() -> None:
    """Holds config still until the transaction ends, for a registration that has to be wholly before or after a change.

    SQLite has one writer at a time anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_CONFIG_LOCK])


def take_lock() -> None:
    """For a change of config or policy: waits for the registrations under way, and those to come wait for it."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_CONFIG_LOCK])


def get_config(*, principal: access.Principal, subject_name: str | None, default_to_global: bool) -> Values:
    """The fields set at this scope, the level filled in; with `default_to_global` those in force.

    Raises ConfigNotFound for a subject that has none of its own. A subject that may not be seen has none.
    """
    subject = _scope(subject_name)
    stored = _stored(subject) if _may_view(principal, subject) else None
    if stored is not None and (subject == TOP_LEVEL or not default_to_global):
        return _shown(stored)
    if subject == TOP_LEVEL:
        return _shown_default(default_to_global=default_to_global)
    if not default_to_global:
        raise ConfigNotFound(str(subject))
    top = _stored(TOP_LEVEL)
    if stored is not None:
        inherited = {field: value for field, value in _set_fields(top).items() if field != "compatibility_level"}
        return {**inherited, **_shown(stored)}
    return _shown(top) if top is not None else _shown_default(default_to_global=True)


def set_config(
    *, principal: access.Principal, actor: Actor, subject_name: str | None, changes: Mapping[str, Any]
) -> Values:
    """Sets the given fields, clears those given as None, and returns all that are now set.

    Raises InvalidCompatibilityLevel, InvalidSubject, AccessDenied. Setting what is already set leaves no event.
    """
    changes = {**changes, **_level(changes)}
    if subject_name is not None and not names.parse(subject_name).is_default_context:
        names.check_creatable(subject_name, reject_empty=settings.CALLBOARD["REJECT_EMPTY_SUBJECT"])
    subject = _scope(subject_name)
    _require(principal, subject)
    with transactions.write():
        take_lock()
        stored = _stored(subject)
        before = _set_fields(stored)
        after = {field: value for field, value in {**before, **changes}.items() if value is not None}
        if stored is not None and after == before:
            return after
        row = stored or Config(**_key(subject))
        for field, value in changes.items():
            setattr(row, field, value)
        row.save()
        _record(actor, subject, before, after)
    return after


def clear_config(*, principal: access.Principal, actor: Actor, subject_name: str | None) -> Values:
    """Removes the config of this scope and returns it. Raises SubjectNotFound for a subject that has none."""
    subject = _scope(subject_name)
    if subject != TOP_LEVEL and (_stored(subject) is None or not _may_view(principal, subject)):
        raise SubjectNotFound(str(subject))
    _require(principal, subject)
    with transactions.write():
        take_lock()
        stored = _stored(subject)
        if stored is None and subject != TOP_LEVEL:
            raise SubjectNotFound(str(subject))
        if stored is None:
            return _shown_default(default_to_global=True)
        shown = _shown(stored)
        before = _set_fields(stored)
        stored.delete()
        _record(actor, subject, before, {})
    return shown


def _scope(subject_name: str | None) -> SubjectName:
    return TOP_LEVEL if subject_name is None else names.parse(subject_name)


def _level(changes: Mapping[str, Any]) -> Values:
    given = changes.get("compatibility_level")
    if given is None:
        return {}
    if given.upper() not in CompatibilityLevel.values:
        raise InvalidCompatibilityLevel
    return {"compatibility_level": given.upper()}


def _require(principal: access.Principal, subject: SubjectName) -> None:
    stored = Subject.objects.named(subject).first()
    if subject == TOP_LEVEL:
        if MANAGE_GLOBAL not in principal.rights:
            raise AccessDenied("Write", "__GLOBAL")
        return
    access.require(principal, Permission.SET_COMPATIBILITY, subject, stored)


def _may_view(principal: access.Principal, subject: SubjectName) -> bool:
    """Config outlives and precedes subjects: without one there is nothing to hide behind its config."""
    stored = Subject.objects.named(subject).first()
    return stored is None or Permission.VIEW in access.effective(principal, subject, stored)


def _stored(subject: SubjectName) -> Config | None:
    if not names.is_storable(subject):
        return None
    if subject == TOP_LEVEL:
        return Config.objects.filter(kind=Scope.CONTEXT, context__name=DEFAULT_CONTEXT).first()
    return Config.objects.filter(kind=Scope.SUBJECT, context__name=subject.context, subject_name=subject.name).first()


def _key(subject: SubjectName) -> Values:
    context, _ = Context.objects.get_or_create(name=subject.context)
    if subject == TOP_LEVEL:
        return {"kind": Scope.CONTEXT, "context": context}
    return {"kind": Scope.SUBJECT, "context": context, "subject_name": subject.name}


_FIELDS = ("compatibility_level", "normalize", "validate_new_schemas")


def _set_fields(stored: Config | None) -> Values:
    if stored is None:
        return {}
    return {field: value for field in _FIELDS if (value := getattr(stored, field)) is not None}


def _shown(stored: Config) -> Values:
    return {"compatibility_level": settings.CALLBOARD["COMPATIBILITY"], **_set_fields(stored)}


def _shown_default(*, default_to_global: bool) -> Values:
    row = Config.objects.filter(kind=Scope.GLOBAL).first() if default_to_global else None
    return _shown(row) if row is not None else {"compatibility_level": settings.CALLBOARD["COMPATIBILITY"]}


def _record(actor: Actor, subject: SubjectName, before: Values, after: Values) -> None:
    """One event; the subject, if there is one, moves with its config so that a registration under way starts again."""
    row = Subject.objects.named(subject).first()
    if row is not None:
        Subject.objects.filter(pk=row.pk).update(revision=F("revision") + 1)
    only_level = {k for k in {*before, *after} if before.get(k) != after.get(k)} == {"compatibility_level"}
    events.record(
        actor,
        events.Action.COMPATIBILITY_CHANGED if only_level else events.Action.CONFIG_CHANGED,
        kind="context" if subject == TOP_LEVEL else "subject",
        ref=governing.ref(subject),
        detail={"before": before, "after": after},
        stamp=row,
    )
