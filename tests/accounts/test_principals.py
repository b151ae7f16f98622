import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts import principals, services, tokens
from accounts.models import ApiSecret, ServiceAccount
from accounts.principals import NotAuthenticated
from accounts.services import IssuedKey
from audit import events, transactions
from audit.actors import Actor
from tests.accounts.callers import basic, bearer
from tests.cast import STAGE

Change = Callable[..., None]
HOME = "192.0.2.7"
# Its check characters agree, and nobody ever made it.
STRAY = "cbk_7QmX2fLbA9Zt_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg0QmZWI"


def refusal(header: str | None, address: str | None = HOME) -> str:
    with pytest.raises(NotAuthenticated) as caught:
        principals.authenticate(header, address)
    return caught.value.reason


def test_a_bearer_key_makes_its_service_account_the_caller(issued: IssuedKey, account: ServiceAccount) -> None:
    principal = principals.authenticate(bearer(issued.token), HOME)

    assert principal == principals.Principal(
        user_id=account.user_id,
        ref=f"service:{account.pk}",
        name="orders-producer",
        kind="service",
        auth="api_key",
        credential=issued.key.id12,
        scopes=frozenset({"subjects:read", "subjects:write", "config:write"}),
        prefixes=(),
        groups=frozenset({account.owner_group_id}),
        owner_group_id=account.owner_group_id,
        rights=frozenset(),
    )


def test_every_way_to_send_a_key_names_the_same_caller(issued: IssuedKey) -> None:
    id12, token = issued.key.id12, issued.token
    expected = principals.authenticate(bearer(token), HOME)

    for header in [
        basic(id12, token),
        basic(f"cbk_{id12}", token),
        f"bearer {token}",
        f"BEARER   {token}",
        basic(id12, token).replace("Basic", "bAsIc"),
    ]:
        assert principals.authenticate(header, HOME) == expected


@pytest.mark.parametrize(
    "header",
    [
        "",
        " ",
        "Basic",
        "Bearer",
        "Bearer ",
        STRAY,
        f"Token {STRAY}",
        f"Bearer{STRAY}",
        f" Bearer {STRAY}",
        f"Bearer {STRAY} ",
        f"Bearer\t{STRAY}",
        f"Bearer {STRAY}\n",
        f"Bearer {STRAY[:-1]}J",
        f"Bearer {STRAY[:-1]}",
        f"Bearer {STRAY}, Bearer {STRAY}",
        f"Bearer {STRAY},Basic eA==",
        f"{basic('7QmX2fLbA9Zt', STRAY)}, {basic('7QmX2fLbA9Zt', STRAY)}",
        f"Bearer {STRAY}, ",
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.",
        "Bearer a.b.c",
        basic("7QmX2fLbA9Zt", "secret"),
        basic("someoneelse0", STRAY),
        basic("", STRAY),
        basic("7qmx2flba9zt", STRAY),
        basic("cbk_cbk_7QmX2fLbA9Zt", STRAY),
        basic(STRAY, ""),
        basic("7QmX2fLbA9Zt", f":{STRAY}"),
        basic("7QmX2fLbA9Zt", f"{STRAY}:x"),
        "Basic !!!!",
        "Basic eA",
        "Basic eA==",
        "Basic " + "//79" * 20,
        "Bearer ü" + STRAY[1:],
        "Bearer " + "x" * 100_000,
        "Basic " + "QUFB" * 50_000,
    ],
)
def test_junk_is_refused_without_asking_the_database(
    header: str, db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        assert refusal(header) in {"malformed", "token: malformed", "token: algorithm"}


def test_a_password_is_what_follows_the_first_colon(issued: IssuedKey) -> None:
    assert refusal(basic(f"{issued.key.id12}:", issued.token)) == "malformed"


def test_a_key_that_was_never_issued_is_refused(db: None) -> None:
    assert refusal(bearer(STRAY)) == "unknown key"


def test_the_id_of_one_key_with_the_secret_of_another_is_refused(issued: IssuedKey) -> None:
    body = f"cbk_{issued.key.id12}_{'0' * 43}"
    forged = body + tokens._check(body)

    assert refusal(bearer(forged)) == "wrong secret"


def test_an_expired_secret_is_refused(issued: IssuedKey, change: Change) -> None:
    now = timezone.now()

    change(issued.key.secrets.get(), created_at=now - timedelta(days=2), expires_at=now - timedelta(seconds=1))

    assert refusal(bearer(issued.token)) == "expired"


def test_a_revoked_key_is_refused(issued: IssuedKey) -> None:
    services.revoke_key(actor=STAGE, key=issued.key)

    assert refusal(bearer(issued.token)) == "revoked"


def test_a_revoked_secret_is_refused(issued: IssuedKey, change: Change) -> None:
    change(issued.key.secrets.get(), revoked_at=timezone.now())

    assert refusal(bearer(issued.token)) == "revoked"


def test_a_key_of_an_inactive_user_is_refused(issued: IssuedKey, change: Change) -> None:
    change(issued.key.user, is_active=False)

    assert refusal(bearer(issued.token)) == "inactive user"


def test_a_key_of_a_disabled_account_is_refused(issued: IssuedKey, account: ServiceAccount) -> None:
    services.disable_service_account(actor=STAGE, account=account)

    assert refusal(bearer(issued.token)) == "disabled"


def test_a_secret_under_another_pepper_is_refused(issued: IssuedKey, settings: Settings) -> None:
    settings.KEY_PEPPER = "another pepper, of 32 characters or more"

    assert refusal(bearer(issued.token)) == "wrong secret"


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("2001:db8::1", True),
        ("192.0.2.7", False),
        ("::1", False),
        ("", False),
        (None, False),
        ("unix:", False),
        ("10.1.2.3, 192.0.2.7", False),
    ],
)
def test_a_key_bound_to_networks_opens_from_there_alone(
    account: ServiceAccount, address: str | None, allowed: bool
) -> None:
    cidrs = ["10.0.0.0/8", "2001:db8::/32"]
    issued = services.issue_key(actor=STAGE, account=account, label="ci", cidrs=cidrs)

    if allowed:
        assert principals.authenticate(bearer(issued.token), address).name == "orders-producer"
    else:
        assert refusal(bearer(issued.token), address) == "address"


