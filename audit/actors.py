"""Who did it, as the audit log names them."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Actor:
    """`ref` is a stable id, never a name or an address: people change theirs, and the log keeps what it was told.

    `auth` is how the caller proved who it is, `credential` the public id of what it used, `request_id` the request
    in whose course it happened.
    """

    kind: Literal["person", "service", "system"]
    ref: str
    auth: str = "none"
    credential: str | None = None
    request_id: str | None = None
