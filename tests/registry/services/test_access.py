"""The policy itself: who may view what, asked of one subject, of rows that were found, and of whole lists."""

from typing import Any

import pytest

from accounts.models import User
from audit import events, transactions
from registry import access
from registry.models import Context, SchemaId, SchemaVersion, Subject, SubjectGroupPermission
from registry.names import DEFAULT_CONTEXT, SubjectName, parse
from registry.permissions import ALL, Permission
from registry.services import grants
from registry.services.grants import Holder
from tests.cast import STAGE, Api, Member, join

NAMES = (
    "orders",
    "orders-x",
    "orders_x",
    "ordersX",
    "Orders-x",
    "a_b",
    "a_bc",
    "aXb",
    "a%b",
    "é-1",
    "\ud7ff-1",
    "\ud7ff\ue000",
    "\U0010ffff",
    "\U0010ffff\U0010ffffz",
    ":.emea:orders-x",
    ":.emea:a_b",
    ":.apac:orders-x",
)


@pytest.fixture
def subjects(api: Api, owner: Member) -> dict[str, Subject]:
    """All hidden, each with a version; stored at once, because by requests it would take a second."""
    assert api.post("/subjects/orders/versions", {"schema": '"int"'}, as_=owner).status_code == 200
    carried = SchemaId.objects.get()
    named = [parse(name) for name in NAMES if name != "orders"]
    with transactions.write():
        Context.objects.bulk_create(Context(name=name) for name in (".apac", ".emea"))
        contexts = {row.name: row for row in Context.objects.all()}
        made = Subject.objects.bulk_create(
            Subject(context=contexts[each.context], name=each.name, owner=owner.group) for each in named
        )
        SchemaVersion.objects.bulk_create(
            SchemaVersion(subject=subject, version=1, schema_id=carried, registered_by="tests") for subject in made
        )
        Subject.objects.update(visibility="restricted")
        events.record(STAGE, events.Action.SUBJECT_REGISTERED, kind="subject", ref="tests")
    return {str(SubjectName(row.context.name, row.name)): row for row in Subject.objects.select_related("context")}


def may_view_in(admin: Member, prefix: str, *, context: str = DEFAULT_CONTEXT, group: str = "strangers") -> None:
    who: Any = {"principal": admin.principal, "actor": admin.actor}
    scope = grants.create_scope(**who, prefix=prefix, context=context)
    grants.grant_on_scope(**who, scope_id=scope.pk, holder=Holder(group=group), role="reader")


def seen_by_three_ways(member: Member, subjects: dict[str, Subject]) -> list[set[str]]:
    """What the policy says of each subject, of the rows found otherwise, and in a list."""
    principal = member.principal
    asked = {
        name
        for name, row in subjects.items()
        if Permission.VIEW in access.effective(principal, SubjectName(row.context.name, row.name), row)
    }
    by_pk = {row.pk: name for name, row in subjects.items()}
    found = Subject.objects.visible_to(principal).values_list("pk", flat=True)
    listed = SchemaVersion.objects.all_visible_to(principal).values_list("subject", flat=True)
    return [asked, {by_pk[pk] for pk in found}, {by_pk[pk] for pk in listed}]


@pytest.mark.parametrize("prefix", ["", "orders", "orders-", "orders_", "a_b", "a%", "é", "\ud7ff", "\U0010ffff", "z"])
def test_a_prefix_is_literal(admin: Member, outsider: Member, subjects: dict[str, Subject], prefix: str) -> None:
    may_view_in(admin, prefix)

    expected = {name for name in NAMES if name.startswith(prefix) and not name.startswith(":")}
    assert seen_by_three_ways(outsider, subjects) == [expected] * 3


def test_a_scope_opens_nothing_in_another_context(
    admin: Member, outsider: Member, subjects: dict[str, Subject]
) -> None:
    may_view_in(admin, "orders", context=".emea")

    assert seen_by_three_ways(outsider, subjects) == [{":.emea:orders-x"}] * 3


