"""Config and mode in Django's admin: each change through a service, one event each."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from registry.models import Config, Mode
from tests.cast import Api, Member, last_event
from tests.unchanged import nothing_changes


@pytest.fixture
def ada(sign_in: Any) -> Client:
    client: Client = sign_in("ada", is_superuser=True, is_staff=True).client
    return client


@pytest.fixture
def orders(api: Api, owner: Member) -> None:
    assert api.post("/subjects/orders/versions", {"schema": '"int"'}, as_=owner).status_code == 200


def add(client: Client, page: str, **values: Any) -> Any:
    return client.post(reverse(f"admin:registry_{page}_add"), values, follow=True)


def change(client: Client, row: Config | Mode, **values: Any) -> Any:
    page = row._meta.model_name
    return client.post(reverse(f"admin:registry_{page}_change", args=[row.pk]), values, follow=True)


@pytest.mark.parametrize(
    ("place", "ref"),
    [("orders", ":.:orders"), (":.test:", ":.test:"), (":.test:orders", ":.test:orders"), ("", ":.:")],
)
def test_a_level_is_set_wherever_one_can_stand(ada: Client, place: str, ref: str) -> None:
    add(ada, "config", place=place, compatibility_level="FULL")

    event = last_event()
    assert (event["action"], event["object"]["ref"]) == ("compatibility.changed", ref)
    assert event["actor"]["ref"].startswith("person:")
    assert Config.objects.get().compatibility_level == "FULL"


def test_a_change_leaves_one_event_with_before_and_after(ada: Client, api: Api, admin: Member) -> None:
    api.put("/config/orders", {"compatibility": "FULL", "alias": "bestellungen"}, as_=admin)

    change(ada, Config.objects.get(), compatibility_level="", normalize="True", alias="bestellungen")

    assert last_event()["detail"] == {
        "before": {"compatibility_level": "FULL", "alias": "bestellungen"},
        "after": {"normalize": True, "alias": "bestellungen"},
    }


def test_what_the_form_does_not_show_stays(ada: Client, api: Api, admin: Member) -> None:
    api.put("/config/orders", {"defaultMetadata": {"properties": {"team": "a"}}}, as_=admin)

    change(ada, Config.objects.get(), compatibility_level="NONE")

    assert api.get("/config/orders", as_=admin).json() == {
        "compatibilityLevel": "NONE",
        "defaultMetadata": {"properties": {"team": "a"}},
    }


def test_saving_without_a_change_changes_nothing(ada: Client, api: Api, admin: Member) -> None:
    api.put("/config/orders", {"compatibility": "FULL"}, as_=admin)

    with nothing_changes():
        change(ada, Config.objects.get(), compatibility_level="FULL")


def test_a_place_that_can_not_be_is_told_on_the_page(ada: Client) -> None:
    with nothing_changes():
        page = add(ada, "config", place=":.test:__EMPTY", compatibility_level="FULL")

    assert "is not a valid" in page.content.decode()


def test_a_config_is_cleared(ada: Client, api: Api, admin: Member) -> None:
    api.put("/config/orders", {"compatibility": "FULL"}, as_=admin)
    page = reverse("admin:registry_config_delete", args=[Config.objects.get().pk])

    ada.post(page, {"post": "yes"})

    assert not Config.objects.exists()
    assert last_event()["detail"] == {"before": {"compatibility_level": "FULL"}, "after": {}}


def test_a_mode_is_set_changed_and_cleared(ada: Client, orders: None) -> None:
    add(ada, "mode", place="orders", mode="READONLY")
    set_ = last_event()["detail"]
    change(ada, Mode.objects.get(), mode="READWRITE")
    changed = last_event()["detail"]
    ada.post(reverse("admin:registry_mode_delete", args=[Mode.objects.get().pk]), {"post": "yes"})

    assert set_ == {"before": None, "after": "READONLY"}
    assert changed == {"before": "READONLY", "after": "READWRITE"}
    assert last_event()["detail"] == {"before": "READWRITE", "after": None}


def test_importing_over_subjects_wants_force(ada: Client, orders: None) -> None:
    with nothing_changes():
        refused = add(ada, "mode", place="orders", mode="IMPORT")

    assert "Cannot import since found existing subjects" in refused.content.decode()
    add(ada, "mode", place="orders", mode="IMPORT", force="on")
    assert last_event()["detail"]["forced"] is True


def test_settings_are_found_by_prefix(ada: Client, api: Api, admin: Member) -> None:
    for subject in ("orders", "Orders", "payments"):
        api.put(f"/config/{subject}", {"compatibility": "FULL"}, as_=admin)

    page = ada.get(reverse("admin:registry_config_changelist"), {"q": "ord"}).content.decode()

    assert ">orders</a>" in page
    assert "Orders" not in page
    assert "payments" not in page
