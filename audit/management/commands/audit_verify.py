"""Recomputes the audit log from its first event on.

Exit code 0: whole. 1: an event was edited, or what is kept beside it does not fit. 2: an event is missing. An end that
was cut off, or a log that was chained anew after an edit, shows only by comparison with something kept elsewhere: note
the last number and hash that are printed.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit import chain
from audit.models import AuditEvent, AuditPii

BROKEN, GAP = 1, 2
CHUNK = 2000


class Damage(Exception):
    def __init__(self, exit_code: int, message: str) -> None:
        super().__init__(message)
        self.exit_code = exit_code


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


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        walk = Walk()
        try:
            for event in AuditEvent.objects.order_by("seq").iterator(CHUNK):
                walk.step(event)
            _check_personal_data(walk.seq)
        except Damage as damage:
            raise CommandError(str(damage), returncode=damage.exit_code) from damage
        if walk.clock_went_back:
            self.stderr.write(f"The clock went back {walk.clock_went_back} times.")
        self.stdout.write(f"whole: {walk.seq} events, the last is {walk.seq} with hash {walk.hash.hex()}")


def _wrong_copies(event: AuditEvent) -> str:
    try:
        copies = chain.copies(json.loads(event.payload))
    except (ValueError, TypeError, KeyError, RecursionError):
        return "everything, for it is no payload"
    return ", ".join(column for column, value in copies.items() if getattr(event, column) != value)


def _check_personal_data(last: int) -> None:
    """What still exists must be what the event committed to; that some was erased is no damage."""
    rows = AuditPii.objects.filter(event__lte=last).select_related("event").order_by("event", "pk")
    for row in rows.iterator(CHUNK):
        committed = json.loads(row.event.payload).get("pii")
        if not isinstance(committed, dict) or committed.get(row.name) != chain.commitment(bytes(row.salt), row.value):
            raise Damage(BROKEN, f"BROKEN at seq {row.event_id}: {row.name} is not what the event committed to")
