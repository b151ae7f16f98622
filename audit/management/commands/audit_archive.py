"""Takes the events out of the database that are older than CALLBOARD_AUDIT_DAYS, into a bundle that stands for them.

Keep the bundle: it verifies like an export, on its own or together with the ones before and after. Names and addresses
are not in it, they end with the days that the log is kept.
"""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit import archive
from audit.actors import Actor
from audit.verify import Damage

ACTOR = Actor("system", "manage.py")


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--output", type=Path, metavar="FOLDER", help="<data>/archive if not given")

    def handle(self, *args: Any, output: Path | None, **options: Any) -> None:
        folder = output or settings.DATA / "archive"
        try:
            made = archive.archive(actor=ACTOR, before=archive.oldest_kept(), folder=folder)
        except archive.NothingToArchive:
            self.stdout.write("Nothing is old enough.")
            return
        except (Damage, OSError) as problem:
            raise CommandError(f"nothing was taken out: {problem}") from problem
        self.stdout.write(f"Events {made.first} to {made.last} are in {made.path}.")
