"""Mode: what may be done to the subjects of a scope."""

from django.db.models import Q

from registry import names
from registry.models import Mode
from registry.models.settings import ModeName, Scope
from registry.names import SubjectName


def in_force(subject: SubjectName) -> ModeName:
    """The subject's own mode, else its context's, else that of `:.__GLOBAL:`, else READWRITE."""
    if not names.is_storable(subject):
        return ModeName.READWRITE
    rows = Mode.objects.filter(mode__isnull=False).filter(
        Q(kind=Scope.GLOBAL)
        | Q(kind=Scope.CONTEXT, context__name=subject.context)
        | Q(kind=Scope.SUBJECT, context__name=subject.context, subject_name=subject.name)
    )
    found = {row.kind: row.mode for row in rows}
    given = found.get(Scope.SUBJECT) or found.get(Scope.CONTEXT) or found.get(Scope.GLOBAL)
    return ModeName(given or ModeName.READWRITE)
