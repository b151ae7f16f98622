"""Around every request: its id, and a line in the log for what changed or failed."""

import uuid
from collections.abc import Callable
from time import perf_counter

import structlog
from django.http import HttpRequest
from django.http.response import HttpResponseBase

log = structlog.get_logger("request")
_READING = {"GET", "HEAD", "OPTIONS"}


def request_log(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        started = perf_counter()
        # One non-blank value is echoed, whatever it is; else we make one.
        request_id = request.META.get("HTTP_X_REQUEST_ID", "").strip() or str(uuid.uuid4())
        request.request_id = request_id  # type: ignore[attr-defined]
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = get_response(request)
            response["X-Request-ID"] = request_id
            # Reads that went well are counted elsewhere, if at all: a line each would be most of the log.
            write = log.info if request.method not in _READING or response.status_code >= 500 else log.debug
            milliseconds = round((perf_counter() - started) * 1000, 1)
            write("request", method=request.method, path=request.path, status=response.status_code, ms=milliseconds)
        return response

    return middleware
