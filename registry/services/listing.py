"""Lists over subjects: their names, and their schemas. One query each, two where aliases count."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q

from registry import access
from registry.bodies import StoredVersion
from registry.models import SchemaVersion, Subject
from registry.names import SubjectName
from registry.querysets import SchemaVersionQuerySet, qualified_name
from registry.schemas import rules
from registry.services import aliases
from registry.services.reading import Deletion, Page


@dataclass(frozen=True, slots=True)
class Filter:
    """Which versions a list of schemas shows. `rule_type` is looked at last: after the newest were chosen."""

    prefix: str = ""
    with_aliases: bool = False
    include_deleted: bool = False
    only_latest: bool = False
    rule_type: str = ""


def list_subjects(*, principal: access.Principal, prefix: str, deletion: Deletion, page: Page) -> list[str]:
    """Qualified names in order. A subject counts as deleted only if all its versions are."""
    versions = SchemaVersion.objects.filter(subject=OuterRef("pk"))
    subjects = Subject.objects.all_visible_to(principal).filter(access.in_qualified_prefix(prefix))
    if deletion.only_deleted:
        subjects = subjects.filter(Exists(versions), ~Exists(versions.live()))
    else:
        subjects = subjects.filter(Exists(versions if deletion.include_deleted else versions.live()))
    rows = subjects.order_by(qualified_name()).values_list("context__name", "name")
    return [str(SubjectName(*row)) for row in rows[page.offset : page.end]]


def list_schemas(
    *, principal: access.Principal, wanted: Filter, page: Page
) -> list[tuple[StoredVersion, tuple[str, ...]]]:
    """Versions by subject and number, each with the aliases of its subject.

    The target of an alias counts by the alias's name, too. With `only_latest` the newest version of each subject.
    """
    named = aliases.by_target(principal=principal, prefix=wanted.prefix) if wanted.with_aliases else {}
    versions = SchemaVersion.objects.all_visible_to(principal).filter(_in(wanted.prefix, named))
    if not wanted.include_deleted:
        versions = versions.live()
    if wanted.only_latest:
        newer = versions.filter(subject=OuterRef("subject"), version__gt=OuterRef("version"))
        versions = versions.filter(~Exists(newer))
    if wanted.rule_type:
        versions = versions.filter(pk__in=_with_rules_of(versions, wanted.rule_type))
    ordered = versions.order_by(qualified_name("subject__"), "version")
    return [(stored, tuple(named.get(stored.subject, ()))) for stored in ordered[page.offset : page.end].stored()]


def _in(prefix: str, named: Mapping[SubjectName, Any]) -> Q:
    """Subjects that begin so, and those that an alias stands for."""
    condition = access.in_qualified_prefix(prefix, path="subject__")
    by_context: dict[str, list[str]] = {}
    for subject in named:
        by_context.setdefault(subject.context, []).append(subject.name)
    for context, found in by_context.items():
        condition |= Q(subject__context__name=context, subject__name__in=found)
    return condition


def _with_rules_of(versions: SchemaVersionQuerySet, rule_type: str) -> list[int]:
    """Of the few that have rules at all, those with one of this type in any of the lists."""
    rows = versions.filter(schema_id__schema__rule_set__isnull=False).values_list("pk", "schema_id__schema__rule_set")
    return [pk for pk, rule_set in rows if rules.has_type(rule_set, rule_type)]
