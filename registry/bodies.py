"""The JSON objects of the wire, pure: what a request holds, and how a stored version is shown.

Answers omit what is empty; `false` and `0` stay. The content part (guid, type, text, references) never changes for an
id; the binding part (subject, version, ts, deleted) does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast
from uuid import UUID

from registry import shapes
from registry.names import SubjectName
from registry.schemas.base import Reference, SchemaTags

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tagging:
    """What is to become of the tags inside a schema; even without any change it asks for a new version."""

    add: tuple[SchemaTags, ...] = ()
    remove: tuple[SchemaTags, ...] = ()
    inherit: bool = False


@dataclass(frozen=True, slots=True)
class Definition:
    """A schema as a client sends it: the text is not parsed, the references are not resolved.

    `version` 0 is the ordinary case; -1 asks for the latest version or a new one, any other for exactly this new one.
    `schema_id` is an id that is given and not drawn.
    """

    text: str
    schema_type: str = "AVRO"
    references: tuple[Reference, ...] = ()
    metadata: Body | None = None
    rule_set: Body | None = None
    version: int = 0
    schema_id: int | None = None
    tagging: Tagging | None = None


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """One version with its content, as read from the store in one query."""

    pk: int
    subject_pk: int
    subject: SubjectName
    version: int
    schema_id_pk: int
    schema_id: int
    guid: UUID
    schema_type: str
    text: str
    references: list[dict[str, Any]]
    metadata: Body | None
    rule_set: Body | None
    registered_at: datetime
    deleted_at: datetime | None
    owner_id: int
    visibility: str
    # Shown only where they are asked for.
    tags: tuple[SchemaTags, ...] = ()

    @property
    def as_definition(self) -> Definition:
        """The text again, as a client would send it, without what stands beside it."""
        references = tuple(Reference(each["name"], each["subject"], each["version"]) for each in self.references)
        return Definition(self.text, self.schema_type, references)


@dataclass(frozen=True, slots=True)
class SubjectSummary:
    """A subject as people list it."""

    subject: SubjectName
    owner: str
    visibility: str
    lifecycle: str
    versions: int
    newest: int | None


@dataclass(frozen=True, slots=True)
class VersionSummary:
    version: int
    schema_id: int
    lifecycle: str
    sunset_on: date | None
    registered_at: datetime
    registered_by: str


@dataclass(frozen=True, slots=True)
class SubjectDetail:
    """A subject with the level in force, what the caller may do to it, and its versions, newest first."""

    summary: SubjectSummary
    level: str
    permissions: tuple[str, ...]
    versions: tuple[VersionSummary, ...]


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _beside_the_text(stored: StoredVersion) -> shapes.BesideTheText:
    found: shapes.BesideTheText = {}
    if stored.references:
        found["references"] = cast(list[shapes.SchemaReference], stored.references)
    if stored.metadata is not None:
        found["metadata"] = cast(shapes.Metadata, stored.metadata)
    if stored.rule_set is not None:
        found["ruleSet"] = cast(shapes.RuleSet, stored.rule_set)
    return found


def _tags(stored: StoredVersion) -> shapes.Tags:
    listed: list[shapes.SchemaTags] = [
        {
            "schemaEntity": {"entityPath": each.entity.path, "entityType": each.entity.type.value},
            "tags": list(each.tags),
        }
        for each in stored.tags
    ]
    return {"schemaTags": listed} if listed else {}


def _binding_times(stored: StoredVersion) -> shapes.Times:
    return {"ts": _milliseconds(stored.registered_at), "deleted": stored.deleted_at is not None}


def registered(stored: StoredVersion, *, shown_as_stored: bool) -> shapes.RegisterSchemaResponse:
    return {
        "id": stored.schema_id,
        "version": stored.version,
        "guid": str(stored.guid),
        "schemaType": stored.schema_type,
        **_beside_the_text(stored),
        "schema": stored.text,
        **(_binding_times(stored) if shown_as_stored else shapes.Times()),
    }


def schema(stored: StoredVersion) -> shapes.Schema:
    return {**exact_schema(stored), **_tags(stored), **_binding_times(stored)}


def exact_schema(stored: StoredVersion) -> shapes.ExactSchema:
    return {
        "subject": str(stored.subject),
        "version": stored.version,
        "id": stored.schema_id,
        "guid": str(stored.guid),
        "schemaType": stored.schema_type,
        **_beside_the_text(stored),
        "schema": stored.text,
    }


def extended_schema(stored: StoredVersion, aliases: Sequence[str]) -> shapes.ExtendedSchema:
    shown: shapes.Aliases = {"aliases": list(aliases)} if aliases else {}
    return {**schema(stored), **shown}


def schema_string(stored: StoredVersion, highest_id: int | None = None) -> shapes.SchemaString:
    shown: shapes.HighestId = {} if highest_id is None else {"maxId": highest_id}
    return {
        "subject": str(stored.subject),
        "version": stored.version,
        **schema_string_of_content(stored),
        **shown,
    }


def schema_string_of_content(stored: StoredVersion) -> shapes.SchemaStringOfContent:
    return {
        "guid": str(stored.guid),
        "schemaType": stored.schema_type,
        "schema": stored.text,
        **_beside_the_text(stored),
        **_tags(stored),
        **_binding_times(stored),
    }


def subject_versions(bindings: Sequence[tuple[SubjectName, int]]) -> list[shapes.SubjectVersion]:
    return [{"subject": str(subject), "version": version} for subject, version in bindings]


def subject_summary(row: SubjectSummary) -> shapes.SubjectRow:
    return {**_about_subject(row), "versions": row.versions, "newest": row.newest}


def subject_detail(found: SubjectDetail) -> shapes.SubjectDetail:
    return {
        **_about_subject(found.summary),
        "newest": found.summary.newest,
        "compatibility": found.level,
        "permissions": list(found.permissions),
        "versions": [_about_version(row) for row in found.versions],
    }


def _about_subject(row: SubjectSummary) -> shapes.AboutSubject:
    return {
        "subject": str(row.subject),
        "owner": row.owner,
        "visibility": row.visibility,
        "state": row.lifecycle,
    }


def _about_version(row: VersionSummary) -> shapes.VersionRow:
    return {
        "version": row.version,
        "id": row.schema_id,
        "state": row.lifecycle,
        "sunset_on": row.sunset_on.isoformat() if row.sunset_on else None,
        "registered_at": row.registered_at.isoformat(),
        "registered_by": row.registered_by,
    }
