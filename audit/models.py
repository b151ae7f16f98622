"""The audit log: one row an event, and beside it the personal data that may be erased. And what was exported of it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.functions import Left, Now
from django.db.models.lookups import Exact
from django.utils import timezone

from audit import chain


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


class Checkpoint(models.Model):
    """The head of the log at some time, signed. `body` is the signed text; the other columns repeat what it says."""

    seq = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    body = models.TextField()
    signature = models.BinaryField()
    # Name and public half of the key.
    key = models.TextField()
    public = models.TextField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"checkpoint {self.seq}"


class AuditAnchor(models.Model):
    """Where the log begins now: the events up to this one, which a checkpoint covers, are in an archive."""

    seq = models.BigIntegerField(primary_key=True)
    # Of that event: what the first one that is left follows.
    hash = models.BinaryField(max_length=32)
    # Of the archive.
    sha256 = models.TextField()
    archived_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"anchor {self.seq}"


class CheckpointDelivery(models.Model):
    """A checkpoint on its way to a place outside. Tried until `delivered_at` is set."""

    checkpoint = models.ForeignKey(Checkpoint, models.PROTECT, related_name="deliveries", db_index=False)
    target = models.TextField()
    tries = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    delivered_at = models.DateTimeField(null=True)
    error = models.TextField(default="")

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["checkpoint", "target"], name="checkpointdelivery_one_a_target")]
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(delivered_at=None), name="checkpointdelivery_due")
        ]

    def __str__(self) -> str:
        return f"{self.checkpoint} to {self.target}"


@dataclass(frozen=True)
class Filters:
    """Which events are asked for: those that fit everything given. The period is `since <= at < until`."""

    since: datetime | None = None
    until: datetime | None = None
    action: str = ""
    actor: str = ""
    object_kind: str = ""
    object_ref: str = ""
    object_prefix: str = ""

    def as_json(self) -> dict[str, str]:
        period = {"from": self.since, "to": self.until}
        given = {name: chain.time_text(at) for name, at in period.items() if at}
        return given | {name: str(getattr(self, name)) for name in _TEXTS if getattr(self, name)}

    @classmethod
    def from_json(cls, given: Mapping[str, str]) -> "Filters":
        since, until = (datetime.fromisoformat(given[name]) if name in given else None for name in ("from", "to"))
        return cls(since, until, *(given.get(name, "") for name in _TEXTS))

    @property
    def condition(self) -> models.Q:
        found = models.Q(seq__gte=1)
        if self.since:
            found &= models.Q(at__gte=self.since)
        if self.until:
            found &= models.Q(at__lt=self.until)
        if self.action:
            found &= models.Q(action=self.action)
        if self.actor:
            found &= models.Q(actor_ref=self.actor)
        if self.object_kind:
            found &= models.Q(object_kind=self.object_kind)
        if self.object_ref:
            found &= models.Q(object_ref=self.object_ref)
        if self.object_prefix:
            # Exactly: LIKE has its own idea of letter case and of `_`.
            head = Left("object_ref", len(self.object_prefix))
            found &= models.Q(Exact(head, models.Value(self.object_prefix)))
        return found


_TEXTS = ("action", "actor", "object_kind", "object_ref", "object_prefix")


class AuditExport(models.Model):
    """An export somebody asked for, and all that is known of how it goes. Never deleted.

    Whoever works on it holds it until `lease_until`; the number of the try fences off whoever held it before.
    """

    class State(StrEnum):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        EXPIRED = "expired"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    kind = models.TextField(default="events")
    filters = models.JSONField()
    # Number of the event of the request: what came later is in no try of it.
    through_seq = models.BigIntegerField(default=0)
    requested_by = models.TextField()
    state = models.TextField(default="queued")
    tries = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    worker = models.TextField(default="")
    progress = models.BigIntegerField(default=0)
    total = models.BigIntegerField(null=True)
    file = models.TextField(default="")
    size = models.BigIntegerField(null=True)
    sha256 = models.TextField(default="")
    error = models.TextField(default="")
    # A link is good for one download: it names the number of those before it.
    downloads = models.PositiveIntegerField(default=0)
    # By the database's clock, like every time here: several machines take part.
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["requested_by"],
                condition=models.Q(state__in=["queued", "running"]),
                name="auditexport_one_running_a_person",
            ),
            models.CheckConstraint(
                condition=models.Q(state="queued", tries=0, finished_at=None)
                | models.Q(state="running", tries__gte=1, lease_until__isnull=False, finished_at=None)
                | models.Q(state="done", finished_at__isnull=False, expires_at__isnull=False, size__isnull=False)
                & ~models.Q(file="")
                & ~models.Q(sha256="")
                | models.Q(state="failed", file="", finished_at__isnull=False) & ~models.Q(error="")
                | models.Q(state="expired", file="", finished_at__isnull=False),
                name="auditexport_state_fits",
            ),
        ]
        indexes = [models.Index(fields=["requested_by", "-through_seq"], name="auditexport_of_person")]

    def __str__(self) -> str:
        return f"{self.id} {self.state}"
