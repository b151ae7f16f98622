"""What DRF asks when it wants to know who calls."""

import logging

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts import principals
from accounts.principals import NotAuthenticated, Principal

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
            raise AuthenticationFailed("Unauthorized") from None

    def authenticate_header(self, request: Request) -> str:
        """Scripts in a page get no Basic challenge: the browser would open a window for it."""
        bearer = 'Bearer realm="callboard"'
        is_script = request.META.get("HTTP_X_REQUESTED_WITH") == "XMLHttpRequest" or "HTTP_HX_REQUEST" in request.META
        return bearer if is_script else f'Basic realm="callboard", {bearer}'
