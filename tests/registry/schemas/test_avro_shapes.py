"""Two types of one shape read each other; whatever would make a difference makes another shape."""

import json
from typing import Any

import pytest

from registry import schemas
from registry.schemas import Mode
from registry.schemas.avro import shapes


def shape(schema: Any) -> str | None:
    return shapes.of(parsed(schema).root)


def parsed(schema: Any) -> Any:
    return schemas.parse("AVRO", json.dumps(schema), (), mode=Mode.STORED)


def record(*fields: Any, **more: Any) -> Any:
    return {"type": "record", "name": "R", "fields": list(fields), **more}


ID = {"name": "id", "type": "string"}
STATE = {"type": "enum", "name": "S", "symbols": ["A", "B"]}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (record(ID), record({**ID, "doc": "words", "default": "x", "order": "ignore"}, doc="words")),
        (record(ID), record(ID, namespace="com.example")),
        (record(ID), record(ID, aliases=["Q"])),
        ({"type": "long"}, {"type": "long", "logicalType": "timestamp-millis"}),
        (STATE, {**STATE, "default": "A"}),
        (["null", STATE], ["null", {**STATE, "doc": "words"}]),
    ],
)
def test_what_is_beside_the_type_plays_no_part(one: Any, other: Any) -> None:
    assert shape(one) == shape(other) is not None
    assert parsed(one).compare(parsed(other)).is_compatible


@pytest.mark.parametrize(
    "other",
    [
        record({**ID, "type": "bytes"}),
        record({**ID, "name": "key"}),
        record(ID, {"name": "n", "type": "int"}),
        {**record(ID), "name": "Q"},
        record({**ID, "type": ["string"]}),
        record({**ID, "type": {"type": "array", "items": "string"}}),
        record({**ID, "type": {"type": "map", "values": "string"}}),
    ],
)
def test_another_type_has_another_shape(other: Any) -> None:
    assert shape(other) != shape(record(ID))


def test_what_reads_only_one_way_has_another_shape() -> None:
    fewer = {**STATE, "symbols": ["A"]}

    assert shape(STATE) != shape(fewer)
    assert shape(["null", "int"]) != shape(["null", "int", "long"])


def test_a_type_that_holds_itself_has_none() -> None:
    assert shape(record({"name": "next", "type": ["null", "R"]})) is None


def test_a_record_whose_fields_have_aliases_has_none() -> None:
    """It may refuse even its like: the alias of one field is the name of another."""
    assert shape(record({**ID, "aliases": ["key"]}, {"name": "key", "type": "string"})) is None


def test_a_very_deep_type_has_none() -> None:
    deep: Any = "int"
    for _ in range(500):
        deep = {"type": "array", "items": deep}

    assert shape(deep) is None
    assert parsed(deep).compare(parsed(deep)).is_compatible


def test_shared_types_cost_once() -> None:
    """Each record holds the one before twice: walked through, that is 2^14 visits."""
    texts = [record(ID, name="R0")]
    for number in range(1, 15):
        inner = texts[-1]
        texts.append(record({"name": "a", "type": inner}, {"name": "b", "type": f"R{number - 1}"}, name=f"R{number}"))

    assert shape(texts[-1]) == shape(texts[-1]) is not None
