"""The provider tells us, server to server, that it has ended a session (OpenID Connect Back-Channel Logout)."""

import logging
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from accounts import login, oidc, people
from accounts.people import LogoutReplayed, ProviderLogout, ProviderSession
from accounts.throttle import Throttle

logger = logging.getLogger(__name__)

LONGEST_ID = 255
# Each costs a look at the provider's keys. All messages of a provider come from the same few addresses.
messages = Throttle(limit=300, seconds=60)


@csrf_exempt
@require_POST
@sensitive_post_parameters()
def logout(request: HttpRequest) -> HttpResponse:
    if not settings.CALLBOARD["OIDC_ISSUER"]:
        return login.not_found(request)
    address = request.META.get("REMOTE_ADDR", "")
    if messages.is_exhausted(address):
        return login.too_many_tries(request, messages)
    messages.count(address)
    try:
        people.end_sessions(logout=_read(request), request_id=login.request_id(request))
    except (*oidc.EXPECTED, LogoutReplayed) as error:
        logger.warning("logout of a provider refused: %s", type(error).__name__)
        return _answer(JsonResponse({"error": "invalid_request"}, status=400))
    return _answer(HttpResponse())


def _read(request: HttpRequest) -> ProviderLogout:
    claims = oidc.Backend().verify_logout_token(request.POST["logout_token"])
    sid, subject = (_text(claims.get(name, "")) for name in ("sid", "sub"))
    if not (sid or subject):
        raise SuspiciousOperation("logout token refused: it names nobody")
    expires_at = datetime.fromtimestamp(int(claims["exp"]), UTC) + timedelta(seconds=oidc.LEEWAY_SECONDS)
    return ProviderLogout(ProviderSession(claims["iss"], subject, sid), _text(claims["jti"]), expires_at)


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_ID:
        raise SuspiciousOperation("logout token refused: not a short text")
    return value


def _answer(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store"
    return response
