"""From an Authorization header to whoever sent it: the one place that decides who calls.

API keys come as `Bearer cbk_…`, or as Basic (RFC 7617) with the key's id for a user and the whole key for a password,
because that is what clients configured with a user name and a password can send. A `Bearer` with two dots is a JWT.
"""

import base64
import binascii
import hmac
import ipaddress
import json
import re
from dataclasses import dataclass
from typing import Any, Literal

from django.conf import settings
from django.utils import timezone

from accounts import epoch, jwks, jwt, keys, lookup, services, tokens
from accounts.kept import SECONDS, Cache
from accounts.lookup import Account, Secret
from accounts.models import User, person_ref, service_ref
from accounts.tokens import Token
from audit.actors import Actor

Kind = Literal["person", "service"]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# A key as Basic, with room to spare.
LONGEST_KEY = 200
LONGEST_HEADER = len("Bearer ") + jwt.LONGEST
ANONYMOUS_SCOPES = {
    "read": frozenset({"subjects:read"}),
    "write": frozenset({"subjects:read", "subjects:write", "config:write"}),
}
_CREDENTIALS = re.compile(r"(?i:(basic)|bearer) +([!-~]+)")
_NO_DIGEST = bytes(32)


class NotTrusted(Exception):
    """A proof that is in order, of somebody who is nobody here."""


class NotAuthenticated(Exception):
    """Nobody we know. `reason` is for our own log: callers get one and the same answer whatever it is."""

    def __init__(self, reason: str, key_id: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.key_id = key_id


@dataclass(frozen=True)
class Principal:
    """Who calls, and what they may do as far as that is not a matter of a single subject.

    `ref` names the caller in the audit trail and never changes; `name` is for people and may. `rights` are model-level
    permissions as `app_label.codename`. `scopes` and `prefixes` narrow whatever permissions there are.
    """

    user_id: int
    ref: str
    name: str
    kind: Kind
    auth: str
    credential: str | None
    scopes: frozenset[str]
    prefixes: tuple[str, ...]
    groups: frozenset[int]
    owner_group_id: int | None
    rights: frozenset[str]

    def actor(self, request_id: str | None) -> Actor:
        return Actor(kind=self.kind, ref=self.ref, auth=self.auth, credential=self.credential, request_id=request_id)


@dataclass(frozen=True, slots=True)
class _Known:
    """A principal, and the networks from which alone it may come; none means from anywhere."""

    principal: Principal
    networks: tuple[Network, ...] = ()


kept: Cache[_Known] = Cache(epoch.current)


def authenticate(header: str | None, address: str | None) -> Principal:
    """The caller behind an Authorization header sent from this address, or NotAuthenticated.

    No query for who was seen within seconds while no right has changed anywhere, one for who was not.
    """
    name = kept.name(header)
    known = kept.get(name)
    if known is not None and (not known.networks or _is_within(_ip(address), known.networks)):
        return known.principal
    if header is None:
        return _anonymous(name)
    is_basic, text = _credentials(header)
    if not is_basic and text.count(".") == 2:
        return _by_jwt(name, text)
    return _by_key(name, _token(text, is_basic=is_basic), _ip(address))


def _credentials(header: str) -> tuple[bool, str]:
    found = _CREDENTIALS.fullmatch(header) if len(header) <= LONGEST_HEADER else None
    if found is None:
        raise NotAuthenticated("malformed")
    return bool(found[1]), found[2]


def _by_key(name: bytes, token: Token, caller: Address | None) -> Principal:
    secret, account = _matching(token)
    networks = tuple(map(ipaddress.ip_network, json.loads(secret.cidrs)))
    shown = str(caller) if caller else None
    if reason := _refusal(secret, account, caller, networks):
        if secret.is_stale_due and _is_stale(secret):
            actor = Actor(_kind(account), _ref(account), auth="api_key", credential=token.id12)
            keys.note_stale_use(actor=actor, secret_id=secret.id, key_id=token.id12, address=shown)
        raise NotAuthenticated(reason, token.id12)
    if secret.is_stamp_due:
        lookup.stamp(secret.id, shown)
    principal = _principal(
        account,
        auth="api_key",
        credential=token.id12,
        scopes=frozenset(json.loads(secret.scopes)),
        prefixes=tuple(json.loads(secret.prefixes)),
    )
    life = (secret.expires_at - timezone.now()).total_seconds()
    kept.keep(name, _Known(principal, networks), epoch=account.epoch, seconds=life)
    return principal


def _by_jwt(name: bytes, text: str) -> Principal:
    """A robot with a token of its provider. A person's token is of no use here, whoever's client got it."""
    try:
        claims = _verified(text)
        client_id = claims.get(settings.CALLBOARD["JWT_CLIENT_CLAIM"])
        said = jwt.words(claims, settings.CALLBOARD["JWT_SCOPE_CLAIM"])
    except jwt.Rejected as error:
        raise NotAuthenticated(f"token: {error}") from error
    found = lookup.find_trusted(claims["iss"], client_id) if isinstance(client_id, str) else None
    if found is None or found[0].subject != claims["sub"]:
        raise NotTrusted(client_id)
    trusted, account = found
    if not account.is_active or account.is_disabled:
        raise NotAuthenticated("disabled")
    scopes = frozenset(json.loads(trusted.scopes))
    principal = _principal(
        account, auth="jwt", credential=client_id, scopes=scopes if said is None else scopes & said, prefixes=()
    )
    kept.keep(name, _Known(principal), epoch=account.epoch, seconds=claims["exp"] - timezone.now().timestamp())
    return principal


def _verified(text: str) -> dict[str, Any]:
    header, issuer = jwt.read_header(text), jwt.read_issuer(text)
    if issuer not in settings.CALLBOARD["JWT_ISSUERS"]:
        raise jwt.Rejected("issuer")
    must_say = settings.CALLBOARD["JWT_REQUIRE_AT_TYP"]
    types = frozenset({jwt.ACCESS_TOKEN}) if must_say else jwt.PLAIN_TYPES
    audience = settings.CALLBOARD["JWT_AUDIENCE"] or settings.BASE_URL
    try:
        key = jwks.find(issuer, header.key_id)
    except jwks.UnknownKey as error:
        raise jwt.Rejected("unknown key") from error
    claims = jwt.verify(text, header, key, jwt.Rules(issuer, audience, types))
    # An ID token has one, and says of itself that it is a JWT like any other.
    if not must_say and "nonce" in claims:
        raise jwt.Rejected("nonce")
    return claims


def _anonymous(name: bytes) -> Principal:
    scopes = ANONYMOUS_SCOPES.get(settings.CALLBOARD["ANONYMOUS"])
    if scopes is None:
        raise NotAuthenticated("no credentials")
    account = lookup.find_account(services.ANONYMOUS_ACCOUNT)
    if account is None:
        raise NotAuthenticated("no anonymous account")
    if not account.is_active or account.is_disabled:
        raise NotAuthenticated("disabled")
    principal = _principal(account, auth="none", credential=None, scopes=scopes, prefixes=())
    kept.keep(name, _Known(principal), epoch=account.epoch, seconds=SECONDS)
    return principal


def _principal(
    account: Account, *, auth: str, credential: str | None, scopes: frozenset[str], prefixes: tuple[str, ...]
) -> Principal:
    return Principal(
        user_id=account.user_id,
        ref=_ref(account),
        name=account.name,
        kind=_kind(account),
        auth=auth,
        credential=credential,
        scopes=scopes,
        prefixes=prefixes,
        groups=frozenset(map(int, (account.groups or "").split())),
        owner_group_id=account.owner_group_id,
        rights=frozenset((account.rights or "").split()),
    )


def _kind(account: Account) -> Kind:
    return "person" if account.id is None else "service"


def _ref(account: Account) -> str:
    return person_ref(account.user_id) if account.id is None else service_ref(account.id)


def _token(given: str, *, is_basic: bool) -> Token:
    """What was sent, if it could be a key at all. Nothing here asks the database."""
    if len(given) > LONGEST_KEY:
        raise NotAuthenticated("malformed")
    user, text = _basic(given) if is_basic else (None, given)
    token = tokens.parse(text)
    if token is None or user not in {None, token.id12, tokens.PREFIX + token.id12}:
        raise NotAuthenticated("malformed")
    return token


def _basic(encoded: str) -> tuple[str, str]:
    """User and password, divided at the first colon: a password may hold more of them."""
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).decode("ascii").partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise NotAuthenticated("malformed") from error
    if not colon:
        raise NotAuthenticated("malformed")
    return user, password


