"""The one policy: what a principal may do to a subject, and which subjects it sees.

What may not be seen does not exist (404 with the body of a missing thing); what may be seen but not changed is 403.
"""

from typing import Protocol

from django.db.models import Q

from audit.actors import Actor
from registry.errors import AccessDenied
from registry.names import SubjectName
from registry.permissions import ALL, MANAGE_GLOBAL, Permission

_NOTHING: frozenset[Permission] = frozenset()
_VIEW = frozenset({Permission.VIEW})


class Principal(Protocol):
    """What the registry has to know of whoever asks."""

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
    def owner_id(self) -> int: ...
    @property
    def visibility(self) -> str: ...


def effective(principal: Principal, name: SubjectName, subject: Governed | None) -> frozenset[Permission]:
    """All that the principal may do to the subject of this name; `subject` is None while it does not exist."""
    if not _within_prefixes(principal, name):
        return _NOTHING
    if MANAGE_GLOBAL in principal.rights:
        return ALL
    if subject is None:
        return _NOTHING
    if subject.owner_id in principal.groups:
        return ALL
    return _VIEW if subject.visibility == "internal" else _NOTHING


def may_create(principal: Principal, name: SubjectName) -> bool:
    """Any authenticated principal may, within the prefixes of its key."""
    return _within_prefixes(principal, name)


def require(principal: Principal, permission: Permission, name: SubjectName, subject: Governed | None) -> None:
    """Raises AccessDenied. For changes only: a read of what is hidden is a 404, and starts with `visible_to`."""
    if permission not in effective(principal, name, subject):
        raise AccessDenied("Write", str(name))


def filter(principal: Principal, *, path: str = "") -> Q:
    """The subjects that the principal may view; `path` leads to the subject, as in `subject__`."""
    visible = Q()
    if MANAGE_GLOBAL not in principal.rights:
        visible = Q(**{f"{path}visibility": "internal"}) | Q(**{f"{path}owner_id__in": principal.groups})
    narrowed = Q()
    for prefix in principal.prefixes:
        narrowed |= in_prefix(prefix, path=path)
    return visible & narrowed


def in_prefix(prefix: str, *, path: str = "") -> Q:
    """Names that begin exactly so. A range, because LIKE ignores letter case on SQLite and reads `_` as a wildcard."""
    condition = Q(**{f"{path}name__gte": prefix})
    if following := _following(prefix):
        condition &= Q(**{f"{path}name__lt": following})
    return condition


def _following(prefix: str) -> str:
    """The least text beyond all that begin with `prefix`; empty when there is none."""
    trimmed = prefix.rstrip("\U0010ffff")
    if not trimmed:
        return ""
    code = ord(trimmed[-1]) + 1
    return trimmed[:-1] + chr(0xE000 if 0xD800 <= code < 0xE000 else code)


def _within_prefixes(principal: Principal, name: SubjectName) -> bool:
    return not principal.prefixes or any(name.name.startswith(prefix) for prefix in principal.prefixes)
