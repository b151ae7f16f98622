"""Subjects and their versions."""

from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q
from django.utils import timezone

from registry.models.columns import NameField
from registry.models.schemas import Context, SchemaId
from registry.querysets import SchemaVersionQuerySet, SubjectQuerySet


class Visibility(models.TextChoices):
    INTERNAL = "internal"
    RESTRICTED = "restricted"


class Lifecycle(models.TextChoices):
    DRAFT = "draft"
    APPROVED = "approved"
    DEPRECATED = "deprecated"
    RETIRED = "retired"


def _one_of(column: str, choices: type[models.TextChoices], name: str) -> models.CheckConstraint:
    """A constraint rather than `choices`: one more value is then no change of the column."""
    return models.CheckConstraint(condition=Q(**{f"{column}__in": choices.values}), name=name)


class Subject(models.Model):
    context = models.ForeignKey(Context, models.PROTECT, related_name="subjects", db_index=False)
    name = NameField(max_length=512)
    owner = models.ForeignKey(Group, models.PROTECT, related_name="owned_subjects")
    visibility = models.CharField(max_length=16, default=Visibility.INTERNAL)
    lifecycle = models.CharField(max_length=16, default=Lifecycle.APPROVED)
    # Counts every change to the versions, the config and the mode: a writer that checked outside the lock compares it.
    revision = models.BigIntegerField(default=0)
    # Sequence number of the audit event of the last change.
    changed_seq = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)

    objects = SubjectQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["context", "name"], name="subject_unique_name"),
            _one_of("visibility", Visibility, "subject_visibility_known"),
            _one_of("lifecycle", Lifecycle, "subject_lifecycle_known"),
        ]
        # Django makes `view_subject` and `delete_subject` by itself; given at model level they open the admin only.
        permissions = [
            ("register_version", "Can register schemas"),
            ("set_compatibility", "Can set the compatibility level"),
            ("change_lifecycle", "Can change the life cycle"),
            ("manage_subject", "Can manage owner, visibility and grants"),
        ]

    def __str__(self) -> str:
        return self.name


class SchemaVersion(models.Model):
    subject = models.ForeignKey(Subject, models.PROTECT, related_name="versions", db_index=False)
    version = models.IntegerField()
    # The id of the content, as clients see it. Not unique together with the subject: the same content may come back.
    schema_id = models.ForeignKey(
        SchemaId, models.PROTECT, related_name="versions", db_column="schema_id", db_index=False
    )
    lifecycle = models.CharField(max_length=16, default=Lifecycle.APPROVED)
    # The day after which a deprecated version should not be used any more.
    sunset_on = models.DateField(null=True)
    deleted_at = models.DateTimeField(null=True)
    registered_at = models.DateTimeField(default=timezone.now)
    # Who it was, by stable reference and not by key: people leave, the fact stays.
    registered_by = models.CharField(max_length=200)

    objects = SchemaVersionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subject", "version"], name="schemaversion_unique_version"),
            models.CheckConstraint(condition=Q(version__gte=1), name="schemaversion_version_positive"),
            _one_of("lifecycle", Lifecycle, "schemaversion_lifecycle_known"),
        ]
        # In order, so that the first one that somebody may view is found without reading the others.
        indexes = [models.Index(fields=["schema_id", "id"], name="schemaversion_id_in_order")]

    def __str__(self) -> str:
        return f"{self.subject} {self.version}"
