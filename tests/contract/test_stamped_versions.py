"""Section 5.2: the chain of versions that carry their own number, `confluent:version`, in their metadata.

One text all the way; each fixture goes on where the one before it ended.
"""

from typing import Any

import pytest

from tests.contract.calls import Registry, field, record
from tests.contract.marking import row

TEXT = record("Ticket", field("seat"))
OWN = {"properties": {"stage": "main"}}


def stamp(number: int) -> dict[str, Any]:
    return {"properties": {"confluent:version": str(number)}}


def latest(registry: Registry) -> Any:
    return registry.get("/subjects/tickets/versions/latest")


def found(registry: Registry, metadata: Any = None) -> tuple[int, Any]:
    """Version and metadata of what a lookup finds."""
    more = {} if metadata is None else {"metadata": metadata}
    answer = registry.lookup("tickets", TEXT, **more)
    return answer["version"], answer.get("metadata")


def register(registry: Registry, **request: Any) -> int:
    return registry.register("tickets", TEXT, **request)


@pytest.fixture
def plain(none: None, registry: Registry) -> Any:
    return registry.registered("tickets", TEXT)


@pytest.fixture
def two(plain: Any, registry: Registry) -> Any:
    return registry.registered("tickets", TEXT, version=2)


@pytest.fixture
def second_alone(two: Any, registry: Registry) -> None:
    registry.delete("/subjects/tickets/versions/1")


@pytest.fixture
def three(second_alone: None, registry: Registry) -> int:
    return register(registry, version=3)


@pytest.fixture
def four(three: int, registry: Registry) -> int:
    return register(registry, version=4)


@pytest.fixture
def five(four: int, registry: Registry) -> Any:
    return registry.registered("tickets", TEXT, metadata=stamp(-1))


@pytest.fixture
def six(five: Any, registry: Registry) -> Any:
    return registry.registered("tickets", TEXT, metadata=stamp(0))


@pytest.fixture
def seven(six: Any, registry: Registry) -> Any:
    return registry.registered("tickets", TEXT, metadata=OWN)


@pytest.fixture
def eight(seven: Any, registry: Registry) -> Any:
    return registry.registered("tickets", TEXT, version=-1)


@row("5.2", 1)
def test_a_plain_registration_is_not_stamped(registry: Registry, plain: Any) -> None:
    assert (plain["id"], plain["version"]) == (1, 1)
    assert "metadata" not in plain


@row("5.2", 2)
def test_the_next_or_the_latest_version_is_the_latest_if_it_is_equal(registry: Registry, plain: Any) -> None:
    assert register(registry, version=-1) == 1


@row("5.2", 3)
def test_the_next_version_is_made_and_stamped(registry: Registry, two: Any) -> None:
    assert (two["id"], two["version"], two["metadata"]) == (2, 2, stamp(2))


@row("5.2", 4)
def test_a_stamped_version_is_the_latest_too(registry: Registry, two: Any) -> None:
    assert register(registry, version=-1) == 2
    assert latest(registry)["version"] == 2


@row("5.2", 5)
def test_a_plain_lookup_finds_the_plain_version(registry: Registry, two: Any) -> None:
    assert found(registry) == (1, None)


@row("5.2", 6)
def test_a_stamp_finds_the_version_of_its_number_though_it_has_none(registry: Registry, two: Any) -> None:
    assert found(registry, stamp(1)) == (1, None)


@row("5.2", 7)
def test_a_stamp_finds_its_version(registry: Registry, two: Any) -> None:
    assert found(registry, stamp(2)) == (2, stamp(2))


@row("5.2", 8)
def test_a_plain_lookup_finds_a_stamped_version_where_there_is_no_plain_one(
    registry: Registry, second_alone: None
) -> None:
    assert found(registry) == (2, stamp(2))


@row("5.2", 9)
def test_a_plain_registration_finds_it_too(registry: Registry, second_alone: None) -> None:
    assert register(registry) == 2


@row("5.2", 10)
def test_another_number_is_another_content(registry: Registry, three: int) -> None:
    assert three == 3
    assert [register(registry, version=-1), register(registry, version=-1)] == [3, 3]


@row("5.2", 11)
def test_a_number_is_taken_once(registry: Registry, three: int) -> None:
    assert registry.refuse("tickets", TEXT, version=3) == 42201


@row("5.2", 12)
def test_a_plain_lookup_finds_the_newest_stamp(registry: Registry, four: int) -> None:
    assert four == 4
    assert found(registry) == (4, stamp(4))


@row("5.2", 13)
def test_a_stamp_of_no_version_becomes_that_of_the_next(registry: Registry, five: Any) -> None:
    assert (five["id"], five["version"], five["metadata"]) == (5, 5, stamp(5))


@row("5.2", 14)
def test_a_stamp_in_the_metadata_finds_its_version(registry: Registry, five: Any) -> None:
    assert [register(registry, metadata=stamp(2)), register(registry, metadata=stamp(3))] == [2, 3]


@row("5.2", 15)
def test_a_stamp_of_zero_becomes_that_of_the_next(registry: Registry, six: Any) -> None:
    assert (six["id"], six["version"], six["metadata"]) == (6, 6, stamp(6))


@row("5.2", 16)
def test_empty_metadata_is_content_with_the_newest_stamp(registry: Registry, six: Any) -> None:
    assert register(registry, metadata={}) == 6


@row("5.2", 17)
def test_metadata_without_a_stamp_is_not_stamped(registry: Registry, seven: Any) -> None:
    assert (seven["id"], seven["version"], seven["metadata"]) == (7, 7, OWN)


@row("5.2", 18)
def test_the_next_version_inherits_and_is_stamped(registry: Registry, eight: Any) -> None:
    assert (eight["id"], eight["version"]) == (8, 8)
    assert eight["metadata"]["properties"]["confluent:version"] == "8"


@row("5.2", 19)
def test_metadata_finds_the_version_without_a_stamp_first(registry: Registry, eight: Any) -> None:
    assert found(registry, OWN)[0] == 7

    registry.delete("/subjects/tickets/versions/7")

    assert found(registry, OWN)[0] == 8


@row("5.2", 20)
def test_a_lookup_of_another_text_finds_no_version(registry: Registry, eight: Any) -> None:
    other = record("Ticket", field("seat"), doc="for one evening")

    assert registry.missing("tickets", other, version=-1) == 40403
