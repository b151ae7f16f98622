"""What all registry views share: who asks, by which right, JSON in and JSON out, errors in one shape."""

from collections.abc import Callable
from io import BytesIO
from typing import Any, ClassVar, cast

import orjson
import structlog
from django.conf import settings
from django.core.exceptions import DisallowedHost, RequestDataTooBig, TooManyFieldsSent
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, QueryDict, UnreadablePostError
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.module_loading import import_string
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import APIException, AuthenticationFailed, MethodNotAllowed, NotAuthenticated, Throttled
from rest_framework.request import Request
from rest_framework.views import APIView

from audit.actors import Actor
from registry import names, permissions
from registry.access import Principal
from registry.api import media, requests
from registry.errors import AccessDenied, InvalidContext, RegistryError, RequestTimedOut, RequestTooLarge, StoreFailure
from registry.permissions import Scope
from registry.services import aliases

log = structlog.get_logger("registry")
_READING = {"HEAD": "GET", "OPTIONS": "GET"}
_WITH_BODY = {"POST", "PUT"}
# Where an alias is as good as the name of the subject; config and mode are those of the alias itself.
_ALIASED = {route for route, path in names.ROUTES.items() if path.startswith(("subjects/", "compatibility/subjects/"))}
_STATEMENT_TIMED_OUT = {"57014", "55P03"}
# Of a path or a query string, decoded; the server itself takes eight times that. The longest name is an eighth of it.
_LONGEST_TARGET = 8192


