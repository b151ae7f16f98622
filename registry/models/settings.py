"""Config and mode: one row a scope, keyed by name, since a subject need not exist to have them.

A null column means "not set here".
"""

from django.db import models
from django.db.models import Q

from registry.models.columns import NameField
from registry.models.schemas import Context


class Scope(models.TextChoices):
    """`global` is `:.__GLOBAL:`; the top level of clients is the row of the default context."""

    GLOBAL = "global"
    CONTEXT = "context"
    SUBJECT = "subject"


class CompatibilityLevel(models.TextChoices):
    NONE = "NONE"
    BACKWARD = "BACKWARD"
    BACKWARD_TRANSITIVE = "BACKWARD_TRANSITIVE"
    FORWARD = "FORWARD"
    FORWARD_TRANSITIVE = "FORWARD_TRANSITIVE"
    FULL = "FULL"
    FULL_TRANSITIVE = "FULL_TRANSITIVE"


class ModeName(models.TextChoices):
    READWRITE = "READWRITE"
    READONLY = "READONLY"
    READONLY_OVERRIDE = "READONLY_OVERRIDE"
    IMPORT = "IMPORT"
    FORWARD = "FORWARD"


def _one_row_a_scope(table: str) -> list[models.BaseConstraint]:
    return [
        models.CheckConstraint(
            condition=(
                Q(kind=Scope.GLOBAL, context__isnull=True, subject_name="")
                | Q(kind=Scope.CONTEXT, context__isnull=False, subject_name="")
                | Q(kind=Scope.SUBJECT, context__isnull=False)
            ),
            name=f"{table}_kind_fits_key",
        ),
        models.UniqueConstraint(fields=["kind"], condition=Q(kind=Scope.GLOBAL), name=f"{table}_one_global"),
        models.UniqueConstraint(fields=["context"], condition=Q(kind=Scope.CONTEXT), name=f"{table}_one_a_context"),
        models.UniqueConstraint(
            fields=["context", "subject_name"], condition=Q(kind=Scope.SUBJECT), name=f"{table}_one_a_subject"
        ),
    ]


class ScopedSetting(models.Model):
    kind = models.CharField(max_length=8)
    context = models.ForeignKey(Context, models.PROTECT, null=True, db_index=False)
    subject_name = NameField(max_length=512, blank=True, default="")

    class Meta:
        abstract = True


class Config(ScopedSetting):
    compatibility_level = models.CharField(max_length=20, null=True)  # noqa: DJ001 - null is "not set here"
    normalize = models.BooleanField(null=True)
    validate_fields = models.BooleanField(null=True)
    validate_new_schemas = models.BooleanField(null=True)
    validate_rules = models.BooleanField(null=True)
    alias = models.TextField(null=True)  # noqa: DJ001
    alias_for_deks = models.TextField(null=True)  # noqa: DJ001
    compatibility_policy = models.CharField(max_length=16, null=True)  # noqa: DJ001
    compatibility_group = models.TextField(null=True)  # noqa: DJ001
    default_metadata = models.JSONField(null=True)
    override_metadata = models.JSONField(null=True)
    default_rule_set = models.JSONField(null=True)
    override_rule_set = models.JSONField(null=True)

    class Meta:
        constraints = [
            *_one_row_a_scope("config"),
            models.CheckConstraint(
                condition=Q(compatibility_level__isnull=True) | Q(compatibility_level__in=CompatibilityLevel.values),
                name="config_level_known",
            ),
        ]

    def __str__(self) -> str:
        return f"config of {self.kind} {self.subject_name}"


class Mode(ScopedSetting):
    mode = models.CharField(max_length=20, null=True)  # noqa: DJ001 - null is "not set here"

    class Meta:
        constraints = [
            *_one_row_a_scope("mode"),
            models.CheckConstraint(condition=Q(mode__isnull=True) | Q(mode__in=ModeName.values), name="mode_known"),
        ]

    def __str__(self) -> str:
        return f"mode of {self.kind} {self.subject_name}"
