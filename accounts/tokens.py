"""The text form of an API key: `cbk_<id: 12>_<secret: 43><check: 6>`, base62 throughout. Pure.

The check characters let junk be dropped before any database is asked, and let a scanner tell a real key from a random
string offline. Underscores let a double click select the whole key.
"""

import hashlib
import hmac
import re
import secrets
import zlib
from dataclasses import dataclass, field

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PREFIX = "cbk_"
LENGTH = 66
SHAPE = re.compile(r"cbk_([0-9A-Za-z]{12})_[0-9A-Za-z]{49}")
CHECK_LENGTH = 6


@dataclass(frozen=True)
class Token:
    """A key whose check characters agree; whether it opens anything is for the database to say."""

    id12: str
    text: str = field(repr=False)


def generate(id12: str = "") -> Token:
    """A new key, or a new secret of the key of this id."""
    id12 = id12 or _random(12)
    body = f"{PREFIX}{id12}_{_random(43)}"
    return Token(id12, body + _check(body))


def parse(text: str) -> Token | None:
    """The token, or None for what can't be a key. Cheapest test first."""
    if len(text) != LENGTH:
        return None
    shape = SHAPE.fullmatch(text)
    if shape is None or _check(text[:-CHECK_LENGTH]) != text[-CHECK_LENGTH:]:
        return None
    return Token(shape[1], text)


def digest(token: Token, pepper: bytes) -> bytes:
    """What is stored. A slow hash would add nothing to 256 random bits, and give strangers a way to stop us."""
    return hmac.digest(pepper, token.text.encode("ascii"), hashlib.sha256)


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def _check(body: str) -> str:
    number = zlib.crc32(body.encode("ascii"))
    characters = ""
    while number:
        number, digit = divmod(number, len(ALPHABET))
        characters = ALPHABET[digit] + characters
    return characters.rjust(CHECK_LENGTH, ALPHABET[0])
