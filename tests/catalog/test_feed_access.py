"""Who may read the feed, with a key or with the token in the address, and how much of it."""

import json
from typing import Any

import pytest

from accounts import services
from catalog import apps
from tests.cast import STAGE, Api, Member, join
from tests.catalog.changes import move, register, set_visibility
from tests.catalog.reading import PATHS, configure, documents, page, titles

TOKEN = "a token that is long enough to be one/&"


@pytest.mark.parametrize("path", PATHS)
def test_nobody_reads_without_a_key(api: Api, path: str) -> None:
    answer = api.get(path)

    assert (answer.status_code, answer.json()) == (401, {"error_code": 401, "message": "Unauthorized"})
    assert "Basic" in answer["WWW-Authenticate"]


@pytest.mark.parametrize("path", PATHS)
def test_a_key_without_the_scope_is_refused_whatever_it_owns(api: Api, owner: Member, path: str) -> None:
    register(owner, "orders")

    answer = api.get(path, as_=owner)

    assert answer.status_code == 403
    assert answer.json() == {"error_code": 403, "message": "The key lacks the scope catalog:read"}


@pytest.mark.parametrize("path", PATHS)
def test_strangers_who_may_read_the_registry_may_not_read_the_feed(api: Api, settings: Any, path: str) -> None:

    services.make_anonymous_account(actor=STAGE, group_name="anybody")
    configure(settings, ANONYMOUS="write")

    assert api.get(path).status_code == 403


@pytest.mark.parametrize("path", PATHS)
def test_the_feed_is_read_only(api: Api, reader: Member, path: str) -> None:
    answers = [api.send(method, path, None, as_=reader) for method in ("POST", "PUT", "PATCH", "DELETE")]

    assert [answer.status_code for answer in answers] == [405] * 4
    assert answers[0].json()["error_code"] == 405


@pytest.mark.parametrize("path", ["/backstage/v1/", "/backstage/v1/shards/0.yaml", "/backstage/v1/shards/99.yaml"])
def test_other_paths_are_not_there(api: Api, reader: Member, path: str) -> None:
    assert api.get(path, as_=reader).json()["error_code"] == 404


def test_a_subject_that_the_key_may_not_see_does_not_exist(api: Api, owner: Member, reader: Member) -> None:
    register(owner, "orders", "payments")
    set_visibility(owner, "payments", "restricted")

    hidden, absent = (api.get(f"/backstage/v1/entities/default/{name}", as_=reader) for name in ("payments", "absent"))

    assert titles(api, reader) == ["orders"]
    assert [each["metadata"]["title"] for each in documents(api, reader)] == ["orders"]
    assert hidden.status_code == absent.status_code == 404
    assert hidden.json()["message"].replace("payments", "absent") == absent.json()["message"]


# All or a part.


def test_a_key_that_sees_everything_there_is_says_so(api: Api, owner: Member, admin: Member, reader: Member) -> None:
    register(owner, "orders")
    assert page(api, reader)["scope"] == "all"

    set_visibility(owner, "orders", "restricted")

    assert (page(api, reader)["scope"], page(api, reader)["total"]) == ("partial", 0)
    assert (page(api, admin)["scope"], page(api, admin)["total"]) == ("all", 1)


def test_a_key_that_is_narrowed_to_prefixes_reads_a_part(api: Api, owner: Member) -> None:
    register(owner, "a.orders", "b.orders")
    narrowed = join("narrowed", "readers", scopes=["catalog:read"], prefixes=["a."])

    assert titles(api, narrowed) == ["a.orders"]
    assert page(api, narrowed)["scope"] == "partial"


def test_what_never_reaches_the_feed_is_no_part_of_it(api: Api, owner: Member, reader: Member) -> None:
    register(owner, "orders")
    move(owner, "orders", "deprecated", "retired", version=1)
    set_visibility(owner, "orders", "restricted")

    assert page(api, reader)["scope"] == "all"


# The token in the address.


def test_a_token_opens_nothing_unless_it_is_configured(api: Api, settings: Any) -> None:
    for configured in (None, ""):
        configure(settings, BACKSTAGE_FEED_TOKEN=configured)
        for token in ("", "None", "x"):
            assert api.get(f"/backstage/v1/catalog.yaml?token={token}").status_code == 401


def test_the_token_opens_the_files_and_leads_from_one_to_the_other(api: Api, owner: Member, settings: Any) -> None:
    configure(settings, BACKSTAGE_FEED_TOKEN=TOKEN)
    register(owner, "orders")
    query = "?token=a+token+that+is+long+enough+to+be+one%2F%26"

    entry = api.get(f"/backstage/v1/catalog.yaml{query}")
    (target,) = json.loads(entry.content.removeprefix(b"---\n"))["spec"]["targets"]
    file = api.get("/backstage/v1/" + target.removeprefix("./"))

    assert target == f"./shards/00.yaml{query}"
    assert b'"title":"orders"' in file.content


@pytest.mark.parametrize("path", [*PATHS[2:], "/subjects", "/subjects/orders/versions", "/schemas/ids/1"])
def test_the_token_opens_nothing_else(api: Api, owner: Member, settings: Any, path: str) -> None:
    configure(settings, BACKSTAGE_FEED_TOKEN="t" * 32)
    register(owner, "orders")

    assert api.get(f"{path}?token={'t' * 32}").status_code == 401


@pytest.mark.parametrize("token", ["", "t" * 31, "t" * 33, "%00", "%FF", "ü" * 32])
def test_another_token_is_no_token(api: Api, settings: Any, token: str) -> None:
    configure(settings, BACKSTAGE_FEED_TOKEN="t" * 32)

    assert api.get(f"/backstage/v1/catalog.yaml?token={token}").status_code == 401


def test_a_token_does_not_mend_a_key_that_is_refused(api: Api, owner: Member, settings: Any) -> None:
    configure(settings, BACKSTAGE_FEED_TOKEN="t" * 32)
    path = f"/backstage/v1/catalog.yaml?token={'t' * 32}"

    assert api.get(path, as_=owner).status_code == 403
    assert api.get(path, headers={"Authorization": "Bearer cbk_x"}).status_code == 401


def test_the_token_opens_no_restricted_subject(api: Api, owner: Member, settings: Any) -> None:
    configure(settings, BACKSTAGE_FEED_TOKEN="t" * 32)
    register(owner, "orders", "payments")
    set_visibility(owner, "orders", "restricted")

    file = api.get(f"/backstage/v1/shards/00.yaml?token={'t' * 32}").content

    assert b"payments" in file
    assert b"orders" not in file


@pytest.mark.parametrize(
    ("own", "found"),
    [
        ({}, []),
        ({"BACKSTAGE_FEED_TOKEN": "t" * 32, "BACKSTAGE_OWNERS": {"a": "group:default/a"}}, []),
        ({"BACKSTAGE_ENTRY_NAME": "a b"}, ["callboard.E010"]),
        ({"BACKSTAGE_NAMESPACE": "Default"}, ["callboard.E011"]),
        ({"BACKSTAGE_OWNERS": {"a": "team-a", "b": "group:default/b"}}, ["callboard.E012"]),
        ({"BACKSTAGE_FEED_TOKEN": "short"}, ["callboard.E013"]),
    ],
)
def test_settings_that_backstage_would_not_take_stop_the_start(
    settings: Any, own: dict[str, Any], found: list[str]
) -> None:
    configure(settings, **own)

    assert [problem.id for problem in apps.backstage_takes_the_settings()] == found
