"""Levels: which versions are compared, in which directions, and what the report says."""

import json
from collections.abc import Iterator

import pytest

from registry import schemas
from registry.errors import InvalidSchema
from registry.schemas import Limits, ParsedSchema
from registry.schemas.compatibility import LEVELS, Direction, check, compare, concluded, reserved_lines


def record(*fields: str) -> ParsedSchema:
    """Fields named `f` must be given, those named `f?` have a default."""
    listed = [
        {"name": field.rstrip("?"), "type": "int"} | ({"default": 0} if field.endswith("?") else {}) for field in fields
    ]
    return schemas.parse("AVRO", json.dumps({"type": "record", "name": "R", "fields": listed}))


EMPTY, GIVEN, OPTIONAL = record(), record("a"), record("a?")


def report(new: ParsedSchema, previous: list[tuple[int, ParsedSchema]], level: str) -> list[str]:
    return concluded(check(new, previous, level), level, validate_fields=False)


def missing(reader: str, writer: str) -> str:
    return (
        "{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'a' at path '/fields/0' in the"
        f" {reader} schema has no default value and is missing in the {writer} schema', additionalInfo:'a'}}"
    )


@pytest.mark.parametrize(
    ("level", "old", "new", "compatible"),
    [
        ("NONE", EMPTY, GIVEN, True),
        ("BACKWARD", EMPTY, GIVEN, False),
        ("BACKWARD", GIVEN, EMPTY, True),
        ("BACKWARD", EMPTY, OPTIONAL, True),
        ("FORWARD", EMPTY, GIVEN, True),
        ("FORWARD", GIVEN, EMPTY, False),
        ("FULL", EMPTY, GIVEN, False),
        ("FULL", GIVEN, EMPTY, False),
        ("FULL", EMPTY, OPTIONAL, True),
    ],
)
def test_a_level_asks_for_its_directions(level: str, old: ParsedSchema, new: ParsedSchema, compatible: bool) -> None:
    assert (check(new, [(1, old)], level) == []) is compatible


@pytest.mark.parametrize("level", LEVELS)
def test_a_first_version_is_always_compatible(level: str) -> None:
    assert check(GIVEN, [], level) == []


def test_a_backward_report_has_the_differences_the_old_schema_and_the_level() -> None:
    assert report(GIVEN, [(7, EMPTY)], "BACKWARD") == [
        missing("new", "old"),
        "{oldSchemaVersion: 7}",
        """{oldSchema: '{"type":"record","name":"R","fields":[]}'}""",
        "{validateFields: 'false', compatibility: 'BACKWARD'}",
    ]


def test_a_forward_report_swaps_the_words() -> None:
    lines = concluded(check(EMPTY, [(1, GIVEN)], "FORWARD"), "FORWARD", validate_fields=True)

    assert lines[0] == missing("old", "new")
    assert lines[-1] == "{validateFields: 'true', compatibility: 'FORWARD'}"
    assert len(lines) == 4


def test_a_full_report_leaves_the_old_schema_out_if_the_new_one_reads_it() -> None:
    assert report(EMPTY, [(1, GIVEN)], "FULL") == [
        missing("old", "new"),
        "{validateFields: 'false', compatibility: 'FULL'}",
    ]


def test_a_full_report_begins_with_the_forward_lines() -> None:
    lines = check(record("b"), [(1, GIVEN)], "FULL")

    assert ["old schema has no default" in line for line in lines[:2]] == [True, False]
    assert lines[2] == "{oldSchemaVersion: 1}"


def counted(versions: list[tuple[int, ParsedSchema]], read: list[int]) -> Iterator[tuple[int, ParsedSchema]]:
    for number, schema in versions:
        read.append(number)
        yield number, schema


@pytest.mark.parametrize(
    ("level", "versions_read", "failing"),
    [
        ("BACKWARD", [4], None),
        ("BACKWARD_TRANSITIVE", [4, 3, 2], 2),
        ("FULL_TRANSITIVE", [4, 3, 2], 2),
        ("NONE", [], None),
    ],
)
def test_versions_are_read_newest_first_and_no_further_than_needed(
    level: str, versions_read: list[int], failing: int | None
) -> None:
    read: list[int] = []
    previous = counted([(4, GIVEN), (3, OPTIONAL), (2, EMPTY), (1, EMPTY)], read)

    lines = check(GIVEN, previous, level)

    assert read == versions_read
    assert (f"{{oldSchemaVersion: {failing}}}" in lines) is (failing is not None)


def test_what_is_reserved_stays_reserved_and_is_no_field() -> None:
    assert reserved_lines(["a", "f"], ["x", "y"], ["y", "f"]) == [
        "The new schema has reserved field x removed from its metadata which is present in the old schema's metadata.",
        "The new schema has field that conflicts with the reserved field f.",
    ]
    assert reserved_lines(["a"], ["x"], ["x"]) == []


def test_a_long_old_schema_is_cut_by_javas_characters() -> None:
    text = json.dumps({"type": "record", "name": "R", "doc": "😀" * 6000, "fields": []})

    line = check(GIVEN, [(1, schemas.parse("AVRO", text))], "BACKWARD")[2]

    assert line.startswith("""{oldSchema: <truncated> '{"type":""")
    assert line.endswith("😀...'}")
    assert len(line.split("'")[1].encode("utf-16-le")) // 2 - len("...") in (10_239, 10_240)


def test_a_check_that_gives_up_is_one_line() -> None:
    aliased = {"type": "record", "name": "R", "fields": [{"name": "b", "type": "int", "aliases": ["a"]}]}
    new = schemas.parse("AVRO", json.dumps(aliased))

    lines = check(new, [(1, record("a", "b"))], "BACKWARD")

    assert lines[0].startswith("Unexpected exception during compatibility check: Reader record field b type:INT pos:0")
    assert lines[1] == "{oldSchemaVersion: 1}"


def test_too_many_pairs_are_no_verdict() -> None:
    new = schemas.parse("AVRO", '{"type":"map","values":["null","int"]}', limits=Limits(compared_pairs=0))

    with pytest.raises(InvalidSchema, match="compared_pairs"):
        check(new, [(1, EMPTY)], "BACKWARD")


def test_each_direction_can_be_asked_for_its_findings() -> None:
    (found,) = compare(GIVEN, EMPTY, Direction.BACKWARD).incompatibilities

    assert (found.type, found.message, found.location) == ("READER_FIELD_MISSING_DEFAULT_VALUE", "a", "/fields/0")
    assert compare(GIVEN, EMPTY, Direction.FORWARD).is_compatible


class OtherFormat:
    schema_type = "OTHER"


def test_another_format_is_incompatible_unless_nothing_is_asked() -> None:
    other = OtherFormat()

    assert report(GIVEN, [(1, other)], "BACKWARD") == [  # type: ignore[list-item]
        "Incompatible because of different schema type",
        "{validateFields: 'false', compatibility: 'BACKWARD'}",
    ]
    assert check(GIVEN, [(1, other)], "NONE") == []  # type: ignore[list-item]
