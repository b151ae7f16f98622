"""Makes a key for a service account, or revokes one."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import services, tokens
from accounts.models import ApiKey, ServiceAccount
from audit.actors import Actor

ACTOR = Actor("system", "manage.py")


class Command(BaseCommand):
    help = f"{__doc__} The key alone goes to standard output, what there is to say about it to standard error."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("account", metavar="ACCOUNT", nargs="?")
        parser.add_argument("--label", help="what the key is for; the account's name if not given")
        parser.add_argument("--scopes", default=" ".join(services.DEFAULT_SCOPES), help="divided by blanks")
        parser.add_argument("--days", type=int, default=services.DEFAULT_DAYS, help=f"at most {services.MOST_DAYS}")
        parser.add_argument(
            "--prefix", action="append", default=[], help="only subjects that begin so; may be repeated"
        )
        parser.add_argument("--cidr", action="append", default=[], help="only from this network; may be repeated")
        parser.add_argument("--revoke", metavar="ID", help="revoke the key of this id, the 12 characters after cbk_")
        parser.add_argument("--reason", default="", help="why it is revoked")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["revoke"]:
                self.revoke(options["revoke"], options["reason"])
            elif options["account"]:
                self.issue(**options)
            else:
                raise CommandError("name a service account, or a key to --revoke")
        except services.Refused as error:
            raise CommandError(str(error)) from error

    def issue(
        self, *, account: str, label: str | None, scopes: str, days: int, prefix: list[str], cidr: list[str], **_: Any
    ) -> None:
        found = ServiceAccount.objects.filter(name=account).first()
        if found is None:
            raise CommandError(f"no service account {account!r}; `manage.py service_account` makes one")
        issued = services.issue_key(
            actor=ACTOR,
            account=found,
            label=label or found.name,
            scopes=scopes.split(),
            days=days,
            prefixes=prefix,
            cidrs=cidr,
        )
        self.say(f"Key {issued.key.id12}, {' '.join(issued.key.scopes)}, until {issued.expires_at:%Y-%m-%d}:")
        self.stdout.write(issued.token)

    def revoke(self, given: str, reason: str) -> None:
        id12 = given.removeprefix(tokens.PREFIX)
        key = ApiKey.objects.filter(id12=id12).first()
        if key is None:
            # Not repeated: somebody in a hurry may have given the whole key.
            raise CommandError("no key of this id, which is the 12 characters after cbk_")
        services.revoke_key(actor=ACTOR, key=key, reason=reason)
        self.say(f"Key {id12} is revoked.")

    def say(self, text: str) -> None:
        self.stderr.write(text, str)
