"""A team, its robot, and ways to see what the robot's key opens; people, and the provider that vouches for them."""

import json
import socket
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import models

from accounts import backchannel, oidc, services
from accounts.models import ServiceAccount
from accounts.services import IssuedKey
from audit import events, transactions
from audit.models import AuditEvent
from tests.accounts import openid
from tests.accounts.openid import Browser, Provider, Stub
from tests.cast import STAGE


@pytest.fixture
def group(db: None) -> Group:
    return services.create_group(actor=STAGE, name="team-orders")


@pytest.fixture
def account(group: Group) -> ServiceAccount:
    return services.create_service_account(actor=STAGE, name="orders-producer", owner_group=group)


@pytest.fixture
def issued(account: ServiceAccount) -> IssuedKey:
    return services.issue_key(actor=STAGE, account=account, label="ci")


@pytest.fixture
def change() -> Callable[..., None]:
    """Puts a row into a state that no service makes yet, with the event that every change owes."""

    def apply(row: models.Model, **values: Any) -> None:
        with transactions.write():
            type(row)._default_manager.filter(pk=row.pk).update(**values)
            events.record(STAGE, events.Action.KEY_REVOKED, kind="test", ref=str(row.pk))

    return apply


@pytest.fixture
def recorded(db: None) -> Callable[[], list[dict[str, Any]]]:
    """The events since the last look, as they were hashed."""
    seen = 0

    def look() -> list[dict[str, Any]]:
        nonlocal seen
        rows = list(AuditEvent.objects.filter(seq__gt=seen).order_by("seq"))
        seen = rows[-1].seq if rows else seen
        return [json.loads(row.payload) for row in rows]

    return look


@pytest.fixture(scope="session")
def mailbox() -> Iterator[Stub]:
    """Where the provider leaves its logout messages, as it can't reach Django's test client."""
    with openid.run_stub() as stub:
        yield stub


@pytest.fixture(scope="session")
def running_provider(mailbox: Stub) -> Iterator[Provider]:
    with openid.run_provider(RP_ORIGIN=openid.SITE, BACKCHANNEL_ORIGIN=mailbox.url) as provider:
        yield provider


@pytest.fixture
def configure(settings: Any) -> Callable[..., None]:
    """Changes settings of our own."""

    def change(**own: Any) -> None:
        settings.CALLBOARD = {**settings.CALLBOARD, **own}

    return change


@pytest.fixture
def provider(running_provider: Provider, db: None, settings: Any, configure: Callable[..., None]) -> Iterator[Provider]:
    """People sign in through it, in this process. One for all tests of a process: each makes people of its own."""
    configure(
        OIDC_ISSUER=running_provider.issuer,
        OIDC_STAFF_GROUPS=("registry-admins", "compliance"),
        OIDC_SUPERUSER_GROUP="registry-admins",
    )
    settings.OIDC_RP_CLIENT_ID = "portal"
    settings.OIDC_RP_CLIENT_SECRET = openid.SECRET
    oidc.starts.clear()
    backchannel.messages.clear()
    yield running_provider
    running_provider.skew(0)


@pytest.fixture
def person(provider: Provider) -> Callable[..., Browser]:
    """`person(groups=["team"])`: somebody new at the provider, in front of a browser."""

    def new(**account: Any) -> Browser:
        who = f"p{uuid.uuid4().hex[:12]}"
        provider.change(who, **{"name": f"Person {who}", "groups": [], **account})
        return Browser(who)

    return new


@pytest.fixture
def stub() -> Iterator[Stub]:
    with openid.run_stub() as running:
        yield running


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes calls and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
