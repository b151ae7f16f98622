"""Errors of our own API under /api/v1/: the same shape as the registry's, whatever raised them."""

from typing import Any, Protocol, runtime_checkable

import structlog
from django.core.exceptions import SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import APIException, AuthenticationFailed, NotAuthenticated, Throttled, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_exception_handler

log = structlog.get_logger("api")


@runtime_checkable
class Described(Protocol):
    """The errors of our apps, which share no base class."""

    status: int
    error_code: int
    message: str


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response:
    """`{"error_code", "message"}`, and for a request that does not fit its form `errors` by field."""
    match exc:
        case Described():
            return _response(exc.status, exc.error_code, exc.message)
        case AuthenticationFailed() | NotAuthenticated():
            response = _response(401, 401, "Unauthorized")
            if challenge := context["view"].get_authenticate_header(context["request"]):
                response["WWW-Authenticate"] = challenge
            return response
        case ValidationError():
            response = _response(422, 422, "The request does not fit; `errors` says what is wrong")
            response.data["errors"] = exc.detail
            return response
        case Throttled():
            response = _response(429, 429, str(exc.detail))
            response["Retry-After"] = str(getattr(exc, "wait", None) or 60)
            return response
        case SuspiciousOperation():
            return _response(400, 400, "HTTP 400 Bad Request")
        case APIException():
            response = _response(exc.status_code, exc.status_code, str(exc.detail))
            if exc.status_code == 503:
                response["Retry-After"] = "2"
            return response
        case OperationalError() | InterfaceError():
            log.warning("database refused", error=type(exc).__name__)
            response = _response(503, 503, "The database is unavailable; try again in a moment")
            response["Retry-After"] = "2"
            return response
    # Django's Http404 and PermissionDenied.
    if (answer := drf_exception_handler(exc, context)) is not None:
        return _response(answer.status_code, answer.status_code, "Not found" if answer.status_code == 404 else "Denied")
    log.error("unexpected error", exc_info=exc)
    return _response(500, 500, "Internal Server Error")


@csrf_exempt
def not_found(request: HttpRequest) -> JsonResponse:
    """For paths that are not ours: the registry, which answers for what is left, would do so in its own media type."""
    return JsonResponse({"error_code": 404, "message": "Not found"}, status=404)


def _response(status: int, code: int, message: str) -> Response:
    return Response({"error_code": code, "message": message}, status=status)
