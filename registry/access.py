"""The one policy: what a principal may do to a subject, and which subjects it sees.

What may not be seen does not exist (404 with the body of a missing thing); what may be seen but not changed is 403.
A right comes from the owner group, from a grant on the subject, or from a grant on a scope, that is a literal prefix.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.models import BooleanField, Func, Q

from audit.actors import Actor
from registry.bodies import StoredVersion
from registry.errors import AccessDenied
from registry.names import ALL_CONTEXTS, SubjectName, is_storable, parse
from registry.permissions import ALL, CODENAMES, MANAGE_GLOBAL, SCOPE_CODENAMES, SUBJECT_CODENAMES, Permission

_NOTHING: frozenset[Permission] = frozenset()
# Beyond it the statement would be longer than the walk over the scopes that it saves.
_MOST_RANGES = 2000

# A scope: the primary key of its context, and its prefix.
Range = tuple[int, str]


class Principal(Protocol):
    """What the registry has to know of whoever asks."""

    @property
    def user_id(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def auth(self) -> str: ...
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


@dataclass(frozen=True, slots=True)
class _Row:
    pk: int
    owner_id: int
    visibility: str


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


def may_view(principal: Principal, stored: StoredVersion) -> bool:
    """Of a version that was read already. Mostly its own row decides, and no grant need be looked for."""
    if stored.visibility == "internal":
        return within_prefixes(principal, stored.subject)
    subject = _Row(stored.subject_pk, stored.owner_id, stored.visibility)
    return Permission.VIEW in effective(principal, stored.subject, subject)


def filter(principal: Principal, *, path: str = "") -> Q:
    """The subjects that the principal may view; `path` leads to the subject, as in `subject__`.

    Decided row by row, so it is for the few that were found otherwise. What walks over many takes `filter_all`.
    """
    return _visible(principal, path, scopes=None)


def filter_all(principal: Principal, *, path: str = "") -> Q:
    """The same subjects for a list. One query reads the scopes first, which then are ranges of names."""
    scopes = [] if MANAGE_GLOBAL in principal.rights else _merged(scopes_with(principal, Permission.VIEW))
    return _visible(principal, path, scopes=scopes if len(scopes) <= _MOST_RANGES else None)


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
    return Q(pk__in=[context for context, prefix in scopes_with(principal, Permission.VIEW) if not prefix])


def scopes_with(principal: Principal, permission: Permission) -> list[Range]:
    """Where the principal was granted this: primary key of the context, and prefix."""
    parts = _in_scope(principal.user_id, principal.groups, "x.context_id", "x.prefix")
    granted = f"g.permission_id = {_permission_pk(SCOPE_CODENAMES[permission])}"
    with connection.cursor() as cursor:
        cursor.execute(" UNION ".join(f"SELECT x.context_id, x.prefix {part} AND {granted}" for part in parts))
        return [(context_pk, prefix) for context_pk, prefix in cursor.fetchall()]


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


def _visible(principal: Principal, path: str, *, scopes: Sequence[Range] | None) -> Q:
    narrowed = in_prefixes(principal, path=path)
    if MANAGE_GLOBAL in principal.rights:
        return narrowed
    columns = (f"{path}{column}" for column in ("pk", "owner", "visibility", "context", "name"))
    ranges = None if scopes is None else tuple(scopes)
    return Q(_MayView(*columns, user=principal.user_id, groups=tuple(principal.groups), ranges=ranges)) & narrowed


class _MayView(Func):
    """The policy on the columns of a subject, by scopes that are given as ranges or else looked for row by row.

    Written out: for a query on one row the ORM takes longer to put it together than the database to answer.
    """

    output_field = BooleanField()

    def as_sql(self, compiler: Any, connection: Any, *_: Any, **extra: Any) -> tuple[str, tuple[str | int, ...]]:
        subject, owner, visibility, context_id, name = (
            compiler.compile(column)[0] for column in self.source_expressions
        )
        user, groups, ranges = self.extra["user"], self.extra["groups"], self.extra["ranges"]
        ways = [f"{visibility} = 'internal'", f"{owner} IN ({_listed(groups)})"]
        values: tuple[str, ...] = ()
        if ranges is None:
            ways += _exist(_in_scope(user, groups, context_id, name), SCOPE_CODENAMES[Permission.VIEW])
        elif ranges:
            condition, values = _in_ranges(ranges, context_id, name)
            ways.append(condition)
        ways += _exist(_on_subject(user, groups, subject), SUBJECT_CODENAMES[Permission.VIEW])
        return f"({' OR '.join(ways)})", values


def _exist(grants: Iterable[str], codename: str) -> list[str]:
    return [f"EXISTS (SELECT 1 {part} AND g.permission_id = {_permission_pk(codename)})" for part in grants]


def _permission_pk(codename: str) -> str:
    return f"(SELECT id FROM ({_PERMISSIONS}) named WHERE codename = '{codename}')"  # noqa: S608 - constants


def _in_ranges(ranges: Sequence[Range], context_id: str, name: str) -> tuple[str, tuple[str, ...]]:
    """Halved again and again, so that a row is compared with few of them, however many there are."""
    if len(ranges) == 1:
        return _in_range(ranges[0], context_id, name)
    lower, upper = ranges[: len(ranges) // 2], ranges[len(ranges) // 2 :]
    left, left_values = _in_ranges(lower, context_id, name)
    right, right_values = _in_ranges(upper, context_id, name)
    context_pk, prefix = upper[0]
    is_left = f"{context_id} < {context_pk} OR ({context_id} = {context_pk} AND {name} < %s)"
    return f"CASE WHEN {is_left} THEN {left} ELSE {right} END", (prefix, *left_values, *right_values)


def _in_range(scope: Range, context_id: str, name: str) -> tuple[str, tuple[str, ...]]:
    context_pk, prefix = scope
    if not prefix:
        return f"{context_id} = {context_pk}", ()
    lower = f"{context_id} = {context_pk} AND {name} >= %s"
    following = _following(prefix)
    return (f"({lower} AND {name} < %s)", (prefix, following)) if following else (f"({lower})", (prefix,))


def _merged(scopes: Iterable[Range]) -> list[Range]:
    """Without those that lie in another one."""
    kept: list[Range] = []
    for context_pk, prefix in sorted(scopes):
        if not kept or kept[-1][0] != context_pk or not prefix.startswith(kept[-1][1]):
            kept.append((context_pk, prefix))
    return kept


def _granted(principal: Principal, name: SubjectName, subject: Governed | None) -> Iterable[str]:
    """Codenames of what was granted on the subject and on the scopes around its name."""
    if not is_storable(name):
        return []
    user, groups = principal.user_id, principal.groups
    context_id = f"(SELECT c.id FROM {_tables()['context']} c WHERE c.name = %s)"  # noqa: S608 - names of models
    parts = list(_in_scope(user, groups, context_id, "%s"))
    values: list[Any] = [name.context, name.name] * len(parts)
    if subject is not None:
        on_subject = _on_subject(user, groups, "%s")
        parts += on_subject
        values += [subject.pk] * len(on_subject)
    held = " UNION ".join(f"SELECT g.permission_id {part}" for part in parts)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT codename FROM ({_PERMISSIONS}) named WHERE id IN ({held})", values)  # noqa: S608
        return [codename for (codename,) in cursor.fetchall()]


# SQL for the grants that count for a user and groups: on the subject with this primary key, and on the scopes around
# this name, which is compared by `substr`, character for character, and never by a pattern.


def _on_subject(user: int, groups: Iterable[int], subject: str) -> tuple[str, str]:
    tables = _tables()
    return (
        f"FROM {tables['subject_user']} g WHERE g.user_id = {user} AND g.content_object_id = {subject}",
        f"FROM {tables['subject_group']} g WHERE g.group_id IN ({_listed(groups)}) AND g.content_object_id = {subject}",
    )


def _in_scope(user: int, groups: Iterable[int], context_id: str, name: str) -> tuple[str, str]:
    tables = _tables()
    scope = f"JOIN {tables['scope']} x ON x.id = g.content_object_id"
    around = f"x.context_id = {context_id} AND substr({name}, 1, length(x.prefix)) = x.prefix"
    return (
        f"FROM {tables['scope_user']} g {scope} WHERE g.user_id = {user} AND {around}",
        f"FROM {tables['scope_group']} g {scope} WHERE g.group_id IN ({_listed(groups)}) AND {around}",
    )


_PERMISSIONS = (
    "SELECT p.id, p.codename FROM auth_permission p JOIN django_content_type t ON t.id = p.content_type_id "
    "WHERE t.app_label = 'registry'"
)


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(str(int(number)) for number in numbers) or "NULL"


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
