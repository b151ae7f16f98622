"""What people see of subjects: lists with owner and state, and one subject with all its versions."""

from django.db.models import Count, Max, Q

from registry import access, names
from registry.bodies import SubjectDetail, SubjectSummary, VersionSummary
from registry.errors import SubjectNotFound
from registry.models import SchemaVersion, Subject
from registry.names import SubjectName
from registry.querysets import SubjectQuerySet
from registry.services import config

_LIVE = Q(versions__deleted_at__isnull=True)


def list_subjects(*, principal: access.Principal, prefix: str, after: str, limit: int) -> list[SubjectSummary]:
    """Subjects by context and name, those behind `after`; without a prefix those of all contexts. One query."""
    subjects = Subject.objects.visible_to(principal)
    if prefix:
        subjects = subjects.filter(access.in_qualified_prefix(prefix))
    if after:
        subjects = subjects.filter(_behind(after))
    return _summaries(subjects.order_by("context__name", "name")[:limit])


def _behind(subject_name: str) -> Q:
    last = names.parse(subject_name)
    if not names.is_storable(last):
        return Q(pk__in=[])
    return Q(context__name__gt=last.context) | Q(context__name=last.context, name__gt=last.name)


def get_subject(*, principal: access.Principal, subject_name: str) -> SubjectDetail:
    """Raises SubjectNotFound."""
    name = names.parse(subject_name)
    visible = Subject.objects.visible_to(principal).named(name)
    summary = next(iter(_summaries(visible)), None)
    if summary is None:
        raise SubjectNotFound(str(name))
    subject = visible.get()
    rows = (
        SchemaVersion.objects.filter(subject=subject)
        .live()
        .newest_first()
        .values_list("version", "schema_id__number", "lifecycle", "sunset_on", "registered_at", "registered_by")
    )
    return SubjectDetail(
        summary=summary,
        level=str(config.in_force(name).level),
        permissions=tuple(sorted(access.effective(principal, name, subject))),
        versions=tuple(VersionSummary(*row) for row in rows),
    )


def _summaries(subjects: SubjectQuerySet) -> list[SubjectSummary]:
    rows = subjects.annotate(
        live=Count("versions", filter=_LIVE), newest=Max("versions__version", filter=_LIVE)
    ).values_list("context__name", "name", "owner__name", "visibility", "lifecycle", "live", "newest")
    return [SubjectSummary(SubjectName(context, name), *rest) for context, name, *rest in rows]
