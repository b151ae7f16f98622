"""Contents and the ids under which clients know them."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from registry.models.columns import NameField


class Context(models.Model):
    """A name space of subjects with an id counter of its own: `.` is the default one."""

    name = NameField(max_length=256, unique=True)
    last_id = models.IntegerField(default=0)
    # Since it was first registered in, or first again after its deletion: only then is it listed. Settings may come
    # before, and they and the counter outlive a deletion.
    opened_at = models.DateTimeField(null=True)
    environment = models.CharField(max_length=64, blank=True, default="")
    order = models.IntegerField(null=True)
    protected = models.BooleanField(default=False)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(last_id__gte=0), name="context_last_id_not_negative")]
        permissions = [("manage_global", "May do everything to every subject and in every context")]

    def __str__(self) -> str:
        return self.name


class Schema(models.Model):
    """One content, stored once and never updated. The guid is an index, not a proof: compare before trusting it."""

    guid = models.UUIDField(unique=True)
    schema_type = models.CharField(max_length=16)
    text = models.TextField()
    references = models.JSONField(default=list)
    metadata = models.JSONField(null=True)
    rule_set = models.JSONField(null=True)
    # SHA-256 of the parsing canonical form: equal for any two contents that could be equivalent, so that looking for
    # an equivalent version need not parse a whole history.
    fingerprint = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return str(self.guid)


class SchemaId(models.Model):
    """The number under which a content is known in a context. An import may give one content several numbers."""

    context = models.ForeignKey(Context, models.PROTECT, related_name="schema_ids")
    number = models.IntegerField()
    schema = models.ForeignKey(Schema, models.PROTECT, related_name="schema_ids", db_index=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["context", "number"], name="schemaid_unique_number"),
            models.CheckConstraint(condition=Q(number__gte=0), name="schemaid_number_not_negative"),
        ]
        indexes = [
            models.Index(fields=["context", "schema"], name="schemaid_context_schema"),
            models.Index(fields=["schema"], name="schemaid_schema"),
        ]

    def __str__(self) -> str:
        return str(self.number)


class ReferenceLink(models.Model):
    """What a reference means in the referrer's context; the words it was given in stay on the content."""

    referrer = models.ForeignKey(SchemaId, models.CASCADE, related_name="reference_links", db_index=False)
    position = models.PositiveIntegerField()
    target = models.ForeignKey("registry.SchemaVersion", models.PROTECT, related_name="referred_by")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["referrer", "position"], name="referencelink_unique_position")]

    def __str__(self) -> str:
        return f"{self.referrer} → {self.target}"
