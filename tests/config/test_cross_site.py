"""A form of another site, sent by the browser of somebody who is signed in, changes nothing anywhere."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from registry import permissions
from tests.cast import sign_in
from tests.routes import methods, routes
from tests.unchanged import nothing_changes

pytestmark = pytest.mark.django_db
ID = "00000000-0000-4000-8000-000000000000"
CHANGING = {"POST", "PUT", "PATCH", "DELETE"}
# The provider sends it, and pipelines; each proves itself by what it sends, and no cookie is looked at.
WITHOUT_COOKIE = {"backchannel_logout", "own_token_exchange"}
ROUTES = sorted(
    (pattern.name or path, path, method)
    for pattern, path in routes()
    for method in methods(pattern.callback) & CHANGING
    if pattern.name not in WITHOUT_COOKIE | {"registry", "no_such_page"}
)


@pytest.fixture
def browser() -> Client:
    """As superuser, with a session and without the token that our own pages put into their forms."""
    person = sign_in("ada", is_superuser=True, is_staff=True)
    client = Client(enforce_csrf_checks=True)
    client.force_login(person.user, "accounts.local.Backend")
    return client


def address(path: str) -> str:
    """With something that fits in place of what a path names."""
    plain = path.replace(r"\A", "").replace(r"\Z", "")
    return "/" + re.sub(r"<[^>]*>", lambda named: ID if "uuid" in named[0] else "1", plain)


@pytest.mark.parametrize(("name", "path", "method"), ROUTES, ids=[f"{name}-{method}" for name, _, method in ROUTES])
def test_a_route_refuses_it(browser: Client, name: str, path: str, method: str) -> None:
    with nothing_changes():
        answer = browser.generic(method, address(path), "a=1", "application/x-www-form-urlencoded")

    # The front door is the registry's for who comes with JSON, and there no cookie is looked at.
    assert answer.status_code == (401 if name == "front_door" else 403)


@pytest.mark.parametrize("model", [model._meta.label_lower.replace(".", "_") for model in admin.site._registry])
def test_the_admin_refuses_it(browser: Client, model: str) -> None:
    with nothing_changes():
        answer: Any = browser.post(reverse(f"admin:{model}_add"), {"name": "x"})

    assert answer.status_code == 403


@pytest.mark.parametrize("where", sorted(where for where in permissions.TABLE if where[1] in CHANGING))
def test_the_registry_does_not_know_who_it_is(browser: Client, where: tuple[str, str]) -> None:
    path = {"subject": "subjects/orders", "root": ""}.get(where[0], where[0])

    with nothing_changes():
        answer = browser.generic(where[1], f"/{path}", "{}", "text/plain")

    assert answer.status_code in {401, 404}
