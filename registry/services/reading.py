"""Reads of subjects and their versions. A thing the caller may not view is not there."""

from collections.abc import Sequence
from dataclasses import dataclass

from registry import access, names
from registry.bodies import StoredVersion
from registry.errors import SchemaNotFound, SubjectNotFound, VersionNotFound
from registry.models import SchemaVersion
from registry.names import LATEST, SubjectName
from registry.querysets import SchemaVersionQuerySet
from registry.services import references
from registry.services.showing import AS_STORED, Form, shown


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list: `limit` is already one that is allowed."""

    offset: int
    limit: int

    @property
    def end(self) -> int:
        return self.offset + self.limit


@dataclass(frozen=True, slots=True)
class Deletion:
    """Which versions a list shows; `as_negative` shows all, the deleted ones with a minus."""

    include_deleted: bool = False
    only_deleted: bool = False
    as_negative: bool = False


def list_versions(*, principal: access.Principal, subject_name: str, deletion: Deletion, page: Page) -> list[int]:
    """Version numbers, ascending. Raises SubjectNotFound when none is left to show.

    A minus brings no deleted subject back: for that, deleted versions have to be asked for as well.
    """
    subject = names.parse(subject_name)
    versions = SchemaVersion.objects.visible_to(principal).of(subject)
    chosen = _chosen(versions, deletion)
    listed = versions if deletion.as_negative and chosen.exists() else chosen
    rows = list(listed.order_by("version").values_list("version", "deleted_at")[page.offset : page.end])
    if not rows and not chosen.exists():
        raise SubjectNotFound(str(subject))
    return [-number if deletion.as_negative and deleted_at else number for number, deleted_at in rows]


def _chosen(versions: SchemaVersionQuerySet, deletion: Deletion) -> SchemaVersionQuerySet:
    if deletion.only_deleted and not deletion.as_negative:
        return versions.filter(deleted_at__isnull=False)
    return versions if deletion.include_deleted else versions.live()


def get_version(
    *,
    principal: access.Principal,
    subject_name: str,
    version: int,
    include_deleted: bool = False,
    form: Form = AS_STORED,
) -> StoredVersion:
    """One version; LATEST is the newest that is approved. A name without context is looked for in the others too.

    Raises SubjectNotFound, VersionNotFound, AccessDenied.
    """
    subject = names.parse(subject_name)
    found = _numbered(SchemaVersion.objects.of(subject), version, include_deleted=include_deleted).first_stored()
    if found is None or not access.may_view(principal, found):
        found = _elsewhere(principal, subject, version, include_deleted=include_deleted)
    if found is not None:
        return shown(principal, found, form)
    versions = SchemaVersion.objects.visible_to(principal).of(subject)
    if (versions if include_deleted else versions.live()).exists():
        raise VersionNotFound(version)
    raise SubjectNotFound(str(subject))


def _numbered(versions: SchemaVersionQuerySet, version: int, *, include_deleted: bool) -> SchemaVersionQuerySet:
    if version == LATEST:
        return versions.latest_first()
    return (versions if include_deleted else versions.live()).filter(version=version)


def _elsewhere(
    principal: access.Principal, subject: SubjectName, version: int, *, include_deleted: bool
) -> StoredVersion | None:
    """A name without context may be meant in any other: the version of the first that has it."""
    visible = SchemaVersion.objects.visible_to(principal)
    others = _numbered(visible.elsewhere(subject), version, include_deleted=include_deleted)
    context = others.order_by("subject__context__name").values_list("subject__context__name", flat=True).first()
    if context is None:
        return None
    there = visible.of(SubjectName(context, subject.name))
    return _numbered(there, version, include_deleted=include_deleted).first_stored()


def find_by_metadata(
    *,
    principal: access.Principal,
    subject_name: str,
    properties: Sequence[tuple[str, str]],
    include_deleted: bool,
    form: Form = AS_STORED,
) -> StoredVersion:
    """The newest version whose metadata has all these properties; without any, the newest that has metadata at all.

    Raises SubjectNotFound, SchemaNotFound, AccessDenied.
    """
    subject = names.parse(subject_name)
    versions = SchemaVersion.objects.visible_to(principal).of(subject)
    versions = versions if include_deleted else versions.live()
    with_metadata = versions.released().filter(schema_id__schema__metadata__isnull=False).approved_first()
    for pk, metadata in with_metadata.values_list("pk", "schema_id__schema__metadata"):
        if dict(properties).items() <= (metadata or {}).get("properties", {}).items():
            return shown(principal, versions.filter(pk=pk).stored()[0], form)
    if versions.exists():
        raise SchemaNotFound
    raise SubjectNotFound(str(subject))


def list_referenced_by(
    *, principal: access.Principal, subject_name: str, version: int, include_deleted: bool, page: Page
) -> list[int]:
    target = get_version(
        principal=principal, subject_name=subject_name, version=version, include_deleted=version != LATEST
    )
    return references.referenced_by(
        principal=principal, target=target, include_deleted=include_deleted, offset=page.offset, limit=page.limit
    )
