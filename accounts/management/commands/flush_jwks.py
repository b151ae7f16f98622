"""Makes every server fetch the keys of token issuers anew: after a key was withdrawn that must no longer count."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts import jwks


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        jwks.flush()
        self.stdout.write("Every server fetches them before it takes another token, within a second.")
