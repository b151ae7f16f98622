"""Around every request: its id, and a line in the log for what changed or failed."""

import uuid
from collections.abc import Callable
from time import perf_counter

import structlog
from django.http import HttpRequest
from django.http.response import HttpResponseBase

log = structlog.get_logger("request")
_READING = {"GET", "HEAD", "OPTIONS"}
_LONGEST_LOGGED_PATH = 2048


def request_log(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        started = perf_counter()
        request_id = _given_id(request) or str(uuid.uuid4())
        request.request_id = request_id  # type: ignore[attr-defined]
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = get_response(request)
            response["X-Request-ID"] = request_id
            # Reads that went well are counted elsewhere, if at all: a line each would be most of the log.
            write = log.info if request.method not in _READING or response.status_code >= 500 else log.debug
            path = request.path[:_LONGEST_LOGGED_PATH]
            milliseconds = round((perf_counter() - started) * 1000, 1)
            write("request", method=request.method, path=path, status=response.status_code, ms=milliseconds)
        return response

    return middleware


def _given_id(request: HttpRequest) -> str:
    """What the client calls the request, if it sent exactly one value.

    The server hands over several headers as one with a comma between them, and so does a proxy: a value with a comma
    counts as several. What can't be printed could not be sent back, or would break the log.
    """
    given: str = request.META.get("HTTP_X_REQUEST_ID", "").strip()
    return given if "," not in given and given.isprintable() else ""