class _HttpError(Exception):
    """An error of the HTTP layer, told by its status alone."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class RegistryView(APIView):
    """One resource. Its permission stands in `permissions.TABLE`; a method without an entry there is refused."""

    route: ClassVar[str]
    # For the document: media types, and the error codes that any route may answer with.
    produced: ClassVar[tuple[str, ...]] = tuple(media.PRODUCED)
    consumed: ClassVar[tuple[str, ...]] = tuple(media.PRODUCED)
    also_answers: ClassVar[tuple[int, ...]] = (406, 414, 50002)
    request: Request
    authentication_classes = (import_string(settings.REGISTRY_AUTHENTICATION),)

    @property
    def principal(self) -> Principal:
        return cast(Principal, self.request.user)

    @property
    def actor(self) -> Actor:
        return self.principal.actor(getattr(self.request._request, "request_id", None))

    @property
    def query(self) -> QueryDict:
        return self.request.query_params

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.perform_authentication(request)
        if request.method == "OPTIONS":
            return
        if not hasattr(self, (request.method or "").lower()):
            raise MethodNotAllowed(request.method or "")
        _measure_body(request._request)
        if request.body and not media.is_consumed(request.content_type or ""):
            raise _HttpError(415, "HTTP 415 Unsupported Media Type")
        if media.negotiate(request.headers.get("Accept")) is None:
            raise _HttpError(406, "HTTP 406 Not Acceptable")
        self._check_scope(request, kwargs.get("subject"))
        if self.route in _ALIASED and "subject" in self.kwargs:
            # The handler is called with these arguments. From here on nothing knows of the alias, access neither.
            self.kwargs["subject"] = aliases.target(self.kwargs["subject"])

    def _check_scope(self, request: Request, subject_name: str | None) -> None:
        method = request.method or ""
        rule = permissions.TABLE[self.route, _READING.get(method, method)]
        if rule.scope is None or rule.scope in self.principal.scopes:
            return
        operation = "Read" if rule.scope == Scope.SUBJECTS_READ else "Write"
        raise AccessDenied(operation, subject_name or "*")

    def read_body(self) -> Any:
        return requests.read_json(self.request.body, max_depth=settings.CALLBOARD["LIMIT_BODY_DEPTH"])

    def answer(self, body: Any) -> HttpResponse:
        return HttpResponse(orjson.dumps(body), content_type=self._media_type())

    def answer_text(self, text: str) -> HttpResponse:
        """A schema text as it is: not a JSON string of it."""
        return HttpResponse(text.encode(), content_type=self._media_type())

    def answer_nothing(self) -> HttpResponse:
        response = HttpResponse(status=204)
        del response["Content-Type"]
        return response

    def _media_type(self) -> str:
        return media.negotiate(self.request.headers.get("Accept")) or media.DEFAULT

    def options(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:  # type: ignore[override]  # DRF's Response wants rendering
        allowed = self.allowed_methods
        return HttpResponse(", ".join(allowed), content_type="text/plain", headers={"Allow": ",".join(allowed)})

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]  # DRF's Response wants rendering
        status, code, message = _described(exc)
        response = error_response(status, code, message, self._media_type())
        if status == 401:
            response["WWW-Authenticate"] = self.get_authenticate_header(self.request) or ""
        if status == 405:
            response["Allow"] = ",".join(self.allowed_methods)
        if status == 503:
            response["Retry-After"] = "2"
        if isinstance(exc, Throttled):
            response["Retry-After"] = str(getattr(exc, "wait", None) or 60)
        return response

    def finalize_response(  # type: ignore[override]  # DRF's Response wants rendering
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        for name, value in settings.CALLBOARD["RESPONSE_HEADERS"].items():
            response[name] = value
        # Also where the body is too short to be compressed: a cache keeps one answer a path.
        patch_vary_headers(response, ["Accept-Encoding"])
        return response


def _measure_body(request: HttpRequest) -> None:
    """A chunked body has no Content-Length, and Django takes it for none. Here it is read if the server ends it."""
    environ = request.META
    if environ.get("CONTENT_LENGTH") or request.method not in _WITH_BODY or not environ.get("wsgi.input_terminated"):
        return
    limit = settings.CALLBOARD["LIMIT_BODY_BYTES"]
    try:
        # One byte more, so that Django finds it too large where it is.
        body = environ["wsgi.input"].read(limit + 1)
    except OSError as error:
        raise UnreadablePostError(*error.args) from error
    environ["CONTENT_LENGTH"] = str(len(body))
    request._stream = BytesIO(body)


def error_response(status: int, code: int, message: str, media_type: str) -> HttpResponse:
    # A message may quote what was sent, and what was sent may be no Unicode text.
    printable = message.encode("utf-8", "replace").decode()
    body = orjson.dumps({"error_code": code, "message": printable})
    return HttpResponse(body, status=status, content_type=media_type)


def _described(exc: Exception) -> tuple[int, int, str]:
    """Status, error code and message."""
    match exc:
        case RegistryError():
            return exc.status, exc.error_code, exc.message
        case _HttpError():
            return exc.status, exc.status, exc.message
        case RequestDataTooBig():
            too_large = RequestTooLarge(settings.CALLBOARD["LIMIT_BODY_BYTES"])
            return too_large.status, too_large.error_code, too_large.message
        case TooManyFieldsSent():
            most = settings.DATA_UPLOAD_MAX_NUMBER_FIELDS
            return 400, 400, f"The query string has more than {most} parameters"
        case UnreadablePostError():
            return 400, 400, "EOF Exception encountered - client disconnected during stream processing."
        case AuthenticationFailed() | NotAuthenticated():
            return 401, 401, "Unauthorized"
        case MethodNotAllowed():
            return 405, 405, "HTTP 405 Method Not Allowed"
        case APIException():
            return exc.status_code, exc.status_code, str(exc.detail)
        case OperationalError() | InterfaceError():
            return _described_outage(exc)
    log.error("unexpected error", exc_info=exc)
    return 500, 500, "Internal Server Error"


def _described_outage(exc: OperationalError | InterfaceError) -> tuple[int, int, str]:
    log.warning("database refused", error=type(exc).__name__)
    if getattr(exc.__cause__, "sqlstate", None) in _STATEMENT_TIMED_OUT or "locked" in str(exc):
        return 500, StoreFailure.error_code, "The operation timed out in the database; nothing was changed"
    if "interrupted" in str(exc):
        # By the deadline of the request, while SQLite was handing over rows.
        late = RequestTimedOut()
        return late.status, late.error_code, late.message
    return 503, 503, "The database is unavailable; try again in a moment"


def dispatcher(views: dict[str, Callable[..., HttpResponseBase]]) -> Callable[[HttpRequest], HttpResponseBase]:
    """The one entry of all registry paths: `names.split` says which view it is, or that there is none."""

    def dispatch(request: HttpRequest) -> HttpResponseBase:
        if refusal := _refused_unseen(request):
            return refusal
        try:
            route = names.split(_path(request))
        except (InvalidContext, TooManyFieldsSent) as error:
            status, _, message = _described(error)
            return _plain_error(request, status, message)
        if route is None:
            return not_found(request)
        return views[route.name](request, **route.arguments)

    # Cross-site forgery needs a cookie, and none is looked at here.
    return csrf_exempt(dispatch)


def _path(request: HttpRequest) -> str:
    """The path with the context of `/contexts/…` in its names; the parameters of the request are set likewise."""
    if not request.path_info.startswith("/contexts/"):
        return request.path_info
    target = names.in_context(request.path_info, dict(request.GET.lists()))
    if target.parameters:
        query = request.GET.copy()
        for name, value in target.parameters.items():
            query[name] = value
        request.GET = query  # type: ignore[assignment]  # typed as the one that can't be changed
    return target.path


def _refused_unseen(request: HttpRequest) -> HttpResponse | None:
    if max(len(request.path_info), len(request.META.get("QUERY_STRING", ""))) > _LONGEST_TARGET:
        return _plain_error(request, 414, f"The path or the query string is longer than {_LONGEST_TARGET} characters")
    try:
        request.get_host()
    except DisallowedHost:
        return _plain_error(request, 400, "The Host header names no host that this server answers to")
    return None


# Django's own error pages are HTML; `config.urls` names these instead.


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _plain_error(request, 400, "HTTP 400 Bad Request")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _plain_error(request, 404, "HTTP 404 Not Found")


def server_error(request: HttpRequest) -> HttpResponse:
    return _plain_error(request, 500, "Internal Server Error")


def _plain_error(request: HttpRequest, status: int, message: str) -> HttpResponse:
    return error_response(status, status, message, media.negotiate(request.headers.get("Accept")) or media.DEFAULT)
