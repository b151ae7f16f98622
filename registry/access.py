"""The one policy: what a principal may do to a subject, and which subjects it sees.

What may not be seen does not exist (404 with the body of a missing thing); what may be seen but not changed is 403.
A right comes from the owner group, from a grant on the subject, or from a grant on a scope, that is a literal prefix.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Protocol

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Length, Substr

from audit.actors import Actor
from registry.errors import AccessDenied
from registry.names import ALL_CONTEXTS, SubjectName, is_storable, parse
from registry.permissions import ALL, CODENAMES, MANAGE_GLOBAL, Permission

_NOTHING: frozenset[Permission] = frozenset()


class Principal(Protocol):
    """What the registry has to know of whoever asks."""

    @property
    def user_id(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def scopes(self) -> frozenset[str]: ...
    @property
    def prefixes(self) -> tuple[str, ...]: ...
    @property
    def groups(self) -> frozenset[int]: ...
    @property
    def owner_group_id(self) -> int | None: ...
    @property
    def rights(self) -> frozenset[str]: ...
    def actor(self, request_id: str | None) -> Actor: ...


class Governed(Protocol):
    """The columns of a subject that decide about access."""

    @property
    def pk(self) -> Any: ...
    @property
    def owner_id(self) -> int: ...
    @property
    def visibility(self) -> str: ...


def effective(principal: Principal, name: SubjectName, subject: Governed | None) -> frozenset[Permission]:
    """All that the principal may do to the subject of this name; `subject` is None while it does not exist.

    One query, and none for those who own the subject or manage everything.
    """
    if not within_prefixes(principal, name):
        return _NOTHING
    if MANAGE_GLOBAL in principal.rights:
        return ALL
    if subject is not None and subject.owner_id in principal.groups:
        return ALL
    granted = {CODENAMES[codename] for codename in _granted(principal, name, subject) if codename in CODENAMES}
    if subject is not None and subject.visibility == "internal":
        granted.add(Permission.VIEW)
    return frozenset(granted)


def may_create(principal: Principal, name: SubjectName) -> bool:
    """Anybody within the prefixes of the key; where creation is scoped, only who may register in a scope around it."""
    if not within_prefixes(principal, name):
        return False
    if settings.CALLBOARD["SUBJECT_CREATION"] == "open":
        return True
    return Permission.REGISTER in effective(principal, name, None)


def require(principal: Principal, permission: Permission, name: SubjectName, subject: Governed | None) -> None:
    """Raises AccessDenied. For changes only: a read of what is hidden is a 404, and starts with `visible_to`."""
    if permission not in effective(principal, name, subject):
        raise AccessDenied("Write", str(name))


def filter(principal: Principal, *, path: str = "") -> Q:
    """The subjects that the principal may view; `path` leads to the subject, as in `subject__`."""
    visible = Q() if MANAGE_GLOBAL in principal.rights else _visible(principal, path)
    return visible & in_prefixes(principal, path=path)


def in_prefixes(principal: Principal, *, path: str = "") -> Q:
    """The names that a key with prefixes may use."""
    narrowed = Q()
    for prefix in principal.prefixes:
        narrowed |= in_qualified_prefix(prefix, path=path)
    return narrowed


def filter_contexts(principal: Principal) -> Q:
    """The contexts that the principal may view as a whole, whatever is in them. A key with prefixes sees none so."""
    if principal.prefixes:
        return Q(pk__in=[])
    if MANAGE_GLOBAL in principal.rights:
        return Q()
    return Q(pk__in=_viewed_scopes(principal).filter(prefix="").values("context"))


def in_qualified_prefix(prefix: str, *, path: str = "") -> Q:
    """Subjects that begin so: `:*:x` in all contexts, `:.c:x` in one, `x` in the default one."""
    if "\0" in prefix:
        return Q(pk__in=[])
    if prefix.startswith(ALL_CONTEXTS):
        return in_prefix(prefix.removeprefix(ALL_CONTEXTS), path=path)
    subject = parse(prefix)
    return Q(**{f"{path}context__name": subject.context}) & in_prefix(subject.name, path=path)


def in_prefix(prefix: str, *, path: str = "") -> Q:
    """Names that begin exactly so. A range, because LIKE ignores letter case on SQLite and reads `_` as a wildcard."""
    condition = Q(**{f"{path}name__gte": prefix})
    if following := _following(prefix):
        condition &= Q(**{f"{path}name__lt": following})
    return condition


def within_prefixes(principal: Principal, name: SubjectName) -> bool:
    return not principal.prefixes or any(_covers(prefix, name) for prefix in principal.prefixes)


def _covers(prefix: str, name: SubjectName) -> bool:
    if prefix.startswith(ALL_CONTEXTS):
        return name.name.startswith(prefix.removeprefix(ALL_CONTEXTS))
    subject = parse(prefix)
    return name.context == subject.context and name.name.startswith(subject.name)


def _visible(principal: Principal, path: str) -> Q:
    view = {"permission__codename": "view_subject"}
    by_user = _model("SubjectUserPermission").objects.filter(user=principal.user_id, **view)
    by_group = _model("SubjectGroupPermission").objects.filter(group__in=principal.groups, **view)
    return (
        Q(**{f"{path}visibility": "internal"})
        | Q(**{f"{path}owner_id__in": principal.groups})
        | Q(**{f"{path}pk__in": by_user.values("content_object")})
        | Q(**{f"{path}pk__in": by_group.values("content_object")})
        | Q(_in_a_scope(principal, path))
    )


def _in_a_scope(principal: Principal, path: str) -> Exists:
    """Compared by `substr`, character for character; never by a pattern."""
    around = Substr(OuterRef(f"{path}name"), Value(1), Length("prefix"))
    return Exists(_viewed_scopes(principal).filter(context=OuterRef(f"{path}context"), prefix=around))


def _viewed_scopes(principal: Principal) -> Any:
    return _model("SubjectScope").objects.filter(
        Q(user_grants__user=principal.user_id, user_grants__permission__codename="view_in_scope")
        | Q(group_grants__group__in=principal.groups, group_grants__permission__codename="view_in_scope")
    )


def _granted(principal: Principal, name: SubjectName, subject: Governed | None) -> Iterable[str]:
    """Codenames of what was granted on the subject and on the scopes around its name."""
    if not is_storable(name):
        return []
    groups = tuple(principal.groups) or (0,)
    marks = ", ".join(["%s"] * len(groups))
    in_scope = "x.context_id = c.id AND c.name = %s AND substr(%s, 1, length(x.prefix)) = x.prefix"
    parts: list[tuple[str, list[Any]]] = [
        (_SCOPE_USER.format(in_scope=in_scope, **_tables()), [principal.user_id, name.context, name.name]),
        (_SCOPE_GROUP.format(in_scope=in_scope, marks=marks, **_tables()), [*groups, name.context, name.name]),
    ]
    if subject is not None:
        parts.append((_SUBJECT_USER.format(**_tables()), [principal.user_id, subject.pk]))
        parts.append((_SUBJECT_GROUP.format(marks=marks, **_tables()), [*groups, subject.pk]))
    with connection.cursor() as cursor:
        cursor.execute(" UNION ".join(sql for sql, _ in parts), [value for _, values in parts for value in values])
        return [codename for (codename,) in cursor.fetchall()]


_SUBJECT_USER = (
    "SELECT p.codename FROM {subject_user} g JOIN auth_permission p ON p.id = g.permission_id "
    "WHERE g.user_id = %s AND g.content_object_id = %s"
)
_SUBJECT_GROUP = (
    "SELECT p.codename FROM {subject_group} g JOIN auth_permission p ON p.id = g.permission_id "
    "WHERE g.group_id IN ({marks}) AND g.content_object_id = %s"
)
_SCOPE_USER = (
    "SELECT p.codename FROM {scope_user} g JOIN {scope} x ON x.id = g.content_object_id "
    "JOIN {context} c ON c.id = x.context_id JOIN auth_permission p ON p.id = g.permission_id "
    "WHERE g.user_id = %s AND {in_scope}"
)
_SCOPE_GROUP = (
    "SELECT p.codename FROM {scope_group} g JOIN {scope} x ON x.id = g.content_object_id "
    "JOIN {context} c ON c.id = x.context_id JOIN auth_permission p ON p.id = g.permission_id "
    "WHERE g.group_id IN ({marks}) AND {in_scope}"
)


@lru_cache(maxsize=1)
def _tables() -> dict[str, str]:
    names = {
        "subject_user": "SubjectUserPermission",
        "subject_group": "SubjectGroupPermission",
        "scope_user": "ScopeUserPermission",
        "scope_group": "ScopeGroupPermission",
        "scope": "SubjectScope",
        "context": "Context",
    }
    return {key: _model(name)._meta.db_table for key, name in names.items()}


def _model(name: str) -> Any:
    """By name: the models stand above this module, and their querysets call it."""
    return apps.get_model("registry", name)


def _following(prefix: str) -> str:
    """The least text beyond all that begin with `prefix`; empty when there is none."""
    trimmed = prefix.rstrip("\U0010ffff")
    if not trimmed:
        return ""
    code = ord(trimmed[-1]) + 1
    return trimmed[:-1] + chr(0xE000 if 0xD800 <= code < 0xE000 else code)
