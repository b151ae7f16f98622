"""What DRF asks when it wants to know who calls."""

import logging

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed, ParseError, PermissionDenied, Throttled
from rest_framework.request import Request

from accounts import failures, principals
from accounts.failures import TooManyFailures
from accounts.jwks import KeysUnavailable
from accounts.principals import NotAuthenticated, NotTrusted, Principal

logger = logging.getLogger(__name__)


class HeaderAuthentication(BaseAuthentication):
    """Basic and Bearer in one class, because DRF challenges with its first class only.

    The Authorization header is all that counts: cookies are not looked at, nor are the headers by which clients of a
    hosted registry name their cluster or identity pool.
    """

    def authenticate(self, request: Request) -> tuple[Principal, None]:
        """Never None, which would let the request go on as nobody."""
        address = request.META.get("REMOTE_ADDR")
        try:
            return principals.authenticate(request.META.get("HTTP_AUTHORIZATION"), address), None
        except NotAuthenticated as error:
            logger.info("not authenticated: %s, key %s, from %s", error.reason, error.key_id, address)
            if error.key_id:
                count_failure(error.key_id, address or "")
            raise AuthenticationFailed("Unauthorized") from None
        except NotTrusted as error:
            logger.info("not trusted: client %s, from %s", error, address)
            raise PermissionDenied("This client of the provider is not known here") from None
        except KeysUnavailable as error:
            logger.warning("keys of %s are not available", error)
            raise ProviderAway from None

    def authenticate_header(self, request: Request) -> str:
        """Scripts in a page get no Basic challenge: the browser would open a window for it."""
        bearer = 'Bearer realm="callboard"'
        is_script = request.META.get("HTTP_X_REQUESTED_WITH") == "XMLHttpRequest" or "HTTP_HX_REQUEST" in request.META
        return bearer if is_script else f'Basic realm="callboard", {bearer}'


class ProviderAway(APIException):
    """Clients ask again after a 503, and give up after a 401."""

    status_code = 503
    default_detail = "The keys of the token's issuer can't be had; try again in a moment"


def count_failure(key_id: str, address: str) -> None:
    try:
        failures.count(address=address, key_id=key_id)
    except TooManyFailures as refused:
        raise Throttled(refused.seconds) from None


class OwnApiAuthentication(HeaderAuthentication):
    """Our own API also takes the session of a page, with its CSRF token. An Authorization header switches that off.

    Who sends both and means two callers gets neither: which of them it would be must not depend on our order.
    """

    def authenticate(self, request: Request) -> tuple[Principal, None]:
        user = request._request.user
        if "HTTP_AUTHORIZATION" not in request.META and user.is_authenticated:
            _refuse_forgery(request._request)
            return principals.of_session(user), None
        principal, _ = super().authenticate(request)
        if user.is_authenticated and user.pk != principal.user_id:
            raise ParseError("The session and the Authorization header name different callers; send one of them")
        return principal, None


def _refuse_forgery(request: HttpRequest) -> None:
    """DRF exempts its views from Django's check, because a key needs none; a cookie does."""
    check = _CsrfCheck(lambda _: HttpResponse())
    check.process_request(request)
    if reason := check.process_view(request, lambda: HttpResponse(), (), {}):
        raise PermissionDenied(f"CSRF Failed: {reason}")


class _CsrfCheck(CsrfViewMiddleware):
    def _reject(self, request: HttpRequest, reason: str) -> str:
        return reason
