import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.utils import timezone

from accounts import services, tokens
from accounts.models import ApiKey, ServiceAccount
from accounts.services import AccountDisabled, InvalidValue, IssuedKey, NameTaken, UnknownRight
from tests.cast import STAGE

Recorded = Callable[[], list[dict[str, Any]]]
# A control character, bidi and zero-width characters, a lone surrogate, and a letter that is not in normal form C.
UNSEEMLY = ["a\x00b", "a\x7fb", "a\u202eb", "a\u200bb", "a\ud800b", "e\u0301"]
NAMES = ["", " ", " a", "a ", "a\nb", "a\tb", *UNSEEMLY]


def only(events: list[dict[str, Any]]) -> dict[str, Any]:
    (event,) = events
    assert event["actor"] == {"kind": STAGE.kind, "ref": STAGE.ref}
    return event


class TestGroups:
    def test_a_new_group_leaves_one_event(self, recorded: Recorded) -> None:
        recorded()

        group = services.create_group(actor=STAGE, name="Team Ölfeld / 1")

        event = only(recorded())
        assert event["action"] == "group.created"
        assert event["object"] == {"kind": "group", "ref": f"group:{group.pk}"}
        assert event["detail"] == {"name": "Team Ölfeld / 1"}

    @pytest.mark.parametrize("name", [*NAMES, "x" * 141])
    def test_a_name_outside_the_rules_is_refused(self, name: str, db: None) -> None:
        with pytest.raises(InvalidValue):
            services.create_group(actor=STAGE, name=name)

    def test_a_group_of_the_identity_provider_can_not_be_made_by_hand(self, db: None) -> None:
        with pytest.raises(InvalidValue, match="identity provider"):
            services.create_group(actor=STAGE, name="idp:team-orders")

    def test_a_name_is_given_once_and_the_refusal_leaves_no_event(self, group: Group, recorded: Recorded) -> None:
        recorded()

        with pytest.raises(NameTaken, match="'team-orders' exists already"):
            services.create_group(actor=STAGE, name="team-orders")

        assert recorded() == []


class TestServiceAccounts:
    def test_it_belongs_to_its_owner_group_alone_and_can_not_log_in(self, account: ServiceAccount) -> None:
        user = account.user

        assert list(user.groups.all()) == [account.owner_group]
        assert not user.has_usable_password()
        assert (user.is_service, user.is_active, user.is_staff, user.is_superuser) == (True, True, False, False)
        assert (user.username, account.created_by) == ("service:orders-producer", STAGE.ref)

    def test_a_new_account_leaves_one_event_with_its_rights(self, group: Group, recorded: Recorded) -> None:
        recorded()

        account = services.create_service_account(
            actor=STAGE, name="admin", owner_group=group, description="Two\nlines.", rights=["auth.view_group"]
        )

        event = only(recorded())
        assert event["action"] == "service_account.created"
        assert event["object"] == {"kind": "service_account", "ref": f"service:{account.pk}"}
        assert event["detail"] == {"name": "admin", "owner_group": f"group:{group.pk}", "rights": ["auth.view_group"]}
        assert [permission.codename for permission in account.user.user_permissions.all()] == ["view_group"]

    @pytest.mark.parametrize("name", [*NAMES, "x" * 65])
    def test_a_name_outside_the_rules_is_refused(self, name: str, group: Group) -> None:
        with pytest.raises(InvalidValue):
            services.create_service_account(actor=STAGE, name=name, owner_group=group)

    @pytest.mark.parametrize("description", [*UNSEEMLY, "x" * 10_001])
    def test_a_description_outside_the_rules_is_refused(self, description: str, group: Group) -> None:
        with pytest.raises(InvalidValue):
            services.create_service_account(actor=STAGE, name="a", owner_group=group, description=description)

    @pytest.mark.parametrize("right", ["registry.no_such_right", "manage_global", "", "."])
    def test_a_right_that_does_not_exist_is_refused_and_nothing_is_made(
        self, right: str, group: Group, recorded: Recorded
    ) -> None:
        recorded()

        with pytest.raises(UnknownRight, match="migrate"):
            services.create_service_account(actor=STAGE, name="admin", owner_group=group, rights=[right])

        assert not ServiceAccount.objects.exists()
        assert recorded() == []

    def test_a_name_is_given_once(self, account: ServiceAccount) -> None:
        with pytest.raises(NameTaken, match="'orders-producer' exists already"):
            services.create_service_account(actor=STAGE, name="orders-producer", owner_group=account.owner_group)

    def test_disabling_leaves_one_event_and_the_second_time_none(
        self, account: ServiceAccount, recorded: Recorded
    ) -> None:
        recorded()

        disabled = services.disable_service_account(actor=STAGE, account=account)

        event = only(recorded())
        assert event["action"] == "service_account.disabled"
        assert event["object"] == {"kind": "service_account", "ref": account.ref}
        assert disabled.disabled_at is not None
        again = services.disable_service_account(actor=STAGE, account=account)
        assert (again.disabled_at, recorded()) == (disabled.disabled_at, [])


