"""The provider ends a session and says so, server to server."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts import backchannel
from accounts.models import LogoutToken, SessionIndex
from accounts.oidc import LOGOUT_EVENT
from audit.models import AuditEvent
from tests.accounts import openid
from tests.accounts.openid import SECONDS, Browser, Provider, Stub

Person = Callable[..., Browser]


def tell(token: str | None, client: Client | None = None) -> Any:
    data = {} if token is None else {"logout_token": token}
    return (client or Client(enforce_csrf_checks=True)).post("/oidc/backchannel-logout/", data)


def sid(browser: Browser) -> str:
    return SessionIndex.objects.get(session_key=browser.session.session_key).sid


@pytest.fixture
def browser(person: Person) -> Browser:
    found = person()
    found.sign_in()
    return found


def test_ending_the_session_at_the_provider_ends_every_session_here(
    browser: Browser, provider: Provider, mailbox: Stub
) -> None:
    second = Browser(browser.who, elsewhere=browser.elsewhere)
    second.sign_in()
    apart = Browser(browser.who)
    apart.sign_in()
    mailbox.received.clear()
    openid.end_session(browser.elsewhere, f"{provider.issuer}/session/end?client_id=portal")
    deadline = time.monotonic() + SECONDS
    while not mailbox.received and time.monotonic() < deadline:
        time.sleep(0.02)

    response = tell(mailbox.received[0]["logout_token"])

    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    assert [each.is_signed_in() for each in (browser, second, apart)] == [False, False, True]
    last = AuditEvent.objects.order_by("-seq").first()
    assert last is not None and last.action == "auth.logout"
    assert SessionIndex.objects.filter(subject=browser.who).count() == 1


def test_without_a_sid_all_sessions_of_the_subject_end(browser: Browser, provider: Provider, person: Person) -> None:
    apart, other = Browser(browser.who), person()
    apart.sign_in()
    other.sign_in()

    assert tell(provider.logout_token(sub=browser.who)).status_code == 200

    assert [each.is_signed_in() for each in (browser, apart, other)] == [False, False, True]


def test_after_a_renewal_it_is_the_new_sid_that_counts(browser: Browser, provider: Provider) -> None:
    before = sid(browser)
    again = Browser(browser.who)
    again.sign_in()
    browser.elsewhere = again.elsewhere
    browser.expire()
    browser.go("/ui/")

    assert tell(provider.logout_token(sid=before)).status_code == 200
    assert browser.is_signed_in()
    assert tell(provider.logout_token(sid=sid(browser))).status_code == 200
    assert not browser.is_signed_in()


def test_a_message_counts_once(browser: Browser, provider: Provider) -> None:
    token = provider.logout_token(sub=browser.who)
    assert tell(token).status_code == 200
    browser.sign_in()

    response = tell(token)

    assert (response.status_code, response.json()) == (400, {"error": "invalid_request"})
    assert response["Cache-Control"] == "no-store"
    assert browser.is_signed_in()


@pytest.mark.parametrize(
    "changed",
    [
        {"nonce": "n"},
        {"nonce": ""},
        {"aud": "other-app"},
        {"aud": None},
        {"iss": "https://other.example"},
        {"exp": 1},
        {"exp": None},
        {"iat": None},
        {"iat": 2**33},
        {"jti": None},
        {"jti": 7},
        {"jti": "j" * 256},
        {"events": None},
        {"events": {}},
        {"events": {"http://schemas.openid.net/event/other": {}}},
        {"events": LOGOUT_EVENT},
        {"sub": None},
        {"sub": 7},
        {"sid": 7},
        {"header": {"typ": "at+jwt"}},
        {"header": {"typ": "secevent+jwt"}},
        {"header": {"alg": "none"}},
        {"header": {"alg": "HS256"}},
        {"header": {"kid": "unknown"}},
    ],
)
def test_a_message_that_is_out_of_order_ends_nothing(
    browser: Browser, provider: Provider, changed: dict[str, Any]
) -> None:
    response = tell(provider.logout_token(**{"sub": browser.who, **changed}))

    assert (response.status_code, response.json()) == (400, {"error": "invalid_request"})
    assert browser.is_signed_in()


@pytest.mark.parametrize("token", [None, "", "x", "x.y.z", "é", "e30.e30.e30"])
def test_what_is_no_message_at_all_is_refused(provider: Provider, token: str | None) -> None:
    assert tell(token).status_code == 400


def test_a_plain_jwt_is_a_message_too(browser: Browser, provider: Provider) -> None:
    assert tell(provider.logout_token(sub=browser.who, header={"typ": "JWT"})).status_code == 200
    assert not browser.is_signed_in()


def test_an_id_token_is_no_message(browser: Browser) -> None:
    assert tell(browser.session["oidc_id_token"]).status_code == 400
    assert browser.is_signed_in()


def test_keys_that_can_not_be_had_refuse_the_message(
    browser: Browser, provider: Provider, configure: Callable[..., None]
) -> None:
    token = provider.logout_token(sub=browser.who)
    configure(OIDC_JWKS_ENDPOINT="http://127.0.0.1:1/jwks")

    assert tell(token).status_code == 400
    assert browser.is_signed_in()


def test_messages_without_end_are_slowed_down(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backchannel.messages, "limit", 3)

    answers = [tell("x") for _ in range(5)]

    assert [answer.status_code for answer in answers] == [400] * 3 + [429] * 2
    assert answers[-1]["Retry-After"] == "60"


def test_without_a_provider_nobody_listens(db: None) -> None:
    assert tell("x").status_code == 404


def test_only_a_post_is_a_message(provider: Provider) -> None:
    assert Client().get("/oidc/backchannel-logout/").status_code == 405


def test_messages_are_forgotten_once_they_could_not_be_sent_again(browser: Browser, provider: Provider) -> None:
    old, new = provider.logout_token(sub="nobody"), provider.logout_token(sub="nobody")
    assert [tell(each).status_code for each in (old, new)] == [200, 200]
    first = LogoutToken.objects.order_by("pk").first()
    assert first is not None
    LogoutToken.objects.filter(pk=first.pk).update(expires_at=timezone.now())

    call_command("forget_sessions")

    assert LogoutToken.objects.count() == 1
    assert tell(new).status_code == 400
    assert Session.objects.count() == 1
