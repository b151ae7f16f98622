"""The portal: home, subject, health; for owner, outsider and stranger."""

import json
from typing import Any

import pytest
from django.test import Client

from audit import events, transactions
from audit.models import AuditEvent
from registry.models import SchemaVersion, Subject
from tests.cast import STAGE, Api, Member, join, sign_in

PAGES = ("/ui/", "/ui/subject?name=orders", "/ui/health", "/ui/nope")
HOSTILE = '"><img src=x onerror=alert(1)>'


@pytest.fixture
def orders(api: Api, owner: Member) -> None:
    for text in ('"int"', '"long"'):
        assert api.post("/subjects/orders/versions", {"schema": text}, as_=owner).status_code == 200


@pytest.fixture
def maria(owner: Member, orders: None) -> Client:
    return sign_in("maria", owner.group.name).client


@pytest.fixture
def sam(outsider: Member, orders: None) -> Client:
    return sign_in("sam", outsider.group.name).client


def hide(name: str) -> None:
    with transactions.write():
        Subject.objects.filter(name=name).update(visibility="restricted")
        events.record(STAGE, events.Action.VISIBILITY_CHANGED, kind="subject", ref=f":.:{name}")


@pytest.mark.parametrize("path", PAGES)
def test_a_stranger_is_sent_to_sign_in_and_back(client: Client, db: None, path: str) -> None:
    response = client.get(path)

    assert response.status_code == 302
    assert response["Location"].startswith("/login?next=/ui/")


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_the_policy_and_nothing_inline(maria: Client, path: str) -> None:
    response = maria.get(path)

    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert b"<style" not in response.content
    assert b"<script" not in response.content
    assert b" style=" not in response.content
    assert "no-store" in response["Cache-Control"]


def test_a_browser_at_the_root_is_led_to_the_portal_and_a_client_is_not(api: Api, owner: Member) -> None:
    browser = api.client.get("/", headers={"Sec-Fetch-Mode": "navigate"})
    client = api.get("/", as_=owner, headers={"Sec-Fetch-Mode": "navigate", "Authorization": owner.bearer})

    assert (browser.status_code, browser["Location"]) == (302, "/ui/")
    assert client.json() == {}
    assert api.get("/").status_code == 401


def test_home_shows_my_groups_and_my_subjects(maria: Client, sam: Client) -> None:
    mine = maria.get("/ui/").content.decode()
    others = sam.get("/ui/").content.decode()

    assert "<li>owners</li>" in mine
    assert mine.count("/ui/subject?name=orders") == 2
    assert others.count("/ui/subject?name=orders") == 1
    assert "None of your groups owns a subject yet" in others


def test_an_empty_registry_says_what_to_do(db: None) -> None:
    assert b"No subject yet" in sign_in("maria").client.get("/ui/").content


def test_the_list_is_filtered_by_prefix_and_paged(maria: Client, api: Api, owner: Member) -> None:
    for number in range(52):
        api.post(f"/subjects/p{number:02}/versions", {"schema": '"int"'}, as_=owner)

    first = maria.get("/ui/?prefix=p").content.decode()
    second = maria.get("/ui/?prefix=p&after=p49").content.decode()

    assert "name=p49" in first
    assert "name=p50" not in first
    assert "after=p49" in first
    assert "name=p50" in second
    assert "name=orders" not in first
    assert b"No subject that you may see fits" in maria.get("/ui/?prefix=zzz").content


def test_a_subject_shows_owner_level_versions_and_text(maria: Client) -> None:
    page = maria.get("/ui/subject?name=orders").content.decode()

    for expected in ("owners", "BACKWARD", "the server&#x27;s default", "Version 2", "&quot;long&quot;", "guid"):
        assert expected in page
    older = maria.get("/ui/subject?name=orders&version=1").content.decode()
    assert "Version 1" in older
    assert "&quot;int&quot;" in older


def test_a_subject_in_a_named_context_has_its_page_its_place_in_the_list_and_its_buttons(
    maria: Client, api: Api, owner: Member
) -> None:
    for name in (":.emea:orders", ":.apac:orders"):
        api.post(f"/subjects/{name}/versions", {"schema": '"bytes"'}, as_=owner)

    listed = maria.get("/ui/?prefix=:.emea:").content.decode()
    page = maria.get("/ui/subject?name=%3A.emea%3Aorders").content.decode()
    moved = maria.post("/ui/subject/lifecycle", {"name": ":.emea:orders", "version": "1", "to": "deprecated"})

    assert "name=%3A.emea%3Aorders" in listed
    assert "apac" not in listed
    assert "&quot;bytes&quot;" in page
    assert moved["Location"] == "/ui/subject?name=%3A.emea%3Aorders&version=1"
    changed = SchemaVersion.objects.get(lifecycle="deprecated")
    assert changed.subject.context.name == ".emea"


