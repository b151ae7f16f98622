"""What an id or a guid stands for: a content, and the subjects that carry it."""

from uuid import UUID

from django.db.models import Exists, Max, Min, OuterRef, QuerySet, Subquery

from registry import access, names
from registry.bodies import StoredVersion
from registry.errors import SchemaNotFound
from registry.models import Context, SchemaId, SchemaVersion
from registry.names import DEFAULT_CONTEXT, SubjectName
from registry.services.reading import Page
from registry.services.showing import AS_STORED, Form, shown


def get_by_id(
    *, principal: access.Principal, schema_id: int, subject_name: str, form: Form = AS_STORED
) -> StoredVersion:
    """The content of an id with the binding to show: the subject's last one, else the oldest, live ones first.

    The subject says in which context the id is meant. Raises SchemaNotFound, also when the caller may view none of the
    subjects that carry it, and AccessDenied.
    """
    found = _found(principal, names.parse(subject_name), schema_id)
    if found is None:
        raise SchemaNotFound(schema_id)
    return shown(principal, found, form)


def list_bindings(
    *, principal: access.Principal, schema_id: int, subject_name: str, include_deleted: bool, page: Page
) -> list[tuple[SubjectName, int]]:
    """Subject and version, one a subject (its last), in order of the subject. Raises SchemaNotFound.

    All are of one context, that in which `get_by_id` finds the id.
    """
    found = _found(principal, names.parse(subject_name), schema_id)
    if found is None:
        raise SchemaNotFound
    bindings = SchemaVersion.objects.all_visible_to(principal).with_id(found.subject.context, schema_id)
    bindings = bindings if include_deleted else bindings.live()
    rows = bindings.values_list("subject__name").annotate(last=Max("version")).order_by("subject__name")
    return [(SubjectName(found.subject.context, name), last) for name, last in rows[page.offset : page.end]]


def _found(principal: access.Principal, subject: SubjectName, schema_id: int) -> StoredVersion | None:
    """The binding to show. Where a subject is named, its last one, or that of the first context which has one."""
    if subject.name:
        numbered = SchemaVersion.objects.filter(schema_id__number=schema_id)
        in_order = numbered.elsewhere(subject).order_by("subject__context__name", "-version")
        named = numbered.of(subject).newest_first().first_visible(principal) or in_order.first_visible(principal)
        # Named together with a context it has to carry the id; else any subject of the context will do.
        if named or subject.context != DEFAULT_CONTEXT:
            return named
    bindings = SchemaVersion.objects.with_id(subject.context, schema_id).order_by("pk")
    return bindings.live().first_visible(principal) or bindings.first_visible(principal)


def get_by_guid(*, principal: access.Principal, guid: str, form: Form = AS_STORED) -> StoredVersion:
    """Raises SchemaNotFound for an unknown guid, and for one that is no UUID at all; AccessDenied."""
    found = _oldest(principal, _ids(guid))
    if found is None:
        raise SchemaNotFound(guid)
    return shown(principal, found, form)


def _oldest(principal: access.Principal, ids: QuerySet[SchemaId]) -> StoredVersion | None:
    """Live ones first. Of each id the first, so that the search ends there."""
    versions = SchemaVersion.objects.visible_to(principal).filter(schema_id=OuterRef("pk")).order_by("pk")
    for chosen in (versions.live(), versions):
        first = ids.aggregate(first=Min(Subquery(chosen.values("pk")[:1])))["first"]
        if first is not None:
            return SchemaVersion.objects.filter(pk=first).first_stored()
    return None


def list_ids(*, principal: access.Principal, guid: str) -> list[tuple[str, int]]:
    """Context and id under which a content is known, in order; none for an unknown guid."""
    carriers = SchemaVersion.objects.visible_to(principal).filter(schema_id=OuterRef("pk"))
    rows = _ids(guid).filter(Exists(carriers)).values_list("context__name", "number")
    return sorted(rows)


def highest_id(context: str) -> int:
    """The last id that was given out in the context, whoever may see what has it."""
    return Context.objects.filter(name=context).values_list("last_id", flat=True).first() or 0


def _ids(guid: str) -> QuerySet[SchemaId]:
    try:
        wanted = UUID(guid)
    except ValueError:
        return SchemaId.objects.none()
    return SchemaId.objects.filter(schema__guid=wanted)
