"""Chainable reads. Every read of a request begins with `visible_to`."""

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models.functions import Concat

from registry import access
from registry.bodies import StoredVersion
from registry.names import DEFAULT_CONTEXT, SubjectName, is_storable

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
)


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

    def named(self, subject: SubjectName) -> Self:
        if not is_storable(subject):
            return self.none()
        return self.filter(context__name=subject.context, name=subject.name)


class SchemaVersionQuerySet(models.QuerySet["SchemaVersion"]):
    def visible_to(self, principal: access.Principal) -> Self:
        return self.filter(access.filter(principal, path="subject__"))

    def of(self, subject: SubjectName) -> Self:
        if not is_storable(subject):
            return self.none()
        return self.filter(subject__context__name=subject.context, subject__name=subject.name)

    def in_context(self, name: str) -> Self:
        return self.none() if "\0" in name else self.filter(subject__context__name=name)

    def elsewhere(self, subject: SubjectName) -> Self:
        """Versions of the same name in named contexts; none for a name that is in one, or empty."""
        if subject.context != DEFAULT_CONTEXT or not subject.name or not is_storable(subject):
            return self.none()
        return self.filter(subject__name=subject.name).exclude(subject__context__name=DEFAULT_CONTEXT)

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
