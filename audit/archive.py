"""Taking old events out of the database: into a bundle that verifies on its own, with an anchor in their place.

The triggers let go of an event only once an anchor covers it, and of an anchor only what a checkpoint has signed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from audit import checkpoints, events, exporter, transactions, verify
from audit.actors import Actor
from audit.events import Action
from audit.exporter import Bundle, Lease
from audit.models import AuditAnchor, AuditEvent, AuditExport, AuditPii, Checkpoint


class NothingToArchive(Exception):
    pass


@dataclass(frozen=True)
class Archive:
    path: Path
    first: int
    last: int


class _Alone(Lease):
    """Of a command that nobody takes the work from. Personal data is not archived: there it could not be erased."""

    shows_personal = False

    def beat(self) -> None:
        pass


def oldest_kept() -> datetime:
    return timezone.now() - timedelta(days=settings.CALLBOARD["AUDIT_DAYS"])


def archive(*, actor: Actor, before: datetime, folder: Path) -> Archive:
    """All events before that time, up to the last checkpoint among them. Raises NothingToArchive, verify.Damage."""
    last = _last_covered(before)
    first = AuditEvent.objects.order_by("seq").values_list("seq", flat=True).first()
    if last is None or first is None or first > last.seq:
        raise NothingToArchive
    bundle = _write(actor, last, folder)
    path = bundle.path.rename(folder / f"callboard-archive-{first}-{last.seq}.zip")
    keys = {checkpoints.signing_key().public, *Checkpoint.objects.values_list("public", flat=True)}
    verify.verify(verify.Bundle(str(path)), [bytes.fromhex(key) for key in sorted(keys)])
    _let_go(actor, first, last, bundle)
    return Archive(path, first, last.seq)


def _last_covered(before: datetime) -> AuditEvent | None:
    """The event of the last checkpoint of which all events up to it are older. The newest event always stays."""
    newest = AuditEvent.objects.order_by("-seq").first()
    if newest is None:
        return None
    kept = AuditEvent.objects.filter(at__gte=before).order_by("seq").first() or newest
    signed = Checkpoint.objects.filter(seq__lt=kept.seq).order_by("-seq").first()
    return AuditEvent.objects.filter(seq=signed.seq).first() if signed else None


def _write(actor: Actor, last: AuditEvent, folder: Path) -> Bundle:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    asked = AuditExport(filters={}, through_seq=last.seq, requested_by=actor.ref, tries=1)
    return exporter.write_bundle(_Alone(asked, lambda: False), folder)


def _let_go(actor: Actor, first: int, last: AuditEvent, bundle: Bundle) -> None:
    detail = {
        "first": first,
        "last": last.seq,
        "hash": bytes(last.hash).hex(),
        "sha256": bundle.sha256,
        "size": bundle.size,
    }
    with transactions.write():
        AuditAnchor.objects.create(seq=last.seq, hash=last.hash, sha256=bundle.sha256)
        AuditPii.objects.filter(event__lte=last.seq).delete()
        # Past Django's collector, which would read them all first.
        found = AuditEvent.objects.filter(seq__lte=last.seq)
        found._raw_delete(found.db)
        events.record(actor, Action.AUDIT_ARCHIVED, kind="audit_log", ref="audit_log", detail=detail)
