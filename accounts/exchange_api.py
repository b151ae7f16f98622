"""Our own API: the token of a pipeline for a short key, in the words of OAuth (RFC 8693)."""

import logging
from typing import Any, Literal, TypedDict

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import FormParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import exchange
from accounts.authentication import ProviderAway, count_failure
from accounts.exchange import NotExchanged
from accounts.jwks import KeysUnavailable

logger = logging.getLogger(__name__)


class ExchangeShape(serializers.Serializer[Any]):
    grant_type = serializers.ChoiceField(["urn:ietf:params:oauth:grant-type:token-exchange"])
    subject_token_type = serializers.ChoiceField(["urn:ietf:params:oauth:token-type:jwt"])
    subject_token = serializers.CharField(max_length=8192)


class Exchanged(TypedDict):
    access_token: str
    issued_token_type: str
    token_type: Literal["Bearer"]
    expires_in: int
    scope: str


class NotExchangedBody(TypedDict):
    """As OAuth has it."""

    error: Literal["invalid_request", "invalid_grant"]


class TokenExchangeView(APIView):
    """For pipelines, which prove themselves by the token that is sent. Errors are those of OAuth."""

    authentication_classes = ()
    parser_classes = (FormParser,)
    consumed = ("application/x-www-form-urlencoded",)

    @extend_schema(
        summary="Exchange a pipeline's token for a short key",
        request=ExchangeShape,
        responses={200: Exchanged, 400: NotExchangedBody},
    )
    def post(self, request: Request) -> Response:
        """By RFC 8693. What is wrong with a token stands in the log, and is told to nobody."""
        form = ExchangeShape(data=request.data)
        if not form.is_valid():
            return _oauth_error("invalid_request")
        request_id = getattr(request._request, "request_id", None)
        address = request.META.get("REMOTE_ADDR", "")
        try:
            issued = exchange.exchange(token=form.validated_data["subject_token"], request_id=request_id)
        except NotExchanged as error:
            logger.info("token of a pipeline refused: %s, from %s", error, address)
            count_failure("ci-exchange", address)
            return _oauth_error("invalid_grant")
        except KeysUnavailable as error:
            logger.warning("keys of %s are not available", error)
            raise ProviderAway from None
        body: Exchanged = {
            "access_token": issued.token,
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "token_type": "Bearer",
            "expires_in": int((issued.expires_at - timezone.now()).total_seconds()),
            "scope": " ".join(issued.key.scopes),
        }
        return Response(body, headers={"Cache-Control": "no-store"})


def _oauth_error(error: str) -> Response:
    return Response({"error": error}, status=400, headers={"Cache-Control": "no-store"})
