"""A pytest plugin: no test may leave a secret in a log, neither in this process nor in that of a server it started.

Lines are looked at twice: as they are written, and, where our own code speaks, before anything was masked: the mask is
the second line of defence. Our own lines are looked at down to DEBUG, which operators may switch on. A test that writes
secrets on purpose says so with the marker `logs_secrets`.
"""

import logging
import os
import re
from collections import deque
from collections.abc import Generator
from typing import Any

import pytest

from tests import environment

PATTERNS = {
    "an API key": re.compile(r"\bcbk_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}\b"),
    "a JSON web token": re.compile(r"eyJ[0-9A-Za-z_-]{5,}"),
    "credentials": re.compile(r"\b(?:Basic|Bearer)\s+[0-9A-Za-z+/=._~-]{16,}", re.IGNORECASE),
    "a cookie": re.compile(r"""\b(?:__Host-)?(?:session|csrf|sessionid|csrftoken)=[0-9a-zA-Z]{16,}"""),
    "a login link": re.compile(r"[?&]token=[0-9A-Za-z_-]{20,}"),
}
# Passwords and secrets that the tests give out.
WORDS = {
    "four unrelated words 7",
    "portal-secret-not-for-production",
    *environment.SECRETS.values(),
}
OURS = {"accounts", "audit", "catalog", "config", "registry", "api", "request"}
_DRAWN = re.compile(r"[0-9A-Za-z]{32}")
MOST_DRAWN = 20_000


class Secrets:
    """What was found in the lines that were looked at, with the test that was at work."""

    def __init__(self) -> None:
        self.found: list[str] = []
        # Keys of sessions and CSRF tokens, as they are drawn.
        self._drawn: set[str] = set()
        self._order: deque[str] = deque()

    def remember(self, value: str) -> None:
        self._drawn.add(value)
        self._order.append(value)
        if len(self._order) > MOST_DRAWN:
            self._drawn.discard(self._order.popleft())

    def look_at(self, text: str, *, where: str) -> None:
        for what in self._within(text):
            test = os.environ.get("PYTEST_CURRENT_TEST", "no test")
            self.found.append(f"{what} in {where}, written during {test}: {text[:300]}")

    def take(self) -> list[str]:
        found, self.found = self.found, []
        return found

    def _within(self, text: str) -> list[str]:
        found = [what for what, pattern in PATTERNS.items() if pattern.search(text)]
        found += ["a password"] if any(word in text for word in WORDS) else []
        return found + (["a session or CSRF token"] if self._drawn.intersection(_DRAWN.findall(text)) else [])


class Watch(logging.Handler):
    """On the root logger, with the formatter of the settings."""

    def __init__(self, secrets: Secrets) -> None:
        super().__init__(logging.DEBUG)
        self._secrets = secrets
        self.is_on = True

    def emit(self, record: logging.LogRecord) -> None:
        if not self.is_on:
            return
        where = f"the log of {record.name}"
        if record.name.partition(".")[0] in OURS | {"django"}:
            self._secrets.look_at(record.getMessage(), where=f"{where} before the mask")
        # A copy: formatting turns the message of structlog into text, which other handlers want to do themselves.
        self._secrets.look_at(self.format(logging.makeLogRecord(record.__dict__)), where=where)


SECRETS = Secrets()
WATCH = Watch(SECRETS)


def look_at_server(log: str, *, where: str) -> None:
    """What a server process wrote. Its first start shows the first key and the first link once, to whoever began it."""
    lines = log.splitlines()
    # With JSON lines in between, if the log is one of those.
    printed = [number for number, line in enumerate(lines) if not line.startswith("{")]
    begins = next((at for at, n in enumerate(printed) if "Administrator" in lines[n] or "API key" in lines[n]), None)
    first_start = set() if begins is None else set(printed[begins : begins + 10])
    for number, line in enumerate(lines):
        if number not in first_start:
            SECRETS.look_at(line, where=where)


@pytest.fixture(autouse=True, scope="session")
def drawn_secrets_are_remembered() -> Generator[None]:
    from django.contrib.sessions.backends.base import SessionBase
    from django.middleware import csrf

    with pytest.MonkeyPatch.context() as patch:
        for owner, name in ((SessionBase, "_get_new_session_key"), (csrf, "_get_new_csrf_string")):
            patch.setattr(owner, name, _remembering(getattr(owner, name)))
        yield


def _remembering(draw: Any) -> Any:
    def drawn(*arguments: Any) -> Any:
        value = draw(*arguments)
        SECRETS.remember(value)
        return value

    return drawn


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """From the test's first fixture to the last: whatever it configures, the watch is there again for the next."""
    root = logging.getLogger()
    if WATCH not in root.handlers:
        root.addHandler(WATCH)
        WATCH.setFormatter(next((each.formatter for each in root.handlers if each.formatter), None))
        for name in OURS:
            logging.getLogger(name).setLevel(logging.DEBUG)
    WATCH.is_on = item.get_closest_marker("logs_secrets") is None
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, Any]:
    result = yield
    if found := SECRETS.take():
        pytest.fail("a secret stands in a log: " + "; ".join(found[:5]), pytrace=False)
    return result
