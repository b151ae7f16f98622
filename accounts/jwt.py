"""Verifying the JWTs of robots (RFC 9068), and nothing but that: which keys, and whose robot it is, is said by others.

PyJWT alone takes a few things that are refused here: members of the header that it ignores (`jwk`, `zip`, …), times as
text, ends in a million years, an empty subject.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

import jwt
from jwt import PyJWK

LONGEST = 8192
LONGEST_SUBJECT = 255
LEEWAY_SECONDS = 30
LONGEST_LIFE_SECONDS = 24 * 3600
ALGORITHMS = frozenset({"RS256", "ES256"})
ACCESS_TOKEN = "at+jwt"  # noqa: S105 - a media type
# Some providers say no more than that; and some say nothing.
PLAIN_TYPES = frozenset({ACCESS_TOKEN, "jwt", ""})
_HEADER = frozenset({"alg", "kid", "typ"})
_FOREIGN_TROUBLE = (jwt.PyJWTError, ValueError, TypeError, KeyError, OverflowError, RecursionError)


class Rejected(Exception):
    """Why, for our own log: whoever sent it learns nothing of it."""


@dataclass(frozen=True)
class Header:
    algorithm: str
    key_id: str
    type: str


@dataclass(frozen=True)
class Rules:
    issuer: str
    audience: str
    types: frozenset[str]


def read_header(token: str) -> Header:
    if len(token) > LONGEST:
        raise Rejected("too long")
    header = _part(token, 0)
    if unknown := header.keys() - _HEADER:
        raise Rejected(f"header {sorted(unknown)[0]!r}"[:80])
    algorithm, key_id, type_ = (header.get(name, "") for name in ("alg", "kid", "typ"))
    if algorithm not in ALGORITHMS:
        raise Rejected("algorithm")
    if not isinstance(key_id, str) or not key_id or not isinstance(type_, str):
        raise Rejected("header")
    return Header(algorithm, key_id, type_.lower().removeprefix("application/"))


def read_issuer(token: str) -> str:
    """As the token says, for choosing the keys; nothing is proved by it yet."""
    issuer = _part(token, 1).get("iss")
    if not isinstance(issuer, str):
        raise Rejected("issuer")
    return issuer


def verify(token: str, header: Header, key: PyJWK, rules: Rules) -> dict[str, Any]:
    """The claims of a token that keeps all the rules."""
    if header.type not in rules.types:
        raise Rejected("type")
    if key.algorithm_name != header.algorithm:
        raise Rejected("algorithm")
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key.key,
            algorithms=[header.algorithm],
            audience=rules.audience,
            issuer=rules.issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "iss", "aud", "sub"], "verify_sub": False},
        )
    except _FOREIGN_TROUBLE as error:
        raise Rejected(type(error).__name__) from error
    _check_claims(claims)
    return claims


def _check_claims(claims: dict[str, Any]) -> None:
    exp, iat, subject = claims["exp"], claims["iat"], claims["sub"]
    if not (_is_number(exp) and _is_number(iat)) or not exp - iat <= LONGEST_LIFE_SECONDS:
        raise Rejected("life")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT:
        raise Rejected("subject")


def words(claims: dict[str, Any], name: str) -> frozenset[str] | None:
    """Of a claim that is text divided by blanks, or a list of texts; None if it is not there."""
    said = claims.get(name)
    if said is None:
        return None
    found = said.split() if isinstance(said, str) else said
    if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
        raise Rejected(name)
    return frozenset(found)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _part(token: str, number: int) -> dict[str, Any]:
    try:
        text = token.split(".")[number]
        found = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (*_FOREIGN_TROUBLE, binascii.Error, IndexError) as error:
        raise Rejected("malformed") from error
    if not isinstance(found, dict):
        raise Rejected("malformed")
    return found