def _matching(token: Token) -> tuple[Secret, Account]:
    """The secret that this token is, with its account. An unknown id costs the same comparison as a wrong secret."""
    rows = lookup.find_secrets(token.id12)
    given = {version: tokens.digest(token, pepper) for version, pepper in services.peppers().items()}
    for secret, account in rows:
        if hmac.compare_digest(given.get(secret.pepper_version, _NO_DIGEST), secret.hmac):
            return secret, account
    if not rows:
        hmac.compare_digest(given[services.pepper_version()], _NO_DIGEST)
    raise NotAuthenticated("wrong secret" if rows else "unknown key", token.id12)


def _refusal(secret: Secret, account: Account, caller: Address | None, networks: tuple[Network, ...]) -> str:
    if secret.is_expired:
        return "expired"
    if secret.is_revoked or secret.is_key_revoked:
        return "revoked"
    if not account.is_active:
        return "inactive user"
    if account.is_disabled:
        return "disabled"
    if networks and not _is_within(caller, networks):
        return "address"
    return ""


def _is_stale(secret: Secret) -> bool:
    """Somebody said that it should no longer be used, and it is."""
    return secret.is_revoked or secret.is_key_revoked or (secret.is_superseded and secret.is_expired)


def _is_within(caller: Address | None, networks: tuple[Network, ...]) -> bool:
    return caller is not None and any(caller in network for network in networks)


def _ip(address: str | None) -> Address | None:
    """None where there is none, as on a Unix socket. A server that listens on both families writes v4 as `::ffff:…`."""
    try:
        found = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def of_session(user: User) -> Principal:
    """The person behind a signed-in session; all scopes, and for a superuser every right there is.

    Only a session carries `is_superuser`: no key and no token does, whoever holds it.
    """
    rights = user.get_all_permissions()
    return Principal(
        user_id=user.pk,
        ref=person_ref(user.pk),
        name=user.get_full_name() or user.get_username(),
        kind="person",
        auth="session",
        credential=None,
        scopes=frozenset(services.SCOPES),
        prefixes=(),
        groups=frozenset(user.groups.values_list("pk", flat=True)),
        owner_group_id=None,
        rights=frozenset(rights),
    )
