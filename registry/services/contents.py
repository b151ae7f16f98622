"""What an id or a guid stands for: a content, and the subjects that carry it."""

from uuid import UUID

from django.db.models import Max

from registry import access, names
from registry.bodies import StoredVersion
from registry.errors import SchemaNotFound
from registry.models import Context, SchemaVersion
from registry.names import DEFAULT_CONTEXT, SubjectName
from registry.querysets import SchemaVersionQuerySet
from registry.services.reading import Page
from registry.services.showing import AS_STORED, Form, shown


def get_by_id(
    *, principal: access.Principal, schema_id: int, subject_name: str, form: Form = AS_STORED
) -> StoredVersion:
    """The content of an id with the binding to show: the subject's last one, else the oldest, live ones first.

    The subject says in which context the id is meant. Raises SchemaNotFound, also when the caller may view none of the
    subjects that carry it, and AccessDenied.
    """
    subject = names.parse(subject_name)
    bindings = SchemaVersion.objects.visible_to(principal).filter(schema_id__number=schema_id)
    found = _named(bindings, subject) or _oldest(_unnamed(bindings, subject))
    if found is None:
        raise SchemaNotFound(schema_id)
    return shown(principal, found, form)


def list_bindings(
    *, principal: access.Principal, schema_id: int, subject_name: str, include_deleted: bool, page: Page
) -> list[tuple[SubjectName, int]]:
    """Subject and version, one a subject (its last), in order of the subject. Raises SchemaNotFound.

    All are of one context, that in which `get_by_id` finds the id.
    """
    subject = names.parse(subject_name)
    bindings = SchemaVersion.objects.visible_to(principal).filter(schema_id__number=schema_id)
    found = _named(bindings, subject) or _oldest(_unnamed(bindings, subject))
    if found is None:
        raise SchemaNotFound
    bindings = bindings.in_context(found.subject.context)
    bindings = bindings if include_deleted else bindings.live()
    rows = bindings.values_list("subject__name").annotate(last=Max("version")).order_by("subject__name")
    return [(SubjectName(found.subject.context, name), last) for name, last in rows[page.offset : page.end]]


def _named(bindings: SchemaVersionQuerySet, subject: SubjectName) -> StoredVersion | None:
    """The subject's last binding; where a name without context has none, that of the first context which has one."""
    if not subject.name:
        return None
    found = bindings.of(subject).newest_first().first_stored()
    return found or bindings.elsewhere(subject).order_by("subject__context__name", "-version").first_stored()


def _unnamed(bindings: SchemaVersionQuerySet, subject: SubjectName) -> SchemaVersionQuerySet:
    """Any subject of the context will do, unless one was named together with a context: that has to carry the id."""
    is_bound = subject.name and subject.context != DEFAULT_CONTEXT
    return bindings.none() if is_bound else bindings.in_context(subject.context)


def _oldest(bindings: SchemaVersionQuerySet) -> StoredVersion | None:
    return bindings.live().order_by("pk").first_stored() or bindings.order_by("pk").first_stored()


def get_by_guid(*, principal: access.Principal, guid: str, form: Form = AS_STORED) -> StoredVersion:
    """Raises SchemaNotFound for an unknown guid, and for one that is no UUID at all; AccessDenied."""
    found = _oldest(_carriers(principal, guid))
    if found is None:
        raise SchemaNotFound(guid)
    return shown(principal, found, form)


def list_ids(*, principal: access.Principal, guid: str) -> list[tuple[str, int]]:
    """Context and id under which a content is known, in order; none for an unknown guid."""
    rows = _carriers(principal, guid).values_list("schema_id__context__name", "schema_id__number").distinct()
    return sorted(rows)


def highest_id(context: str) -> int:
    """The last id that was given out in the context, whoever may see what has it."""
    return Context.objects.filter(name=context).values_list("last_id", flat=True).first() or 0


def _carriers(principal: access.Principal, guid: str) -> SchemaVersionQuerySet:
    try:
        wanted = UUID(guid)
    except ValueError:
        return SchemaVersion.objects.none()
    return SchemaVersion.objects.visible_to(principal).filter(schema_id__schema__guid=wanted)
