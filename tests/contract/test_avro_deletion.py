"""Section 5.1, the rows about deleting versions and subjects."""

import pytest

from tests.contract.calls import Registry, field, record
from tests.contract.marking import row

ONE = record("Ticket", field("seat"))
TWO = record("Ticket", field("seat"), field("price", "int"))
THREE = record("Ticket", field("price", "int"))
FIRST, SECOND = "/subjects/tickets/versions/1", "/subjects/tickets/versions/2"
LATEST = "/subjects/tickets/versions/latest"
PERMANENT, DELETED = "?permanent=true", "?deleted=true"


@pytest.fixture(autouse=True)
def two_versions(none: None, registry: Registry) -> None:
    """tickets has versions 1 and 2, ids 1 and 2."""
    for text in (ONE, TWO):
        registry.register("tickets", text)


def lookup_deleted(registry: Registry, text: str) -> int:
    return int(registry.post(f"/subjects/tickets{DELETED}", {"schema": text})["version"])


@row("5.1", 59)
def test_a_deleted_version_is_found_only_when_asked_for(registry: Registry) -> None:
    assert registry.delete(SECOND) == 2

    assert registry.versions("tickets") == [1]
    assert registry.error("GET", SECOND) == 40402
    shown = registry.get(SECOND + DELETED)
    assert (shown["version"], shown["deleted"]) == (2, True)
    assert registry.missing("tickets", TWO) == 40403


@row("5.1", 60)
def test_content_comes_back_under_its_id_and_the_next_number(registry: Registry) -> None:
    registry.delete(SECOND)
    assert registry.delete(LATEST) == 1
    assert registry.error("GET", "/subjects/tickets/versions") == 40401

    assert [registry.register("tickets", ONE), registry.register("tickets", ONE)] == [1, 1]
    assert registry.versions("tickets") == [3]


@row("5.1", 61)
def test_a_version_goes_in_two_steps(registry: Registry) -> None:
    assert registry.error("DELETE", SECOND + PERMANENT) == 40407
    registry.delete(SECOND)
    assert registry.error("DELETE", SECOND) == 40406
    assert registry.versions("tickets", DELETED) == [1, 2]
    assert registry.versions("tickets", DELETED + "&limit=1") == [1]

    assert registry.delete(SECOND + PERMANENT) == 2

    assert registry.error("GET", SECOND + DELETED) == 40402
    assert registry.error("DELETE", SECOND + PERMANENT) == 40402


@row("5.1", 62)
def test_the_number_of_a_version_that_is_gone_is_given_again(registry: Registry) -> None:
    registry.delete(SECOND)
    registry.delete(SECOND + PERMANENT)
    registry.delete(FIRST)

    registered = registry.registered("tickets", ONE)

    assert (registered["id"], registered["version"]) == (1, 2)


@row("5.1", 63)
def test_what_is_not_there_cannot_be_deleted(registry: Registry) -> None:
    assert registry.error("DELETE", "/subjects/passes/versions/1") == 40401
    assert registry.error("DELETE", "/subjects/tickets/versions/9") == 40402


@row("5.1", 64)
def test_latest_walks_down(registry: Registry) -> None:
    assert [registry.delete(LATEST), registry.delete(LATEST)] == [2, 1]
    assert registry.error("GET", LATEST) == 40401

    registry.register("tickets", THREE)

    assert registry.get(LATEST)["schema"] == THREE


@row("5.1", 68)
def test_a_deleted_version_makes_room_for_its_content(registry: Registry) -> None:
    registry.delete(SECOND)
    registry.delete(FIRST)

    registered = registry.registered("tickets", TWO)

    assert (registered["id"], registered["version"]) == (2, 3)
    assert registry.error("GET", SECOND + DELETED) == 40402
    assert registry.get(FIRST + DELETED)["deleted"] is True