def test_pages_of_the_list_go_on_from_one_context_to_the_next(maria: Client, api: Api, owner: Member) -> None:
    for name in (*(f"p{number:02}" for number in range(48)), ":.apac:a", ":.emea:b", ":.emea:c"):
        api.post(f"/subjects/{name}/versions", {"schema": '"int"'}, as_=owner)

    first = maria.get("/ui/").content.decode()
    second = maria.get("/ui/?after=%3A.apac%3Aa").content.decode()

    assert "after=%3A.apac%3Aa" in first
    assert "emea" not in first
    assert all(f"%3A.emea%3A{letter}" in second for letter in "bc")
    assert 'apac%3Aa"' not in second


@pytest.mark.parametrize("query", ["name=orders&version=9", "name=orders&version=x", "name=", "name=%00", ""])
def test_what_is_not_there_is_a_page_too(maria: Client, query: str) -> None:
    response = maria.get(f"/ui/subject?{query}")

    assert response.status_code == 404
    assert b"Nothing here" in response.content


def test_a_hidden_subject_is_the_page_of_a_missing_one(sam: Client, maria: Client) -> None:
    missing = sam.get("/ui/subject?name=nothing")
    hide("orders")
    hidden = sam.get("/ui/subject?name=orders")

    assert hidden.status_code == missing.status_code == 404
    assert hidden.content.partition(b"<main")[2] == missing.content.partition(b"<main")[2]
    assert b"name=orders" not in sam.get("/ui/").content
    assert maria.get("/ui/subject?name=orders").status_code == 200


def move(client: Client, **values: str) -> Any:
    return client.post("/ui/subject/lifecycle", {"name": "orders", "reason": "", "sunset_on": "", **values})


def test_an_owner_moves_a_version_with_a_reason(maria: Client) -> None:
    response = move(maria, version="2", to="deprecated", reason="replaced", sunset_on="2027-01-31")

    assert response.status_code == 302
    version = SchemaVersion.objects.get(version=2)
    assert (version.lifecycle, str(version.sunset_on)) == ("deprecated", "2027-01-31")
    last = AuditEvent.objects.order_by("-seq").first()
    assert last is not None
    payload = json.loads(last.payload)
    assert (payload["action"], payload["reason"], payload["actor"]["kind"]) == (
        "lifecycle.changed",
        "replaced",
        "person",
    )


def test_a_move_that_is_not_allowed_is_told_on_the_page(maria: Client) -> None:
    response = move(maria, version="2", to="retired")

    assert response.status_code == 409
    assert b"it can become deprecated, not retired" in response.content
    assert move(maria, version="2", to="nonsense").status_code == 422


def test_an_outsider_has_no_buttons_and_no_way_around_them(sam: Client) -> None:
    assert b"Make it" not in sam.get("/ui/subject?name=orders").content

    assert move(sam, version="2", to="deprecated").status_code == 403
    hide("orders")
    assert move(sam, version="2", to="deprecated").status_code == 404
    assert SchemaVersion.objects.get(version=2).lifecycle == "approved"


def test_a_form_without_its_token_changes_nothing(maria: Client) -> None:
    maria.handler.enforce_csrf_checks = True

    assert move(maria, version="2", to="deprecated").status_code == 403
    assert SchemaVersion.objects.get(version=2).lifecycle == "approved"


def test_hostile_names_and_docs_are_escaped(maria: Client, api: Api, owner: Member) -> None:
    text = json.dumps({"type": "record", "name": "R", "doc": HOSTILE, "fields": []})
    name = "%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E"
    assert api.post(f"/subjects/{name}/versions", {"schema": text}, as_=owner).status_code == 200

    for path in ("/ui/", f"/ui/subject?name={name}"):
        page = maria.get(path)
        assert page.status_code == 200
        assert b"<img" not in page.content


def test_health_tells_administrators_more(maria: Client) -> None:
    plain = maria.get("/ui/health").content.decode()
    full = sign_in("ada", is_superuser=True, is_staff=True).client.get("/ui/health").content.decode()

    assert "all applied" in plain
    assert "Audit log" not in plain
    assert "Audit log" in full


def test_pages_take_the_same_number_of_queries_whatever_there_is(
    maria: Client, api: Api, owner: Member, django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        api.post(f"/subjects/q{number:02}/versions", {"schema": '"int"'}, as_=owner)

    for path in ("/ui/", "/ui/subject?name=orders"):
        with django_assert_max_num_queries(16):
            assert maria.get(path).status_code == 200


def test_health_names_what_backstage_does_not_get(api: Api) -> None:
    api.post("/subjects/zukunft/versions", {"schema": '"int"'}, as_=join("a", "日本"))

    plain = sign_in("sam").client.get("/ui/health").content.decode()
    full = sign_in("ada", is_superuser=True, is_staff=True).client.get("/ui/health").content.decode()

    assert "zukunft" not in plain
    assert "Not in Backstage" in full and "zukunft" in full and "日本" in full
