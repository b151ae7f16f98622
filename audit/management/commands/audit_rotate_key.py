"""Hands over from the signing key that was used so far to the one in the settings.

The last checkpoint of the old key names the new one, so that whoever trusts the old key can trust the new one. Run it
after the new secret is set, with the old one in a file.
"""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit import checkpoints
from audit.actors import Actor

ACTOR = Actor("system", "audit_rotate_key")


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--old", type=Path, required=True, metavar="FILE", help="holds the old secret")

    def handle(self, *args: Any, old: Path, **options: Any) -> None:
        try:
            former = checkpoints.from_secret(old.read_text("utf-8").strip())
            checkpoints.hand_over(former, actor=ACTOR)
        except (OSError, ValueError) as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(f"{former.public} hands over to {checkpoints.signing_key().public}")
