"""Recomputing the log: the chain, the columns that repeat it, the checkpoints, and what is kept beside it."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from audit import chain, events, transactions, verify
from audit.actors import Actor
from audit.events import Action
from audit.models import AuditAnchor, AuditEvent, AuditPii, Checkpoint
from audit.verify import BROKEN, GAP, SHORT, UNTRUSTED, Damage

logger = logging.getLogger(__name__)

VERIFIER = Actor("system", "verifier")
CHUNK = 2000
# A little less than a day: a turn an hour, and every night one that counts.
EVERY = timedelta(hours=23)
_LAST = 2**63 - 1


class Stopped(Exception):
    """The worker was asked to end."""


@dataclass
class Walk:
    """How far the chain was followed, and how often the clock went back on the way."""

    seq: int = 0
    hash: bytes = chain.FIRST_PREV
    at: datetime | None = None
    clock_went_back: int = 0

    def step(self, event: AuditEvent) -> None:
        if event.seq != self.seq + 1:
            raise Damage(GAP, f"GAP at {self.seq + 1}")
        expected = chain.link(self.hash, event.seq, chain.digest(event.payload))
        if bytes(event.prev) != self.hash or bytes(event.hash) != expected:
            raise Damage(
                BROKEN, f"BROKEN at seq {event.seq}: its hash does not follow from its payload and predecessor"
            )
        if wrong := _wrong_copies(event):
            raise Damage(BROKEN, f"BROKEN at seq {event.seq}: not as in the payload: {wrong}")
        if self.at is not None and event.at < self.at:
            self.clock_went_back += 1
        self.seq, self.hash, self.at = event.seq, expected, event.at


@dataclass(frozen=True)
class Outcome:
    """What is printed. `first` and `last` are the numbers of the events that were looked at."""

    exit_code: int
    message: str
    first: int = 0
    last: int = 0
    hash: str = ""
    clock_went_back: int = 0


def check(
    *,
    start: int = 1,
    end: int = _LAST,
    kept: Mapping[int, bytes] | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Walks from one event to another. `kept` are checkpoints from elsewhere, checked already. Raises Damage."""
    stored = _stored_checkpoints()
    if wrong := [seq for seq, head in (kept or {}).items() if stored.get(seq, head) != head]:
        raise Damage(BROKEN, f"BROKEN at seq {wrong[0]}: not the hash that was signed in a checkpoint")
    signed = {**stored, **(kept or {})}
    walk = _start(start, stored)
    start = walk.seq + 1
    for event in _events(start, end):
        if event.seq % CHUNK == 0 and stopping():
            raise Stopped
        walk.step(event)
        if signed.get(event.seq, walk.hash) != walk.hash:
            raise Damage(BROKEN, f"BROKEN at seq {event.seq}: not the hash that was signed in a checkpoint")
    if (late := max(signed, default=0)) > walk.seq and end >= late:
        raise Damage(SHORT, f"SHORT: the log ends at {walk.seq}, a checkpoint was signed at {late}")
    _check_personal_data(start, walk.seq)
    message = f"whole: {walk.seq - start + 1} events, the last is {walk.seq} with hash {walk.hash.hex()}"
    return Outcome(0, message, start, walk.seq, walk.hash.hex(), walk.clock_went_back)


def check_and_record(*, stopping: Callable[[], bool] = lambda: False) -> Outcome | None:
    """What is done every night: the outcome is an event, and damage an error in the server's log besides."""
    try:
        outcome = check(stopping=stopping)
    except Stopped:
        return None
    except Damage as damage:
        outcome = Outcome(damage.exit_code, str(damage))
        logger.error("the audit log is damaged: %s", damage)
    detail = {"exit_code": outcome.exit_code, "message": outcome.message, "last": outcome.last, "hash": outcome.hash}
    with transactions.write():
        events.record(VERIFIER, Action.AUDIT_VERIFIED, kind="audit_log", ref="audit_log", detail=detail)
    return outcome


def is_due() -> bool:
    last = AuditEvent.objects.filter(action=Action.AUDIT_VERIFIED).order_by("-seq").first()
    return last is None or last.at < timezone.now() - EVERY


def _events(start: int, end: int) -> Iterator[AuditEvent]:
    return AuditEvent.objects.filter(seq__gte=start, seq__lte=end).order_by("seq").iterator(CHUNK)


def _start(seq: int, signed: Mapping[int, bytes]) -> Walk:
    """Before that event, or where the archives end. A predecessor that is not walked is taken at its word."""
    anchor = AuditAnchor.objects.order_by("-seq").first()
    if anchor is not None and seq <= anchor.seq + 1:
        if signed.get(anchor.seq) != bytes(anchor.hash):
            raise Damage(BROKEN, f"BROKEN at seq {anchor.seq}: the anchor is not what was signed in a checkpoint")
        if AuditEvent.objects.filter(seq__lte=anchor.seq).exists():
            raise Damage(BROKEN, f"BROKEN: there are events up to {anchor.seq}, which were archived")
        return Walk(anchor.seq, bytes(anchor.hash))
    before = AuditEvent.objects.filter(seq=seq - 1).first()
    if before is None:
        if seq > 1:
            raise Damage(GAP, f"GAP at {seq - 1}")
        return Walk()
    return Walk(seq - 1, bytes(before.hash), before.at)


def _stored_checkpoints() -> dict[int, bytes]:
    """Their signatures too: whoever edits the log can edit this table, but not sign."""
    found = {}
    for row in Checkpoint.objects.order_by("seq").iterator(CHUNK):
        if not verify.is_signed(bytes.fromhex(row.public), verify.checkpoint_message(row.body), bytes(row.signature)):
            raise Damage(UNTRUSTED, f"the signature of the checkpoint at {row.seq} is bad")
        found[row.seq] = bytes.fromhex(json.loads(row.body)["hash"])
    return found


def _wrong_copies(event: AuditEvent) -> str:
    try:
        copies = chain.copies(json.loads(event.payload))
    except (ValueError, TypeError, KeyError, RecursionError):
        return "everything, for it is no payload"
    return ", ".join(column for column, value in copies.items() if getattr(event, column) != value)


def _check_personal_data(first: int, last: int) -> None:
    """What still exists must be what the event committed to; that some was erased is no damage."""
    rows = AuditPii.objects.filter(event__gte=first, event__lte=last).select_related("event").order_by("event", "pk")
    for row in rows.iterator(CHUNK):
        committed = json.loads(row.event.payload).get("pii")
        if not isinstance(committed, dict) or committed.get(row.name) != chain.commitment(bytes(row.salt), row.value):
            raise Damage(BROKEN, f"BROKEN at seq {row.event_id}: {row.name} is not what the event committed to")