class TestKeys:
    def test_a_new_key_leaves_one_event_that_says_what_it_opens(
        self, account: ServiceAccount, recorded: Recorded
    ) -> None:
        recorded()

        issued = services.issue_key(
            actor=STAGE,
            account=account,
            label="ci",
            scopes=["subjects:write", "subjects:read"],
            days=7,
            prefixes=["orders-"],
            cidrs=["10.0.0.0/8"],
        )

        event = only(recorded())
        assert event["action"] == "key.issued"
        assert event["object"] == {"kind": "api_key", "ref": issued.key.id12}
        assert event["detail"] == {
            "service_account": account.ref,
            "label": "ci",
            "scopes": ["subjects:read", "subjects:write"],
            "subject_prefixes": ["orders-"],
            "cidrs": ["10.0.0.0/8"],
            "expires_at": issued.expires_at.isoformat(),
        }

    def test_only_the_digest_is_stored(self, issued: IssuedKey) -> None:
        token = tokens.parse(issued.token)
        secret = issued.key.secrets.get()

        assert token is not None
        assert (secret.n, secret.pepper_version) == (1, 1)
        assert bytes(secret.hmac) == tokens.digest(token, services.peppers()[1])

    def test_no_secret_is_in_a_table_an_event_or_a_printed_value(self, issued: IssuedKey, recorded: Recorded) -> None:
        secret = issued.token[17:]
        digest = bytes(issued.key.secrets.get().hmac).hex()

        assert secret not in "".join(every_text_in_the_database())
        assert secret not in repr(issued)
        assert not re.search(f"{secret}|{digest}", repr(recorded()))

    def test_a_key_lives_for_thirty_days_unless_told_otherwise(self, issued: IssuedKey) -> None:
        assert abs(issued.expires_at - timezone.now() - timedelta(days=30)) < timedelta(minutes=1)
        assert issued.key.secrets.get().expires_at == issued.expires_at

    def test_an_ordinary_key_reads_writes_and_sets_levels(self, issued: IssuedKey) -> None:
        assert issued.key.scopes == ["subjects:read", "subjects:write", "config:write"]
        assert (issued.key.subject_prefixes, issued.key.cidrs) == ([], [])

    @pytest.mark.parametrize(
        "values",
        [
            *({"label": label} for label in [*NAMES, "x" * 101]),
            *({"days": days} for days in [0, -1, 91, 10**9]),
            {"scopes": []},
            {"scopes": ["subjects:read", "subjects:own"]},
            {"scopes": [""]},
            *({"prefixes": [prefix]} for prefix in [*NAMES, "x" * 513]),
            {"prefixes": [str(number) for number in range(101)]},
            *({"cidrs": [cidr]} for cidr in ["", "10.0.0.1/8", "10.0.0.0/33", "example.com", "10.0.0.0/8,::/0"]),
            {"cidrs": [f"10.0.0.{number}" for number in range(101)]},
        ],
        ids=repr,
    )
    def test_a_value_outside_the_rules_is_refused_and_no_key_is_made(
        self, account: ServiceAccount, values: dict[str, Any], recorded: Recorded
    ) -> None:
        recorded()

        with pytest.raises(InvalidValue):
            services.issue_key(actor=STAGE, account=account, **{"label": "ci"} | values)

        assert not ApiKey.objects.exists()
        assert recorded() == []

    def test_a_disabled_account_gets_no_key(self, account: ServiceAccount) -> None:
        services.disable_service_account(actor=STAGE, account=account)

        with pytest.raises(AccountDisabled, match="'orders-producer' is disabled"):
            services.issue_key(actor=STAGE, account=account, label="ci")

    def test_revoking_leaves_one_event_with_the_reason_and_the_second_time_none(
        self, issued: IssuedKey, recorded: Recorded
    ) -> None:
        recorded()

        revoked = services.revoke_key(actor=STAGE, key=issued.key, reason="leaked")

        event = only(recorded())
        assert (event["action"], event["reason"]) == ("key.revoked", "leaked")
        assert event["object"] == {"kind": "api_key", "ref": issued.key.id12}
        assert (revoked.revoked_by, revoked.revoked_reason) == (STAGE.ref, "leaked")
        again = services.revoke_key(actor=STAGE, key=issued.key, reason="twice")
        assert (again.revoked_reason, recorded()) == ("leaked", [])

    @pytest.mark.parametrize("reason", [*UNSEEMLY, "x" * 2001])
    def test_a_reason_outside_the_rules_is_refused(self, reason: str, issued: IssuedKey) -> None:
        with pytest.raises(InvalidValue):
            services.revoke_key(actor=STAGE, key=issued.key, reason=reason)


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_of_two_first_starts_at_once_the_second_waits_and_finds_the_work_done() -> None:
    handing_over, go_on = threading.Event(), threading.Event()
    delivered: list[IssuedKey] = []

    def deliver(issued: IssuedKey) -> None:
        delivered.append(issued)
        handing_over.set()
        assert go_on.wait(30)

    def make() -> bool:
        try:
            return services.make_first_key(actor=STAGE, group_name="default", deliver=deliver)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(make)
        assert handing_over.wait(30)
        second = pool.submit(make)
        waits = not wait([second], timeout=0.5).done
        go_on.set()

        assert (waits, first.result(30), second.result(30)) == (True, True, False)
    assert [issued.key.id12 for issued in delivered] == [key.id12 for key in ApiKey.objects.all()]


def every_text_in_the_database() -> list[str]:
    with connection.cursor() as cursor:
        rows: list[str] = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            rows += map(repr, cursor.fetchall())
    return rows
