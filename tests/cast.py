"""The cast of the tests, and the client through which they speak to the API."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group
from django.test import Client

from accounts import failures, jwks, principals, services, sessions
from accounts.models import ServiceAccount, User
from accounts.principals import Principal
from audit import events, transactions
from audit.actors import Actor
from audit.models import AuditEvent
from registry.services import parsed

MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
ADDRESS = "127.0.0.1"
STAGE = Actor("system", "tests")


@dataclass(frozen=True)
class Member:
    """A service account of the cast, with a key of its own."""

    account: ServiceAccount
    group: Group
    token: str

    @property
    def name(self) -> str:
        return self.account.name

    @property
    def bearer(self) -> str:
        return f"Bearer {self.token}"

    @property
    def basic(self) -> str:
        """The key's id as user name, the whole key as password."""
        id12 = self.token.removeprefix("cbk_")[:12]
        return "Basic " + base64.b64encode(f"{id12}:{self.token}".encode()).decode()

    @property
    def principal(self) -> Principal:
        """As a request of this member would find it now."""
        return principals.authenticate(self.bearer, ADDRESS)

    @property
    def actor(self) -> Actor:
        return self.principal.actor(None)


def join(name: str, group: str, **key: Any) -> Member:
    """A new member in that group, made if need be; what else is given goes to `services.issue_key`."""
    return _join(name, group, rights=(), **key)


def join_as_administrator(name: str, group: str) -> Member:
    return _join(name, group, rights=[services.MANAGE_GLOBAL], scopes=services.SCOPES)


def _join(name: str, group_name: str, *, rights: Any, **key: Any) -> Member:
    group = Group.objects.filter(name=group_name).first() or services.create_group(actor=STAGE, name=group_name)
    account = services.create_service_account(actor=STAGE, name=name, owner_group=group, rights=rights)
    issued = services.issue_key(actor=STAGE, account=account, label=name, **key)
    return Member(account, group, issued.token)


def forget() -> None:
    """What this process keeps. Databases of tests begin anew while processes go on, and so the same keys come again."""
    parsed.KEPT.clear()
    principals.kept.clear()
    failures.exhausted.clear()
    jwks.forget()


def last_event() -> Any:
    """What the newest event of the audit log says."""
    event = AuditEvent.objects.order_by("-seq").first()
    assert event is not None
    return json.loads(event.payload)


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in."""

    user: User
    client: Client

    @property
    def principal(self) -> Principal:
        return principals.of_session(User.objects.get(pk=self.user.pk))

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """To our own API."""
        data = b"" if body is None else json.dumps(body).encode()
        return self.client.generic(method, f"/api/v1/{path}", data, "application/json")


def sign_in(name: str, *groups: str, is_superuser: bool = False, is_staff: bool = False, email: str = "") -> Person:
    """A person in these groups, with a session."""
    with transactions.write():
        user = User.objects.create(username=name, is_superuser=is_superuser, is_staff=is_staff, email=email)
        user.groups.set([Group.objects.get_or_create(name=group)[0] for group in groups])
        events.record(STAGE, events.Action.USER_CREATED, kind="user", ref=f"person:{user.pk}")
    client = Client()
    client.force_login(user, "accounts.local.Backend")
    # As after a sign-in, which is when keys may be made.
    session = client.session
    sessions.stamp(session)
    session.save()
    return Person(user, client)


class Api:
    """Sends what Confluent's clients send: JSON under the registry's media type, and a key in the Authorization header.

    A body of `str` or `bytes` goes out as it is. `as_=None` sends no credentials.
    """

    def __init__(self, client: Client) -> None:
        self.client = client

    def get(self, path: str, *, as_: Member | None = None, headers: Mapping[str, str] | None = None) -> Any:
        return self.send("GET", path, None, as_=as_, headers=headers)

    def post(
        self, path: str, body: Any = None, *, as_: Member | None = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        return self.send("POST", path, body, as_=as_, headers=headers)

    def put(
        self, path: str, body: Any = None, *, as_: Member | None = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        return self.send("PUT", path, body, as_=as_, headers=headers)

    def delete(self, path: str, *, as_: Member | None = None, headers: Mapping[str, str] | None = None) -> Any:
        return self.send("DELETE", path, None, as_=as_, headers=headers)

    def send(
        self,
        method: str,
        path: str,
        body: Any,
        *,
        as_: Member | None = None,
        headers: Mapping[str, str] | None = None,
        content_type: str = MEDIA_TYPE,
    ) -> Any:
        """Django's test response, with `.json()`: typed as Any, because its class exists for type checkers only."""
        sent = dict(headers or {})
        if as_ is not None:
            sent.setdefault("Authorization", as_.bearer)
        data = body if isinstance(body, str | bytes) else b"" if body is None else json.dumps(body).encode()
        return self.client.generic(
            method, path, data, content_type if data else "application/octet-stream", headers=sent
        )
