"""Pages and files: everything once, in an order that stands still."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import AuditEvent
from catalog import entities, feed
from tests.cast import Api, Member
from tests.catalog.changes import delete_for_good, register
from tests.catalog.reading import PATHS, configure, documents, page

NEWER = '["null", "string"]'


def test_pages_lead_through_everything_once(api: Api, owner: Member, reader: Member) -> None:
    register(owner, *"abcde")

    seen, cursor, pages = [], "", []
    while cursor is not None:
        pages.append(page(api, reader, limit=2, cursor=cursor))
        seen += [item["metadata"]["title"] for item in pages[-1]["items"]]
        cursor = pages[-1]["nextCursor"]

    assert seen == list("abcde")
    assert [len(each["items"]) for each in pages] == [2, 2, 1]
    assert {each["total"] for each in pages} == {5}


def test_a_cursor_stands_still_while_subjects_come_and_go(api: Api, owner: Member, reader: Member) -> None:
    register(owner, *"abcd")
    first = page(api, reader, limit=2)
    register(owner, "A")
    delete_for_good("a")
    delete_for_good("c")

    second = page(api, reader, limit=2, cursor=first["nextCursor"])

    assert [item["metadata"]["title"] for item in second["items"]] == ["d", "A"]
    assert second["changesCursor"] == first["changesCursor"]
    assert page(api, reader)["changesCursor"] != first["changesCursor"]


def test_the_cursor_for_changes_names_the_last_event(api: Api, owner: Member, reader: Member) -> None:
    register(owner, "orders")

    assert page(api, reader)["changesCursor"].endswith(f"-{AuditEvent.objects.count()}")


@pytest.mark.parametrize(
    "query",
    [
        "cursor=x",
        "cursor=W10",
        "cursor=WyIxIiwgIngiXQ",
        "cursor=Wy0xLCAieCJd",
        "cursor=WzFlOTksICJ4Il0",
        "cursor=W3RydWUsICJ4Il0",
        "cursor=" + "Wz" * 500,
        "cursor=%00",
        "limit=0",
        "limit=-1",
        "limit=x",
        "limit=1.5",
        "limit=%D9%A1",
        "limit=" + "9" * 5000,
    ],
)
def test_a_page_that_was_never_offered_is_a_bad_request(api: Api, reader: Member, query: str) -> None:
    answer = api.get(f"/backstage/v1/entities?{query}", as_=reader)

    assert (answer.status_code, answer.json()["error_code"]) == (400, 400)


def test_nobody_gets_more_than_a_page(api: Api, owner: Member, reader: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MOST_ENTITIES", 2)
    register(owner, *"abc")

    assert len(page(api, reader, limit=1000)["items"]) == 2


@pytest.mark.parametrize("path", PATHS)
def test_the_number_of_queries_does_not_grow(api: Api, owner: Member, reader: Member, path: str) -> None:
    register(owner, "orders")
    few = queries(api, path, reader)

    register(owner, *(f"s{n}" for n in range(20)))
    register(owner, "orders", text=NEWER)

    assert queries(api, path, reader) == few


def queries(api: Api, path: str, as_: Member) -> int:
    api.get(path, as_=as_)
    with CaptureQueriesContext(connection) as captured:
        assert api.get(path, as_=as_).status_code == 200
    return len(captured)


# Files.


def test_a_subject_stands_in_one_file_for_ever(api: Api, owner: Member, reader: Member, settings: Any) -> None:
    configure(settings, BACKSTAGE_SHARDS=16)
    register(owner, *(f"s{n}" for n in range(30)))
    entry = json.loads(api.get("/backstage/v1/catalog.yaml", as_=reader).content.removeprefix(b"---\n"))

    numbers = [int(target.removeprefix("./shards/").removesuffix(".yaml")) for target in entry["spec"]["targets"]]
    files = {number: [each["metadata"]["title"] for each in documents(api, reader, number)] for number in range(16)}

    assert numbers == [number for number in range(16) if files[number]]
    assert sorted(title for titles in files.values() for title in titles) == sorted(f"s{n}" for n in range(30))
    assert all(entities.bucket(title) % 16 == number for number, titles in files.items() for title in titles)


def test_files_are_yaml(api: Api, owner: Member, reader: Member) -> None:
    register(owner, "orders")

    answers = [api.get(path, as_=reader) for path in PATHS[:2]]

    assert {answer["Content-Type"] for answer in answers} == {"application/yaml; charset=utf-8"}
    assert all(answer.content.startswith(b'---\n{"apiVersion":') for answer in answers)


def test_answers_are_compressed_for_whoever_asks(api: Api, owner: Member, reader: Member) -> None:
    register(owner, *"abc")

    answer = api.get("/backstage/v1/shards/00.yaml", as_=reader, headers={"Accept-Encoding": "gzip"})
    again = api.get(
        "/backstage/v1/shards/00.yaml",
        as_=reader,
        headers={"Accept-Encoding": "gzip", "If-None-Match": answer["ETag"]},
    )

    assert answer["Content-Encoding"] == "gzip"
    assert again.status_code == 304
