"""What people see of subjects: lists with owner and state, and one subject with all its versions."""

from django.db.models import Count, Max

from registry import access, names
from registry.bodies import SubjectDetail, SubjectSummary, VersionSummary
from registry.errors import SubjectNotFound
from registry.models import SchemaVersion, Subject
from registry.names import SubjectName
from registry.services import config


def list_subjects(*, principal: access.Principal, prefix: str, after: str, limit: int) -> list[SubjectSummary]:
    """Subjects by context and name, those behind `after`; without a prefix those of all contexts."""
    return _summaries(Subject.objects.all_visible_to(principal).page(prefix=prefix, after=after, limit=limit))


def get_subject(*, principal: access.Principal, subject_name: str) -> SubjectDetail:
    """Raises SubjectNotFound."""
    name = names.parse(subject_name)
    visible = Subject.objects.visible_to(principal).named(name)
    subject = visible.select_related("context", "owner").first()
    if subject is None:
        raise SubjectNotFound(str(name))
    (summary,) = _summaries([subject])
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


def _summaries(subjects: list[Subject]) -> list[SubjectSummary]:
    """Counted are the versions of those that are shown, and not all there are before they are sorted."""
    versions = SchemaVersion.objects.live().filter(subject__in=[row.pk for row in subjects]).values_list("subject")
    counted = versions.annotate(count=Count("pk"), newest=Max("version")).order_by()
    counts = {subject: (count, newest) for subject, count, newest in counted}
    return [
        SubjectSummary(
            SubjectName(row.context.name, row.name),
            row.owner.name,
            row.visibility,
            row.lifecycle,
            *counts.get(row.pk, (0, None)),
        )
        for row in subjects
    ]
