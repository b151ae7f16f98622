"""Finding a schema under a subject: the very same content, else one that means the same."""

from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from registry import access, names
from registry.bodies import Definition, StoredVersion
from registry.errors import RegistryError, SchemaNotFound, SubjectNotFound
from registry.models import SchemaVersion
from registry.names import SubjectName
from registry.querysets import SchemaVersionQuerySet
from registry.services import candidates, config, contexts
from registry.services.candidates import Candidate
from registry.services.parsed import parse_stored


@dataclass(frozen=True, slots=True)
class Found:
    stored: StoredVersion
    is_exact: bool


def look_up(
    *, principal: access.Principal, subject_name: str, definition: Definition, normalize: bool, include_deleted: bool
) -> Found:
    """The version of this subject that holds the schema; a name without context is looked for in the others too.

    Raises InvalidSchema, SubjectNotFound, SchemaNotFound. The text is read by the rules for stored schemas.
    """
    subject = names.parse(subject_name)
    ask = partial(_look_up, principal, definition=definition, normalize=normalize, include_deleted=include_deleted)
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
    versions = SchemaVersion.objects.visible_to(principal).of(subject)
    if not include_deleted:
        versions = versions.live()
    if not definition.text.strip() and not versions.exists():
        raise SubjectNotFound(str(subject))
    candidate = candidates.prepare(
        principal=principal,
        subject=subject,
        definition=definition,
        normalize=normalize or config.in_force(subject).normalize,
        validate=False,
    )
    if found := find(versions, candidate):
        return found
    if not versions.exists():
        raise SubjectNotFound(str(subject))
    raise SchemaNotFound


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
        str(stored.guid) == candidate.guid
        and stored.text == candidate.parsed.canonical
        and stored.references == as_stored(candidate)
    )


def as_stored(candidate: Candidate) -> list[dict[str, str | int]]:
    return [
        {"name": reference.name, "subject": reference.subject, "version": reference.version}
        for reference in candidate.closure.references
    ]


def _is_equivalent(stored: StoredVersion, candidate: Candidate) -> bool:
    if stored.references == as_stored(candidate):
        return parse_stored(stored).equivalent(candidate.parsed)
    if stored.references and not candidate.closure.references:
        return parse_stored(stored).resolved == candidate.parsed.resolved
    return False
