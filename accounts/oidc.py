"""People from an OpenID provider: the library's backend and views, hardened.

Somebody is (issuer, subject), never an address; tokens are verified here, in full; whatever goes wrong ends on the
failure page, and the log gets the name of an exception's class, because its message may hold what the provider sent.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import jwt
import requests
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.views.generic import View
from mozilla_django_oidc.auth import OIDCAuthenticationBackend  # type: ignore[import-untyped]
from mozilla_django_oidc.views import (  # type: ignore[import-untyped]
    OIDCAuthenticationCallbackView,
    OIDCAuthenticationRequestView,
)

from accounts import login, people, provider, sessions
from accounts.models import User
from accounts.people import Claims, ProviderSession
from accounts.provider import ProviderUnavailable
from accounts.throttle import Throttle

logger = logging.getLogger(__name__)

LEEWAY_SECONDS = 60
LONGEST_SUBJECT = 255
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
# Of a JWT by its header; none at all is one too.
_LOGOUT_TYPES = {"logout+jwt", "jwt"}
LONGEST_GROUP = 140
MOST_GROUPS = 200
# Each start by a stranger writes a session row. Behind a proxy all people share its address.
starts = Throttle(limit=300, seconds=60)

EXPECTED = (
    requests.RequestException,
    SuspiciousOperation,
    ProviderUnavailable,
    jwt.PyJWTError,
    KeyError,
    TypeError,
    ValueError,
)


class GroupsRefused(Exception):
    """More or longer groups than we take, or only a pointer to them: half a list would be a wrong list."""


@dataclass(frozen=True)
class _Answer:
    """What came with a successful exchange, on its way from the backend to the callback."""

    id_token: str
    at_provider: ProviderSession


class Backend(OIDCAuthenticationBackend):  # type: ignore[misc]
    def __init__(self) -> None:
        # Not the library's, which wants the endpoints at once: every request with a session makes a backend.
        self.OIDC_RP_CLIENT_ID = settings.OIDC_RP_CLIENT_ID
        self.OIDC_RP_CLIENT_SECRET = settings.OIDC_RP_CLIENT_SECRET
        self.UserModel = User

    @property
    def OIDC_OP_TOKEN_ENDPOINT(self) -> str:
        return provider.current().token

    @property
    def OIDC_OP_USER_ENDPOINT(self) -> str:
        return provider.current().user

    @property
    def OIDC_OP_JWKS_ENDPOINT(self) -> str:
        return provider.current().jwks

    # Only these: Django would otherwise offer it the passwords of the local form.
    def authenticate(self, request: HttpRequest | None, nonce: str, code_verifier: str) -> User | None:
        return cast(User | None, super().authenticate(request, nonce=nonce, code_verifier=code_verifier))

    def get_token(self, payload: Any) -> dict[str, Any]:
        return _mapping("token response", super().get_token(payload))

    def verify_token(self, token: Any, **kwargs: Any) -> dict[str, Any]:
        """Always under a key that the provider publishes, never under our own secret."""
        if not isinstance(token, str):
            raise SuspiciousOperation("ID token refused: missing")
        payload = self._verify_jws(token, self.retrieve_matching_jwk(token))
        nonce = kwargs.get("nonce")
        if not nonce or payload.get("nonce") != nonce:
            raise SuspiciousOperation("ID token refused: nonce")
        return payload

    def verify_logout_token(self, token: str) -> dict[str, Any]:
        """No other token of the provider will do, though it is signed with the same key."""
        kind = jwt.get_unverified_header(token).get("typ", "JWT")
        if not isinstance(kind, str) or kind.lower() not in _LOGOUT_TYPES:
            raise SuspiciousOperation("logout token refused: typ")
        claims = self._decode(token, self.retrieve_matching_jwk(token), require=["jti", "events"])
        if "nonce" in claims or not isinstance(claims["events"], dict) or LOGOUT_EVENT not in claims["events"]:
            raise SuspiciousOperation("logout token refused: events")
        return claims

    def _verify_jws(self, payload: str, key: Any) -> dict[str, Any]:
        return self._decode(payload, key, require=["sub"])

    def _decode(self, token: str, key: Any, *, require: list[str]) -> dict[str, Any]:
        client_id = self.OIDC_RP_CLIENT_ID
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[settings.OIDC_RP_SIGN_ALGO],
                audience=client_id,
                issuer=provider.current().issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "iss", "aud", *require]},
            )
        except jwt.PyJWTError as error:
            raise SuspiciousOperation(f"token refused: {type(error).__name__}") from error
        has_others = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if (has_others or "azp" in claims) and claims.get("azp") != client_id:
            raise SuspiciousOperation("token refused: azp")
        return claims

    def store_tokens(self, access_token: Any, id_token: Any) -> None:
        """Not yet: a login flushes the session of whoever was signed in before. The callback stores them."""

    def get_userinfo(self, access_token: Any, id_token: Any, payload: Mapping[str, Any]) -> dict[str, Any]:
        found = _mapping("userinfo", super().get_userinfo(access_token, id_token, payload))
        if found.get("sub") != payload["sub"]:
            raise SuspiciousOperation("userinfo refused: sub")
        return found

    def verify_claims(self, claims: Mapping[str, Any]) -> bool:
        subject = claims.get("sub")
        return isinstance(subject, str) and 0 < len(subject) <= LONGEST_SUBJECT

    def get_or_create_user(self, access_token: Any, id_token: str, payload: Mapping[str, Any]) -> User:
        if not self.verify_claims(payload):
            raise SuspiciousOperation("ID token refused: sub")
        userinfo = self.get_userinfo(access_token, id_token, payload)
        claims = read_claims({**payload, **userinfo}, issuer=payload["iss"])
        user = people.provision(claims=claims, request_id=login.request_id(self.request))
        sid = payload.get("sid")
        at_provider = ProviderSession(claims.issuer, claims.subject, sid[:255] if isinstance(sid, str) else "")
        self.request.oidc_answer = _Answer(id_token, at_provider)
        return user

    def get_user(self, user_id: int) -> User | None:
        """Nobody who was deactivated here, and nobody at all once there is no provider any more."""
        if not settings.CALLBOARD["OIDC_ISSUER"]:
            return None
        return User.objects.filter(pk=user_id, is_active=True).first()


def read_claims(claims: Mapping[str, Any], *, issuer: str) -> Claims:
    """Raises GroupsRefused."""
    values = _groups(claims)
    prefixes = tuple(settings.CALLBOARD["OIDC_GROUP_PREFIXES"])
    taken = {value for value in values if not prefixes or value.startswith(prefixes)}
    if len(taken) > MOST_GROUPS or any(not _is_seemly(value) for value in taken):
        raise GroupsRefused
    email, superusers = claims.get("email"), settings.CALLBOARD["OIDC_SUPERUSER_GROUP"]
    is_known = claims.get("email_verified") is True and isinstance(email, str) and len(email) <= 254
    is_superuser = bool(superusers) and superusers in values
    return Claims(
        issuer=issuer,
        subject=claims["sub"],
        name=_display_name(claims),
        email=cast(str, email) if is_known else "",
        groups=frozenset(taken),
        is_staff=is_superuser or not values.isdisjoint(settings.CALLBOARD["OIDC_STAFF_GROUPS"]),
        is_superuser=is_superuser,
    )


def _groups(claims: Mapping[str, Any]) -> set[str]:
    """A list of texts. Anything else, or nothing, is no group: never "as it was"."""
    name = settings.CALLBOARD["OIDC_GROUPS_CLAIM"]
    elsewhere = claims.get("_claim_names")
    if name not in claims and isinstance(elsewhere, dict) and name in elsewhere:
        raise GroupsRefused
    found = claims.get(name)
    if not isinstance(found, list) or not all(isinstance(value, str) for value in found):
        return set()
    return set(found)


def _is_seemly(group: str) -> bool:
    return 0 < len(group) <= LONGEST_GROUP and group.isprintable()


def _display_name(claims: Mapping[str, Any]) -> str:
    given = claims.get("name") or claims.get("preferred_username")
    return "".join(c for c in given if c.isprintable())[:150] if isinstance(given, str) else ""


def _mapping(what: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SuspiciousOperation(f"{what} refused: no object")
    return value


class AuthenticateView(OIDCAuthenticationRequestView):  # type: ignore[misc]
    """Off to the provider, with state, nonce and PKCE."""

    def __init__(self, **kwargs: Any) -> None:
        # Not the library's, for the same reason as above.
        View.__init__(self, **kwargs)
        self.OIDC_RP_CLIENT_ID = settings.OIDC_RP_CLIENT_ID

    @property
    def OIDC_OP_AUTH_ENDPOINT(self) -> str:
        return provider.current().authorization

    def get(self, request: HttpRequest) -> HttpResponse:
        if not settings.CALLBOARD["OIDC_ISSUER"]:
            return redirect("login")
        address = request.META.get("REMOTE_ADDR", "")
        if starts.is_exhausted(address):
            return login.too_many_tries(request, starts)
        starts.count(address)
        try:
            return cast(HttpResponse, super().get(request))
        except ProviderUnavailable as error:
            logger.warning("login failed: %s", error)
            return login.failure("provider")


class CallbackView(OIDCAuthenticationCallbackView):  # type: ignore[misc]
    """Back from the provider."""

    def get(self, request: HttpRequest) -> HttpResponse:
        if not settings.CALLBOARD["OIDC_ISSUER"]:
            return login.not_found(request)
        try:
            if "iss" in request.GET and request.GET["iss"] != provider.current().issuer:
                # Another provider's answer (RFC 9207).
                return login.failure()
            if request.GET.get("error"):
                return self._refused(request)
            return cast(HttpResponse, super().get(request))
        except GroupsRefused:
            logger.warning("login failed: more groups than are taken over")
            return login.failure("groups")
        except EXPECTED as error:
            logger.warning("login failed: %s", type(error).__name__)
            return login.failure()

    def _refused(self, request: HttpRequest) -> HttpResponse:
        """The provider says no. To a question that we never asked, nothing changes."""
        states = request.session.get("oidc_states", {})
        if states.pop(request.GET.get("state", ""), None) is None:
            return login.failure()
        request.session["oidc_states"] = states
        login.sign_out(request)
        return login.failure("ended" if request.GET["error"] == "login_required" else "")

    def login_failure(self) -> HttpResponse:
        """Of somebody whom the provider vouches for and who was deactivated here, or of an answer to no question."""
        if hasattr(self, "user") and self.request.user.is_authenticated:
            login.sign_out(self.request)
        return login.failure()

    def login_success(self) -> HttpResponse:
        request, user = self.request, self.user
        answer: _Answer = request.oidc_answer
        before = request.user
        if before.is_authenticated and before != user:
            # Not a switch without a word.
            login.sign_out(request)
            return login.failure("other")
        response: HttpResponseRedirect = super().login_success()
        # After the login, which begins a new session.
        request.session["oidc_id_token"] = answer.id_token
        request.session["oidc_sid"] = answer.at_provider.sid
        session_key = request.session.session_key
        if before.is_authenticated:
            people.index_session(session_key=session_key, at_provider=answer.at_provider)
            return response
        sessions.stamp(request.session)
        people.record_login(
            user=user,
            proof="oidc",
            request_id=login.request_id(request),
            session_key=session_key,
            at_provider=answer.at_provider,
        )
        return response
