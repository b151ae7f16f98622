"""A quarter of an hour after a login the provider is asked again, unnoticed; what can't be sent there is told so."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from accounts.models import SessionIndex, User
from audit.models import AuditEvent
from tests.accounts.openid import SITE, Browser, Provider

Person = Callable[..., Browser]
ENDED = {"error": "session_expired", "login": "/oidc/authenticate/"}


@pytest.fixture
def away(person: Person) -> Browser:
    """Somebody who comes back after a quarter of an hour."""
    browser = person(groups=["registry-admins", "team-orders"])
    browser.sign_in()
    browser.expire()
    return browser


def test_a_page_renews_the_session_without_a_word(away: Browser) -> None:
    key = away.session.session_key
    logins = AuditEvent.objects.filter(action="auth.login").count()

    page = away.go("/ui/health")

    assert (page.status_code, away.page) == (200, "/ui/health")
    query = dict(parse_qsl(urlsplit(away.hops[1]).query))
    assert (query["prompt"], query["code_challenge_method"]) == ("none", "S256")
    assert len(away.hops) == 4
    assert away.session.session_key == key
    assert AuditEvent.objects.filter(action="auth.login").count() == logins
    assert away.get("/ui/health").status_code == 200


def test_groups_and_flags_follow_at_a_renewal(away: Browser, provider: Provider) -> None:
    provider.change(away.who, groups=["team-payments"])

    away.go("/ui/")

    user = User.objects.get(identities__subject=away.who)
    assert (user.is_staff, user.is_superuser) == (False, False)
    assert away.me()["groups"] == ["idp:team-payments"]
    last = AuditEvent.objects.order_by("-seq").first()
    assert last is not None and last.action == "membership.synced"


def test_somebody_disabled_at_the_provider_is_signed_out(away: Browser, provider: Provider) -> None:
    provider.change(away.who, disabled=True)

    response = away.go("/ui/")

    assert (response.status_code, away.page) == (403, "/login-failed")
    assert "has ended" in response.content.decode()
    assert not away.is_signed_in()
    assert len(away.hops) <= 6


def test_a_provider_session_of_another_person_ends_the_session(away: Browser, person: Person) -> None:
    other = person()
    other.sign_in()
    away.elsewhere, away.who = other.elsewhere, other.who

    response = away.go("/ui/")

    assert (response.status_code, away.page) == (403, "/login-failed")
    assert "signed in here as one person" in response.content.decode()
    assert not away.is_signed_in()


def test_the_provider_session_behind_a_renewal_is_the_one_that_ends_it(away: Browser) -> None:
    first = SessionIndex.objects.get(session_key=away.session.session_key).sid
    again = Browser(away.who)
    again.sign_in()
    away.elsewhere = again.elsewhere

    away.go("/ui/")

    row = SessionIndex.objects.get(session_key=away.session.session_key)
    assert row.sid == away.session["oidc_sid"] != first


def test_a_change_is_refused_before_anything_looks_at_it(away: Browser) -> None:
    away.client.handler.enforce_csrf_checks = True

    for method in (away.client.post, away.client.put, away.client.delete):
        response: Any = method("/ui/subject/lifecycle")
        assert (response.status_code, response.json()) == (401, ENDED)
        assert "no-store" in response["Cache-Control"]


def test_a_form_in_a_browser_is_refused_with_a_page_that_leads_back(away: Browser) -> None:
    headers = {"Sec-Fetch-Mode": "navigate", "Referer": f"{SITE}/ui/subject?name=orders"}

    response: Any = away.client.post("/ui/subject/lifecycle", headers=headers)

    assert response.status_code == 401
    assert b"Nothing was changed" in response.content
    assert b"/oidc/authenticate/?next=%2Fui%2Fsubject%3Fname%3Dorders" in response.content


@pytest.mark.parametrize(
    "headers",
    [
        {"HX-Request": "true", "HX-Current-URL": f"{SITE}/ui/?prefix=o"},
        {"X-Requested-With": "XMLHttpRequest", "Referer": f"{SITE}/ui/?prefix=o"},
        {"Sec-Fetch-Mode": "cors", "Referer": f"{SITE}/ui/?prefix=o"},
    ],
)
def test_a_script_is_told_where_to_sign_in_and_never_sent_to_another_origin(
    away: Browser, headers: dict[str, str]
) -> None:
    response = away.get("/ui/", **headers)

    assert (response.status_code, response.json()) == (401, ENDED)
    assert response["HX-Redirect"] == "/oidc/authenticate/?next=%2Fui%2F%3Fprefix%3Do"
    assert "Location" not in response and "refresh_url" not in response


@pytest.mark.parametrize("elsewhere", ["https://evil.test/ui/", "//evil.test/", "javascript:alert(1)", "%%%", ""])
def test_a_script_is_never_led_to_another_site(away: Browser, elsewhere: str) -> None:
    response = away.get("/ui/", **{"HX-Request": "true", "HX-Current-URL": elsewhere})

    assert response["HX-Redirect"] == "/oidc/authenticate/?next=%2Fui%2F"


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_the_own_api_answers_a_session_that_ended_with_401(away: Browser, method: str) -> None:
    response: Any = away.client.generic(method, "/api/v1/me")

    assert response.status_code == 401
    assert "Location" not in response


def test_a_key_in_the_header_has_nothing_to_do_with_the_session(away: Browser, issued: Any) -> None:
    assert away.get("/subjects", Authorization=f"Bearer {issued.token}").status_code == 200


def test_a_key_beside_a_session_that_is_over_is_asked_to_come_alone(away: Browser, issued: Any) -> None:
    response = away.get("/api/v1/me", Authorization=f"Bearer {issued.token}")

    assert response.status_code == 400
    assert "name different callers" in response.json()["message"]


@pytest.mark.parametrize("path", ["/healthz", "/subjects", "/backstage/v1/health", "/login-failed", "/schemas/types"])
def test_paths_without_sessions_know_nothing_of_renewal(away: Browser, path: str) -> None:
    assert away.get(path).status_code in {200, 401, 403, 404}


def test_the_admin_renews_too(away: Browser) -> None:
    assert away.go("/admin/").status_code == 200
    assert len(away.hops) == 4


def test_a_provider_that_is_down_at_a_renewal_ends_on_the_failure_page(
    away: Browser, configure: Callable[..., None]
) -> None:
    configure(OIDC_ISSUER="http://127.0.0.1:1")

    response = away.go("/ui/")

    assert (response.status_code, away.page) == (403, "/login-failed")
    assert "be reached" in response.content.decode()


def test_a_session_that_began_with_a_password_is_not_renewed(person: Person, configure: Callable[..., None]) -> None:
    browser = person()
    browser.sign_in()
    user = User.objects.get(identities__subject=browser.who)
    configure(BREAKGLASS_LOCAL_LOGIN=True)
    browser.client.force_login(user, backend="accounts.local.Backend")

    assert browser.get("/ui/").status_code == 200
