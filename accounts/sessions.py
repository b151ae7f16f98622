"""How long ago somebody has proved who they are. Silent renewals prove nothing."""

import time

from django.contrib.sessions.backends.base import SessionBase

FRESH_SECONDS = 15 * 60
_PROVED_AT = "proved_at"


def stamp(session: SessionBase) -> None:
    session[_PROVED_AT] = int(time.time())


def is_fresh(session: SessionBase) -> bool:
    proved_at: int = session.get(_PROVED_AT, 0)
    return 0 <= time.time() - proved_at < FRESH_SECONDS
