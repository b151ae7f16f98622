"""Signing in over the wire: real servers, a real OpenID provider, and HTTP between them."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import pytest
import requests

from tests import servers
from tests.accounts import openid
from tests.accounts.openid import MOST_HOPS, SECONDS, Provider
from tests.servers import Server


@dataclass(frozen=True)
class Site:
    """Two Callboards on one database, which people enter through the provider."""

    replicas: list[Server]
    provider: Provider

    def sign_in(self, who: str, at: Server, browser: requests.Session | None = None) -> requests.Session:
        """As a browser would, but never more than a few steps; who it is is told to the provider on the way."""
        browser = browser or requests.Session()
        url = f"{at.url}/oidc/authenticate/"
        for _ in range(MOST_HOPS):
            response = browser.get(url, allow_redirects=False, timeout=SECONDS)
            if not response.is_redirect:
                assert (response.status_code, urlsplit(response.url).path) == (200, "/ui/"), response.text
                return browser
            url = urljoin(url, response.headers["Location"])
            if urlsplit(url).path == "/auth" and "login_hint" not in url:
                url += f"&login_hint={who}"
        raise AssertionError(f"still being sent around: {url}")

    def status(self, browser: requests.Session, at: Server) -> int:
        return browser.get(f"{at.url}/api/v1/me", timeout=SECONDS).status_code

    def tell(self, at: Server, token: str) -> requests.Response:
        return requests.post(f"{at.url}/oidc/backchannel-logout/", {"logout_token": token}, timeout=SECONDS)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    base = f"http://127.0.0.1:{servers.free_port()}"
    folder = tmp_path_factory.mktemp("site") / "data"
    with servers.new_home(folder) as home, openid.run_provider(RP_ORIGIN=base) as provider:
        given = openid.environment(provider, base)
        ports = [{"CALLBOARD_PORT": str(urlsplit(base).port)}, {}]
        replicas = [servers.launch(home, **given, **port) for port in ports]
        try:
            for replica in replicas:
                servers.wait_until_ready(replica)
            yield Site(replicas, provider)
        finally:
            for replica in replicas:
                replica.kill()


def test_people_sign_in_at_any_replica_and_the_provider_signs_them_out_of_all(site: Site) -> None:
    first, second = site.replicas
    alice = site.sign_in("alice", first)
    assert [site.status(alice, at) for at in (first, second)] == [200, 200]

    openid.end_session(alice, f"{site.provider.issuer}/session/end?client_id=portal")

    assert [site.status(alice, at) for at in (first, second)] == [401, 401]
    for log in (first.log, second.log):
        assert "eyJ" not in log and openid.SECRET not in log and "Traceback" not in log


def test_a_logout_message_counts_once_whichever_replica_it_reaches(site: Site) -> None:
    first, second = site.replicas
    token = site.provider.logout_token(sub="bob")
    assert site.tell(first, token).status_code == 200
    bob = site.sign_in("bob", first)

    again = [site.tell(at, token).status_code for at in (second, first)]

    assert again == [400, 400]
    assert site.status(bob, first) == 200
    assert site.tell(second, site.provider.logout_token(sub="bob")).status_code == 200
    assert site.status(bob, first) == 401
