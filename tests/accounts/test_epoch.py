"""The epoch moves with what bears upon who may do what, whatever the way it is changed, and with nothing else."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection, models, transaction
from django.utils import timezone
from guardian.shortcuts import assign_perm, remove_perm
from pytest_django import DjangoAssertNumQueries, Settings

from accounts import epoch, principals, services
from accounts.kept import Cache
from accounts.models import ApiKey, ApiSecret, AuthEpoch, ServiceAccount, User
from accounts.principals import NotAuthenticated
from audit import events, transactions
from registry.models import SchemaVersion, Subject
from tests.cast import ADDRESS, STAGE, Api, Member, join

pytestmark = pytest.mark.django_db
committing = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@pytest.fixture
def member(request: pytest.FixtureRequest) -> Member:
    request.getfixturevalue("db")
    return join("owner", "owners", scopes=services.SCOPES)


@pytest.fixture
def subject(member: Member, api: Api) -> Subject:
    for type_ in "int", "long":
        assert api.post("/subjects/orders/versions", {"schema": f'"{type_}"'}, as_=member).status_code == 200
    api.delete("/subjects/orders/versions/1", as_=member)
    return Subject.objects.get(name="orders")


def number() -> int:
    """As of the commit of what came before, also within the transaction of a test."""
    if connection.vendor == "postgresql" and connection.in_atomic_block:
        connection.check_constraints()
        run("SELECT set_config('callboard.epoch', '', true)")
    return AuthEpoch.objects.get().number


def paid(change: Callable[[], object]) -> None:
    """A change with the event it owes."""
    with transactions.write():
        change()
        events.record(STAGE, events.Action.KEY_REVOKED, kind="test", ref="test")


def run(sql: str, *values: str | bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def set_by_sql(model: type[models.Model], column: str, value: str | bool) -> None:
    run(f'UPDATE "{model._meta.db_table}" SET "{column}" = %s', value)


def give_a_right(user: User) -> None:
    user.user_permissions.add(Permission.objects.get(codename="manage_global"))


def grant(subject: Subject) -> None:
    assign_perm("view_subject", subject.owner, subject)


MOVES: dict[str, Callable[[Subject, User], object]] = {
    "membership added": lambda subject, user: user.groups.add(Group.objects.create(name="others")),
    "membership removed": lambda subject, user: user.groups.clear(),
    "membership removed by SQL": lambda subject, user: run(f'DELETE FROM "{User.groups.through._meta.db_table}"'),
    "right of a user": lambda subject, user: give_a_right(user),
    "right of a group": lambda subject, user: subject.owner.permissions.add(Permission.objects.all()[0]),
    "grant by guardian's shortcut": lambda subject, user: grant(subject),
    "key revoked": lambda subject, user: ApiKey.objects.update(revoked_at=timezone.now(), revoked_by="x"),
    "key revoked by SQL": lambda subject, user: set_by_sql(ApiSecret, "revoked_at", "2026-01-01 00:00:00+00:00"),
    "account disabled": lambda subject, user: ServiceAccount.objects.update(disabled_at=timezone.now()),
    "account under a new name": lambda subject, user: set_by_sql(ServiceAccount, "name", "renamed"),
    "user off": lambda subject, user: User.objects.update(is_active=False),
    "user off by SQL": lambda subject, user: set_by_sql(User, "is_active", False),
    "subject hidden": lambda subject, user: set_by_sql(Subject, "visibility", "restricted"),
    "subject given away": lambda subject, user: Subject.objects.update(owner=Group.objects.create(name="others")),
    "version hidden": lambda subject, user: SchemaVersion.objects.update(deleted_at=timezone.now()),
    "version restored": lambda subject, user: SchemaVersion.objects.update(deleted_at=None),
    "version gone": lambda subject, user: SchemaVersion.objects.filter(version=1).delete(),
}
STAYS: dict[str, Callable[[Subject, User], object]] = {
    "last login": lambda subject, user: User.objects.update(last_login=timezone.now()),
    "a save that changes nothing": lambda subject, user: user.save(),
    "last use": lambda subject, user: ApiSecret.objects.update(last_used_at=timezone.now(), last_used_ip="192.0.2.1"),
    "revision": lambda subject, user: Subject.objects.update(revision=77),
    "life cycle": lambda subject, user: SchemaVersion.objects.update(lifecycle="deprecated"),
    "new group": lambda subject, user: Group.objects.create(name="others"),
    "new user": lambda subject, user: User.objects.create(username="new"),
}


@pytest.mark.parametrize("change", MOVES.values(), ids=MOVES)
def test_it_moves_once_the_change_is_committed(
    change: Callable[[Subject, User], object], subject: Subject, member: Member
) -> None:
    before = number()

    paid(lambda: change(subject, member.account.user))

    assert number() > before


@pytest.mark.parametrize("change", STAYS.values(), ids=STAYS)
def test_it_stays_where_no_right_is_touched(
    change: Callable[[Subject, User], object], subject: Subject, member: Member
) -> None:
    before = number()

    paid(lambda: change(subject, member.account.user))

    assert number() == before


def test_a_grant_taken_away_moves_it(subject: Subject) -> None:
    paid(lambda: grant(subject))
    before = number()

    paid(lambda: remove_perm("view_subject", subject.owner, subject))

    assert number() > before


def test_a_new_version_does_not_move_it(subject: Subject, member: Member, api: Api) -> None:
    before = number()

    api.post("/subjects/orders/versions", {"schema": '"double"'}, as_=member)
    api.post("/subjects/payments/versions", {"schema": '"double"'}, as_=member)

    assert Subject.objects.count() == 2
    assert number() == before


@pytest.mark.parametrize("path", ["/subjects/orders/versions/2", "/subjects/orders/versions/1?permanent=true"])
def test_a_delete_through_the_api_moves_it(path: str, subject: Subject, member: Member, api: Api) -> None:
    before = number()

    assert api.delete(path, as_=member).status_code == 200

    assert number() > before


@committing
def test_a_change_that_is_committed_moves_it(member: Member) -> None:
    before = number()

    paid(lambda: User.objects.update(is_active=False))

    assert number() > before


@committing
def test_a_change_that_is_rolled_back_does_not_move_it(member: Member) -> None:
    before = number()

    with transaction.atomic():
        User.objects.update(is_active=False)
        transaction.set_rollback(True)

    assert number() == before


@pytest.mark.postgresql
@committing
def test_many_rows_in_one_transaction_move_it_once(subject: Subject) -> None:
    before = number()

    paid(lambda: [User.groups.through.objects.all().delete(), SchemaVersion.objects.update(deleted_at=None)])

    assert number() == before + 1


@committing
class TestKept:
    """What a process keeps of a caller."""

    def test_a_caller_who_comes_again_costs_no_query(
        self, member: Member, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        principal = member.principal

        with django_assert_num_queries(0):
            assert member.principal is principal

    def test_that_takes_microseconds(self, member: Member) -> None:
        header = member.bearer
        principals.authenticate(header, ADDRESS)

        def seconds() -> float:
            started = time.thread_time()
            for _ in range(1000):
                principals.authenticate(header, ADDRESS)
            return (time.thread_time() - started) / 1000

        # 1.2 where this was written.
        assert min(seconds() for _ in range(20)) < 10e-6

    def test_half_a_second_later_the_epoch_is_asked_for(
        self, member: Member, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        principal = member.principal
        time.sleep(epoch.SECONDS + 0.01)

        with django_assert_num_queries(1) as asked:
            assert member.principal is principal
        assert AuthEpoch._meta.db_table in asked.captured_queries[0]["sql"]

    def test_in_strict_mode_every_request_asks(
        self, member: Member, settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        settings.CALLBOARD = settings.CALLBOARD | {"STRICT_COHERENCE": True}
        principal = member.principal

        for _ in range(3):
            with django_assert_num_queries(1):
                assert member.principal is principal

    def test_a_change_of_this_process_counts_at_once(self, member: Member) -> None:
        assert member.principal.groups

        paid(lambda: member.account.user.groups.clear())

        assert not member.principal.groups

    def test_a_revoked_key_is_not_kept(self, member: Member) -> None:
        assert member.principal.credential

        services.revoke_key(actor=STAGE, key=ApiKey.objects.get())

        with pytest.raises(NotAuthenticated):
            _ = member.principal

    def test_nobody_is_kept_without_an_epoch(
        self, member: Member, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        AuthEpoch.objects.all().delete()
        assert member.principal.credential

        with django_assert_num_queries(1):
            assert member.principal.credential

    def test_nobody_is_kept_beyond_the_end_of_the_key(self, member: Member) -> None:
        paid(lambda: ApiSecret.objects.update(expires_at=timezone.now() + timedelta(seconds=0.3)))
        assert member.principal.credential
        time.sleep(0.35)

        with pytest.raises(NotAuthenticated, match="expired"):
            _ = member.principal

    def test_a_kept_caller_from_elsewhere_is_looked_at_again(self, transactional_db: None) -> None:
        member = join("ci", "owners", cidrs=[f"{ADDRESS}/32"])
        assert member.principal.credential

        with pytest.raises(NotAuthenticated, match="address"):
            principals.authenticate(member.bearer, "192.0.2.7")


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.kept.MOST", 3)
    cache: Cache[Any] = Cache(lambda: 1)
    names = [cache.name(str(n)) for n in range(5)]

    for name in names:
        cache.keep(name, "somebody", epoch=1, seconds=10)

    assert [cache.get(name) for name in names] == [None, None, "somebody", "somebody", "somebody"]


def test_what_was_kept_under_another_epoch_is_forgotten() -> None:
    now = [1]
    cache: Cache[Any] = Cache(lambda: now[0])
    name = cache.name("Bearer x")
    cache.keep(name, "somebody", epoch=1, seconds=10)
    assert cache.get(name) == "somebody"

    now[0] = 2

    assert cache.get(name) is None


def test_no_header_is_kept_in_the_clear() -> None:
    cache: Cache[Any] = Cache(lambda: 1)

    cache.keep(cache.name("Bearer cbk_secret"), "somebody", epoch=1, seconds=10)

    assert b"cbk_secret" not in repr(vars(cache)).encode()