@row("5.1", 69)
def test_an_older_version_is_not_missed_by_latest(registry: Registry) -> None:
    assert registry.error("GET", "/subjects/passes/versions/latest") == 40401

    registry.delete(FIRST)

    assert registry.get(LATEST)["version"] == 2


@row("5.1", 70)
def test_a_lookup_finds_deleted_content_until_it_is_back(registry: Registry) -> None:
    registry.delete(FIRST)
    assert registry.missing("tickets", ONE) == 40403
    assert lookup_deleted(registry, ONE) == 1

    registry.register("tickets", ONE)

    assert registry.lookup("tickets", ONE)["version"] == 3
    assert lookup_deleted(registry, ONE) == 3


@row("5.1", 71)
def test_a_deleted_version_stands_in_nobodys_way(registry: Registry) -> None:
    registry.level("BACKWARD")
    also_new = record("Ticket", field("seat"), field("price", "string", default=""))
    assert registry.refuse("tickets", also_new) == 40901

    registry.delete(SECOND)

    assert registry.registered("tickets", also_new)["version"] == 3


@row("5.1", 72)
def test_a_config_outlives_a_version(registry: Registry) -> None:
    registry.level("FULL", "tickets")

    registry.delete(SECOND)

    assert registry.get("/config/tickets") == {"compatibilityLevel": "FULL"}
    assert registry.get("/config") == {"compatibilityLevel": "NONE"}


@row("5.1", 73)
def test_a_subject_goes_in_two_steps(registry: Registry) -> None:
    assert registry.delete("/subjects/tickets") == [1, 2]
    assert registry.get("/subjects") == []
    assert registry.get(f"/subjects{DELETED}") == ["tickets"]

    assert registry.delete(f"/subjects/tickets{PERMANENT}") == [1, 2]

    assert registry.get(f"/subjects{DELETED}") == []


@row("5.1", 74)
def test_lists_tell_the_living_from_the_deleted(registry: Registry) -> None:
    registry.register("passes", ONE)
    registry.delete("/subjects/passes")
    registry.delete(FIRST)

    assert [registry.versions("tickets", query) for query in ("", DELETED, "?deletedOnly=true")] == [[2], [1, 2], [1]]
    assert registry.get("/subjects") == ["tickets"]
    assert registry.get(f"/subjects{DELETED}") == ["passes", "tickets"]
    assert registry.get("/subjects?deletedOnly=true") == ["passes"]


@row("5.1", 75)
def test_a_deleted_subject_has_no_latest_and_is_not_deleted_twice(registry: Registry) -> None:
    registry.delete("/subjects/tickets")

    assert registry.error("GET", LATEST) == 40401
    assert [lookup_deleted(registry, ONE), lookup_deleted(registry, TWO)] == [1, 2]
    assert registry.error("DELETE", "/subjects/tickets") == 40404


@row("5.1", 76)
@pytest.mark.parametrize("query", ["", PERMANENT])
def test_an_unknown_subject_cannot_be_deleted(registry: Registry, query: str) -> None:
    assert registry.error("DELETE", f"/subjects/passes{query}") == 40401


@row("5.1", 77)
def test_a_subject_that_is_gone_is_unknown(registry: Registry) -> None:
    assert registry.error("DELETE", f"/subjects/tickets{PERMANENT}") == 40405
    assert registry.delete("/subjects/tickets") == [1, 2]
    assert registry.delete(f"/subjects/tickets{PERMANENT}") == [1, 2]

    assert registry.missing("tickets", ONE) == 40401
    assert registry.error("POST", f"/subjects/tickets{DELETED}", {"schema": ONE}) == 40401


@row("5.1", 78)
def test_a_subject_comes_back_with_its_ids_and_new_numbers(registry: Registry) -> None:
    registry.delete("/subjects/tickets")

    assert [registry.register("tickets", text) for text in (ONE, TWO)] == [1, 2]

    assert registry.versions("tickets") == [3, 4]
    assert registry.error("GET", FIRST) == 40402
