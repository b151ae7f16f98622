"""People are let in and out by administrators, and linked to somebody at the provider."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts import people, standing
from accounts.models import ExternalIdentity
from accounts.people import Claims
from accounts.services import InvalidValue, NameTaken
from tests.cast import STAGE, Member, Person, last_event, sign_in
from tests.unchanged import nothing_changes

pytestmark = pytest.mark.django_db
ISSUER = "https://idp.example"


@pytest.fixture
def ada() -> Person:
    return sign_in("ada", is_superuser=True, is_staff=True)


@pytest.fixture
def maria(owner: Member) -> Person:
    return sign_in("maria", owner.group.name)


@pytest.fixture
def provider(settings: Any) -> None:
    settings.CALLBOARD = {**settings.CALLBOARD, "OIDC_ISSUER": ISSUER}


def save(client: Client, person: Person, **values: Any) -> Any:
    return client.post(reverse("admin:accounts_user_change", args=[person.user.pk]), values, follow=True)


def test_a_person_is_shut_out_and_let_in_again(ada: Person, maria: Person) -> None:
    save(ada.client, maria, reason="left the company")
    event = last_event()
    shut_out = maria.send("GET", "me").status_code
    save(ada.client, maria, is_active="on")

    assert (event["action"], event["reason"]) == ("user.deactivated", "left the company")
    assert shut_out == 401
    assert last_event()["action"] == "user.activated"
    maria.user.refresh_from_db()
    assert maria.user.is_active


def test_saving_without_a_change_leaves_no_event(ada: Person, maria: Person) -> None:
    with nothing_changes():
        save(ada.client, maria, is_active="on")


def test_nobody_shuts_themselves_out(ada: Person) -> None:
    with nothing_changes():
        page = save(ada.client, ada)

    assert "ask another administrator" in page.content.decode()


def test_a_service_account_has_a_page_of_its_own(ada: Person, owner: Member) -> None:
    page = reverse("admin:accounts_user_change", args=[owner.account.user_id])

    assert ada.client.post(page, {}).status_code == 403
    with pytest.raises(InvalidValue):
        standing.set_active(actor=STAGE, user=owner.account.user, is_active=False)


def test_who_is_linked_signs_in_as_that_person(maria: Person, provider: None) -> None:
    standing.link(actor=STAGE, user=maria.user, subject="248289761001")

    claims = Claims(ISSUER, "248289761001", "Maria", "", frozenset(), is_staff=False, is_superuser=False)
    assert people.provision(claims=claims, request_id=None) == maria.user


def test_a_link_is_an_event_that_keeps_the_subject_apart(ada: Person, maria: Person, provider: None) -> None:
    standing.link(actor=STAGE, user=maria.user, subject="248289761001")

    assert last_event()["action"] == "user.linked"
    assert "248289761001" not in str(last_event())


def test_nobody_is_two_people(maria: Person, ada: Person, provider: None) -> None:
    standing.link(actor=STAGE, user=ada.user, subject="248289761001")

    with nothing_changes(), pytest.raises(NameTaken):
        standing.link(actor=STAGE, user=maria.user, subject="248289761001")


def test_without_a_provider_nobody_is_linked(ada: Person, maria: Person) -> None:
    page = save(ada.client, maria, is_active="on", link="248289761001")

    assert "CALLBOARD_OIDC_ISSUER is not set" in page.content.decode()
    assert not ExternalIdentity.objects.exists()
