"""Erases names, addresses and the like of a person from beside the audit log.

The events stay, with a commitment in the place of each piece, so that the log and every export of it verify as before.
Exports that were made before hold the pieces until they expire.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit import erasure
from audit.actors import Actor

ACTOR = Actor("system", "manage.py")


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("person", metavar="PERSON", help="as the log names them, such as person:7")
        parser.add_argument("--reason", default="", help="why, for the audit log")

    def handle(self, *args: Any, person: str, reason: str, **options: Any) -> None:
        try:
            pieces = erasure.erase(actor=ACTOR, person=person, reason=reason)
        except erasure.NothingToErase as problem:
            raise CommandError(f"nothing is kept of {person}") from problem
        self.stdout.write(f"Erased {pieces} pieces of {person}.")
