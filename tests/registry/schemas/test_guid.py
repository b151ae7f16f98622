"""The guid of a content, as Confluent's registry computes it."""

from typing import Any

import pytest

from registry.api import contracts
from registry.schemas.base import Reference
from registry.schemas.identity import guid

A = Reference("a", "s", 1)
FULL = {
    "name": "r1",
    "kind": "CONDITION",
    "mode": "WRITE",
    "type": "CEL",
    "doc": "d",
    "tags": ["PII", "A"],
    "params": {"z": "1", "a": "2"},
    "expr": "true",
    "onSuccess": "NONE",
    "onFailure": "ERROR",
    "disabled": True,
}
RULE = {"name": "r1", "type": "CEL", "expr": "true"}
MIGRATION = {"name": "m", "mode": "UPGRADE", "type": "JSONATA", "expr": "$"}
EVERYTHING = {
    "tags": {"b": ["y", "x"], "a": ["z"]},
    "properties": {"owner": "team-é", "confluent:version": "2"},
    "sensitive": ["owner"],
}


@pytest.mark.parametrize(
    ("references", "metadata", "rule_set", "expected"),
    [
        ([], None, None, "095d71cf-1255-6b9d-5e33-0ad575b3df5d"),
        ([], {"properties": {"k": "v"}}, None, "27593e84-e584-f2c4-de4b-bc8cccc28a51"),
        ([], {}, None, "cecc02e2-232b-87f1-1b0c-aa0e70dbb74d"),
        ([], None, {}, "cecc02e2-232b-87f1-1b0c-aa0e70dbb74d"),
        ([A], None, None, "74588e90-f99d-f05d-0f2b-b2195dca5403"),
        ([], {"properties": {"confluent:version": "2"}}, None, "7f6ed662-76d4-bc2f-dca3-8e42922bb314"),
        ([], EVERYTHING, None, "d713fd1e-d95e-0449-02d6-180821b82d5d"),
        ([], {"properties": {"a": "bc"}}, None, "e8451ffd-2010-7f1e-1fba-4f5839de627b"),
        ([], {"properties": {"ab": "c"}}, None, "e8451ffd-2010-7f1e-1fba-4f5839de627b"),
        ([], None, {"domainRules": [RULE]}, "e3664dcd-4de6-2e91-ae23-978e2ec6d3d7"),
        ([], None, {"domainRules": [FULL]}, "cdf74de7-600c-33ad-ce9b-9ea931b1571d"),
        (
            [],
            None,
            {"migrationRules": [MIGRATION], "domainRules": [RULE], "enableAt": "CLIENT"},
            "53acaf53-94d4-e8d1-2302-d1b5209729d4",
        ),
        (
            [A, Reference("b", ":.ctx:t", 300)],
            {"properties": {"k": "v"}},
            {"domainRules": [RULE]},
            "fb8604dc-02bb-9830-ef14-00d021124d61",
        ),
    ],
)
def test_the_guid_is_confluents(references: list[Reference], metadata: Any, rule_set: Any, expected: str) -> None:
    body = {"metadata": metadata, "ruleSet": rule_set}
    given = contracts.metadata(body, "metadata"), contracts.rule_set(body, "ruleSet")

    assert guid('"string"', references, *given) == expected


def test_the_order_of_references_counts() -> None:
    other = Reference("b", ":.ctx:t", 300)

    assert guid('"string"', [A, other]) != guid('"string"', [other, A])


def test_different_contents_may_share_a_guid() -> None:
    assert guid('"string"', [Reference("a", "bc", 1)]) == guid('"string"', [Reference("ab", "c", 1)])


def test_names_are_sorted_as_java_does() -> None:
    """By UTF-16 code units: U+10000 comes before U+FF41."""
    upside = {"properties": {"\uff41": "1", "\U00010000": "2"}}

    assert guid('"string"', (), upside) == guid(
        '"string"', (), {"properties": dict(reversed(upside["properties"].items()))}
    )
    assert list(contracts.metadata({"m": upside}, "m")["properties"]) == ["\U00010000", "\uff41"]  # type: ignore[index]
