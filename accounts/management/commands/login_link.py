"""Makes a link that lets a person set a password, once, within a day; an earlier link opens nothing any more."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import addresses, local, people
from accounts.services import Refused
from audit.actors import Actor

ACTOR = Actor("system", "manage.py")


class Command(BaseCommand):
    help = f"{__doc__} The link alone goes to standard output."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", metavar="USER", nargs="?", default=people.FIRST_ADMINISTRATOR)

    def handle(self, *args: Any, user: str, **options: Any) -> None:
        if not local.is_open():
            raise CommandError(
                "people sign in through the identity provider; CALLBOARD_BREAKGLASS_LOCAL_LOGIN=on lets passwords in"
            )
        try:
            issued = people.issue_link(actor=ACTOR, username=user)
        except Refused as error:
            raise CommandError(str(error)) from error
        self.stderr.write(f"Sets the password of {user}, once, until {issued.expires_at:%Y-%m-%d %H:%M} UTC:", str)
        self.stdout.write(addresses.login_link(issued.token))
