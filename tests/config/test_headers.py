"""Every answer carries the headers that keep a browser from being used against whoever sits before it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.urls import URLResolver, get_resolver

from accounts.models import User
from audit import events, transactions
from registry import names
from tests.cast import STAGE
from tests.environment import CHECKOUT, SECRETS

HEADERS = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
DIRECTIVES = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
}
ERRORS = ["/nothing/at/all", "/ui/nothing", "/admin/nothing/", "/static/nothing", "/ui/%00", "/subjects/%ff/versions"]


def addresses(resolver: URLResolver, before: str = "") -> Iterator[str]:
    """One for every pattern, with 1 for whatever it leaves open."""
    for name in set(resolver.reverse_dict):
        for possibilities, *_ in resolver.reverse_dict.getlist(name):
            for template, parameters in possibilities:
                yield f"/{before}{template % dict.fromkeys(parameters, '1')}"
    for prefix, inner in resolver.namespace_dict.values():
        yield from addresses(inner, before + prefix)


def every_address() -> list[str]:
    # Which Django has one pattern for.
    registry = {f"/{re.sub('{[^}]+}', '1', template)}" for template in names.ROUTES.values()}
    # Signing out in the middle of the walk would make a stranger of whoever walks.
    return sorted({*addresses(get_resolver()), *registry, *ERRORS} - {"/logout", "/admin/logout/"})


@pytest.fixture
def superuser(db: None) -> Client:
    with transactions.write():
        user = User.objects.create(username="ada", is_staff=True, is_superuser=True)
        events.record(STAGE, events.Action.USER_CREATED, kind="person", ref=f"person:{user.pk}")
    client = Client(raise_request_exception=False)
    client.force_login(user, "accounts.local.Backend")
    return client


def lacking(response: Any) -> set[str]:
    policy = {part.strip() for part in response.get("Content-Security-Policy", "").split(";")}
    wrong = {name for name, value in HEADERS.items() if response.get(name) != value}
    return wrong | (DIRECTIVES - policy) | {part for part in policy if "unsafe" in part or "*" in part}


def test_the_walk_comes_by_all_kinds_of_pages() -> None:
    people = {"/ui/", "/login", "/login-failed", "/oidc/callback/", "/oidc/backchannel-logout/"}
    others = {"/admin/", "/admin/auth/group/add/", "/subjects/1/versions/1", "/api/v1/me", "/healthz"}

    assert people | others <= set(every_address())
    assert len(every_address()) > 100


@pytest.mark.parametrize("method", ["get", "post"])
def test_every_answer_to_a_stranger_has_the_headers(db: None, method: str) -> None:
    client = Client(raise_request_exception=False)

    wrong = {address: found for address in every_address() if (found := lacking(getattr(client, method)(address)))}

    assert wrong == {}


def test_every_answer_to_an_administrator_has_the_headers(superuser: Client) -> None:
    wrong, seen = {}, set()
    for address in every_address():
        response: Any = superuser.get(address)
        seen.add(response.status_code)
        if found := lacking(response):
            wrong[address] = found

    assert wrong == {}
    assert {200, 302, 401, 404} <= seen
    assert 500 not in seen


def test_a_form_without_its_token_is_refused_with_the_headers(superuser: Client) -> None:
    superuser.handler.enforce_csrf_checks = True

    response: Any = superuser.post("/logout")

    assert response.status_code == 403
    assert lacking(response) == set()


def test_an_error_of_ours_has_the_headers(superuser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.condition.findings", lambda principal: 1 / 0)

    response: Any = superuser.get("/ui/health")

    assert response.status_code == 500
    assert lacking(response) == set()


def test_a_session_that_ended_is_told_with_the_headers(superuser: Client) -> None:
    session = superuser.session
    session["_auth_user_backend"] = "accounts.oidc.Backend"
    session.save()
    own = {**django_settings.CALLBOARD, "OIDC_ISSUER": "http://127.0.0.1:1"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(django_settings, "CALLBOARD", own)
        response: Any = superuser.post("/ui/subject/lifecycle")

    assert response.status_code == 401
    assert lacking(response) == set()


def deployed(*words: str, **given: str) -> subprocess.CompletedProcess[str]:
    """Under the settings of an installation behind TLS with an identity provider."""
    own = {
        "CALLBOARD_BASE_URL": "https://registry.example",
        "CALLBOARD_ALLOWED_HOSTS": "registry.example",
        "CALLBOARD_OIDC_ISSUER": "https://idp.example/realms/company",
        "CALLBOARD_OIDC_CLIENT_ID": "portal",
        "CALLBOARD_OIDC_CLIENT_SECRET": "secret of the client",
        "CALLBOARD_OIDC_END_SESSION_ENDPOINT": "https://login.example/end",
        "CALLBOARD_SECRET_KEY": "0aB-%xY9" * 8,
    }
    command = [sys.executable, "manage.py", *words]
    environment = os.environ | SECRETS | own | given
    return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)


def test_an_installation_behind_tls_passes_djangos_own_checks_for_deployment() -> None:
    done = deployed("check", "--deploy", "--fail-level", "WARNING")

    assert done.returncode == 0, done.stderr


def test_behind_tls_the_policy_names_the_provider_and_cookies_are_for_tls_alone() -> None:
    code = (
        "from django.test import Client; r = Client().get('/login-failed', secure=True, headers={'Host': "
        "'registry.example'}); print(r['Content-Security-Policy']); print(r['Strict-Transport-Security']); "
        "from django.conf import settings as s; print(s.SESSION_COOKIE_NAME, s.SESSION_COOKIE_SECURE, "
        "s.CSRF_COOKIE_NAME, s.CSRF_COOKIE_SECURE)"
    )

    policy, transport, cookies = deployed("shell", "--no-imports", "-c", code).stdout.splitlines()[-3:]

    assert "form-action 'self' https://idp.example https://login.example;" in f"{policy};"
    assert transport == "max-age=31536000"
    assert cookies == "__Host-session True __Host-csrf True"
