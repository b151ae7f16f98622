"""Makes an empty database usable: a group, a service account that may do everything, its key, and a link with which the
first administrator sets a password. Key and link are shown once.
"""

import json
import os
import shlex
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from accounts import addresses, local, people, services
from accounts.people import IssuedLink
from accounts.services import IssuedKey
from audit.actors import Actor

SCHEMA = {"type": "record", "name": "Order", "fields": [{"name": "id", "type": "string"}]}


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        actor, group_name = Actor("system", "first-start"), settings.CALLBOARD["DEFAULT_GROUP"]
        try:
            made = services.make_first_key(actor=actor, group_name=group_name, deliver=self.deliver)
            if settings.CALLBOARD["ANONYMOUS"] != "off":
                # A group of its own: in the default one strangers would own what it owns.
                services.make_anonymous_account(actor=actor, group_name=services.ANONYMOUS_ACCOUNT)
        except (services.Refused, OSError) as error:
            raise CommandError(f"no key was made: {error}") from error
        if not made:
            self.stdout.write(
                f"Callboard: {addresses.here()}, set up already "
                "(`manage.py api_key ACCOUNT` makes a key, `manage.py login_link` a way in for a person)"
            )
        if local.is_open():
            people.make_first_link(actor=actor, deliver=self.deliver_link)
        # Whoever called this may become the server next, and take what is not written yet with it.
        self.stdout.flush()

    def deliver(self, issued: IssuedKey) -> None:
        kept = ""
        if connection.vendor == "sqlite":
            path = settings.DATA / "first-key"
            _write_private(path, issued.token + "\n")
            kept = f", also in {path}"
        self.stdout.write(
            f"Callboard: {addresses.here()}\n\n"
            f"API key, all scopes, until {issued.expires_at:%Y-%m-%d}{kept}:\n  {issued.token}\n"
            f"Register a schema:\n{_example(issued.token)}"
        )
        self.stdout.flush()

    def deliver_link(self, issued: IssuedLink) -> None:
        self.stdout.write(
            f"Administrator {issued.user.username} sets a password, once, until {issued.expires_at:%Y-%m-%d %H:%M} UTC:"
            f"\n  {addresses.login_link(issued.token)}"
        )
        self.stdout.flush()


def _example(token: str) -> str:
    body = json.dumps({"schema": json.dumps(SCHEMA)})
    return (
        f"  curl -H 'Authorization: Bearer {token}' \\\n"
        "    -H 'Content-Type: application/vnd.schemaregistry.v1+json' \\\n"
        f"    -d {shlex.quote(body)} {addresses.here()}/subjects/orders-value/versions"
    )


def _write_private(path: Path, text: str) -> None:
    """Whole or not at all, for its owner alone, and on the disk before the database commits to it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(name, path)
