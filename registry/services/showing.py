"""How a stored version is shown: with the types of its references inlined, or with their subjects qualified."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from registry import access
from registry.bodies import StoredVersion
from registry.errors import AccessDenied
from registry.models import SchemaVersion
from registry.names import SubjectName
from registry.schemas.base import SchemaTags
from registry.services import references
from registry.services.parsed import parse_stored


@dataclass(frozen=True, slots=True)
class Form:
    """As stored, unless something is asked for. The guid stays that of the stored text."""

    is_resolved: bool = False
    has_qualified_references: bool = False
    # Entities with one of these tags are listed beside the schema; `*` is any.
    find_tags: frozenset[str] = frozenset()


AS_STORED = Form()


def shown(principal: access.Principal, stored: StoredVersion, form: Form) -> StoredVersion:
    """Raises AccessDenied if a text would be inlined that the caller may not view."""
    if form.find_tags:
        stored = replace(stored, tags=_with_tags(stored, form.find_tags))
    if form.has_qualified_references and stored.references:
        stored = replace(stored, references=[_qualified(stored.subject.context, each) for each in stored.references])
    if form.is_resolved and stored.references:
        _check_inlining(principal, stored.subject, [stored])
        stored = replace(stored, text=parse_stored(stored).resolved)
    return stored


def check_showable(principal: access.Principal, subject: SubjectName, targets: Sequence[int], form: Form) -> None:
    """Asked before a version with these references is stored. Raises AccessDenied if it could not be shown so."""
    if form.is_resolved and targets:
        _check_inlining(principal, subject, SchemaVersion.objects.filter(pk__in=targets).stored())


def _check_inlining(principal: access.Principal, subject: SubjectName, roots: Sequence[StoredVersion]) -> None:
    if not references.may_view_all(principal, roots):
        raise AccessDenied("Read", str(subject))


def _with_tags(stored: StoredVersion, wanted: frozenset[str]) -> tuple[SchemaTags, ...]:
    found = parse_stored(stored).tags
    return found if "*" in wanted else tuple(each for each in found if wanted & set(each.tags))


def _qualified(context: str, reference: dict[str, Any]) -> dict[str, Any]:
    """A subject that is meant in the referrer's context is given its name; one that says its context keeps it."""
    subject = reference["subject"]
    return reference if subject.startswith(":.") else {**reference, "subject": str(SubjectName(context, subject))}
