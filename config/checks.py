"""System checks: refuse unsafe settings before the first request."""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps.config import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connection, connections

from audit import triggers

# What `PRAGMA synchronous` answers for FULL and EXTRA; less may lose acknowledged ids in a power cut.
SAFE_SYNCHRONOUS = {2, 3}


@register(Tags.security)
def production_names_its_hosts(*, app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    if not settings.PRODUCTION or "*" not in settings.ALLOWED_HOSTS:
        return []
    return [
        Warning(
            "CALLBOARD_ALLOWED_HOSTS is `*` in production.",
            hint="Name the hosts that clients use, comma separated.",
            id="callboard.W001",
        )
    ]


@register(Tags.security)
def people_sign_in_safely(*, app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Once any setting of the identity provider is given, the library's laxer ways are errors."""
    if not any(value for name, value in settings.CALLBOARD.items() if name in _TURNS_ON):
        return []
    return [Error(message, id=f"callboard.{id}") for id, (is_broken, message) in _PEOPLE.items() if is_broken()]


_ENDPOINTS = [f"OIDC_{name}_ENDPOINT" for name in ("AUTHORIZATION", "TOKEN", "USER", "JWKS", "END_SESSION")]
_TURNS_ON = {"OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", *_ENDPOINTS}


def _goes_in_the_clear() -> bool:
    """Tokens and the client's secret would travel readable. Within one machine, as in tests, nobody is listening."""
    return any(_is_in_the_clear(settings.CALLBOARD[name] or "") for name in ("OIDC_ISSUER", *_ENDPOINTS))


def _is_in_the_clear(address: str) -> bool:
    parts, is_loopback_fine = urlsplit(address), not settings.PRODUCTION
    return parts.scheme == "http" and not (is_loopback_fine and parts.hostname in {"127.0.0.1", "::1", "localhost"})


def _is_cookie_engine() -> bool:
    return not settings.SESSION_ENGINE.endswith((".backends.db", ".backends.cached_db"))


def _is_lax_about_tokens() -> bool:
    is_strict = settings.OIDC_VERIFY_JWT and settings.OIDC_VERIFY_KID and settings.OIDC_USE_NONCE
    return not is_strict or settings.OIDC_ALLOW_UNSECURED_JWT


def _is_stock() -> bool:
    return any(name.startswith("mozilla_django_oidc.") for name in settings.AUTHENTICATION_BACKENDS)


_PEOPLE: dict[str, tuple[Callable[[], bool], str]] = {
    "E010": (
        lambda: not settings.CALLBOARD["OIDC_ISSUER"],
        "CALLBOARD_OIDC_ISSUER is missing, though other settings of the identity provider are given.",
    ),
    "E011": (
        lambda: not (settings.OIDC_RP_CLIENT_ID and settings.OIDC_RP_CLIENT_SECRET),
        "CALLBOARD_OIDC_CLIENT_ID and CALLBOARD_OIDC_CLIENT_SECRET must be given with an issuer.",
    ),
    "E012": (
        _goes_in_the_clear,
        "CALLBOARD_OIDC_ISSUER and the provider's endpoints must be https:// addresses.",
    ),
    "E013": (
        lambda: settings.OIDC_RP_SIGN_ALGO not in {"RS256", "ES256"},
        "CALLBOARD_OIDC_SIGN_ALGO must be RS256 or ES256.",
    ),
    "E014": (
        lambda: not (settings.OIDC_USE_PKCE and settings.OIDC_PKCE_CODE_CHALLENGE_METHOD == "S256"),
        "OIDC_USE_PKCE must be on, with the method S256.",
    ),
    "E015": (lambda: not settings.OIDC_VERIFY_SSL, "OIDC_VERIFY_SSL must be on."),
    "E016": (
        _is_lax_about_tokens,
        "OIDC_VERIFY_JWT, OIDC_VERIFY_KID and OIDC_USE_NONCE must be on, OIDC_ALLOW_UNSECURED_JWT off.",
    ),
    "E017": (
        _is_cookie_engine,
        "SESSION_ENGINE must keep sessions in the database: the provider could not end one that is kept in a cookie.",
    ),
    "E018": (
        lambda: settings.SESSION_COOKIE_SAMESITE != "Lax",
        "SESSION_COOKIE_SAMESITE must be Lax: Strict withholds the session from the way back from the provider.",
    ),
    "E019": (
        lambda: settings.LOGIN_REDIRECT_URL_FAILURE not in settings.OIDC_EXEMPT_URLS,
        "LOGIN_REDIRECT_URL_FAILURE must stand in OIDC_EXEMPT_URLS, or a failed renewal goes round in circles.",
    ),
    "E020": (lambda: not settings.OIDC_TIMEOUT, "OIDC_TIMEOUT must be set: a silent provider would be waited for."),
    "E021": (lambda: settings.ALLOW_LOGOUT_GET_METHOD, "ALLOW_LOGOUT_GET_METHOD must be off."),
    "E022": (_is_stock, "AUTHENTICATION_BACKENDS must not name the backend of mozilla_django_oidc itself."),
    "E023": (
        lambda: settings.PRODUCTION and not (settings.SESSION_COOKIE_SECURE and settings.CSRF_COOKIE_SECURE),
        "CALLBOARD_BASE_URL must be an https:// address in production: cookies would go over the wire in the clear.",
    ),
}


@register(Tags.security)
def robots_prove_themselves(*, app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Keys, tokens and strangers."""
    found: list[CheckMessage] = [
        Error(message, id=f"callboard.{id}") for id, (is_broken, message) in _ROBOTS.items() if is_broken()
    ]
    if settings.PRODUCTION and settings.CALLBOARD["ANONYMOUS"] == "read":
        hint = "Give whoever reads a key, or keep strangers away from the network."
        found.append(Warning("CALLBOARD_ANONYMOUS lets strangers read in production.", hint=hint, id="callboard.W030"))
    return found


def _names_the_portal() -> bool:
    """Without the type, only the audience tells a robot's token from what a person got at the portal."""
    audience, client_id = settings.CALLBOARD["JWT_AUDIENCE"], settings.OIDC_RP_CLIENT_ID
    return not settings.CALLBOARD["JWT_REQUIRE_AT_TYP"] and bool(client_id) and audience == client_id


def _has_a_wrong_old_pepper() -> bool:
    old, version = settings.KEY_PEPPER_OLD, settings.CALLBOARD["KEY_PEPPER_VERSION"]
    return bool(old) and (version < 2 or old == settings.KEY_PEPPER)


_ROBOTS: dict[str, tuple[Callable[[], bool], str]] = {
    "E030": (
        lambda: settings.PRODUCTION and settings.CALLBOARD["ANONYMOUS"] == "write",
        "CALLBOARD_ANONYMOUS must not be `write` in production: whoever reaches the server could register.",
    ),
    "E031": (
        lambda: any(_is_in_the_clear(issuer) for issuer in settings.CALLBOARD["JWT_ISSUERS"]),
        "CALLBOARD_JWT_ISSUERS must be https:// addresses: whoever answers in their place could make tokens.",
    ),
    "E032": (
        _names_the_portal,
        "CALLBOARD_JWT_AUDIENCE must differ from CALLBOARD_OIDC_CLIENT_ID while CALLBOARD_JWT_REQUIRE_AT_TYP is off.",
    ),
    "E033": (
        _has_a_wrong_old_pepper,
        "CALLBOARD_KEY_PEPPER_OLD is the pepper before: it differs from CALLBOARD_KEY_PEPPER, and "
        "CALLBOARD_KEY_PEPPER_VERSION is one more than it was.",
    ),
}


@register(Tags.database)
def sqlite_keeps_what_it_acknowledged(
    *, app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None, **kwargs: Any
) -> list[CheckMessage]:
    return [problem for alias in databases or () for problem in _sqlite_problems(alias)]


def _sqlite_problems(alias: str) -> list[CheckMessage]:
    if connections[alias].vendor != "sqlite":
        return []
    with connections[alias].cursor() as cursor:
        journal = cursor.execute("PRAGMA journal_mode").fetchone()[0]
        synchronous = cursor.execute("PRAGMA synchronous").fetchone()[0]
    problems: list[CheckMessage] = []
    if journal != "wal":
        problems.append(Error(f"SQLite's journal mode is {journal}, not WAL.", id="callboard.E001"))
    if synchronous not in SAFE_SYNCHRONOUS:
        problems.append(Error("SQLite's synchronous setting is below FULL.", id="callboard.E002"))
    return problems


def audit_guards() -> list[CheckMessage]:
    """Refuses a database whose audit triggers are gone.

    Asked at start, after `migrate`: registered as a system check it would stop `migrate`, which puts them back.
    """
    missing = triggers.missing(connection)
    if not missing:
        return []
    return [
        Error(
            f"{len(missing)} audit triggers are missing from the database, the first is {missing[0]}.",
            hint="Find out who removed them, then run `manage.py migrate`, which installs them.",
            id="callboard.E003",
        )
    ]
