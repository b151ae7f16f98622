"""Every quarter of an hour the provider is asked again who somebody is: groups may be gone, and people too.

A page is sent there and back without anybody noticing. Whatever can't be sent along, because it changes something or
because a script in a page asked for it, is told that the session has ended.
"""

import logging
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.deprecation import MiddlewareMixin
from django.utils.functional import cached_property
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from mozilla_django_oidc.middleware import SessionRefresh  # type: ignore[import-untyped]

from accounts import login, provider
from accounts.provider import ProviderUnavailable

logger = logging.getLogger(__name__)

OIDC_BACKEND = "accounts.oidc.Backend"


class Renewal(SessionRefresh):  # type: ignore[misc]
    OIDC_AUTHENTICATION_CALLBACK_URL = "oidc_authentication_callback"

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        # Not the library's, which wants the endpoints at once: a provider that is down is no reason not to start.
        MiddlewareMixin.__init__(self, get_response)
        self.OIDC_EXEMPT_URLS = settings.OIDC_EXEMPT_URLS
        self.OIDC_STATE_SIZE = settings.OIDC_STATE_SIZE
        self.OIDC_RP_SCOPES = settings.OIDC_RP_SCOPES
        self.OIDC_USE_NONCE = settings.OIDC_USE_NONCE
        self.OIDC_NONCE_SIZE = settings.OIDC_NONCE_SIZE

    @cached_property
    def exempt_urls(self) -> set[str]:
        # The library would add the address of its own logout, which we don't have.
        return {url if url.startswith("/") else reverse(url) for url in self.OIDC_EXEMPT_URLS}

    @property
    def OIDC_RP_CLIENT_ID(self) -> str:
        return str(settings.OIDC_RP_CLIENT_ID)

    @property
    def OIDC_OP_AUTHORIZATION_ENDPOINT(self) -> str:
        return provider.current().authorization

    def process_request(self, request: HttpRequest) -> HttpResponseBase | None:
        if not self._is_due(request):
            return None
        if request.method != "GET" or _is_script(request):
            return _expired(request)
        try:
            answer: HttpResponseBase | None = super().process_request(request)
        except ProviderUnavailable as error:
            logger.warning("renewal failed: %s", error)
            return login.failure("provider")
        return answer

    def _is_due(self, request: HttpRequest) -> bool:
        """Of paths that look at the session at all: a session that nobody looks at is not even loaded."""
        if not _is_for_sessions(request) or request.path_info in self.exempt_urls:
            return False
        if request.session.get(BACKEND_SESSION_KEY) != OIDC_BACKEND or not request.user.is_authenticated:
            return False
        return bool(request.session.get("oidc_id_token_expiration", 0) <= time.time())


def _is_for_sessions(request: HttpRequest) -> bool:
    path, admin = request.path_info, f"/{settings.CALLBOARD['ADMIN_PATH'].strip('/')}/"
    if path.startswith("/api/"):
        return "Authorization" not in request.headers
    # Whoever wants to sign out may.
    return path.startswith(("/ui/", admin)) and path != f"{admin}logout/"


def _is_script(request: HttpRequest) -> bool:
    """A redirect to the provider would be followed by the script, and broken off by the browser."""
    headers = request.headers
    is_fetched = headers.get("Sec-Fetch-Mode", "navigate") != "navigate"
    is_htmx = "HX-Request" in headers or headers.get("X-Requested-With") == "XMLHttpRequest"
    return request.path_info.startswith("/api/") or is_htmx or is_fetched


def _expired(request: HttpRequest) -> HttpResponse:
    start = reverse("oidc_authentication_init")
    if request.headers.get("Sec-Fetch-Mode") == "navigate":
        # A form that somebody has just filled in and sent.
        response = render(request, "accounts/session_expired.html", {"start": _with_page(start, request)}, status=401)
    else:
        response = JsonResponse({"error": "session_expired", "login": start}, status=401)
    if _is_script(request):
        response["HX-Redirect"] = _with_page(start, request)
    add_never_cache_headers(response)
    return response


def _with_page(start: str, request: HttpRequest) -> str:
    return f"{start}?{urlencode({'next': _page(request)})}"


def _page(request: HttpRequest) -> str:
    """Where somebody is looking: as htmx says, or as the browser does; never anywhere else than here."""
    for said in (request.headers.get("HX-Current-URL"), request.headers.get("Referer")):
        if said and url_has_allowed_host_and_scheme(said, allowed_hosts={request.get_host()}):
            found = urlsplit(said)
            if found.netloc:
                return f"{found.path}?{found.query}" if found.query else found.path
    return "/ui/"
