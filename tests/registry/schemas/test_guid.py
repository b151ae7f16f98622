"""The guid of a content, as Confluent's registry computes it."""

import pytest

from registry.schemas.base import Reference
from registry.schemas.identity import guid, same_content

A = Reference("a", "s", 1)


@pytest.mark.parametrize(
    ("references", "expected"),
    [([], "095d71cf-1255-6b9d-5e33-0ad575b3df5d"), ([A], "74588e90-f99d-f05d-0f2b-b2195dca5403")],
)
def test_the_guid_is_confluents(references: list[Reference], expected: str) -> None:
    assert guid('"string"', references) == expected


def test_the_order_of_references_counts() -> None:
    other = Reference("b", ":.ctx:t", 300)

    assert guid('"string"', [A, other]) != guid('"string"', [other, A])


def test_a_shared_guid_does_not_make_the_same_content() -> None:
    one, other = [Reference("a", "bc", 1)], [Reference("ab", "c", 1)]

    assert guid('"string"', one) == guid('"string"', other)
    assert not same_content('"string"', one, '"string"', other)
