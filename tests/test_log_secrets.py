"""The watch over the logs sees what it is there for."""

import logging

import pytest
from django.conf import settings
from django.test import Client

from config import logs
from tests import log_secrets
from tests.accounts.openid import SECRET
from tests.log_secrets import Secrets, Watch

KEY = "cbk_0123456789ab_" + "A" * 49


@pytest.fixture
def secrets() -> Secrets:
    return Secrets()


@pytest.mark.parametrize(
    "line",
    [
        f"sent {KEY} there",
        "got eyJhbGciOiJSUzI1NiJ9.e30.c2ln",
        "Authorization: Basic dXNlcjpwYXNzd29yZA==",
        "Cookie: session=abcdefghijklmnop0123456789abcdef",
        "GET /login/link?token=abcdefghijklmnopqrstuvwxyz",
        f"client secret {SECRET}",
        f"key {settings.SECRET_KEY}",
    ],
)
def test_a_secret_in_a_line_is_seen(secrets: Secrets, line: str) -> None:
    secrets.look_at(line, where="the log")

    (found,) = secrets.take()
    assert "test_a_secret_in_a_line_is_seen" in found
    assert secrets.take() == []


@pytest.mark.parametrize("line", [logs.masked(f"Bearer {KEY}"), "cbk_0123456789ab", "the bearer is in no group"])
def test_what_is_masked_and_what_is_none_is_let_through(secrets: Secrets, line: str) -> None:
    secrets.look_at(line, where="the log")

    assert secrets.take() == []


def test_the_key_of_a_session_is_remembered_when_it_is_drawn(client: Client, db: None) -> None:
    client.get("/ui/")
    session = client.session
    session.create()

    log_secrets.SECRETS.look_at(f"opened {session.session_key}", where="the log")

    (found,) = log_secrets.SECRETS.take()
    assert found.startswith("a session or CSRF token")


def test_a_mask_does_not_hide_a_secret_of_our_own_lines_from_the_watch(secrets: Secrets) -> None:
    watch = Watch(secrets)
    watch.setFormatter(log_secrets.WATCH.formatter)

    for name in ("accounts.oidc", "elsewhere"):
        watch.emit(logging.LogRecord(name, logging.INFO, __file__, 1, "sent %s", (KEY,), None))

    (found,) = secrets.take()
    assert "accounts.oidc before the mask" in found


def test_the_watch_stands_at_the_root_and_hears_our_own_lines_down_to_debug() -> None:
    assert log_secrets.WATCH in logging.getLogger().handlers
    assert logging.getLogger("accounts.oidc").isEnabledFor(logging.DEBUG)
    logging.getLogger("accounts.oidc").debug("sent %s", KEY)

    (found,) = log_secrets.SECRETS.take()
    assert "the log of accounts.oidc" in found


def test_a_server_may_show_the_first_key_once_and_no_other() -> None:
    shown = f"Callboard: here\n\nAPI key, all scopes:\n  {KEY}\nRegister a schema:\n"

    log_secrets.look_at_server(shown, where="a server")
    assert log_secrets.SECRETS.take() == []

    log_secrets.look_at_server(shown + "line\n" * 20 + KEY, where="a server")
    assert len(log_secrets.SECRETS.take()) == 1
