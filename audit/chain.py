"""The hash chain of the audit log: the text of an event, its digest, and the hash that ties it to the one before.

    digest = SHA256(utf8(payload))
    hash   = SHA256("callboard-audit-v1" || hash before || u64 big-endian(seq) || digest)

The digest stands between payload and chain so that an event may be left out of an export and the chain still be
verified.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime

FIRST_PREV = bytes(32)
# What every JSON reader can hold: a double loses integers beyond it.
GREATEST_INTEGER = 2**53 - 1


class NotCanonical(ValueError):
    """A value that has no single spelling as JSON."""


def payload(members: Mapping[str, object]) -> str:
    """The one text of an event: keys in order, no blanks, nothing escaped that need not be.

    Stored as text and never as a database's own JSON type, which would reorder keys and respell numbers.
    """
    _check(dict(members))
    text = json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise NotCanonical("a lone surrogate is no character") from error
    return text


def _check(value: object) -> None:
    if value is None or isinstance(value, str | bool):
        return
    if isinstance(value, int):
        if abs(value) > GREATEST_INTEGER:
            raise NotCanonical(f"{value} is beyond 2^53 - 1")
    elif isinstance(value, list | tuple):
        for item in value:
            _check(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise NotCanonical(f"{key!r} is no member name")
            _check(item)
    else:
        raise NotCanonical(f"{type(value).__name__} is neither text, integer, boolean, null, list nor object")


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def link(prev: bytes, seq: int, event_digest: bytes) -> bytes:
    """The hash of event number `seq`, whose predecessor has the hash `prev`."""
    return hashlib.sha256(b"callboard-audit-v1" + prev + seq.to_bytes(8, "big") + event_digest).digest()


def commitment(salt: bytes, value: str) -> str:
    """What the payload says of a piece of personal data: enough to prove it, too little to guess it."""
    return hashlib.sha256(b"callboard-pii-v1" + salt + value.encode()).hexdigest()


def time_text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def copies(members: Mapping[str, object]) -> dict[str, object]:
    """The columns that repeat what the payload says, so that the database can look for it."""
    actor, subject = _object(members, "actor"), _object(members, "object")
    return {
        "at": datetime.fromisoformat(_text(members, "at")),
        "action": _text(members, "action"),
        "actor_kind": _text(actor, "kind"),
        "actor_ref": _text(actor, "ref"),
        "auth_method": _text(members, "auth"),
        "credential_id": _text(members, "cred", default=""),
        "request_id": _text(members, "request", default=""),
        "object_kind": _text(subject, "kind"),
        "object_ref": _text(subject, "ref"),
        "schema_version": members["v"],
    }


def _object(members: Mapping[str, object], name: str) -> dict[str, object]:
    value = members[name]
    if not isinstance(value, dict):
        raise TypeError(f"{name} is no object")
    return value


def _text(members: Mapping[str, object], name: str, default: str | None = None) -> str:
    value = members[name] if default is None else members.get(name, default)
    if not isinstance(value, str):
        raise TypeError(f"{name} is no text")
    # PostgreSQL's text can't hold a NUL; in the payload it is an escape.
    return value.replace("\0", "\ufffd")
