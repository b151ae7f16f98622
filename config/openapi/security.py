"""How callers prove who they are, as the document tells it."""

from typing import Any

from django.conf import settings

Way = dict[str, list[str]]

SCHEMES: dict[str, Any] = {
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "The id of a key as user name, the whole key as password.",
    },
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": settings.SESSION_COOKIE_NAME,
        "description": "The session of a page. An Authorization header switches it off.",
    },
    "csrf": {
        "type": "apiKey",
        "in": "header",
        "name": "X-CSRFToken",
        "description": "What a session needs besides to change anything: the value of the cookie that comes with it.",
    },
    "feedToken": {
        "type": "apiKey",
        "in": "query",
        "name": "token",
        "description": "The feed token, for a stock Location of Backstage, which can send no header.",
    },
}
BY_KEY: list[Way] = [{"basic": []}, {"bearer": []}]
BY_FEED_TOKEN: list[Way] = [{"feedToken": []}]


def by_session(method: str) -> list[Way]:
    return [{"session": []} if method in {"GET", "HEAD", "OPTIONS"} else {"session": [], "csrf": []}]


def add_schemes(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A postprocessing hook of drf-spectacular."""
    result["components"]["securitySchemes"] = SCHEMES
    return result