def test_many_scopes_in_several_contexts_open_what_each_of_them_opens(
    admin: Member, outsider: Member, subjects: dict[str, Subject]
) -> None:
    prefixes = [f"{letter}{number}" for letter in "mnopqrs" for number in range(5)]
    for prefix in [*prefixes, "orders-", "orders-x", "ordersX", "a_bc", "\U0010ffff\U0010ffff"]:
        may_view_in(admin, prefix)
    may_view_in(admin, "", context=".apac")
    may_view_in(admin, "a", context=".emea")

    expected = {"orders-x", "ordersX", "a_bc", "\U0010ffff\U0010ffffz", ":.apac:orders-x", ":.emea:a_b"}
    assert seen_by_three_ways(outsider, subjects) == [expected] * 3


def test_more_scopes_than_make_sense_as_ranges_open_the_same(
    admin: Member, outsider: Member, subjects: dict[str, Subject], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "_MOST_RANGES", 1)
    for prefix in ("orders-", "a_b"):
        may_view_in(admin, prefix)

    assert seen_by_three_ways(outsider, subjects) == [{"orders-x", "a_b", "a_bc"}] * 3


def test_who_belongs_to_no_group_sees_what_was_granted_to_him(
    admin: Member, outsider: Member, subjects: dict[str, Subject]
) -> None:
    user = User.objects.get(pk=outsider.principal.user_id)
    user.groups.clear()
    who: Any = {"principal": admin.principal, "actor": admin.actor, "role": "reader"}
    grants.grant_on_subject(**who, subject_name="orders", holder=Holder(user=user.username))

    assert outsider.principal.groups == frozenset()
    assert seen_by_three_ways(outsider, subjects) == [{"orders"}] * 3


def test_the_right_to_change_is_no_right_to_view(admin: Member, outsider: Member, subjects: dict[str, Subject]) -> None:
    who: Any = {"principal": admin.principal, "actor": admin.actor, "holder": Holder(group="strangers")}
    grants.grant_on_subject(**who, subject_name="orders", role="writer")
    with transactions.write():
        SubjectGroupPermission.objects.filter(permission__codename="view_subject").delete()
        events.record(STAGE, events.Action.GRANT_REMOVED, kind="subject", ref=":.:orders")

    assert seen_by_three_ways(outsider, subjects) == [set()] * 3


@pytest.mark.parametrize(
    ("prefixes", "expected"),
    [
        (["orders-"], {"orders-x"}),
        ([":.emea:orders-"], {":.emea:orders-x"}),
        ([":*:orders-"], {"orders-x", ":.emea:orders-x", ":.apac:orders-x"}),
        ([":.emea:"], {":.emea:orders-x", ":.emea:a_b"}),
        (["a_b", ":.apac:"], {"a_b", "a_bc", ":.apac:orders-x"}),
    ],
)
def test_a_prefix_of_a_key_is_meant_in_one_context_unless_it_says_all(
    subjects: dict[str, Subject], prefixes: list[str], expected: set[str]
) -> None:
    narrow = join("narrow", "owners", prefixes=prefixes)

    assert seen_by_three_ways(narrow, subjects) == [expected] * 3


def test_the_rights_on_a_subject_are_one_query(
    admin: Member, outsider: Member, subjects: dict[str, Subject], django_assert_num_queries: Any
) -> None:
    may_view_in(admin, "ord")
    principal = outsider.principal

    with django_assert_num_queries(1):
        rights = access.effective(principal, SubjectName(DEFAULT_CONTEXT, "orders"), subjects["orders"])

    assert rights == {Permission.VIEW}


def test_owners_and_managers_of_everything_are_known_without_a_query(
    owner: Member, admin: Member, subjects: dict[str, Subject], django_assert_num_queries: Any
) -> None:
    principals = [owner.principal, admin.principal]

    with django_assert_num_queries(0):
        rights = [access.effective(who, SubjectName(DEFAULT_CONTEXT, "a_b"), subjects["a_b"]) for who in principals]

    assert rights == [ALL, ALL]
