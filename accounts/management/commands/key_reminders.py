"""Says which keys end in 14 days, in 3 and in one: in the log, and by mail to the group that owns them. Daily."""

import logging
import math
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from accounts import addresses, keys
from accounts.keys import Ending
from accounts.models import User

logger = logging.getLogger(__name__)

DAYS = {14, 3, 1}


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--log-only", action="store_true", help="send no mail")

    def handle(self, *args: Any, log_only: bool, **options: Any) -> None:
        for ending in keys.ending(timedelta(days=max(DAYS))):
            days = math.ceil((ending.expires_at - timezone.now()) / timedelta(days=1))
            if days in DAYS:
                logger.warning("key %s (%s) ends in %s days", ending.key.id12, ending.key.label, days)
                if settings.CALLBOARD["EMAIL_URL"] and not log_only:
                    _mail(ending)


def _mail(ending: Ending) -> None:
    account = ending.key.user.service_account
    members = User.objects.filter(groups=account.owner_group, is_service=False, is_active=True).exclude(email="")
    recipients = sorted(members.values_list("email", flat=True))
    if not recipients:
        return
    text = (
        f"The key {ending.key.id12} ({ending.key.label}) of the service account {account.name} ends at "
        f"{ending.expires_at:%Y-%m-%d %H:%M} UTC. Rotate it before: what uses it is refused from then on.\n\n"
        f"The key can do so itself, and so can members of the group:\n"
        f"POST {addresses.for_people()}/api/v1/keys/{ending.key.id12}/rotate\n"
    )
    for recipient in recipients:
        # Each alone: who else is in the group is nobody's business. One that can't be reached keeps it from no other.
        send_mail(f"A key of {account.name} ends soon", text, None, [recipient], fail_silently=True)
