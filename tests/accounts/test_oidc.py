"""Signing in through a real OpenID provider, over HTTP, redirect by redirect."""

import json
import os
import select
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
import requests

from tests import servers
from tests.clients import npm
from tests.servers import Factory, Server

NODE = npm.find()
MOST_HOPS = 12
SECONDS = 15
PROVIDER_SECONDS = 30


@dataclass(frozen=True)
class Provider:
    issuer: str

    def change(self, who: str, **account: Any) -> None:
        answer = requests.post(f"{self.issuer}/test/user?sub={who}", json=account, timeout=SECONDS)
        assert answer.ok, answer.text


@dataclass(frozen=True)
class Site:
    """A Callboard that people enter through the provider."""

    server: Server
    provider: Provider

    def sign_in(self, who: str, browser: requests.Session | None = None) -> tuple[requests.Session, requests.Response]:
        """As a browser would, but never more than a few steps; who it is is told to the provider on the way."""
        browser = browser or requests.Session()
        url = f"{self.server.url}/oidc/authenticate/"
        for _ in range(MOST_HOPS):
            response = browser.get(url, allow_redirects=False, timeout=SECONDS)
            if not response.is_redirect:
                return browser, response
            url = urljoin(url, response.headers["Location"])
            if urlsplit(url).path == "/auth" and "login_hint" not in url:
                url += f"&login_hint={who}"
        raise AssertionError(f"still being sent around: {url}")

    def me(self, browser: requests.Session) -> Any:
        return browser.get(f"{self.server.url}/api/v1/me", timeout=SECONDS).json()

    def events(self, action: str) -> list[Any]:
        code = (
            "from audit.models import AuditEvent; import json; "
            f"rows = AuditEvent.objects.filter(action={action!r}).order_by('seq'); "
            "print(json.dumps([json.loads(row.payload) for row in rows]))"
        )
        found: list[Any] = json.loads(self.server.home.manage("shell", "--no-imports", "-c", code).splitlines()[-1])
        return found


def start_provider(node: Path, port: int) -> tuple[subprocess.Popen[str], str]:
    """The provider for the server at `port`, and its issuer. Once in hundreds of starts Node hangs before it says."""
    for _ in range(3):
        process = subprocess.Popen(
            [node, "provider.mjs", "0"],
            cwd=npm.PROVIDER,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "RP_ORIGIN": f"http://127.0.0.1:{port}"},
        )
        assert process.stdout is not None
        if select.select([process.stdout], [], [], PROVIDER_SECONDS)[0]:
            return process, json.loads(process.stdout.readline())["issuer"]
        process.kill()
        process.wait()
        process.stdout.close()
    raise AssertionError("the provider does not start")


@pytest.fixture
def site(start_server: Factory) -> Iterator[Site]:
    if NODE is None or not npm.is_installed(npm.PROVIDER):
        pytest.skip("`make test` sets up the OpenID provider, and said why it could not")
    port = servers.free_port()
    process, issuer = start_provider(NODE.node, port)
    try:
        server = start_server(
            CALLBOARD_PORT=str(port),
            CALLBOARD_BASE_URL=f"http://127.0.0.1:{port}",
            CALLBOARD_OIDC_ISSUER=issuer,
            CALLBOARD_OIDC_CLIENT_ID="portal",
            CALLBOARD_OIDC_CLIENT_SECRET="portal-secret-not-for-production",
            CALLBOARD_OIDC_STAFF_GROUPS="registry-admins",
            CALLBOARD_OIDC_SUPERUSER_GROUP="registry-admins",
            CALLBOARD_PRODUCTION="off",
        )
        yield Site(server, Provider(issuer))
    finally:
        process.terminate()
        process.wait(5)
        assert process.stdout is not None
        process.stdout.close()


Check = Callable[[Site], None]


