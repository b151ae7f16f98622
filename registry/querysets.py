"""Chainable reads. Every read of a request begins with `visible_to`."""

from functools import cache
from typing import TYPE_CHECKING, Self

from django.apps import apps
from django.db import models
from django.db.models.expressions import RawSQL
from django.db.models.functions import Concat

from registry import access
from registry.bodies import StoredVersion
from registry.names import ALL_CONTEXTS, DEFAULT_CONTEXT, SubjectName, is_storable, parse

if TYPE_CHECKING:
    from registry.models import SchemaVersion, Subject  # noqa: F401 - named in the bases below

_STORED = (
    "pk",
    "subject_id",
    "subject__context__name",
    "subject__name",
    "version",
    "schema_id",
    "schema_id__number",
    "schema_id__schema__guid",
    "schema_id__schema__schema_type",
    "schema_id__schema__text",
    "schema_id__schema__references",
    "schema_id__schema__metadata",
    "schema_id__schema__rule_set",
    "registered_at",
    "deleted_at",
    "subject__owner_id",
    "subject__visibility",
)


# Primary keys as single values. Where they are joined, a database may walk over all subjects of the context instead.


def context_pk(name: str) -> RawSQL:
    return RawSQL(_filled("{context}"), [name])  # noqa: S611 - names of models


def subject_pk(subject: SubjectName) -> RawSQL:
    statement = "SELECT s.id FROM {Subject} s WHERE s.context_id = ({context}) AND s.name = %s"
    return RawSQL(_filled(statement), [subject.context, subject.name])  # noqa: S611


def schema_id_pk(context: str, number: int) -> RawSQL:
    statement = "SELECT i.id FROM {SchemaId} i WHERE i.context_id = ({context}) AND i.number = %s"
    return RawSQL(_filled(statement), [context, number])  # noqa: S611


def _elsewhere(name: str) -> RawSQL:
    """One look at the index for each context. SQLite keeps to the order of a CROSS JOIN."""
    statement = (
        "SELECT s.id FROM {Context} c CROSS JOIN {Subject} s WHERE c.name <> %s AND s.context_id = c.id AND s.name = %s"
    )
    return RawSQL(_filled(statement), [DEFAULT_CONTEXT, name])  # noqa: S611


@cache
def _filled(statement: str) -> str:
    tables = {name: apps.get_model("registry", name)._meta.db_table for name in ("Context", "Subject", "SchemaId")}
    context = "SELECT c.id FROM {Context} c WHERE c.name = %s".format(**tables)  # noqa: S608
    return statement.format(context=context, **tables)


def qualified_name(path: str = "") -> models.Case:
    """The name as the protocol writes it, for the order of lists; `path` leads to the subject, as in `subject__`."""
    parts = models.Value(":"), f"{path}context__name", models.Value(":"), f"{path}name"
    return models.Case(
        models.When(**{f"{path}context__name": DEFAULT_CONTEXT}, then=models.F(f"{path}name")),
        default=Concat(*parts, output_field=models.CharField()),
        output_field=models.CharField(),
    )


class SubjectQuerySet(models.QuerySet["Subject"]):
    def visible_to(self, principal: access.Principal) -> Self:
        return self.filter(access.filter(principal))

    def all_visible_to(self, principal: access.Principal) -> Self:
        """For a list; one query more."""
        return self.filter(access.filter_all(principal))

    def named(self, subject: SubjectName) -> Self:
        if not is_storable(subject):
            return self.none()
        return self.filter(context__name=subject.context, name=subject.name)

    def elsewhere(self, subject: SubjectName) -> Self:
        """Those of the same name in named contexts; none for a name that is in one, or empty."""
        if subject.context != DEFAULT_CONTEXT or not subject.name or not is_storable(subject):
            return self.none()
        return self.filter(pk__in=_elsewhere(subject.name))

    def page(self, *, prefix: str, after: str, limit: int) -> "list[Subject]":
        """The first by context and name of those that begin so, behind `after`; without a prefix of all contexts.

        Two queries: PostgreSQL follows the index on names within one context only, so the others are asked for where
        the one in which the page begins does not fill it.
        """
        begin = parse(after or prefix)
        if not is_storable(begin):
            return []
        rows = self.filter(access.in_qualified_prefix(prefix or ALL_CONTEXTS)).select_related("context", "owner")
        here = rows.filter(context=context_pk(begin.context)).order_by("name")
        first = list((here.filter(name__gt=begin.name) if after else here)[:limit])
        if len(first) == limit:
            return first
        others = rows.filter(context__name__gt=begin.context).order_by("context__name", "name")
        return [*first, *others[: limit - len(first)]]


class SchemaVersionQuerySet(models.QuerySet["SchemaVersion"]):
    def visible_to(self, principal: access.Principal) -> Self:
        return self.filter(access.filter(principal, path="subject__"))

    def all_visible_to(self, principal: access.Principal) -> Self:
        """For a list; one query more."""
        return self.filter(access.filter_all(principal, path="subject__"))

    def of(self, subject: SubjectName) -> Self:
        return self.filter(subject=subject_pk(subject)) if is_storable(subject) else self.none()

    def with_id(self, context: str, number: int) -> Self:
        """Those that carry this id, as it is meant in the context."""
        return self.none() if "\0" in context else self.filter(schema_id=schema_id_pk(context, number))

    def elsewhere(self, subject: SubjectName) -> Self:
        """Versions of the same name in named contexts; none for a name that is in one, or empty."""
        if subject.context != DEFAULT_CONTEXT or not subject.name or not is_storable(subject):
            return self.none()
        return self.filter(subject__in=_elsewhere(subject.name))

    def live(self) -> Self:
        return self.filter(deleted_at__isnull=True)

    def released(self) -> Self:
        """What people and machines are meant to use, or were: approved or deprecated."""
        return self.filter(lifecycle__in=["approved", "deprecated"])

    def published(self) -> Self:
        return self.live().released()

    def baseline(self) -> Self:
        """What a new version has to get along with: a draft was never used, a retired one may still lie in topics."""
        return self.live().exclude(lifecycle="draft")

    def latest_first(self) -> Self:
        """`latest` first: the newest approved version, and a deprecated one only if none is approved."""
        return self.published().approved_first()

    def approved_first(self) -> Self:
        is_deprecated = models.Case(models.When(lifecycle="approved", then=0), default=1)
        return self.order_by(is_deprecated, "-version")

    def newest_first(self) -> Self:
        return self.order_by("-version")

    def stored(self) -> list[StoredVersion]:
        """The rows as values, in one query."""
        return [
            StoredVersion(pk, subject_pk, SubjectName(context, name), *rest)
            for pk, subject_pk, context, name, *rest in self.values_list(*_STORED)
        ]

    def first_stored(self) -> StoredVersion | None:
        """The first row in the order asked for, or none."""
        return next(iter(self[:1].stored()), None)

    def first_visible(self, principal: access.Principal) -> StoredVersion | None:
        """The first row in the order asked for that the principal may view, or none."""
        first = self.first_stored()
        if first is None or access.may_view(principal, first):
            return first
        return self.all_visible_to(principal).first_stored()
