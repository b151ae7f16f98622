"""A real OpenID provider, and browsers that walk between it and Callboard, redirect by redirect."""

import json
import os
import re
import select
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import requests
from django.test import Client

from accounts.oidc import LOGOUT_EVENT
from tests.clients import npm

SITE = "http://testserver"
SECRET = "portal-secret-not-for-production"
MOST_HOPS = 12
SECONDS = 15
PROVIDER_SECONDS = 30


@dataclass(frozen=True)
class Provider:
    issuer: str

    def control(self, path: str, body: Any = None) -> Any:
        answer = requests.post(f"{self.issuer}/test/{path}", json=body or {}, timeout=SECONDS)
        assert answer.ok, answer.text
        return answer.json()

    def change(self, who: str, **account: Any) -> None:
        """Somebody who is not there yet is made."""
        self.control(f"user?sub={who}", account)

    def skew(self, seconds: int) -> None:
        self.control(f"skew?s={seconds}")

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        """A token under the provider's live key, whatever it says."""
        return str(self.control("sign", {"claims": claims, "header": header})["token"])

    def logout_token(self, *, header: dict[str, str] | None = None, **changed: Any) -> str:
        """In order, but for the claims that are changed; None takes one away."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": "portal",
            "iat": now,
            "exp": now + 120,
            "jti": uuid.uuid4().hex,
            "events": {LOGOUT_EVENT: {}},
        }
        said = {name: value for name, value in (claims | changed).items() if value is not None}
        return self.sign(said, **(header or {"typ": "logout+jwt"}))


def end_session(browser: requests.Session, url: str) -> str:
    """Answers the provider's question whether to end the session there. Where it sends the browser then."""
    page = browser.get(url, timeout=SECONDS)
    action, xsrf = (re.search(rf'{name}="([^"]+)"', page.text) for name in ("action", 'name="xsrf" value'))
    assert action and xsrf, page.text
    data = {"xsrf": xsrf[1], "logout": "yes"}
    answer = browser.post(action[1], data, allow_redirects=False, timeout=SECONDS)
    return answer.headers.get("Location", "")


def environment(provider: Provider, base: str) -> dict[str, str]:
    """Of a server at `base` whose people come from this provider."""
    return {
        "CALLBOARD_BASE_URL": base,
        "CALLBOARD_OIDC_ISSUER": provider.issuer,
        "CALLBOARD_OIDC_CLIENT_ID": "portal",
        "CALLBOARD_OIDC_CLIENT_SECRET": SECRET,
        "CALLBOARD_OIDC_STAFF_GROUPS": "registry-admins",
        "CALLBOARD_OIDC_SUPERUSER_GROUP": "registry-admins",
        "CALLBOARD_PRODUCTION": "off",
    }


@contextmanager
def run_provider(**environment: str) -> Iterator[Provider]:
    process, issuer = start_provider(**environment)
    try:
        yield Provider(issuer)
    finally:
        process.terminate()
        process.wait(5)
        assert process.stdout is not None
        process.stdout.close()


def start_provider(**environment: str) -> tuple[subprocess.Popen[str], str]:
    """The provider and its issuer. Once in hundreds of starts Node hangs before it says."""
    found = npm.find()
    assert found is not None and npm.is_installed(npm.PROVIDER), "`make install` sets up the OpenID provider"
    for _ in range(3):
        process = _start(found.node, environment)
        assert process.stdout is not None
        if select.select([process.stdout], [], [], PROVIDER_SECONDS)[0]:
            return process, json.loads(process.stdout.readline())["issuer"]
        process.kill()
        process.wait()
        process.stdout.close()
    raise AssertionError("the provider does not start")


def _start(node: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [node, "provider.mjs", "0"],
        cwd=npm.PROVIDER,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **environment},
    )


@dataclass
class Browser:
    """Somebody at a browser: Django's client for us, and a real one for the provider, with cookies for each."""

    who: str
    client: Client = field(default_factory=Client)
    elsewhere: requests.Session = field(default_factory=requests.Session)
    hops: list[str] = field(default_factory=list)

    def sign_in(self, next: str = "") -> Any:
        return self.go(f"/oidc/authenticate/?{urlencode({'next': next})}" if next else "/oidc/authenticate/")

    def go(self, url: str, stop_at: str = "") -> Any:
        """Follows every redirect, as far as a page, or to the address `stop_at`, which is not fetched. Has an end."""
        url = urljoin(SITE, url)
        self.hops = []
        for _ in range(MOST_HOPS):
            self.hops.append(url)
            if stop_at and url.startswith(urljoin(SITE, stop_at)):
                return url
            response = self._get(url)
            if response.status_code not in {301, 302, 303, 307}:
                return response
            url = urljoin(url, response.headers["Location"])
            if urlsplit(url).path == "/auth" and "login_hint=" not in url:
                url += f"&login_hint={self.who}"
        raise AssertionError(f"still being sent around: {self.hops}")

    def _get(self, url: str) -> Any:
        if url.startswith(f"{SITE}/"):
            return self.get(url.removeprefix(SITE))
        return self.elsewhere.get(url, allow_redirects=False, timeout=SECONDS)

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(path, headers=headers)

    def callback(self, url: str, **changed: str) -> Any:
        """To the callback, with the parameters of `url` and those that are changed."""
        query = dict(parse_qsl(urlsplit(url).query)) | changed
        return self.go(f"/oidc/callback/?{urlencode(query)}")

    @property
    def session(self) -> Any:
        return self.client.session

    def is_signed_in(self) -> bool:
        return bool(self.client.get("/api/v1/me").status_code == 200)

    def me(self) -> Any:
        return self.client.get("/api/v1/me").json()

    def expire(self) -> None:
        """As if a quarter of an hour had gone by since the last renewal."""
        session = self.client.session
        session["oidc_id_token_expiration"] = 0
        session.save()

    @property
    def page(self) -> str:
        """Where the last walk ended."""
        return urlsplit(self.hops[-1]).path


@dataclass
class Stub:
    """An HTTP server that answers one thing to everybody and keeps what it was sent."""

    url: str = ""
    status: int = 200
    content_type: str = "application/json"
    body: str = "{}"
    received: list[dict[str, str]] = field(default_factory=list)

    def answer(self, body: Any, *, content_type: str = "application/json", status: int = 200) -> None:
        self.body = body if isinstance(body, str) else json.dumps(body)
        self.content_type, self.status = content_type, status


@contextmanager
def run_stub() -> Iterator[Stub]:
    stub = Stub()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            stub.received.append(dict(parse_qsl(self.rfile.read(length).decode())))
            self.do_GET()

        def do_GET(self) -> None:
            data = stub.body.encode()
            self.send_response(stub.status)
            self.send_header("Content-Type", stub.content_type)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    stub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
