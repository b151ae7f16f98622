"""A real browser in front of a real server with a real identity provider. Nothing here runs Django in this process."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from playwright import sync_api
from playwright.sync_api import Page, Playwright

from tests import servers
from tests.accounts import openid
from tests.accounts.openid import Provider
from tests.browser import chromium
from tests.servers import Home, Server

SECONDS = 20
sync_api.expect.set_options(timeout=SECONDS * 1000)
LOCAL_PASSWORD = "four unrelated words 7"


@dataclass(frozen=True)
class Site:
    """`server` is entered through the provider alone, `breakglass` on the same database with passwords too."""

    server: Server
    breakglass: Server
    provider: Provider

    @property
    def url(self) -> str:
        # Cookies know no ports: the provider, at 127.0.0.1, would share ours.
        return f"http://localhost:{self.server.port}"

    @property
    def home(self) -> Home:
        return self.server.home

    def expire_sessions(self) -> None:
        """As if a quarter of an hour had gone by for everybody who is signed in."""
        self.home.manage("shell", "--no-imports", "-c", _EXPIRE)


_EXPIRE = """
from django.contrib.sessions.models import Session
from django.contrib.sessions.backends.db import SessionStore
for key in Session.objects.values_list("session_key", flat=True):
    session = SessionStore(key)
    if "oidc_id_token_expiration" in session:
        session["oidc_id_token_expiration"] = 0
        session.save()
"""


@pytest.fixture(scope="session")
def running_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    port, other = servers.free_port(), servers.free_port()
    base = f"http://localhost:{port}"
    folder = tmp_path_factory.mktemp("site") / "data"
    with servers.new_home(folder) as home, openid.run_provider(RP_ORIGIN=base) as provider:
        given = openid.environment(provider, base)
        server = servers.launch(home, CALLBOARD_PORT=str(port), **given)
        breakglass = servers.launch(
            home,
            **given
            | {"CALLBOARD_PORT": str(other), "CALLBOARD_BREAKGLASS_LOCAL_LOGIN": "on"}
            | {"CALLBOARD_BASE_URL": f"http://localhost:{other}"},
        )
        try:
            for each in (server, breakglass):
                servers.wait_until_ready(each)
            server.key = servers.first_key(server.log) or servers.first_key(breakglass.log)
            yield Site(server, breakglass, provider)
        finally:
            for each in (server, breakglass):
                each.kill()


@pytest.fixture
def site(running_site: Site) -> Iterator[Site]:
    yield running_site
    running_site.provider.skew(0)


@dataclass
class Watch:
    """What the browser complained of."""

    complaints: list[str] = field(default_factory=list)

    def over(self, page: Page) -> None:
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note(self, kind: str, text: str) -> None:
        # That an answer was 401 or 403 is told as an error too.
        if kind in {"error", "warning"} and not text.startswith("Failed to load resource"):
            self.complaints.append(text)

    @property
    def violations(self) -> list[str]:
        return [text for text in self.complaints if "Content Security Policy" in text]


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Not longer than a module: while it runs, this thread has an event loop, which Django's ORM won't work beside."""
    with sync_api.sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[sync_api.Browser]:
    found = chromium.find()
    assert found is not None, "`make install` sets up Chromium, and said why it could not"
    # env has to be whole: what is given replaces what would be inherited.
    running = playwright.chromium.launch(
        executable_path=found.path, args=chromium.FLAGS, env={**os.environ, **found.environment}
    )
    yield running
    running.close()


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def new_page(browser: sync_api.Browser, watch: Watch) -> Iterator[Callable[[], Page]]:
    """Each in a browser without cookies."""
    contexts: list[sync_api.BrowserContext] = []

    def open_one() -> Page:
        contexts.append(browser.new_context())
        contexts[-1].set_default_timeout(SECONDS * 1000)
        page = contexts[-1].new_page()
        watch.over(page)
        return page

    yield open_one
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_page: Callable[[], Page]) -> Page:
    return new_page()
