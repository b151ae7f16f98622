"""Policies: keys set at a scope; for each key the nearest scope wins."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from registry.models.grants import SubjectScope
from registry.models.schemas import Context
from registry.models.subjects import Subject


class PolicyKind(models.TextChoices):
    GLOBAL = "global"
    CONTEXT = "context"
    PREFIX = "prefix"
    SUBJECT = "subject"


class PolicyKey(models.TextChoices):
    INITIAL_STATE = "initial_state"


def _key_of(kind: PolicyKind, column: str | None) -> Q:
    condition = Q(kind=kind)
    for each in ("context", "subject_scope", "subject"):
        condition &= Q(**{f"{each}__isnull": each != column})
    return condition


class Policy(models.Model):
    kind = models.CharField(max_length=8)
    context = models.ForeignKey(Context, models.PROTECT, null=True, related_name="policies", db_index=False)
    subject_scope = models.ForeignKey(SubjectScope, models.CASCADE, null=True, related_name="policies", db_index=False)
    subject = models.ForeignKey(Subject, models.CASCADE, null=True, related_name="policies", db_index=False)
    key = models.CharField(max_length=32)
    value = models.JSONField()
    # Who set it last, by stable reference, and why: a registration that is refused names both.
    set_by = models.CharField(max_length=200)
    set_at = models.DateTimeField(default=timezone.now)
    reason = models.TextField(blank=True, default="")

    class Meta:
        verbose_name_plural = "policies"
        constraints = [
            models.CheckConstraint(
                condition=_key_of(PolicyKind.GLOBAL, None)
                | _key_of(PolicyKind.CONTEXT, "context")
                | _key_of(PolicyKind.PREFIX, "subject_scope")
                | _key_of(PolicyKind.SUBJECT, "subject"),
                name="policy_kind_fits_key",
            ),
            models.UniqueConstraint(fields=["key"], condition=Q(kind=PolicyKind.GLOBAL), name="policy_one_global"),
            models.UniqueConstraint(
                fields=["context", "key"], condition=Q(kind=PolicyKind.CONTEXT), name="policy_one_a_context"
            ),
            models.UniqueConstraint(
                fields=["subject_scope", "key"], condition=Q(kind=PolicyKind.PREFIX), name="policy_one_a_prefix"
            ),
            models.UniqueConstraint(
                fields=["subject", "key"], condition=Q(kind=PolicyKind.SUBJECT), name="policy_one_a_subject"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} at {self.kind}"
