"""Aliases: a subject's config may say that its name stands for another subject.

One hop and no further; what the config of a context says about aliases counts for nothing.
"""

from functools import lru_cache

from django.db import connection
from django.db.models import Exists, F, OuterRef

from registry import access, names
from registry.models import Config, Context, Subject
from registry.models.settings import Scope
from registry.names import SubjectName
from registry.querysets import qualified_name


def target(subject_name: str) -> str:
    """The name that is meant: what an alias stands for, and any other name itself.

    Written out, because every request for a subject asks this.
    """
    alias = names.parse(subject_name)
    if not alias.name or not names.is_storable(alias):
        return subject_name
    with connection.cursor() as cursor:
        cursor.execute(_statement(), [alias.context, alias.name])
        row = cursor.fetchone()
    return str(names.parse_within(alias.context, row[0])) if row and row[0] else subject_name


def by_target(*, principal: access.Principal, prefix: str) -> dict[SubjectName, list[str]]:
    """Subjects with those of their aliases that begin so, in order. One query.

    An alias may be the name of a subject as well; of one that may not be viewed nobody is told.
    """
    subjects = Subject.objects.filter(context=OuterRef("context"), name=OuterRef("subject_name"))
    rows = (
        Config.objects.alias(name=F("subject_name"))
        .filter(access.in_qualified_prefix(prefix) & access.in_prefixes(principal), kind=Scope.SUBJECT, alias__gt="")
        .filter(~Exists(subjects) | Exists(subjects.visible_to(principal)))
        .order_by(qualified_name())
    )
    found: dict[SubjectName, list[str]] = {}
    for context, name, alias in rows.values_list("context__name", "subject_name", "alias"):
        found.setdefault(names.parse_within(context, alias or ""), []).append(str(SubjectName(context, name)))
    return found


@lru_cache(maxsize=1)
def _statement() -> str:
    return (
        f"SELECT s.alias FROM {Config._meta.db_table} s JOIN {Context._meta.db_table} c ON c.id = s.context_id "  # noqa: S608 - names of models
        "WHERE s.kind = 'subject' AND c.name = %s AND s.subject_name = %s"
    )
