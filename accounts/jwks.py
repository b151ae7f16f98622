"""The public keys of issuers: fetched when first needed, kept for five minutes, and for a day while an issuer is away.

A token under a key that is not known yet makes us look again, but not more often than every five seconds, whether the
last look succeeded or failed: strangers can't make us ask for every token they invent.
"""

import json
import logging
from threading import Lock
from time import monotonic
from typing import Any

import requests
from django.db import connection
from jwt import PyJWK, PyJWKClient, PyJWKClientError
from jwt.exceptions import PyJWKError, PyJWKSetError

from accounts import epoch
from accounts.models import AuthEpoch

logger = logging.getLogger(__name__)

LIFESPAN = 300
COOLDOWN = 5
TIMEOUT = 3
STALE_SECONDS = 24 * 3600
LARGEST = 64 * 1024


class KeysUnavailable(Exception):
    """The issuer can't be asked, and nothing is kept of it. Whoever sent the token should try again."""


class UnknownKey(Exception):
    """The issuer publishes no key of this id."""


class _Keys(PyJWKClient):
    """Of one issuer. Its discovery document says where they are."""

    def __init__(self, issuer: str) -> None:
        super().__init__(issuer, lifespan=LIFESPAN, cooldown_duration=COOLDOWN, timeout=TIMEOUT)
        self._issuer = issuer
        self._place = ""
        self._good: tuple[dict[str, Any], float] | None = None
        self._retry_at = 0.0

    def fetch_data(self) -> Any:
        if monotonic() < self._retry_at:
            return self._stale()
        try:
            found = self._fetch()
        except (requests.RequestException, ValueError, KeyError) as error:
            self._retry_at = monotonic() + COOLDOWN
            self._place = ""
            logger.warning("keys of %s can't be fetched: %s", self._issuer, type(error).__name__)
            return self._stale()
        self._good = found, monotonic()
        self._last_successful_fetch = monotonic()
        return found

    def _fetch(self) -> dict[str, Any]:
        if not self._place:
            document = _get(f"{self._issuer}/.well-known/openid-configuration")
            if document["issuer"] != self._issuer:
                raise ValueError("the discovery document of another issuer")
            self._place = _https_if(self._issuer.startswith("https:"), document["jwks_uri"])
        return _get(self._place)

    def _stale(self) -> dict[str, Any]:
        if self._good is None or monotonic() - self._good[1] > STALE_SECONDS:
            raise KeysUnavailable(self._issuer)
        return self._good[0]


_known: dict[str, _Keys] = {}
_flushed: tuple[int | None, int | None] = (None, None)
_lock = Lock()


def find(issuer: str, key_id: str) -> PyJWK:
    """Of an issuer that somebody has registered here. Raises KeysUnavailable, UnknownKey."""
    _obey_flushes()
    with _lock:
        keys = _known.setdefault(issuer, _Keys(issuer))
    try:
        return keys.get_signing_key(key_id)
    except (PyJWKClientError, PyJWKError, PyJWKSetError) as error:
        raise UnknownKey(type(error).__name__) from error


def flush() -> None:
    """Every server fetches the keys anew before it takes another token."""
    with connection.cursor() as cursor:
        table = AuthEpoch._meta.db_table
        cursor.execute(f'UPDATE "{table}" SET number = number + 1, jwks_flushes = jwks_flushes + 1')  # noqa: S608


def _obey_flushes() -> None:
    """The epoch moves at a flush too, so that one number is watched and the other only looked at when it has moved."""
    global _flushed
    number = epoch.current()
    if number is not None and number == _flushed[0]:
        return
    flushes = AuthEpoch.objects.values_list("jwks_flushes", flat=True).first()
    with _lock:
        if flushes != _flushed[1]:
            _known.clear()
        _flushed = number, flushes


def forget() -> None:
    with _lock:
        _known.clear()


def _get(url: str) -> dict[str, Any]:
    with requests.get(url, timeout=TIMEOUT, allow_redirects=False, stream=True) as response:
        if response.status_code != 200:
            raise ValueError(f"status {response.status_code}")
        body = response.raw.read(LARGEST + 1, decode_content=True)
    if len(body) > LARGEST:
        raise ValueError("too large")
    found = json.loads(body)
    if not isinstance(found, dict):
        raise ValueError("no object")
    return found


def _https_if(needed: bool, url: Any) -> str:
    if not isinstance(url, str) or not url.startswith("https://" if needed else ("https://", "http://")):
        raise ValueError("no address of keys")
    return url
