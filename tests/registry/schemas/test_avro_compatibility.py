"""What order and memory mean for the list of incompatibilities: Java's answers to small pairs."""

import json
from typing import Any

import pytest

from registry.schemas.avro import AVRO, DEFAULT, AvroSchema
from registry.schemas.base import Mode

BRANCH, TYPE, NAME = "MISSING_UNION_BRANCH", "TYPE_MISMATCH", "NAME_MISMATCH"


def parse(schema: Any) -> AvroSchema:
    return AVRO.parse(json.dumps(schema), (), Mode.STORED, DEFAULT)


def record(name: str, **types: Any) -> dict[str, Any]:
    fields = [{"name": key, "type": type_} for key, type_ in types.items()]
    return {"type": "record", "name": name, "fields": fields}


def enum(name: str, *symbols: str, **more: Any) -> dict[str, Any]:
    return {"type": "enum", "name": name, "symbols": symbols} | more


def fixed(name: str, size: int) -> dict[str, Any]:
    return {"type": "fixed", "name": name, "size": size}


def found(reader: Any, writer: Any) -> list[tuple[str, str]]:
    comparison = parse(reader).compare(parse(writer))
    assert comparison.failure is None
    return [(item.type, item.location) for item in comparison.incompatibilities]


CASES = [
    (
        "a shared pair repeats the location of its first visit",
        record("R", a=record("N", x="int"), b="N"),
        record("R", a=record("N", x="string"), b="N"),
        [(TYPE, "/fields/0/type/fields/0/type"), (TYPE, "/fields/0/type/fields/0/type")],
    ),
    (
        "each occurrence of a primitive is a node of its own",
        record("R", a=record("N", x=["null", "string"]), b="N"),
        record("R", a=record("y.N", x="int"), b=record("z.N", x="int")),
        [(BRANCH, "/fields/0/type/fields/0/type"), (BRANCH, "/fields/1/type/fields/0/type")],
    ),
    (
        "the same primitive and the same named type stay one pair",
        record("R", a=record("N", x="int"), b="N"),
        record("R", a=record("y.N", x=record("S")), b=record("z.N", x="y.S")),
        [(TYPE, "/fields/0/type/fields/0/type")] * 2,
    ),
    (
        "a location that started anew in a branch is repeated outside",
        record("R", u=["null", record("N", x="int")], b="N"),
        record("R", u=["null", record("N", x="string")], b="N"),
        [(BRANCH, "/fields/0/type/1"), (TYPE, "/fields/0/type")],
    ),
    (
        "a pair in progress counts as compatible",
        record("R", u=["null", "R"], x="int"),
        record("R", u=["null", "R"], x="string"),
        [(TYPE, "/fields/1/type")],
    ),
    ("an empty union reads nothing", [], "int", [(BRANCH, "/")]),
    ("everything reads an empty union", "int", [], []),
    ("names decide among branches", ["null", record("S", a="int")], record("R", a="int"), [(BRANCH, "/")]),
    (
        "a later branch may read what an earlier cannot",
        [record("x.R", a="string"), record("y.R", a="int")],
        record("z.R", a="int"),
        [],
    ),
    (
        "a name comes before symbols",
        enum("S", "A"),
        enum("R", "B"),
        [(NAME, "/name"), ("MISSING_ENUM_SYMBOLS", "/symbols")],
    ),
    ("a name comes before a size", fixed("S", 8), fixed("R", 4), [(NAME, "/name"), ("FIXED_SIZE_MISMATCH", "/size")]),
    ("every branch of a writer is read", "int", ["int", "string", "null"], [(TYPE, "/1"), (TYPE, "/2")]),
    (
        "unions nest in arrays",
        {"type": "array", "items": ["int"]},
        {"type": "array", "items": ["long"]},
        [(BRANCH, "/items/0")],
    ),
    (
        "an enum's default is taken for the field's",
        record("R", e=enum("E", "A", default="A")),
        record("R"),
        [(TYPE, "/fields/0/type")],
    ),
    ("a default symbol stands for missing ones", enum("E", "A", default="A"), enum("E", "B"), []),
    ("a namespace may change", record("x.R"), record("y.R"), []),
]


@pytest.mark.parametrize(("fact", "reader", "writer", "expected"), CASES, ids=[case[0] for case in CASES])
def test_the_list_is_javas(fact: str, reader: Any, writer: Any, expected: list[tuple[str, str]]) -> None:
    assert found(reader, writer) == expected


def test_two_reader_fields_that_claim_one_writer_field_are_one_pair_if_their_type_is() -> None:
    reader = record("R", a=record("N"), b="N")
    for field in reader["fields"]:
        field["aliases"] = ["w"]

    assert found(reader, record("R", w="int")) == [(TYPE, "/fields/0/type")] * 2


@pytest.mark.parametrize(
    ("reader_aliases", "writer_name", "matches"),
    [
        (["W"], "x.W", True),
        (["x.W"], "x.W", True),
        (["W"], "y.W", False),
        (["y.W"], "y.W", True),
        ([".W"], "W", False),
    ],
)
def test_type_aliases_are_full_names_in_the_readers_namespace(
    reader_aliases: list[str], writer_name: str, matches: bool
) -> None:
    reader = record("x.R") | {"aliases": reader_aliases}

    assert (found(reader, record(writer_name)) == []) is matches


def test_missing_symbols_are_listed_by_utf_16() -> None:
    comparison = parse(enum("E", "a")).compare(parse(enum("E", "a", "b", "_x", "Z", "A")))

    assert comparison.incompatibilities[0].message == "[A, Z, _x, b]"


def test_an_ambiguous_alias_fails_the_whole_check() -> None:
    reader = parse({"type": "record", "name": "R", "fields": [{"name": "a", "type": "int", "aliases": ["b"]}]})
    writer = parse(["null", record("R", a="int", b="int")])

    comparison = reader.compare(writer)

    assert not comparison.is_compatible
    assert comparison.failure == (
        "Reader record field a type:INT pos:0 matches multiple fields in writer record schema"
        ' {"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"b","type":"int"}]}'
    )


def test_a_percent_sign_is_harmless() -> None:
    reader, writer = parse(fixed("R", 1)), parse(fixed("a%s.W", 1))

    (item,) = reader.compare(writer).incompatibilities

    assert reader.describe(item, "new", "old") == (
        "{errorType:'NAME_MISMATCH', description:'The name of the schema has changed (path '/name')',"
        " additionalInfo:'expected: a%s.W'}"
    )
