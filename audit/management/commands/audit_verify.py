"""Recomputes the audit log, or checks what was taken out of it.

Exit code 0: whole. 1: an event was edited, or what is kept beside it does not fit. 2: an event is missing. 3: the log
is shorter than a checkpoint says, so that its end was cut off or an old backup was restored. 4: a signature is bad. A
log that was chained anew after an edit shows by a checkpoint that was kept elsewhere: `--checkpoint`.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit import checkpoints, verification, verify
from audit.models import Checkpoint
from audit.verification import Outcome
from audit.verify import BROKEN, UNTRUSTED, Damage


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
        outcome = verification.check(start=options["start"], end=options["end"], kept=dict(kept))
        if outcome.clock_went_back:
            self.stderr.write(f"The clock went back {outcome.clock_went_back} times.")
        return outcome


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
