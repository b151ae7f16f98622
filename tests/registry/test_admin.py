"""Django's admin: each change through a service, one event each."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from accounts import services
from accounts.models import ApiKey, ServiceAccount, User
from audit.models import AuditEvent
from registry.models import SchemaVersion, Subject, SubjectScope
from tests.cast import STAGE, Api, Member

PAGES = (
    "registry_subject",
    "registry_schemaversion",
    "registry_subjectscope",
    "registry_policy",
    "registry_config",
    "registry_mode",
    "accounts_user",
    "accounts_serviceaccount",
    "accounts_apikey",
    "auth_group",
    "audit_auditevent",
)
CAN_ADD = {
    "registry_subjectscope",
    "registry_config",
    "registry_mode",
    "accounts_serviceaccount",
    "accounts_apikey",
    "auth_group",
}


@pytest.fixture
def orders(api: Api, owner: Member) -> Subject:
    assert api.post("/subjects/orders/versions", {"schema": '"int"'}, as_=owner).status_code == 200
    return Subject.objects.get()


@pytest.fixture
def ada(sign_in: Any) -> Client:
    """Somebody who may do everything, with a session."""
    client: Client = sign_in("ada", is_superuser=True, is_staff=True).client
    return client


def actions() -> list[str]:
    return [json.loads(event.payload)["action"] for event in AuditEvent.objects.order_by("seq")]


def save(client: Client, page: str, pk: Any = None, /, **values: Any) -> Any:
    """What the form would send; returns the answer."""
    url = reverse(f"admin:{page}_add") if pk is None else reverse(f"admin:{page}_change", args=[pk])
    return client.post(url, values)


def subject_values(subject: Subject, **values: Any) -> dict[str, Any]:
    kept = {"owner": subject.owner_id, "visibility": subject.visibility, "lifecycle": subject.lifecycle}
    return {**kept, "reason": "", "grant_group": "", "grant_role": "", **values}


@pytest.mark.parametrize("page", PAGES)
def test_every_list_and_form_opens_without_an_inline_style(ada: Client, orders: Subject, page: str) -> None:
    pages = [reverse(f"admin:{page}_changelist")] + ([reverse(f"admin:{page}_add")] if page in CAN_ADD else [])

    for url in pages:
        response = ada.get(url)
        assert response.status_code == 200
        assert b"<style" not in response.content
        assert "style-src 'self'" in response["Content-Security-Policy"]


def test_strangers_and_people_without_staff_are_kept_out(client: Client, sign_in: Any) -> None:
    for visitor in (client, sign_in("sam").client):
        assert visitor.get(reverse("admin:registry_subject_changelist")).status_code == 302


def test_a_subject_changes_hands(ada: Client, orders: Subject, outsider: Member) -> None:
    before = len(actions())

    save(ada, "registry_subject", orders.pk, **subject_values(orders, owner=outsider.group.pk, reason="moved"))

    orders.refresh_from_db()
    assert orders.owner == outsider.group
    assert actions()[before:] == ["owner.changed"]


def test_saving_without_a_change_leaves_no_event(ada: Client, orders: Subject) -> None:
    before = actions()

    save(ada, "registry_subject", orders.pk, **subject_values(orders))

    assert actions() == before


def test_a_subject_is_hidden_deprecated_and_granted_in_an_event_each(
    ada: Client, orders: Subject, outsider: Member
) -> None:
    before = len(actions())

    save(
        ada,
        "registry_subject",
        orders.pk,
        **subject_values(
            orders,
            visibility="restricted",
            lifecycle="deprecated",
            grant_group=outsider.group.pk,
            grant_role="reader",
        ),
    )

    assert actions()[before:] == ["visibility.changed", "lifecycle.changed", "grant.added"]
    assert b"group:strangers: reader" in ada.get(reverse("admin:registry_subject_change", args=[orders.pk])).content


def test_a_move_that_is_not_allowed_is_told_on_the_page(ada: Client, orders: Subject) -> None:
    response = save(ada, "registry_subject", orders.pk, **subject_values(orders, lifecycle="retired"))

    page = ada.get(response["Location"])
    assert b"it can become deprecated, not retired" in page.content
    orders.refresh_from_db()
    assert orders.lifecycle == "approved"


def test_subjects_are_searched_by_prefix(ada: Client, orders: Subject, api: Api, owner: Member) -> None:
    api.post("/subjects/my-orders/versions", {"schema": '"int"'}, as_=owner)

    page = ada.get(reverse("admin:registry_subject_changelist") + "?q=ord").content.decode()

    assert ">orders<" in page
    assert "my-orders" not in page


def test_subjects_are_filtered_by_state(ada: Client, orders: Subject) -> None:
    url = reverse("admin:registry_subject_changelist")

    assert b"orders" in ada.get(url, {"lifecycle": "approved", "visibility": "internal"}).content
    assert b">orders</a>" not in ada.get(url, {"lifecycle": "retired"}).content


def test_subjects_and_the_log_can_not_be_deleted(ada: Client, orders: Subject) -> None:
    event = AuditEvent.objects.first()
    assert event is not None
    for name, pk in (("registry_subject", orders.pk), ("audit_auditevent", event.pk)):
        assert ada.post(reverse(f"admin:{name}_delete", args=[pk]), {"post": "yes"}).status_code == 403


def test_a_version_is_deprecated_with_its_sunset(ada: Client, orders: Subject) -> None:
    version = SchemaVersion.objects.get()
    before = len(actions())

    save(ada, "registry_schemaversion", version.pk, lifecycle="deprecated", sunset_on="2027-01-31", reason="old")

    version.refresh_from_db()
    assert (version.lifecycle, str(version.sunset_on)) == ("deprecated", "2027-01-31")
    assert actions()[before:] == ["lifecycle.changed"]


def test_a_scope_is_made_granted_and_deleted(ada: Client, outsider: Member) -> None:
    before = len(actions())

    save(ada, "registry_subjectscope", prefix="ord-", grant_group=outsider.group.pk, grant_role="writer")
    scope = SubjectScope.objects.get()
    ada.post(reverse("admin:registry_subjectscope_delete", args=[scope.pk]), {"post": "yes"})

    assert actions()[before:] == ["scope.created", "grant.added", "scope.deleted"]
    assert not SubjectScope.objects.exists()


def test_a_group_gets_people_and_rights(ada: Client, sign_in: Any) -> None:
    carol = sign_in("carol").user
    before = len(actions())

    save(ada, "auth_group", name="compliance", members=[carol.pk], rights=["audit.export_auditevent"])

    group = Group.objects.get(name="compliance")
    assert list(carol.groups.all()) == [group]
    assert User.objects.get(pk=carol.pk).has_perm("audit.export_auditevent")
    assert actions()[before:] == ["group.created", "membership.synced", "grant.added"]


def test_a_key_is_shown_once_and_revoked(ada: Client, owner: Member, api: Api) -> None:
    before = len(actions())

    response = save(
        ada,
        "accounts_apikey",
        service_account=owner.account.pk,
        label="ci",
        scopes=["subjects:read"],
        days=7,
        prefixes="",
    )
    key = ApiKey.objects.get(label="ci")
    token = f"cbk_{key.id12}_"

    assert response.status_code == 200
    assert token in response.content.decode()
    assert "no-store" in response["Cache-Control"]
    again = ada.get(reverse("admin:accounts_apikey_change", args=[key.pk]))
    assert token not in again.content.decode()
    save(ada, "accounts_apikey", key.pk, revoke="on", reason="done")
    assert actions()[before:] == ["key.issued", "key.revoked"]
    assert token not in "".join(event.payload for event in AuditEvent.objects.all())


def test_a_list_of_more_keys_costs_no_more_queries(
    ada: Client, owner: Member, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    url = reverse("admin:accounts_apikey_changelist")
    with django_assert_max_num_queries(20) as few:
        ada.get(url)
    for number in range(10):
        services.issue_key(actor=STAGE, account=owner.account, label=f"key {number}")

    with django_assert_num_queries(len(few)):
        ada.get(url)


def test_a_service_account_is_made_and_disabled(ada: Client, owner: Member) -> None:
    before = len(actions())

    save(ada, "accounts_serviceaccount", name="checkout", owner_group=owner.group.pk, description="")
    account = ServiceAccount.objects.get(name="checkout")
    save(ada, "accounts_serviceaccount", account.pk, disable="on")

    account.refresh_from_db()
    assert account.disabled_at is not None
    assert actions()[before:] == ["service_account.created", "service_account.disabled"]


def test_a_name_that_is_taken_is_told_on_the_page(ada: Client, owner: Member) -> None:
    response = save(ada, "accounts_serviceaccount", name="owner", owner_group=owner.group.pk, description="")

    assert response.status_code in {200, 302}
    assert ServiceAccount.objects.filter(name="owner").count() == 1


def test_hostile_text_is_escaped(ada: Client, api: Api, owner: Member) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    text = json.dumps({"type": "record", "name": "R", "doc": hostile, "fields": []})
    api.post("/subjects/%3Cb%3Ex/versions", {"schema": text}, as_=owner)
    version = SchemaVersion.objects.get()

    pages = [
        reverse("admin:registry_subject_changelist"),
        reverse("admin:registry_schemaversion_change", args=[version.pk]),
    ]

    for page in pages:
        content = ada.get(page).content.decode()
        assert hostile not in content
        assert "<b>x" not in content
