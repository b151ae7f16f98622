"""Forgets sessions that have run out, and what belongs to them. Once a day is enough; nobody notices when it is not."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts import people


class Command(BaseCommand):
    help = __doc__
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        people.forget_ended_sessions()
