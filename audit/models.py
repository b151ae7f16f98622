"""The audit log: one row an event, and beside it the personal data that may be erased."""

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class SequenceField(models.BigIntegerField):  # type: ignore[type-arg]  # which exist for type checkers only
    """On SQLite the rowid itself: a second, hidden number would be a second way to replace a row."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        return "integer" if connection.vendor == "sqlite" else super().db_type(connection)


class AuditEvent(models.Model):
    """Something that happened. Written by `events.record` alone, never changed, never deleted.

    `payload` is what was hashed. The columns after `hash` repeat parts of it.
    """

    # Not counted by the database: a serial leaves gaps at rollbacks, and a gap here is a deletion.
    seq = SequenceField(primary_key=True)
    payload = models.TextField()
    prev = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)
    at = models.DateTimeField()
    action = models.TextField()
    actor_kind = models.TextField()
    actor_ref = models.TextField()
    auth_method = models.TextField()
    credential_id = models.TextField(blank=True)
    request_id = models.TextField(blank=True)
    object_kind = models.TextField()
    object_ref = models.TextField()
    schema_version = models.SmallIntegerField()

    class Meta:
        default_permissions = ("view",)
        permissions = [("export_auditevent", "Can export the audit log")]
        constraints = [models.CheckConstraint(condition=models.Q(seq__gte=1), name="auditevent_seq_from_one")]

    def __str__(self) -> str:
        return f"{self.seq} {self.action} {self.object_ref}"


class AuditPii(models.Model):
    """A name, address or the like. The payload only commits to it: the row may be erased, the chain stays whole."""

    event = models.ForeignKey(AuditEvent, models.PROTECT, db_column="seq", related_name="personal", db_index=False)
    name = models.TextField()
    value = models.TextField()
    salt = models.BinaryField(max_length=16)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["event", "name"], name="auditpii_unique_name")]

    def __str__(self) -> str:
        return f"{self.name} of {self.event_id}"
