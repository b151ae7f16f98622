"""Makes a service account, and the group that owns it if there is none of that name."""

from typing import Any

from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import services
from audit.actors import Actor


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--group", required=True, help="the group that owns it")
        parser.add_argument("--description", default="")
        parser.add_argument(
            "--manage-global",
            dest="rights",
            action="append_const",
            const=services.MANAGE_GLOBAL,
            default=[],
            help="may do everything to every subject and in every context",
        )

    def handle(self, *args: Any, name: str, group: str, description: str, rights: list[str], **options: Any) -> None:
        actor = Actor("system", "manage.py")
        try:
            owner = Group.objects.filter(name=group).first()
            if owner is None:
                owner = services.create_group(actor=actor, name=group)
                self.stdout.write(f"New group {group}.")
            services.create_service_account(
                actor=actor, name=name, owner_group=owner, description=description, rights=rights
            )
        except services.Refused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"New service account {name}, owned by {group}. `manage.py api_key {name}` makes a key.")
