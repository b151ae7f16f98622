"""Config: read, set, clear, and what is in force for a subject."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from audit import events, transactions
from audit.actors import Actor
from registry import access
from registry.errors import (
    ConfigNotFound,
    InvalidCompatibilityLevel,
    OperationNotPermitted,
    SubjectNotFound,
    UnprocessableRequest,
)
from registry.models import Config
from registry.models.settings import CompatibilityLevel, ModeName, Scope
from registry.names import SubjectName
from registry.permissions import Permission
from registry.schemas import rules
from registry.services import ladder, scopes
from registry.services.ladder import FIELDS, Ladder, Values
from registry.services.scopes import SettingScope

__all__ = ["InForce", "Values", "clear_config", "get_config", "in_force", "set_config"]

# What the config of a subject, where it is silent, takes from the top level. The others it has itself or not at all.
_INHERITED = (
    "normalize",
    "validate_fields",
    "validate_new_schemas",
    "validate_rules",
    "compatibility_policy",
    "compatibility_group",
)
POLICIES = ("STRICT", "LENIENT")


@dataclass(frozen=True, slots=True)
class InForce:
    """What counts for a subject, whatever the scope it comes from."""

    mode: ModeName
    level: CompatibilityLevel
    normalize: bool
    validate_fields: bool
    validate_new_schemas: bool
    compatibility_group: str | None
    default_metadata: Values | None
    override_metadata: Values | None
    default_rule_set: Values | None
    override_rule_set: Values | None

    @property
    def adds_to_requests(self) -> bool:
        """Is anything merged into the metadata or the rules of a request?"""
        added = self.default_metadata, self.override_metadata, self.default_rule_set, self.override_rule_set
        return any(each is not None for each in added)

    @property
    def is_read_only(self) -> bool:
        return self.mode in {ModeName.READONLY, ModeName.READONLY_OVERRIDE}


def in_force(subject: SubjectName) -> InForce:
    """The ladder: the subject's config, else its context's, else the global one, else the server's default.

    Two quirks of Confluent are kept. A subject config without a level takes the server default, not the level above
    it; for some other fields it inherits from the default context, whatever context the subject is in. The mode climbs
    the same ladder. One query.
    """
    rows = ladder.read(subject)
    own, *above = (rows.configs.get(place) for place in ladder.places(subject))
    nearest = next((values for values in above if values is not None), {})
    values = nearest if own is None else {**_inherited(rows.top), **own}
    modes = (rows.modes[place] for place in ladder.places(subject) if place in rows.modes)
    return InForce(
        mode=ModeName(next(modes, ModeName.READWRITE)),
        level=CompatibilityLevel(_with_level(values)["compatibility_level"]),
        normalize=values.get("normalize", False),
        validate_fields=values.get("validate_fields", False),
        validate_new_schemas=values.get("validate_new_schemas", settings.CALLBOARD["VALIDATE_NEW_SCHEMAS"]),
        compatibility_group=values.get("compatibility_group"),
        default_metadata=values.get("default_metadata"),
        override_metadata=values.get("override_metadata"),
        default_rule_set=values.get("default_rule_set"),
        override_rule_set=values.get("override_rule_set"),
    )


def get_config(*, principal: access.Principal, subject_name: str | None, default_to_global: bool) -> Values:
    """The fields set at this scope, the level filled in; with `default_to_global` those in force.

    Raises ConfigNotFound for a subject or a context that has none of its own. A subject that may not be seen has none.
    """
    scope = scopes.parse(subject_name)
    rows = ladder.read(scope.subject)
    own = _own(rows, scope) if scopes.may_view(principal, scope) else None
    if own is not None:
        inherits = default_to_global and not scope.always_answers
        return _with_level({**_inherited(rows.top), **own} if inherits else own)
    if not default_to_global and not scope.always_answers:
        raise ConfigNotFound(str(scope))
    return _with_level(_above(rows, scope) if default_to_global else {})


def set_config(
    *, principal: access.Principal, actor: Actor, subject_name: str | None, changes: Mapping[str, Any]
) -> Values:
    """Sets the given fields, clears those given as None, and returns all that are now set.

    Raises InvalidCompatibilityLevel, UnprocessableRequest, InvalidRuleSet, InvalidSubject, AccessDenied,
    OperationNotPermitted where the mode is read-only. Setting what is already set leaves no event.
    """
    changes = {**changes, **_level(changes), **_policy(changes)}
    for field in ("default_rule_set", "override_rule_set"):
        rules.check(changes.get(field))
    scope = scopes.check_settable(subject_name)
    scopes.require(principal, Permission.SET_COMPATIBILITY, scope)
    with transactions.write():
        scopes.take_lock()
        _refuse_read_only(scope)
        stored = Config.objects.filter(scope.row).first()
        before = _fields_of(stored)
        after = ladder.set_fields({**before, **changes}.items())
        if stored is not None and after == before:
            return after
        row = stored or Config(**scope.columns())
        for field, value in changes.items():
            setattr(row, field, value)
        row.save()
        _record(actor, scope, before, after)
    return after


def clear_config(*, principal: access.Principal, actor: Actor, subject_name: str | None) -> Values:
    """Removes the config of this scope and returns it.

    Raises SubjectNotFound for a subject or a context that has none, AccessDenied, OperationNotPermitted where the mode
    is read-only.
    """
    scope = scopes.parse(subject_name)
    exists = Config.objects.filter(scope.row).exists() and scopes.may_view(principal, scope)
    if not exists and not scope.always_answers:
        raise SubjectNotFound(str(scope))
    scopes.require(principal, Permission.SET_COMPATIBILITY, scope)
    with transactions.write():
        scopes.take_lock()
        stored = Config.objects.filter(scope.row).first()
        if stored is None and not scope.always_answers:
            raise SubjectNotFound(str(scope))
        _refuse_read_only(scope)
        if stored is None:
            return _with_level(_above(ladder.read(scope.subject), scope))
        before = _fields_of(stored)
        stored.delete()
        _record(actor, scope, before, {})
    return _with_level(before)


def _refuse_read_only(scope: SettingScope) -> None:
    if in_force(scope.subject).is_read_only:
        raise OperationNotPermitted.read_only(str(scope), scope.subject.delimited_context)


def _level(changes: Mapping[str, Any]) -> Values:
    given = changes.get("compatibility_level")
    if given is None:
        return {}
    if given.upper() not in CompatibilityLevel.values:
        raise InvalidCompatibilityLevel
    return {"compatibility_level": given.upper()}


def _policy(changes: Mapping[str, Any]) -> Values:
    given = changes.get("compatibility_policy")
    if given is None:
        return {}
    if given.upper() not in POLICIES:
        raise UnprocessableRequest(f"Invalid compatibility policy. Valid values are {' and '.join(POLICIES)}")
    return {"compatibility_policy": given.upper()}


def _own(rows: Ladder, scope: SettingScope) -> Values | None:
    return rows.configs.get((scope.kind, None if scope.kind == Scope.GLOBAL else scope.subject.context))


def _above(rows: Ladder, scope: SettingScope) -> Values:
    """What is in force for a scope without a config of its own: that of the nearest scope above it, whole."""
    places = [place for place in ladder.places(scope.subject) if place[0] != scope.kind]
    return next((rows.configs[place] for place in places if place in rows.configs), {})


def _inherited(top: Values) -> Values:
    return {field: top[field] for field in _INHERITED if field in top}


def _fields_of(stored: Config | None) -> Values:
    return {} if stored is None else ladder.set_fields((field, getattr(stored, field)) for field in FIELDS)


def _with_level(values: Values) -> Values:
    return {"compatibility_level": settings.CALLBOARD["COMPATIBILITY"], **values}


def _record(actor: Actor, scope: SettingScope, before: Values, after: Values) -> None:
    only_level = {field for field in FIELDS if before.get(field) != after.get(field)} == {"compatibility_level"}
    action = events.Action.COMPATIBILITY_CHANGED if only_level else events.Action.CONFIG_CHANGED
    scopes.record(actor, scope, action, {"before": before, "after": after})
