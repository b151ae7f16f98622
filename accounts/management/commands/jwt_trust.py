"""Takes the tokens of a client of a provider for a service account, or no longer; alone it lists what is taken."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import services, trusts
from accounts.models import JwtTrust, ServiceAccount
from audit.actors import Actor

ACTOR = Actor("system", "manage.py")


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("account", metavar="ACCOUNT", nargs="?")
        parser.add_argument("--issuer", help="as the tokens spell it in `iss`; also one of CALLBOARD_JWT_ISSUERS")
        parser.add_argument("--client", help="the client's id at the provider")
        parser.add_argument("--subject", default="", help="`sub` of its tokens, if that is not the client's id")
        parser.add_argument("--scopes", default=" ".join(services.DEFAULT_SCOPES), help="divided by blanks")
        parser.add_argument("--remove", metavar="NUMBER", type=int, help="no longer; the number stands in the list")

    def handle(self, *args: Any, account: str | None, remove: int | None, **options: Any) -> None:
        try:
            if remove is not None:
                self.remove(remove)
            elif account:
                self.add(account, **options)
            else:
                self.list()
        except services.Refused as error:
            raise CommandError(str(error)) from error

    def add(self, name: str, *, issuer: str | None, client: str | None, subject: str, scopes: str, **_: Any) -> None:
        account = ServiceAccount.objects.filter(name=name).first()
        if account is None or not issuer or not client:
            raise CommandError("give an existing service account, --issuer and --client")
        trust = trusts.trust_client(
            actor=ACTOR, account=account, issuer=issuer, client_id=client, subject=subject, scopes=scopes.split()
        )
        self.stdout.write(f"{trust.pk}: {trust} is {name}.")

    def remove(self, number: int) -> None:
        trust = JwtTrust.objects.filter(pk=number).first()
        if trust is None:
            raise CommandError("there is none of that number")
        trusts.distrust_client(actor=ACTOR, trust=trust)
        self.stdout.write(f"{trust} is nobody any more.")

    def list(self) -> None:
        for trust in JwtTrust.objects.select_related("service_account").order_by("pk"):
            self.stdout.write(f"{trust.pk}: {trust} is {trust.service_account.name}, {' '.join(trust.scopes)}")
