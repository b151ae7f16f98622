"""Recomputes the audit log, or checks what was taken out of it.

Exit code 0: whole. 1: an event was edited, or what is kept beside it does not fit. 2: an event is missing. 3: the log
is shorter than a checkpoint says, so that its end was cut off or an old backup was restored. 4: a signature is bad. A
log that was chained anew after an edit shows by a checkpoint that was kept elsewhere: `--checkpoint`.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit import chain, checkpoints, verify
from audit.models import AuditEvent, AuditPii, Checkpoint
from audit.verify import BROKEN, GAP, SHORT, UNTRUSTED, Damage

CHUNK = 2000


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


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--from", dest="start", type=int, default=1, metavar="SEQ", help="first event to look at")
        parser.add_argument(
            "--to", dest="end", type=int, default=2**63 - 1, metavar="SEQ", help="last event to look at"
        )
        parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="one that was delivered and kept elsewhere")
        parser.add_argument("--bundle", metavar="FILE", help="an export, checked against this server's key")
        parser.add_argument("--json", action="store_true", help="the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            outcome = _bundle(options["bundle"]) if options["bundle"] else self._log(options)
        except Damage as damage:
            outcome = Outcome(damage.exit_code, str(damage))
        if options["json"]:
            self.stdout.write(json.dumps(asdict(outcome)))
        elif not outcome.exit_code:
            self.stdout.write(outcome.message)
        if outcome.exit_code:
            raise CommandError("" if options["json"] else outcome.message, returncode=outcome.exit_code)

    def _log(self, options: dict[str, Any]) -> Outcome:
        kept = [_read(options["checkpoint"])] if options["checkpoint"] else []
        signed = {**_stored_checkpoints(), **dict(kept)}
        walk = _start(options["start"])
        for event in _events(options["start"], options["end"]):
            walk.step(event)
            if signed.get(event.seq, walk.hash) != walk.hash:
                raise Damage(BROKEN, f"BROKEN at seq {event.seq}: not the hash that was signed in a checkpoint")
        if (late := max(signed, default=0)) > walk.seq and options["end"] >= late:
            raise Damage(SHORT, f"SHORT: the log ends at {walk.seq}, a checkpoint was signed at {late}")
        _check_personal_data(options["start"], walk.seq)
        if walk.clock_went_back:
            self.stderr.write(f"The clock went back {walk.clock_went_back} times.")
        count = walk.seq - options["start"] + 1
        message = f"whole: {count} events, the last is {walk.seq} with hash {walk.hash.hex()}"
        return Outcome(0, message, options["start"], walk.seq, walk.hash.hex())


def _events(start: int, end: int) -> Iterator[AuditEvent]:
    return AuditEvent.objects.filter(seq__gte=start, seq__lte=end).order_by("seq").iterator(CHUNK)


def _start(seq: int) -> Walk:
    """Before that event. Where the walk does not begin at the first one, its predecessor is taken at its word."""
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


def _read(path: Path) -> tuple[int, bytes]:
    """A checkpoint as it was delivered, signed by this server or by a key that it handed over from."""
    try:
        line = json.loads(path.read_text(encoding="utf-8"))
        text, signature, body = line["body"], bytes.fromhex(line["signature"]), json.loads(line["body"])
        seq, head = int(body["seq"]), bytes.fromhex(body["hash"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{path} is no checkpoint: {type(error).__name__}", returncode=verify.MISUSED) from error
    keys = {checkpoints.signing_key().public, *Checkpoint.objects.values_list("public", flat=True)}
    if not any(verify.is_signed(bytes.fromhex(public), verify.checkpoint_message(text), signature) for public in keys):
        raise Damage(UNTRUSTED, f"{path} is not signed by a key of this server")
    return seq, head


def _bundle(path: str) -> Outcome:
    try:
        found = verify.verify(verify.Bundle(path), [bytes.fromhex(checkpoints.signing_key().public)])
    except (OSError, BadZipFile) as error:
        raise Damage(BROKEN, f"{path} can't be read as a bundle: {error}") from error
    ends = found.first or 0, found.last or 0, (found.hash or b"").hex()
    return Outcome(0, f"whole: {found.shown} events, {found.left_out} left out, number {ends[0]} to {ends[1]}", *ends)


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