def test_a_wrong_secret_is_refused_before_anything_else_is_said(
    issued: IssuedKey, account: ServiceAccount, change: Change
) -> None:
    services.revoke_key(actor=STAGE, key=issued.key)
    services.disable_service_account(actor=STAGE, account=account)
    now = timezone.now()
    change(issued.key.secrets.get(), created_at=now - timedelta(days=2), expires_at=now - timedelta(days=1))
    body = f"cbk_{issued.key.id12}_{'0' * 43}"

    assert refusal(bearer(body + tokens._check(body))) == "wrong secret"
    assert refusal(bearer(issued.token)) == "expired"


def test_both_secrets_of_a_key_open_it(issued: IssuedKey, account: ServiceAccount, change: Change) -> None:
    other = services.issue_key(actor=STAGE, account=account, label="other")

    change(other.key.secrets.get(), key=issued.key, n=2)

    assert principals.authenticate(bearer(issued.token), HOME).credential == issued.key.id12
    assert refusal(bearer(other.token)) == "unknown key"


def test_a_key_carries_its_scopes_and_prefixes(account: ServiceAccount) -> None:
    issued = services.issue_key(
        actor=STAGE, account=account, label="ci", scopes=["catalog:read"], prefixes=["orders-", "größe."]
    )

    principal = principals.authenticate(bearer(issued.token), HOME)

    assert principal.scopes == {"catalog:read"}
    assert principal.prefixes == ("größe.", "orders-")


def test_rights_come_from_the_account_and_from_its_group(group: Group, change: Change) -> None:
    account = services.create_service_account(
        actor=STAGE, name="admin", owner_group=group, rights=["auth.view_group", "auth.change_group"]
    )
    permission = Permission.objects.get(content_type__app_label="auth", codename="add_group")
    given = Permission.objects.get(content_type__app_label="auth", codename="view_group")
    with transactions.write():
        group.permissions.set([permission, given])
        events.record(STAGE, events.Action.KEY_REVOKED, kind="test", ref="1")
    issued = services.issue_key(actor=STAGE, account=account, label="ci")

    principal = principals.authenticate(bearer(issued.token), HOME)

    assert principal.rights == {"auth.view_group", "auth.change_group", "auth.add_group"}


