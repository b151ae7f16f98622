"""Would a candidate break anybody? Asked of the stored versions, at the level in force."""

from registry import access, names
from registry.bodies import Definition
from registry.errors import VersionNotFound
from registry.models import SchemaVersion
from registry.models.settings import CompatibilityLevel
from registry.names import LATEST, SubjectName
from registry.querysets import SchemaVersionQuerySet
from registry.schemas import compatibility
from registry.schemas.base import ParsedSchema
from registry.services import candidates, config
from registry.services.parsed import newest_first, parse_stored


def check_all(*, principal: access.Principal, subject_name: str, definition: Definition, normalize: bool) -> list[str]:
    """What registration would say: one line a finding, none if compatible. Raises InvalidSchema."""
    subject = names.parse(subject_name)
    in_force = config.in_force(subject)
    candidate = _prepared(principal, subject, definition, in_force, normalize=normalize)
    return against_baseline(visible_versions(principal, subject), candidate, in_force.level)


def check_one(
    *, principal: access.Principal, subject_name: str, version: int, definition: Definition, normalize: bool
) -> list[str]:
    """The level's direction against one version only. A subject without versions has no latest one to break.

    Raises VersionNotFound, InvalidSchema.
    """
    subject = names.parse(subject_name)
    versions = visible_versions(principal, subject)
    stored = (versions.latest_first() if version == LATEST else versions.filter(version=version)).first_stored()
    if stored is None and version != LATEST:
        raise VersionNotFound(version)
    in_force = config.in_force(subject)
    candidate = _prepared(principal, subject, definition, in_force, normalize=normalize)
    if stored is None:
        return []
    return compatibility.check_version(candidate, stored.version, parse_stored(stored), in_force.level)


def against_baseline(versions: SchemaVersionQuerySet, parsed: ParsedSchema, level: CompatibilityLevel) -> list[str]:
    """Against the newest of `versions` in the baseline, or for a transitive level against all, newest first."""
    return compatibility.check(parsed, newest_first(versions.baseline()), level)


def visible_versions(principal: access.Principal, subject: SubjectName) -> SchemaVersionQuerySet:
    return SchemaVersion.objects.visible_to(principal).of(subject).live()


def _prepared(
    principal: access.Principal,
    subject: SubjectName,
    definition: Definition,
    in_force: config.InForce,
    *,
    normalize: bool,
) -> ParsedSchema:
    candidate = candidates.prepare(
        principal=principal,
        subject=subject,
        definition=definition,
        normalize=normalize or in_force.normalize,
        validate=in_force.validate_new_schemas,
    )
    if candidate.refusal is not None:
        raise candidate.refusal
    return candidate.parsed
