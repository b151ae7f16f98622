"""Finding a schema under a subject: the very same content, else one that means the same."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from registry import access, names
from registry.bodies import Definition, StoredVersion
from registry.errors import RegistryError, SchemaNotFound, SubjectNotFound
from registry.models import SchemaVersion
from registry.names import LATEST, SubjectName
from registry.querysets import SchemaVersionQuerySet
from registry.schemas import rules
from registry.services import candidates, config, contexts
from registry.services.candidates import Candidate
from registry.services.parsed import parse_stored
from registry.services.showing import AS_STORED, Form, shown


@dataclass(frozen=True, slots=True)
class Found:
    stored: StoredVersion
    is_exact: bool


def look_up(
    *,
    principal: access.Principal,
    subject_name: str,
    definition: Definition,
    normalize: bool,
    include_deleted: bool,
    form: Form = AS_STORED,
) -> Found:
    """The version of this subject that holds the schema; a name without context is looked for in the others too.

    With `version` LATEST only the latest one may be it.

    Raises InvalidSchema, SubjectNotFound, SchemaNotFound, AccessDenied. The text is read by the rules for stored
    schemas. What is not found as it was sent is looked for once more with the metadata and rules that a registration
    would give it.
    """
    ask = partial(_look_up, principal, definition=definition, normalize=normalize, include_deleted=include_deleted)
    found = _anywhere(principal, names.parse(subject_name), ask)
    return replace(found, stored=shown(principal, found.stored, form))


def _anywhere(principal: access.Principal, subject: SubjectName, ask: Callable[[SubjectName], Found]) -> Found:
    try:
        return ask(subject)
    except (SubjectNotFound, SchemaNotFound):
        for other in contexts.elsewhere(principal, subject):
            with suppress(RegistryError):
                return ask(other)
        raise


def _look_up(
    principal: access.Principal,
    subject: SubjectName,
    *,
    definition: Definition,
    normalize: bool,
    include_deleted: bool,
) -> Found:
    visible = SchemaVersion.objects.visible_to(principal).of(subject)
    versions = visible if include_deleted else visible.live()
    if not definition.text.strip() and not versions.exists():
        raise SubjectNotFound(str(subject))
    in_force = config.in_force(subject)
    candidate = candidates.prepare(
        principal=principal,
        subject=subject,
        definition=definition,
        normalize=normalize or in_force.normalize,
        validate=False,
        include_deleted=True,
    )
    asked = newest(versions) if definition.version == LATEST else versions
    if found := find(asked, candidate):
        return found
    if latest := visible.latest_first().first_stored():
        completed = candidates.completed(candidate, in_force, latest)
        if completed != candidate and (found := find(asked, completed)):
            return found
    if not versions.exists():
        raise SubjectNotFound(str(subject))
    raise SchemaNotFound


def newest(versions: SchemaVersionQuerySet) -> SchemaVersionQuerySet:
    """The one with the highest number."""
    return versions.filter(pk__in=list(versions.newest_first().values_list("pk", flat=True)[:1]))


def find(versions: SchemaVersionQuerySet, candidate: Candidate) -> Found | None:
    """Exact content first, then newest to oldest an equivalent one.

    One query: contents that could be equivalent have the same fingerprint, and few versions of a subject share one.
    """
    alike = versions.filter(schema_id__schema__fingerprint=candidate.parsed.fingerprint).newest_first().stored()
    for stored in alike:
        if is_same_content(stored, candidate):
            return Found(stored, is_exact=True)
    for stored in alike:
        if _is_equivalent(stored, candidate):
            return Found(stored, is_exact=False)
    return None


def is_same_content(stored: StoredVersion, candidate: Candidate) -> bool:
    """Compared, not trusted: the hash behind a guid has no separators and can be forged."""
    return (
        stored.text == candidate.parsed.canonical
        and stored.references == as_stored(candidate)
        and stored.metadata == candidate.metadata
        and stored.rule_set == candidate.rule_set
    )


def as_stored(candidate: Candidate) -> list[dict[str, str | int]]:
    return [
        {"name": reference.name, "subject": reference.subject, "version": reference.version}
        for reference in candidate.closure.references
    ]


def _is_equivalent(stored: StoredVersion, candidate: Candidate) -> bool:
    if not rules.is_same_metadata(stored.metadata, stored.version, candidate.metadata):
        return False
    if not rules.is_same_rule_set(stored.rule_set, candidate.rule_set):
        return False
    if stored.references == as_stored(candidate):
        # The same text is what it is without being parsed.
        return stored.text == candidate.parsed.canonical or parse_stored(stored).equivalent(candidate.parsed)
    if stored.references and not candidate.closure.references:
        return parse_stored(stored).resolved == candidate.parsed.resolved
    return False
