"""What Backstage reads: which subjects, and what it is told of each."""

import json
from typing import Any

import pytest

from catalog import entities, feed
from registry.models import SchemaVersion
from registry.names import SubjectName
from registry.services import config
from tests.cast import Api, Member, join
from tests.catalog.changes import as_draft, move, register, set_level
from tests.catalog.reading import PATHS, configure, documents, entity, page, titles

NEWER = '["null", "string"]'


def test_nothing_to_tell_is_an_answer_too(api: Api, reader: Member) -> None:
    entry, file = (api.get(path, as_=reader) for path in PATHS[:2])

    assert json.loads(entry.content.removeprefix(b"---\n"))["spec"] == {"targets": []}
    assert (file.status_code, file.content) == (200, b"")
    assert page(api, reader) == {
        "items": [],
        "nextCursor": None,
        "changesCursor": page(api, reader)["changesCursor"],
        "total": 0,
        "scope": "all",
    }


def test_all_ways_of_reading_tell_the_same(api: Api, owner: Member, reader: Member) -> None:
    register(owner, "orders")

    (paged,), (filed,) = page(api, reader)["items"], documents(api, reader)

    assert paged == filed == entity(api, reader)
    assert paged["spec"]["owner"] == "group:default/owners"
    assert paged["metadata"]["annotations"]["callboard/compatibility"] == "BACKWARD"


def test_an_entity_is_found_in_any_letter_case(api: Api, owner: Member, reader: Member) -> None:
    register(owner, "com.acme.Order")

    assert api.get("/backstage/v1/entities/DEFAULT/COM.acme.order", as_=reader).status_code == 200


@pytest.mark.parametrize(
    ("subject_states", "version_states", "shown"),
    [
        ([], [], "production"),
        ([], ["deprecated"], "deprecated"),
        ([], ["deprecated", "retired"], None),
        (["deprecated"], [], "deprecated"),
        (["deprecated"], ["deprecated"], "deprecated"),
    ],
)
def test_the_life_cycle_decides_how_a_subject_is_shown(
    api: Api, owner: Member, reader: Member, subject_states: list[str], version_states: list[str], shown: str | None
) -> None:
    register(owner, "orders")

    move(owner, "orders", *version_states, version=1)
    move(owner, "orders", *subject_states)

    assert [each["spec"]["lifecycle"] for each in page(api, reader)["items"]] == ([shown] if shown else [])


def test_a_retired_subject_leaves_the_feed_and_its_name_waits_for_it(api: Api, owner: Member, reader: Member) -> None:
    register(owner, "Orders", "orders")
    before = {item["metadata"]["title"]: item["metadata"]["name"] for item in page(api, reader)["items"]}
    move(owner, "Orders", "deprecated", version=1)
    move(owner, "Orders", "deprecated", "retired")
    assert titles(api, reader) == ["orders"]

    move(owner, "Orders", "deprecated")
    move(owner, "Orders", "deprecated", "approved", version=1)

    after = {item["metadata"]["title"]: item["metadata"]["name"] for item in page(api, reader)["items"]}
    assert after == before == {"Orders": "Orders", "orders": before["orders"]}
    assert before["orders"].startswith("orders-")


def test_a_draft_is_not_told_and_does_not_stand_for_its_subject(api: Api, owner: Member, reader: Member) -> None:
    register(owner, "orders")
    register(owner, "orders", text=NEWER)
    as_draft("orders", version=2)
    register(owner, "payments")
    as_draft("payments", version=1)

    (shown,) = page(api, reader)["items"]

    assert SchemaVersion.objects.count() == 3
    assert shown["metadata"]["annotations"]["callboard/version"] == "1"


def test_the_newest_approved_version_stands_for_the_subject(api: Api, owner: Member, reader: Member) -> None:
    for text in ('"string"', NEWER, '["null", "string", "int"]'):
        register(owner, "orders", text=text)
    move(owner, "orders", "deprecated", version=3)

    shown = entity(api, reader)

    assert shown["metadata"]["annotations"]["callboard/version"] == "2"
    assert shown["spec"] == {
        "type": "avro",
        "lifecycle": "production",
        "owner": "group:default/owners",
        "definition": '[\n  "null",\n  "string"\n]',
    }


def test_the_level_is_the_one_in_force(api: Api, owner: Member, admin: Member, reader: Member) -> None:
    register(owner, "orders", "payments", "refunds")
    set_level(owner, "FULL", "orders")
    config.set_config(principal=owner.principal, actor=owner.actor, subject_name="refunds", changes={"normalize": True})
    set_level(admin, "FORWARD")

    shown = page(api, reader)["items"]

    assert {
        item["metadata"]["title"]: item["metadata"]["annotations"]["callboard/compatibility"] for item in shown
    } == {name: str(config.in_force(SubjectName(".", name)).level) for name in ("orders", "payments", "refunds")}


HOSTILE = [
    "topic/value",
    "日本 \U0001f600",
    "x" * 200,
    "a: b\\ \"c\" 'd' #e %f {g} [h] --- !!i &j *k",
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "---",
    "%2F%00",
    "=cmd|' /C calc'!A0",
]


def test_hostile_names_are_told_as_they_are(api: Api, owner: Member, reader: Member) -> None:
    register(owner, *HOSTILE)

    shown = documents(api, reader)

    assert [each["metadata"]["title"] for each in shown] == HOSTILE
    assert [
        api.get(f"/backstage/v1/entities/default/{e['metadata']['name']}", as_=reader).json() for e in shown
    ] == shown
    for each in shown:
        entities.check(each)


def test_what_can_not_be_mapped_is_left_out_and_listed(api: Api, reader: Member) -> None:
    register(join("a", "日本"), "orders")
    register(join("b", "others"), "payments")

    assert titles(api, reader) == ["payments"]
    assert page(api, reader)["total"] == 2
    (left_out,) = feed.unmapped()
    assert left_out.subject == "orders"
    assert "日本" in left_out.reason


def test_owners_are_mapped_as_configured(api: Api, owner: Member, reader: Member, settings: Any) -> None:
    register(owner, "orders")
    configure(settings, BACKSTAGE_OWNERS={"owners": "group:people/the-owners"})

    assert entity(api, reader)["spec"]["owner"] == "group:people/the-owners"