def test_a_caller_costs_one_query_however_much_it_may_do(
    group: Group, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    rights = ["auth.view_group", "auth.change_group", "auth.add_group"]
    account = services.create_service_account(actor=STAGE, name="admin", owner_group=group, rights=rights)
    issued = services.issue_key(actor=STAGE, account=account, label="ci")
    principals.authenticate(bearer(issued.token), HOME)

    with django_assert_num_queries(1):
        principals.authenticate(bearer(issued.token), HOME)
    with django_assert_num_queries(1):
        refusal(bearer(STRAY))


def test_the_actor_of_a_caller_is_its_stable_ref_and_its_key(issued: IssuedKey, account: ServiceAccount) -> None:
    actor = principals.authenticate(bearer(issued.token), HOME).actor("request-1")

    assert actor == Actor("service", f"service:{account.pk}", "api_key", issued.key.id12, "request-1")


class TestStrangers:
    def test_strangers_are_refused_unless_a_setting_lets_them_in(self, db: None) -> None:
        services.make_anonymous_account(actor=STAGE, group_name="default")

        assert refusal(None) == "no credentials"

    @pytest.mark.parametrize(
        ("setting", "scopes"),
        [("read", {"subjects:read"}), ("write", {"subjects:read", "subjects:write", "config:write"})],
    )
    def test_strangers_act_as_the_account_anonymous(
        self,
        db: None,
        settings: Settings,
        setting: str,
        scopes: set[str],
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        services.make_anonymous_account(actor=STAGE, group_name="default")
        settings.CALLBOARD = settings.CALLBOARD | {"ANONYMOUS": setting}

        with django_assert_num_queries(1):
            principal = principals.authenticate(None, HOME)

        account = ServiceAccount.objects.get(name="anonymous")
        assert (principal.name, principal.auth, principal.credential) == ("anonymous", "none", None)
        assert principal.scopes == scopes
        assert principal.owner_group_id == account.owner_group_id
        assert principal.actor(None) == Actor("service", account.ref)

    def test_a_bad_key_does_not_turn_into_a_stranger(self, db: None, settings: Settings) -> None:
        services.make_anonymous_account(actor=STAGE, group_name="default")
        settings.CALLBOARD = settings.CALLBOARD | {"ANONYMOUS": "write"}

        assert refusal("") == "malformed"
        assert refusal(bearer(STRAY)) == "unknown key"

    def test_without_the_account_strangers_are_refused(self, db: None, settings: Settings) -> None:
        settings.CALLBOARD = settings.CALLBOARD | {"ANONYMOUS": "read"}

        assert refusal(None) == "no anonymous account"

    def test_disabling_the_account_shuts_strangers_out(self, db: None, settings: Settings) -> None:
        services.make_anonymous_account(actor=STAGE, group_name="default")
        settings.CALLBOARD = settings.CALLBOARD | {"ANONYMOUS": "read"}

        services.disable_service_account(actor=STAGE, account=ServiceAccount.objects.get(name="anonymous"))

        assert refusal(None) == "disabled"


class TestLastUse:
    def test_the_first_use_is_noted_with_time_and_address(self, issued: IssuedKey) -> None:
        before = timezone.now()

        principals.authenticate(bearer(issued.token), "::ffff:10.1.2.3")

        secret = issued.key.secrets.get()
        assert secret.last_used_at is not None and before <= secret.last_used_at <= timezone.now()
        assert secret.last_used_ip == "10.1.2.3"

    @pytest.mark.parametrize("address", [None, "", "fe80::1%eth0"])
    def test_an_odd_address_does_not_fail_the_request(self, issued: IssuedKey, address: str | None) -> None:
        principals.authenticate(bearer(issued.token), address)

        assert issued.key.secrets.get().last_used_at is not None

    @pytest.mark.parametrize(("minutes", "moves"), [(4, False), (6, True)])
    def test_later_uses_are_noted_every_five_minutes(self, issued: IssuedKey, minutes: int, moves: bool) -> None:
        then = timezone.now() - timedelta(minutes=minutes)
        ApiSecret.objects.update(last_used_at=then, last_used_ip=HOME)

        principals.authenticate(bearer(issued.token), "10.1.2.3")

        secret = issued.key.secrets.get()
        assert (secret.last_used_at != then) is moves
        assert secret.last_used_ip == ("10.1.2.3" if moves else HOME)

    def test_a_refused_use_is_not_noted(self, issued: IssuedKey) -> None:
        services.revoke_key(actor=STAGE, key=issued.key)

        assert refusal(bearer(issued.token)) == "revoked"
        assert issued.key.secrets.get().last_used_at is None

    def test_noting_a_use_leaves_no_event(
        self, issued: IssuedKey, recorded: Callable[[], list[dict[str, Any]]]
    ) -> None:
        recorded()

        principals.authenticate(bearer(issued.token), HOME)

        assert recorded() == []

    @pytest.mark.django_db(transaction=True, serialized_rollback=True)
    def test_a_use_is_not_noted_while_that_would_mean_waiting(self, issued: IssuedKey) -> None:
        with held_by_another(issued.key.secrets.get()):
            started = time.monotonic()
            principal = principals.authenticate(bearer(issued.token), HOME)
            waited = time.monotonic() - started

        assert principal.credential == issued.key.id12
        assert waited < 1
        assert issued.key.secrets.get().last_used_at is None
        principals.kept.clear()
        principals.authenticate(bearer(issued.token), HOME)
        assert issued.key.secrets.get().last_used_at is not None

    @pytest.mark.sqlite
    @pytest.mark.django_db(transaction=True, serialized_rollback=True)
    def test_noting_a_use_leaves_the_patience_of_the_connection_as_it_was(self, issued: IssuedKey) -> None:
        principals.authenticate(bearer(issued.token), HOME)

        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout")
            assert cursor.fetchone() == (20_000,)


@contextlib.contextmanager
def held_by_another(secret: ApiSecret) -> Iterator[None]:
    """Another connection is in the middle of changing this row; on SQLite that locks the whole database."""
    holding, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            ApiSecret.objects.select_for_update().get(pk=secret.pk)
            holding.set()
            done.wait(30)
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(hold)
        assert holding.wait(30)
        try:
            yield
        finally:
            done.set()
            held.result()
