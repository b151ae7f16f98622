"""Rotation, limits, stale use, peppers, and the short keys of people."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from accounts import keys, lookup, principals, services
from accounts.keys import KeyIsOver, KeyIsShort, Limits, TooManySecrets
from accounts.models import ApiKey, ApiSecret, ServiceAccount, User
from accounts.principals import NotAuthenticated
from accounts.services import InvalidValue, IssuedKey
from audit import events, transactions
from tests.accounts.callers import bearer
from tests.cast import STAGE

Change = Callable[..., None]
Recorded = Callable[[], list[dict[str, Any]]]
HOME = "192.0.2.7"


def refusal(token: str) -> str:
    with pytest.raises(NotAuthenticated) as caught:
        principals.authenticate(bearer(token), HOME)
    return caught.value.reason


def opens(token: str) -> bool:
    return principals.authenticate(bearer(token), HOME).credential == token[4:16]


def last(recorded: Recorded) -> dict[str, Any]:
    return recorded()[-1]


class TestRotation:
    def test_both_secrets_open_until_the_overlap_ends(self, issued: IssuedKey, change: Change) -> None:
        rotated = keys.rotate_key(actor=STAGE, key=issued.key)

        assert rotated.token[:17] == issued.token[:17]
        assert opens(issued.token) and opens(rotated.token)
        old = issued.key.secrets.get(n=1)
        assert old.superseded_at is not None
        assert timedelta(hours=23) < old.expires_at - timezone.now() <= timedelta(hours=24)

        change(old, created_at=old.created_at - timedelta(days=2), expires_at=timezone.now() - timedelta(seconds=1))

        assert refusal(issued.token) == "expired"
        assert opens(rotated.token)

    def test_the_old_secret_lives_no_longer_than_it_would_have(self, account: ServiceAccount, change: Change) -> None:
        issued = services.issue_key(actor=STAGE, account=account, label="ci", days=1)
        soon = timezone.now() + timedelta(hours=2)
        change(issued.key.secrets.get(), expires_at=soon)

        keys.rotate_key(actor=STAGE, key=issued.key, overlap_hours=48)

        assert issued.key.secrets.get(n=1).expires_at == soon

    def test_without_an_overlap_the_old_secret_is_over_at_once(self, issued: IssuedKey) -> None:
        keys.rotate_key(actor=STAGE, key=issued.key, overlap_hours=0)

        assert refusal(issued.token) == "expired"

    def test_it_leaves_one_event_without_a_secret(self, issued: IssuedKey, recorded: Recorded) -> None:
        recorded()

        rotated = keys.rotate_key(actor=STAGE, key=issued.key)

        (event,) = recorded()
        assert (event["action"], event["object"]["ref"], event["detail"]["secret"]) == (
            "key.rotated",
            issued.key.id12,
            2,
        )
        assert rotated.token not in str(event) and rotated.token[17:] not in str(event)

    def test_a_third_live_secret_is_refused(self, issued: IssuedKey) -> None:
        keys.rotate_key(actor=STAGE, key=issued.key)

        with pytest.raises(TooManySecrets):
            keys.rotate_key(actor=STAGE, key=issued.key)

    @pytest.mark.django_db(transaction=True, serialized_rollback=True)
    def test_of_eight_rotations_at_once_one_succeeds(self, issued: IssuedKey) -> None:
        start = threading.Barrier(8)

        def rotate(_: int) -> str:
            start.wait(10)
            try:
                return keys.rotate_key(actor=STAGE, key=issued.key).token
            except TooManySecrets:
                return ""
            finally:
                connection.close()

        with ThreadPoolExecutor(8) as pool:
            made = [token for token in pool.map(rotate, range(8)) if token]

        assert len(made) == 1
        assert issued.key.secrets.count() == 2

    def test_the_key_itself_can_not_live_longer_than_people_allowed(self, issued: IssuedKey, change: Change) -> None:
        until = timezone.now() + timedelta(days=3)
        change(issued.key, max_expires_at=until)

        rotated = keys.rotate_own_key(actor=STAGE, id12=issued.key.id12, days=30, overlap_hours=24)

        assert rotated.expires_at == until
        key = ApiKey.objects.get()
        assert (key.max_expires_at, key.scopes) == (until, issued.key.scopes)

    def test_a_person_lets_it_live_on(self, issued: IssuedKey, change: Change) -> None:
        change(issued.key, max_expires_at=timezone.now() + timedelta(days=3))

        rotated = keys.rotate_key(actor=STAGE, key=issued.key)

        assert rotated.expires_at > timezone.now() + timedelta(days=29)

    @pytest.mark.parametrize(("days", "hours"), [(0, 24), (91, 24), (30, -1), (30, 7 * 24 + 1)])
    def test_a_life_or_overlap_outside_the_rules_is_refused(self, days: int, hours: int, issued: IssuedKey) -> None:
        with pytest.raises(InvalidValue):
            keys.rotate_key(actor=STAGE, key=issued.key, days=days, overlap_hours=hours)

    def test_a_revoked_key_gets_no_new_secret(self, issued: IssuedKey) -> None:
        services.revoke_key(actor=STAGE, key=issued.key)

        with pytest.raises(KeyIsOver):
            keys.rotate_key(actor=STAGE, key=issued.key)


class TestStaleUse:
    @pytest.fixture
    def over(self, issued: IssuedKey) -> IssuedKey:
        keys.rotate_key(actor=STAGE, key=issued.key, overlap_hours=0)
        return issued

    def test_it_is_an_event_once_an_hour(self, over: IssuedKey, recorded: Recorded, change: Change) -> None:
        recorded()

        for _ in range(3):
            assert refusal(over.token) == "expired"

        (event,) = recorded()
        assert (event["action"], event["object"]["ref"]) == ("key.stale_use", over.key.id12)
        assert (event["actor"]["ref"], event["detail"]) == (
            f"service:{over.key.user.service_account.pk}",
            {"secret": 1},
        )
        assert over.token[17:] not in str(event)

        change(over.key.secrets.get(n=1), stale_noted_at=timezone.now() - lookup.STALE_EVERY - timedelta(seconds=1))
        refusal(over.token)

        assert last(recorded)["action"] == "key.stale_use"

    def test_a_revoked_key_that_is_used_is_one_too(self, issued: IssuedKey, recorded: Recorded) -> None:
        services.revoke_key(actor=STAGE, key=issued.key)

        refusal(issued.token)

        assert last(recorded)["action"] == "key.stale_use"

    def test_a_key_that_has_simply_ended_is_none(self, issued: IssuedKey, change: Change, recorded: Recorded) -> None:
        now = timezone.now()
        change(issued.key.secrets.get(), created_at=now - timedelta(days=2), expires_at=now - timedelta(seconds=1))
        recorded()

        assert refusal(issued.token) == "expired"

        assert recorded() == []

    def test_a_guess_at_a_revoked_key_is_none(self, issued: IssuedKey, recorded: Recorded) -> None:
        from accounts import tokens

        services.revoke_key(actor=STAGE, key=issued.key)
        recorded()

        assert refusal(tokens.generate(issued.key.id12).text) == "wrong secret"

        assert recorded() == []

    @pytest.mark.django_db(transaction=True, serialized_rollback=True)
    def test_at_once_it_is_still_one_event(self, over: IssuedKey, recorded: Recorded) -> None:
        recorded()
        start = threading.Barrier(4)

        def use(_: int) -> None:
            start.wait(10)
            try:
                refusal(over.token)
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(use, range(4)))

        assert [event["action"] for event in recorded()] == ["key.stale_use"]


class TestLimits:
    def test_a_change_counts_for_the_next_request(self, issued: IssuedKey, recorded: Recorded) -> None:
        limits = Limits(["subjects:read"], ["orders-"], ["192.0.2.0/24"])

        keys.change_limits(actor=STAGE, key=issued.key, limits=limits)

        principal = principals.authenticate(bearer(issued.token), HOME)
        assert (sorted(principal.scopes), principal.prefixes) == (["subjects:read"], ("orders-",))
        with pytest.raises(NotAuthenticated, match="address"):
            principals.authenticate(bearer(issued.token), "198.51.100.1")
        event = last(recorded)
        assert event["action"] == "key.scope_changed"
        assert event["detail"]["before"]["scopes"] == ["subjects:read", "subjects:write", "config:write"]
        assert event["detail"]["after"]["scopes"] == ["subjects:read"]

    def test_no_change_leaves_no_event(self, issued: IssuedKey, recorded: Recorded) -> None:
        recorded()

        keys.change_limits(actor=STAGE, key=issued.key, limits=Limits(services.DEFAULT_SCOPES))

        assert recorded() == []

    def test_an_unknown_scope_is_refused(self, issued: IssuedKey) -> None:
        with pytest.raises(InvalidValue):
            keys.change_limits(actor=STAGE, key=issued.key, limits=Limits(["everything"]))


class TestPepper:
    def test_after_a_change_keys_of_the_old_pepper_open_until_they_end(
        self, issued: IssuedKey, settings: Settings
    ) -> None:
        settings.KEY_PEPPER_OLD, settings.KEY_PEPPER = settings.KEY_PEPPER, "another pepper of thirty-two characters"
        settings.CALLBOARD = settings.CALLBOARD | {"KEY_PEPPER_VERSION": 2}

        rotated = keys.rotate_key(actor=STAGE, key=issued.key)

        assert opens(issued.token) and opens(rotated.token)
        assert list(issued.key.secrets.order_by("n").values_list("pepper_version", flat=True)) == [1, 2]

    def test_without_the_old_pepper_they_do_not(self, issued: IssuedKey, settings: Settings) -> None:
        settings.KEY_PEPPER = "another pepper of thirty-two characters"
        settings.CALLBOARD = settings.CALLBOARD | {"KEY_PEPPER_VERSION": 2}

        assert refusal(issued.token) == "wrong secret"


class TestPeople:
    @pytest.fixture
    def maria(self, group: Group) -> User:
        with transactions.write():
            user = User.objects.create(username="maria", is_superuser=True, is_staff=True)
            user.groups.add(group)
            events.record(STAGE, events.Action.USER_CREATED, kind="user", ref=f"person:{user.pk}")
        return user

    def issue(self, user: User, minutes: int = 60) -> IssuedKey:
        limits = Limits(services.DEFAULT_SCOPES)
        return keys.issue_short_key(actor=STAGE, user=user, label="laptop", limits=limits, minutes=minutes)

    def test_their_key_is_them_but_never_a_superuser(self, maria: User, group: Group) -> None:
        principal = principals.authenticate(bearer(self.issue(maria).token), HOME)

        assert (principal.ref, principal.kind, principal.auth) == (f"person:{maria.pk}", "person", "api_key")
        assert principal.groups == {group.pk}
        assert principal.rights == frozenset()
        assert principal.owner_group_id is None

    @pytest.mark.parametrize("minutes", [4, 24 * 60 + 1])
    def test_it_lives_from_five_minutes_to_a_day(self, minutes: int, maria: User) -> None:
        with pytest.raises(InvalidValue):
            self.issue(maria, minutes)

    def test_it_ends_with_the_person(self, maria: User, change: Change) -> None:
        issued = self.issue(maria)
        change(maria, is_active=False)

        assert refusal(issued.token) == "inactive user"

    def test_it_has_no_second_secret(self, maria: User) -> None:
        with pytest.raises(KeyIsShort):
            keys.rotate_key(actor=STAGE, key=self.issue(maria).key)

    def test_nobody_is_warned_of_its_end(self, maria: User, account: ServiceAccount) -> None:
        self.issue(maria)
        services.issue_key(actor=STAGE, account=account, label="ending", days=2)
        services.issue_key(actor=STAGE, account=account, label="lasting", days=60)

        assert [each.key.label for each in keys.ending(timedelta(days=14))] == ["ending"]


def test_a_replaced_secret_is_no_reason_to_warn(issued: IssuedKey) -> None:
    assert keys.ending(timedelta(days=31))
    keys.rotate_key(actor=STAGE, key=issued.key, days=60)

    assert keys.ending(timedelta(days=31)) == []
    assert ApiSecret.objects.count() == 2
