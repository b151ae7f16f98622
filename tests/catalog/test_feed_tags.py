"""Whoever has the answer already is told so, and only then."""

from collections.abc import Callable
from typing import Any

import pytest

from catalog import entities
from registry.models import Subject
from registry.services import installation
from tests.cast import Api, Member, join
from tests.catalog.changes import delete_for_good, give, move, register, rename_group, set_level, set_visibility
from tests.catalog.reading import PATHS, configure

NEWER = '["null", "string"]'


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_built_for_whoever_has_it(
    api: Api, owner: Member, reader: Member, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(owner, "orders")
    first = api.get(path, as_=reader)
    monkeypatch.setattr(entities, "build", None)
    monkeypatch.setattr(entities, "document", None)

    again = api.get(path, as_=reader, headers={"If-None-Match": first["ETag"]})

    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert first["Cache-Control"] == again["Cache-Control"] == "no-cache"


def test_a_tag_names_the_last_change_of_the_file(api: Api, owner: Member, reader: Member) -> None:
    register(owner, "orders")
    changed = Subject.objects.get().changed_seq

    assert api.get("/backstage/v1/shards/00.yaml", as_=reader)["ETag"].split("-")[1] == str(changed)


CHANGES: dict[str, Callable[[Member, Member], None]] = {
    "a version": lambda owner, admin: register(owner, "orders", text=NEWER),
    "a subject": lambda owner, admin: register(owner, "new"),
    "another owner": lambda owner, admin: give(owner, "orders", "administrators"),
    "a group renamed": lambda owner, admin: rename_group("owners", "possessors"),
    "a version deprecated": lambda owner, admin: move(owner, "orders", "deprecated", version=1),
    "a subject deprecated": lambda owner, admin: move(owner, "orders", "deprecated"),
    "a version retired": lambda owner, admin: move(owner, "orders", "deprecated", "retired", version=1),
    "a level": lambda owner, admin: set_level(owner, "FULL", "orders"),
    "the level of all": lambda owner, admin: set_level(admin, "FULL"),
    "hidden": lambda owner, admin: set_visibility(owner, "orders", "restricted"),
    "deleted": lambda owner, admin: delete_for_good("orders"),
    "the last one deleted": lambda owner, admin: delete_for_good("payments"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("path", ["/backstage/v1/shards/00.yaml", "/backstage/v1/entities"])
def test_every_change_shows(api: Api, owner: Member, admin: Member, reader: Member, path: str, change: str) -> None:
    register(owner, "orders", "payments")
    first = api.get(path, as_=reader)

    CHANGES[change](owner, admin)
    again = api.get(path, as_=reader, headers={"If-None-Match": first["ETag"]})

    assert again.status_code == 200
    assert again.content != first.content


@pytest.mark.parametrize(
    "own",
    [
        {"BACKSTAGE_NAMESPACE": "registry"},
        {"BACKSTAGE_OWNERS": {"owners": "group:default/a"}},
        {"BACKSTAGE_SHARDS": 2},
        {"COMPATIBILITY": "NONE"},
    ],
)
def test_every_setting_that_alters_entities_shows(
    api: Api, owner: Member, reader: Member, settings: Any, own: dict[str, Any]
) -> None:
    register(owner, "orders")
    first = {path: api.get(path, as_=reader)["ETag"] for path in PATHS[:3]}

    configure(settings, **own)

    assert [path for path in first if api.get(path, as_=reader)["ETag"] == first[path]] == []


def test_another_address_or_release_shows(
    api: Api, owner: Member, reader: Member, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(owner, "orders")
    tags = [api.get("/backstage/v1/shards/00.yaml", as_=reader)["ETag"]]

    settings.BASE_URL = "https://elsewhere.example.com"
    tags.append(api.get("/backstage/v1/shards/00.yaml", as_=reader)["ETag"])
    monkeypatch.setattr(installation, "VERSION", "another")
    tags.append(api.get("/backstage/v1/shards/00.yaml", as_=reader)["ETag"])

    assert len(set(tags)) == 3


def test_a_change_moves_only_its_own_file(api: Api, owner: Member, reader: Member, settings: Any) -> None:
    configure(settings, BACKSTAGE_SHARDS=2)
    by_file = {entities.bucket(f"s{n}") % 2: f"s{n}" for n in range(20)}
    register(owner, *by_file.values())
    first = [api.get(f"/backstage/v1/shards/0{n}.yaml", as_=reader)["ETag"] for n in range(2)]

    register(owner, by_file[0], text=NEWER)

    after = [api.get(f"/backstage/v1/shards/0{n}.yaml", as_=reader)["ETag"] for n in range(2)]
    assert [a == b for a, b in zip(first, after, strict=True)] == [False, True]


def test_two_keys_that_see_different_things_have_different_tags(api: Api, owner: Member, reader: Member) -> None:
    insider = join("insider", "owners", scopes=["catalog:read"])
    register(owner, "orders", "payments")
    set_visibility(owner, "orders", "restricted")

    for path in PATHS[1:3]:
        assert api.get(path, as_=reader)["ETag"] != api.get(path, as_=insider)["ETag"]
