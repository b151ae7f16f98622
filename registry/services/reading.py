"""Reads of what is stored. A thing the caller may not view is not there."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, Max, OuterRef, Q

from registry import access, names
from registry.bodies import StoredVersion
from registry.errors import SchemaNotFound, SubjectNotFound, VersionNotFound
from registry.models import Context, SchemaVersion, Subject
from registry.names import DEFAULT_CONTEXT, LATEST, SubjectName
from registry.querysets import SchemaVersionQuerySet
from registry.services import references

ALL_CONTEXTS = ":*:"


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
    """Which versions a list shows."""

    include_deleted: bool = False
    only_deleted: bool = False


def list_subjects(*, principal: access.Principal, prefix: str, deletion: Deletion, page: Page) -> list[str]:
    """Qualified names in order. A subject counts as deleted only if all its versions are."""
    subjects = Subject.objects.visible_to(principal).filter(_in_prefix(prefix)).filter(versions__isnull=False)
    live = Subject.objects.filter(versions__deleted_at__isnull=True, versions__isnull=False)
    if deletion.only_deleted:
        subjects = subjects.exclude(pk__in=live)
    elif not deletion.include_deleted:
        subjects = subjects.filter(pk__in=live)
    rows = subjects.order_by("context__name", "name").distinct().values_list("context__name", "name")
    return [str(SubjectName(*row)) for row in rows[page.offset : page.end]]


def list_versions(*, principal: access.Principal, subject_name: str, deletion: Deletion, page: Page) -> list[int]:
    """Version numbers, ascending. Raises SubjectNotFound when none is left to show."""
    subject = names.parse(subject_name)
    versions = _shown(SchemaVersion.objects.visible_to(principal).of(subject), deletion)
    numbers = list(versions.order_by("version").values_list("version", flat=True)[page.offset : page.end])
    if not numbers and not versions.exists():
        raise SubjectNotFound(str(subject))
    return numbers


def get_version(
    *, principal: access.Principal, subject_name: str, version: int, include_deleted: bool = False
) -> StoredVersion:
    """One version; LATEST is the newest that is approved. Raises SubjectNotFound, VersionNotFound."""
    subject = names.parse(subject_name)
    versions = SchemaVersion.objects.visible_to(principal).of(subject)
    shown = versions if include_deleted else versions.live()
    wanted = versions.latest_first() if version == LATEST else shown.filter(version=version)
    if stored := wanted.first_stored():
        return stored
    if shown.exists():
        raise VersionNotFound(version)
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


def list_schemas(
    *, principal: access.Principal, prefix: str, include_deleted: bool, only_latest: bool, page: Page
) -> list[StoredVersion]:
    """Versions by subject and number; with `only_latest` the newest one of each subject."""
    versions = SchemaVersion.objects.visible_to(principal).filter(_in_prefix(prefix, path="subject__"))
    if not include_deleted:
        versions = versions.live()
    if only_latest:
        newer = versions.filter(subject=OuterRef("subject"), version__gt=OuterRef("version"))
        versions = versions.filter(~Exists(newer))
    ordered = versions.order_by("subject__context__name", "subject__name", "version")
    return ordered[page.offset : page.end].stored()


def get_by_id(*, principal: access.Principal, schema_id: int, subject_name: str) -> StoredVersion:
    """The content of an id with the binding to show: the subject's last one, else the oldest, live ones first.

    Raises SchemaNotFound, also when the caller may view none of the subjects that carry it.
    """
    bindings = _bindings(principal, schema_id)
    named = bindings.of(names.parse(subject_name)).order_by("-version").first_stored() if subject_name else None
    found = named or bindings.live().order_by("pk").first_stored() or bindings.order_by("pk").first_stored()
    if found is None:
        raise SchemaNotFound(schema_id)
    return found


def list_bindings(
    *, principal: access.Principal, schema_id: int, include_deleted: bool, page: Page
) -> list[tuple[SubjectName, int]]:
    """Subject and version, one a subject (its last), in order of the subject. Raises SchemaNotFound."""
    bindings = _bindings(principal, schema_id)
    if not bindings.exists():
        raise SchemaNotFound
    shown = bindings if include_deleted else bindings.live()
    rows = (
        shown.values_list("subject__context__name", "subject__name")
        .annotate(last=Max("version"))
        .order_by("subject__context__name", "subject__name")
    )
    return [(SubjectName(context, name), last) for context, name, last in rows[page.offset : page.end]]


def get_by_guid(*, principal: access.Principal, guid: str) -> StoredVersion:
    """Raises SchemaNotFound for an unknown guid, and for one that is no UUID at all."""
    bindings = _carriers(principal, guid)
    found = bindings.live().order_by("pk").first_stored() or bindings.order_by("pk").first_stored()
    if found is None:
        raise SchemaNotFound(guid)
    return found


def list_ids(*, principal: access.Principal, guid: str) -> list[tuple[str, int]]:
    """Context and id under which a content is known, in order; none for an unknown guid."""
    rows = _carriers(principal, guid).values_list("schema_id__context__name", "schema_id__number").distinct()
    return sorted(rows)


def highest_id() -> int:
    """Of the default context: the last id that was given out."""
    return Context.objects.filter(name=DEFAULT_CONTEXT).values_list("last_id", flat=True).first() or 0


def _bindings(principal: access.Principal, schema_id: int) -> SchemaVersionQuerySet:
    return SchemaVersion.objects.visible_to(principal).filter(
        schema_id__number=schema_id, schema_id__context__name=DEFAULT_CONTEXT
    )


def _carriers(principal: access.Principal, guid: str) -> SchemaVersionQuerySet:
    try:
        wanted = UUID(guid)
    except ValueError:
        return SchemaVersion.objects.none()
    return SchemaVersion.objects.visible_to(principal).filter(schema_id__schema__guid=wanted)


def _shown(versions: SchemaVersionQuerySet, deletion: Deletion) -> SchemaVersionQuerySet:
    if deletion.only_deleted:
        return versions.filter(deleted_at__isnull=False)
    return versions if deletion.include_deleted else versions.live()


def _in_prefix(prefix: str, *, path: str = "") -> Q:
    """Subjects whose name begins with `prefix`: `:*:x` in all contexts, `:.c:x` in one, `x` in the default one."""
    if "\0" in prefix:
        return Q(pk__in=[])
    if prefix.startswith(ALL_CONTEXTS):
        return access.in_prefix(prefix.removeprefix(ALL_CONTEXTS), path=path)
    subject = names.parse(prefix)
    return Q(**{f"{path}context__name": subject.context}) & access.in_prefix(subject.name, path=path)
