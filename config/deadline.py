"""No request works for longer than the settings allow. What it had begun is rolled back."""

import sqlite3
from collections.abc import Callable
from threading import local
from time import monotonic
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.sqlite3.base import DatabaseWrapper as SQLite
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from accounts import renewal
from registry.errors import RequestTimedOut

# SQLite looks at the clock each time it has taken so many steps: about every millisecond.
_STEPS = 20_000
_current = local()


def request_deadline(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Django's middleware. A body that is streamed is not counted: its length is the client's affair too."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        _current.deadline = monotonic() + settings.CALLBOARD["REQUEST_TIMEOUT"]
        try:
            with connection.execute_wrapper(_in_time):
                return get_response(request)
        finally:
            del _current.deadline

    # Both APIs render the error themselves; a page has nobody else to do it.
    middleware.process_exception = _page  # type: ignore[attr-defined]
    return middleware


def _page(request: HttpRequest, exception: Exception) -> HttpResponse | None:
    if not isinstance(exception, RequestTimedOut):
        return None
    return HttpResponse(f"{exception.message}\n", status=exception.status, content_type="text/plain")


class Renewal(renewal.Renewal):
    """The one middleware of ours that asks the database, where nobody renders errors."""

    def process_request(self, request: HttpRequest) -> HttpResponseBase | None:
        try:
            return super().process_request(request)
        except RequestTimedOut:
            # Time does not come back: the view finds itself over it too, and says so in its own shape.
            return None


def limit_statements(*, connection: BaseDatabaseWrapper, **signal: Any) -> None:
    """A receiver of `connection_created` where requests are served: migrations and exports take the time they need.

    Our statements are long and quick; PostgreSQL takes seconds to compile what it then runs in milliseconds.
    """
    if isinstance(connection, SQLite):
        made: sqlite3.Connection = connection.connection
        made.set_progress_handler(_is_over, _STEPS)
        return
    milliseconds = settings.CALLBOARD["STATEMENT_TIMEOUT"] * 1000
    with connection.cursor() as cursor:
        limited = "SELECT set_config('statement_timeout', %s, false), set_config('jit', 'off', false)"
        cursor.execute(limited, [str(milliseconds)])


def _in_time(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    if _is_over():
        raise RequestTimedOut
    try:
        return execute(sql, params, many, context)
    except OperationalError as error:
        if _is_over():
            raise RequestTimedOut from error
        raise


def _is_over() -> bool:
    return monotonic() > getattr(_current, "deadline", float("inf"))
