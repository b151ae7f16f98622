"""What kind of server this is: release, and an identifier that stays the same for the life of the database."""

from base64 import urlsafe_b64encode
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from audit.models import AuditEvent

# The protocol that is spoken, then our own release.
VERSION = "8.5.0-callboard-0.1.0"
_UNKNOWN = "unknown"


def cluster_id() -> str:
    """As set by hand; else made from the hash of the first event, which is random and there from the first start on."""
    if given := settings.CALLBOARD["CLUSTER_ID"]:
        return str(given)
    first = AuditEvent.objects.filter(seq=1).values_list("hash", flat=True).first()
    return _UNKNOWN if first is None else urlsafe_b64encode(bytes(first)[:16]).decode().rstrip("=")


@lru_cache(maxsize=1)
def commit_id() -> str:
    """The commit of the checkout that runs, if it is one."""
    git = Path(settings.BASE_DIR) / ".git"
    try:
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head
        return (git / head.removeprefix("ref: ")).read_text().strip()
    except OSError:
        return _UNKNOWN
