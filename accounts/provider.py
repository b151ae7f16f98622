"""The addresses of the identity provider: given one by one, or read from its discovery document."""

from dataclasses import dataclass
from threading import Lock
from typing import Any

import requests
from django.conf import settings

TIMEOUT = (3.05, 5)
_KEYS = {
    "authorization": "authorization_endpoint",
    "token": "token_endpoint",
    "user": "userinfo_endpoint",
    "jwks": "jwks_uri",
    "end_session": "end_session_endpoint",
}
_NEEDED = ("authorization", "token", "user", "jwks")


class ProviderUnavailable(Exception):
    """The provider did not say where it lives, or said it of somebody else."""


@dataclass(frozen=True)
class Provider:
    """`issuer` is spelled as the provider itself does, which is how tokens name it."""

    issuer: str
    authorization: str
    token: str
    user: str
    jwks: str
    end_session: str


_kept: dict[str, Provider] = {}
_lock = Lock()


def current() -> Provider:
    """Asked for when first needed, and kept: a provider that is down is no reason not to start."""
    issuer: str = settings.CALLBOARD["OIDC_ISSUER"]
    given = {name: settings.CALLBOARD[f"OIDC_{name.upper()}_ENDPOINT"] or "" for name in _KEYS}
    if all(given[name] for name in _NEEDED):
        return Provider(issuer, **given)
    with _lock:
        if issuer not in _kept:
            _kept[issuer] = _discover(issuer)
        found = _kept[issuer]
    return Provider(found.issuer, **{name: value or getattr(found, name) for name, value in given.items()})


def _discover(issuer: str) -> Provider:
    try:
        response = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=TIMEOUT, allow_redirects=False)
        response.raise_for_status()
        document: Any = response.json()
    except (requests.RequestException, ValueError) as error:
        raise ProviderUnavailable(type(error).__name__) from error
    if not isinstance(document, dict) or str(document.get("issuer")).rstrip("/") != issuer.rstrip("/"):
        raise ProviderUnavailable("its discovery document is another issuer's")
    found = {name: str(document.get(key) or "") for name, key in _KEYS.items()}
    if missing := [name for name in _NEEDED if not found[name].startswith(("https://", "http://"))]:
        raise ProviderUnavailable(f"its discovery document names no {', '.join(missing)} endpoint")
    return Provider(document["issuer"], **found)
