"""Would a candidate break anybody? Asked of the stored versions, by the config in force."""

from collections.abc import Iterator

from registry import access, names
from registry.bodies import Body, Definition, StoredVersion
from registry.errors import VersionNotFound
from registry.models import SchemaVersion
from registry.names import LATEST, SubjectName
from registry.querysets import SchemaVersionQuerySet
from registry.schemas import compatibility, rules
from registry.schemas.base import ParsedSchema
from registry.services import candidates, config
from registry.services.candidates import Candidate
from registry.services.config import InForce
from registry.services.parsed import parse_stored

# Histories are read in pieces: a check ends at the first version that fails.
_PIECE = 20


def check_all(*, principal: access.Principal, subject_name: str, definition: Definition, normalize: bool) -> list[str]:
    """What registration would say: one line a finding, none if compatible. Raises InvalidRuleSet, InvalidSchema."""
    subject = names.parse(subject_name)
    in_force = config.in_force(subject)
    candidate = _prepared(principal, subject, definition, in_force, normalize=normalize)
    return findings(visible_versions(principal, subject), candidate, in_force)


def check_one(
    *, principal: access.Principal, subject_name: str, version: int, definition: Definition, normalize: bool
) -> list[str]:
    """The level's direction against one version only. A subject without versions has no latest one to break.

    Raises VersionNotFound, InvalidRuleSet, InvalidSchema.
    """
    subject = names.parse(subject_name)
    versions = visible_versions(principal, subject)
    stored = (versions.latest_first() if version == LATEST else versions.filter(version=version)).first_stored()
    if stored is None and version != LATEST:
        raise VersionNotFound(version)
    in_force = config.in_force(subject)
    candidate = _prepared(principal, subject, definition, in_force, normalize=normalize)
    compared = [stored] if stored and _group(stored.metadata, in_force) == _group(candidate.metadata, in_force) else []
    return _findings(iter(compared), candidate, in_force)


def findings(versions: SchemaVersionQuerySet, candidate: Candidate, in_force: InForce) -> list[str]:
    """Against the newest of `versions` in the baseline, or for a transitive level against all, newest first."""
    group = _group(candidate.metadata, in_force)
    history = (each for each in _newest_first(versions.baseline()) if _group(each.metadata, in_force) == group)
    return _findings(history, candidate, in_force)


def visible_versions(principal: access.Principal, subject: SubjectName) -> SchemaVersionQuerySet:
    return SchemaVersion.objects.visible_to(principal).of(subject).live()


def _findings(history: Iterator[StoredVersion], candidate: Candidate, in_force: InForce) -> list[str]:
    newest = next(history, None)
    lines: list[str] = []
    if in_force.validate_fields:
        reserved = rules.reserved(newest.metadata if newest else None), rules.reserved(candidate.metadata)
        lines += compatibility.reserved_lines(candidate.parsed.field_names, *reserved)
    lines += compatibility.check(candidate.parsed, _parsed(newest, history), in_force.level)
    return compatibility.concluded(lines, in_force.level, validate_fields=in_force.validate_fields)


def _parsed(newest: StoredVersion | None, rest: Iterator[StoredVersion]) -> Iterator[tuple[int, ParsedSchema]]:
    if newest is None:
        return
    yield newest.version, parse_stored(newest)
    for stored in rest:
        yield stored.version, parse_stored(stored)


def _group(metadata: Body | None, in_force: InForce) -> str | None:
    """The value of the property by which versions are divided; null is a value too."""
    if in_force.compatibility_group is None:
        return None
    value: str | None = (metadata or {}).get("properties", {}).get(in_force.compatibility_group)
    return value


def _prepared(
    principal: access.Principal, subject: SubjectName, definition: Definition, in_force: InForce, *, normalize: bool
) -> Candidate:
    rules.check(definition.rule_set)
    candidate = candidates.prepare(
        principal=principal,
        subject=subject,
        definition=definition,
        normalize=normalize or in_force.normalize,
        validate=in_force.validate_new_schemas,
    )
    if candidate.refusal is not None:
        raise candidate.refusal
    return candidate


def _newest_first(versions: SchemaVersionQuerySet) -> Iterator[StoredVersion]:
    piece = versions.newest_first()[:1].stored()
    while piece:
        yield from piece
        piece = versions.newest_first().filter(version__lt=piece[-1].version)[:_PIECE].stored()
