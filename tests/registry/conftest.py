import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from accounts import principals
from accounts.models import User
from accounts.principals import Principal
from audit import events, transactions
from registry.models import Subject
from tests.cast import STAGE

Hide = Callable[[str], None]


@pytest.fixture
def hide(db: None) -> Hide:
    """Makes a subject visible to its owners only. No service does so yet; the database wants an event all the same."""

    def restrict(name: str) -> None:
        with transactions.write():
            Subject.objects.filter(name=name).update(visibility="restricted")
            events.record(STAGE, events.Action.CONFIG_CHANGED, kind="subject", ref=f":.:{name}")

    return restrict


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in."""

    user: User
    client: Client

    @property
    def principal(self) -> Principal:
        return principals.of_session(self.user)

    def send(self, method: str, path: str, body: Any = None) -> Any:
        data = b"" if body is None else json.dumps(body).encode()
        return self.client.generic(method, f"/api/v1/{path}", data, "application/json")


SignIn = Callable[..., Person]


@pytest.fixture
def sign_in(db: None) -> SignIn:
    """A person in these groups, with a session."""

    def make(name: str, *groups: str, is_superuser: bool = False, is_staff: bool = False) -> Person:
        with transactions.write():
            user = User.objects.create(username=name, is_superuser=is_superuser, is_staff=is_staff)
            user.groups.set([Group.objects.get_or_create(name=group)[0] for group in groups])
            events.record(STAGE, events.Action.USER_CREATED, kind="user", ref=f"person:{user.pk}")
        client = Client()
        client.force_login(user, "accounts.local.Backend")
        return Person(user, client)

    return make
