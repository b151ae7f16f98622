"""Would a candidate break anybody? Asked of the stored versions, by the config in force."""

from django.db.models import TextField
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Cast

from registry import access, names
from registry.bodies import Body, Definition
from registry.errors import VersionNotFound
from registry.models import SchemaVersion
from registry.names import LATEST, SubjectName
from registry.querysets import SchemaVersionQuerySet
from registry.schemas import compatibility, rules
from registry.services import candidates, config
from registry.services.candidates import Candidate
from registry.services.config import InForce
from registry.services.parsed import newest_first


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
    chosen = versions.filter(version=stored.version) if stored else versions.none()
    return _findings(chosen, candidate, in_force)


def findings(versions: SchemaVersionQuerySet, candidate: Candidate, in_force: InForce) -> list[str]:
    """Against the newest of `versions` in the baseline, or for a transitive level against all, newest first."""
    return _findings(versions.baseline(), candidate, in_force)


def visible_versions(principal: access.Principal, subject: SubjectName) -> SchemaVersionQuerySet:
    return SchemaVersion.objects.visible_to(principal).of(subject).live()


def _findings(versions: SchemaVersionQuerySet, candidate: Candidate, in_force: InForce) -> list[str]:
    compared = _in_group(versions, candidate.metadata, in_force.compatibility_group)
    lines = _reserved(compared, candidate) if in_force.validate_fields else []
    lines += compatibility.check(candidate.parsed, newest_first(compared), in_force.level)
    return compatibility.concluded(lines, in_force.level, validate_fields=in_force.validate_fields)


def _in_group(versions: SchemaVersionQuerySet, metadata: Body | None, group: str | None) -> SchemaVersionQuerySet:
    """Those with the candidate's value of the property by which versions are divided; none is a value too."""
    if group is None:
        return versions
    value = (metadata or {}).get("properties", {}).get(group)
    property_ = KeyTextTransform(group, KeyTransform("properties", "schema_id__schema__metadata"))
    # As a text, or SQLite would compare it with JSON.
    divided = versions.alias(group=Cast(property_, TextField()))
    return divided.filter(group__isnull=True) if value is None else divided.filter(group=value)


def _reserved(versions: SchemaVersionQuerySet, candidate: Candidate) -> list[str]:
    newest = versions.newest_first().first_stored()
    before, now = rules.reserved(newest.metadata if newest else None), rules.reserved(candidate.metadata)
    return compatibility.reserved_lines(candidate.parsed.field_names, before, now)


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