def test_groups_of_the_provider_become_groups_here_and_flags_follow(site: Site) -> None:
    alice, page = site.sign_in("alice")

    assert (page.status_code, urlsplit(page.url).path) == (200, "/ui/")
    assert "Alice Admin" in page.text
    me = site.me(alice)
    assert me["groups"] == ["idp:registry-admins", "idp:team-orders"]
    assert "registry.manage_global" in me["rights"]
    assert alice.get(f"{site.server.url}/admin/", timeout=SECONDS).status_code == 200

    site.provider.change("alice", groups=["team-orders"])
    alice, _ = site.sign_in("alice")

    assert site.me(alice)["groups"] == ["idp:team-orders"]
    assert site.me(alice)["rights"] == []
    refused = alice.get(f"{site.server.url}/admin/", timeout=SECONDS)
    assert refused.status_code == 403
    synced = site.events("membership.synced")
    assert [(event["detail"]["added"], event["detail"]["removed"]) for event in synced] == [
        (["idp:registry-admins", "idp:team-orders"], []),
        ([], ["idp:registry-admins"]),
    ]
    assert len(site.events("auth.login")) == 2


def test_who_one_is_is_never_the_address(site: Site) -> None:
    alice, _ = site.sign_in("alice")
    mallory, _ = site.sign_in("mallory")
    nobody, page = site.sign_in("noemail")

    refs = [site.me(browser)["ref"] for browser in (alice, mallory, nobody)]
    assert len(set(refs)) == 3
    assert site.me(mallory)["groups"] == []
    assert page.status_code == 200


def test_a_second_sign_in_without_a_change_leaves_only_the_sign_in(site: Site) -> None:
    site.sign_in("bob")
    browser, _ = site.sign_in("bob")

    assert site.me(browser)["groups"] == ["idp:team-payments"]
    assert len(site.events("membership.synced")) == 1
    assert len(site.events("user.created")) == 1


def test_a_group_of_the_provider_owns_subjects(site: Site) -> None:
    """The group that a person brings along may be given a service account, and owns what its key registers."""
    bob, _ = site.sign_in("bob")
    token = bob.cookies["csrf"]
    headers = {"X-CSRFToken": token, "Referer": site.server.url}

    def post(path: str, body: dict[str, Any]) -> Any:
        return bob.post(f"{site.server.url}/api/v1/{path}", json=body, headers=headers, timeout=SECONDS).json()

    post("service-accounts", {"name": "payer", "owner_group": "idp:team-payments"})
    key = post("keys", {"service_account": "payer", "label": "ci"})["key"]
    assert site.server.call("POST", "/subjects/payments/versions", {"schema": '"int"'}, key=key).status == 200

    home = bob.get(f"{site.server.url}/ui/?show=mine", timeout=SECONDS).text
    assert "name=payments" in home


def test_somebody_the_provider_refuses_ends_at_a_page(site: Site) -> None:
    site.provider.change("dave", disabled=True)

    _, page = site.sign_in("dave")

    assert page.status_code == 403
    assert "That sign-in did not work" in page.text


@pytest.mark.parametrize("query", ["code=bogus&state=bogus", "error=access_denied&state=x", "", "state=x"])
def test_a_forged_callback_ends_at_the_same_page(site: Site, query: str) -> None:
    response = requests.get(f"{site.server.url}/oidc/callback/?{query}", timeout=SECONDS)

    assert response.status_code == 403
    assert "That sign-in did not work" in response.text


def test_a_clock_that_is_off_ends_at_the_same_page(site: Site) -> None:
    requests.post(f"{site.provider.issuer}/test/skew?s=180", timeout=SECONDS)

    _, page = site.sign_in("alice")

    assert page.status_code == 403
    assert "That sign-in did not work" in page.text


def test_signing_out_goes_on_to_the_provider(site: Site) -> None:
    alice, _ = site.sign_in("alice")
    data = {"csrfmiddlewaretoken": alice.cookies["csrf"]}

    response = alice.post(
        f"{site.server.url}/logout",
        data=data,
        headers={"Referer": site.server.url},
        allow_redirects=False,
        timeout=SECONDS,
    )

    assert response.status_code == 302
    assert response.headers["Location"].startswith(f"{site.provider.issuer}/session/end?")
    assert site.me(alice)["error_code"] == 401


def test_no_token_stands_in_the_log(site: Site) -> None:
    site.sign_in("alice")
    requests.get(f"{site.server.url}/oidc/callback/?code=bogus&state=bogus", timeout=SECONDS)

    assert "eyJ" not in site.server.log
    assert "portal-secret" not in site.server.log
