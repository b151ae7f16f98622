"""Sessions of people from the provider: what may end one, what may not, and how one is ended by its owner."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts import oidc
from accounts.models import SessionIndex, User
from audit import events, transactions
from audit.models import AuditEvent
from tests.accounts import openid
from tests.accounts.openid import SITE, Browser, Provider
from tests.cast import STAGE

Person = Callable[..., Browser]


def deactivate(browser: Browser) -> None:
    with transactions.write():
        User.objects.filter(identities__subject=browser.who).update(is_active=False)
        events.record(STAGE, events.Action.MEMBERSHIP_SYNCED, kind="person", ref="person:0")


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("seq").values_list("action", flat=True))


@pytest.mark.parametrize("query", ["error=x", "error=x&state=unknown", "error=login_required&state=", "error="])
def test_an_error_that_nobody_asked_for_leaves_a_signed_in_person_signed_in(person: Person, query: str) -> None:
    browser = person()
    browser.sign_in()
    before = dict(browser.session.items())

    response = browser.go(f"/oidc/callback/?{query}")

    assert (response.status_code, browser.page) == (403, "/login-failed")
    assert dict(browser.session.items()) == before
    assert browser.is_signed_in()


@pytest.mark.parametrize("query", ["code=x&state=x", "code=x", "state=x", "", "iss=https://other.example&error=x"])
def test_a_forged_answer_leaves_a_signed_in_person_signed_in(person: Person, query: str) -> None:
    browser = person()
    browser.sign_in()

    assert browser.go(f"/oidc/callback/?{query}").status_code == 403
    assert browser.is_signed_in()


def test_a_person_deactivated_here_is_a_stranger_at_the_next_request(person: Person) -> None:
    browser = person()
    browser.sign_in()

    deactivate(browser)

    assert browser.get("/ui/")["Location"].startswith("/login?")
    assert not browser.is_signed_in()


def test_a_person_deactivated_here_ends_on_the_failure_page_and_not_in_a_circle(person: Person) -> None:
    browser = person()
    browser.sign_in()
    deactivate(browser)
    browser.expire()

    response = browser.go("/ui/")

    assert (response.status_code, browser.page) == (403, "/login-failed")
    assert len(browser.hops) <= 6
    assert not browser.is_signed_in()


def test_the_provider_vouching_for_somebody_deactivated_ends_the_session_of_whoever_is_here(person: Person) -> None:
    gone, browser = person(), person()
    gone.sign_in()
    deactivate(gone)
    browser.sign_in()
    browser.elsewhere.cookies.clear()
    browser.who = gone.who

    response = browser.sign_in()

    assert (response.status_code, browser.page) == (403, "/login-failed")
    assert not browser.is_signed_in()


def test_another_person_at_the_provider_ends_the_session_and_says_so(person: Person) -> None:
    browser, other = person(), person()
    browser.sign_in()
    browser.elsewhere.cookies.clear()
    browser.who = other.who

    response = browser.sign_in()

    assert (response.status_code, browser.page) == (403, "/login-failed")
    assert "signed in here as one person" in response.content.decode()
    assert not browser.is_signed_in()
    assert "auth.logout" in actions()


def test_what_the_provider_said_is_in_the_session_that_the_login_begins(person: Person) -> None:
    browser = person()
    browser.sign_in()

    session = browser.session
    row = SessionIndex.objects.get(session_key=session.session_key)
    assert session["oidc_id_token"].count(".") == 2
    assert row.sid == session["oidc_sid"] != ""
    assert row.subject == browser.who
    assert "oidc_access_token" not in session


def test_the_failure_page_is_open_to_all_and_leads_nowhere_by_itself(person: Person) -> None:
    signed_in = person()
    signed_in.sign_in()
    signed_in.expire()

    for client in (Client(), signed_in.client):
        response = client.get("/login-failed")
        assert response.status_code == 403
        assert b"Try again" in response.content
        assert b"http-equiv" not in response.content
        assert "Location" not in response and "Refresh" not in response


def test_a_session_holds_ten_unfinished_logins_at_most(person: Person) -> None:
    browser = person()
    for _ in range(15):
        browser.get("/oidc/authenticate/")

    assert len(browser.session["oidc_states"]) == django_settings.OIDC_MAX_STATES == 10


def test_starting_logins_over_and_over_is_stopped_before_it_fills_the_table_of_sessions(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc.starts, "limit", 5)

    responses = [Client().get("/oidc/authenticate/") for _ in range(8)]

    assert [response.status_code for response in responses] == [302] * 5 + [429] * 3
    assert responses[-1]["Retry-After"] == "60"
    assert Session.objects.count() == 5
    elsewhere = Client(REMOTE_ADDR="10.0.0.9").get("/oidc/authenticate/")
    assert elsewhere.status_code == 302


def test_sessions_that_have_run_out_are_forgotten_with_what_belongs_to_them(person: Person) -> None:
    old, new = person(), person()
    old.sign_in()
    new.sign_in()
    Session.objects.filter(session_key=old.session.session_key).update(expire_date=timezone.now())
    SessionIndex.objects.update(created_at=timezone.now() - timedelta(hours=13))

    call_command("forget_sessions")

    assert list(SessionIndex.objects.values_list("subject", flat=True)) == [new.who]
    assert new.is_signed_in()
    assert not old.is_signed_in()


def sign_out(browser: Browser, token: str | None = None) -> Any:
    browser.get("/ui/")
    token = browser.client.cookies["csrf"].value if token is None else token
    browser.client.handler.enforce_csrf_checks = True
    return browser.client.post("/logout", {"csrfmiddlewaretoken": token})


def test_signing_out_takes_a_form_with_its_token(person: Person) -> None:
    browser = person()
    browser.sign_in()

    assert browser.client.get("/logout").status_code == 405
    assert sign_out(browser, token="").status_code == 403
    assert browser.is_signed_in()


def test_signing_out_goes_on_to_the_provider_and_comes_back(person: Person, provider: Provider) -> None:
    browser = person()
    browser.sign_in()
    id_token, key = browser.session["oidc_id_token"], browser.session.session_key

    there = sign_out(browser)["Location"]

    query = dict(parse_qsl(urlsplit(there).query))
    assert there.startswith(f"{provider.issuer}/session/end?")
    assert (query["id_token_hint"], query["client_id"]) == (id_token, "portal")
    assert not browser.is_signed_in()
    assert not SessionIndex.objects.filter(session_key=key).exists()
    assert actions()[-1] == "auth.logout"
    back = openid.end_session(browser.elsewhere, there)
    assert back == query["post_logout_redirect_uri"] == f"{SITE}/oidc/signed-out/"
    assert browser.go(back).status_code == 200


def test_signing_out_with_a_session_that_is_due_for_renewal_signs_out(person: Person) -> None:
    browser = person()
    browser.sign_in()
    browser.get("/ui/")
    browser.expire()

    response = browser.client.post("/logout")

    assert response.status_code == 302
    assert not browser.is_signed_in()


def test_the_librarys_own_views_and_tables_are_not_installed() -> None:
    assert "mozilla_django_oidc" not in django_settings.INSTALLED_APPS
    assert not any("mozilla_django_oidc" in name for name in django_settings.AUTHENTICATION_BACKENDS)
    assert not any("mozilla_django_oidc" in name for name in django_settings.MIDDLEWARE)
