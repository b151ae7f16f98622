"""Lets pipelines of a CI service exchange their tokens for short keys; alone it lists which."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import services, trusts
from accounts.models import CiTrust, ServiceAccount
from accounts.trusts import Pipeline, Terms
from audit.actors import Actor

ACTOR = Actor("system", "manage.py")


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("account", metavar="ACCOUNT", nargs="?", help="whose keys they get")
        parser.add_argument("--issuer", default="", help="such as https://token.actions.githubusercontent.com")
        parser.add_argument("--audience", default="", help="for which the pipeline asks for its token")
        parser.add_argument(
            "--claim",
            action="append",
            default=[],
            metavar="NAME=TEXT",
            help="what the token has to say, letter by letter; repeated for one name, any of the texts",
        )
        parser.add_argument("--scopes", default=" ".join(services.DEFAULT_SCOPES), help="divided by blanks")
        parser.add_argument("--prefix", action="append", default=[], help="only subjects that begin so")
        parser.add_argument("--minutes", type=int, default=trusts.DEFAULT_MINUTES, help="that a key lives")
        parser.add_argument("--change", metavar="NUMBER", type=int, help="put what is given in place of that one")
        parser.add_argument("--remove", metavar="NUMBER", type=int, help="no longer")

    def handle(self, *args: Any, account: str | None, change: int | None, remove: int | None, **options: Any) -> None:
        try:
            if remove is not None:
                trusts.distrust_pipeline(actor=ACTOR, trust=_trust(remove))
            elif change is not None:
                trusts.change_pipeline(
                    actor=ACTOR, trust=_trust(change), pipeline=_pipeline(options), terms=_terms(options)
                )
            elif account:
                self.add(account, options)
            else:
                self.list()
        except services.Refused as error:
            raise CommandError(str(error)) from error

    def add(self, name: str, options: dict[str, Any]) -> None:
        account = ServiceAccount.objects.filter(name=name).first()
        if account is None:
            raise CommandError(f"no service account {name!r}; `manage.py service_account` makes one")
        trust = trusts.trust_pipeline(actor=ACTOR, account=account, pipeline=_pipeline(options), terms=_terms(options))
        self.stdout.write(f"{trust.pk}: {trust}")

    def list(self) -> None:
        for trust in CiTrust.objects.select_related("service_account").order_by("pk"):
            self.stdout.write(f"{trust.pk}: {trust}, {json.dumps(trust.claims)}, {' '.join(trust.scopes)}")


def _trust(number: int) -> CiTrust:
    trust = CiTrust.objects.filter(pk=number).first()
    if trust is None:
        raise CommandError("there is none of that number")
    return trust


def _pipeline(options: dict[str, Any]) -> Pipeline:
    claims: dict[str, list[str]] = {}
    for word in options["claim"]:
        name, equals, text = word.partition("=")
        if not equals:
            raise CommandError(f"a claim is given as NAME=TEXT, not {word!r}")
        claims.setdefault(name, []).append(text)
    single = {name: texts[0] if len(texts) == 1 else texts for name, texts in claims.items()}
    return Pipeline(options["issuer"], options["audience"], single)


def _terms(options: dict[str, Any]) -> Terms:
    return Terms(options["scopes"].split(), options["prefix"], options["minutes"])
