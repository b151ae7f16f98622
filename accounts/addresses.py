"""Addresses of the server, as commands print them."""

from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse


def here() -> str:
    """As a client on this machine reaches the server, also when all addresses are served."""
    host, port = settings.CALLBOARD["HOST"], settings.CALLBOARD["PORT"]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # not bound here
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def for_people() -> str:
    """As people reach it: through a proxy, if one was named."""
    return settings.CALLBOARD["BASE_URL"] or here()


def login_link(token: str) -> str:
    return f"{for_people()}{reverse('login_link')}?{urlencode({'token': token})}"
