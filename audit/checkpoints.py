"""Checkpoints: the head of the log, signed, and taken to where the server can't change it.

Whoever has the database can chain the log anew. A checkpoint that lies elsewhere shows it.

    body    {"at","hash","key","prev_checkpoint","seq","v"}    as JSON, spelled like an event
    signed  "callboard-checkpoint-v1\\n" || body, Ed25519

`prev_checkpoint` is the SHA-256 of the signed bytes of the one before. One that hands over to a new key names its
public half as `next_public`.
"""

import hashlib
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.db import transaction

from audit import chain, deliveries, events, transactions, verify
from audit.actors import Actor
from audit.models import Checkpoint

NO_CHECKPOINT = bytes(32)


class SigningKey:
    """Signs as the server. `name` is how checkpoints call it."""

    def __init__(self, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def public(self) -> str:
        """64 hex digits."""
        return self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

    @property
    def name(self) -> str:
        return self.public[:16]

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)


def signing_key() -> SigningKey:
    return from_secret(settings.AUDIT_SIGNING_KEY)


def from_secret(secret: str) -> SigningKey:
    """Any text that is long enough makes a key."""
    return SigningKey(hashlib.sha256(secret.encode()).digest())


def body(*, seq: int, head: bytes, at: datetime, key: str, previous: bytes, next_public: str = "") -> str:
    handover = {"next_public": next_public} if next_public else {}
    return chain.payload(
        {
            "v": 1,
            "seq": seq,
            "hash": head.hex(),
            "at": chain.time_text(at),
            "key": key,
            "prev_checkpoint": previous.hex(),
            **handover,
        }
    )


def sign_head(*, key: SigningKey | None = None, next_public: str = "") -> Checkpoint | None:
    """Signs the newest event, unless there is none or it is signed already.

    Within a transaction, which holds the log until it ends, so that checkpoints come in order.
    """
    head = events.hold_head()
    if head is None or Checkpoint.objects.filter(seq=head[0]).exists():
        return None
    key = key or signing_key()
    last = Checkpoint.objects.order_by("-seq").first()
    previous = hashlib.sha256(verify.checkpoint_message(last.body)).digest() if last else NO_CHECKPOINT
    seq, at = head[0], datetime.now(UTC)
    text = body(seq=seq, head=head[1], at=at, key=key.name, previous=previous, next_public=next_public)
    signature = key.sign(verify.checkpoint_message(text))
    made = Checkpoint.objects.create(seq=seq, at=at, body=text, signature=signature, key=key.name, public=key.public)
    deliveries.enqueue(made)
    return made


def make_if_moved() -> Checkpoint | None:
    """What is called every hour."""
    with transactions.write():
        return sign_head()


def hand_over(old: SigningKey, *, actor: Actor) -> None:
    """From the key that signed so far to the one in the settings: the last checkpoint of the old one names the new.

    Raises ValueError for a key that did not sign the last checkpoint.
    """
    last, new = Checkpoint.objects.order_by("-seq").first(), signing_key()
    if last is not None and last.public != old.public:
        raise ValueError(f"the last checkpoint was signed by the key {last.key}, not by {old.name}")
    with transactions.write():
        detail = {"old": old.public, "new": new.public}
        events.record(actor, events.Action.AUDIT_KEY_ROTATED, kind="audit_key", ref=new.name, detail=detail)
        sign_head(key=old, next_public=new.public)
        transaction.on_commit(deliveries.deliver)
