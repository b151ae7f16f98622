"""What is a schema and what is not: names, references, redefinition, defaults."""

import json
from typing import Any

import pytest

from registry.errors import InvalidSchema
from registry.schemas.avro import AVRO, DEFAULT, AvroSchema
from registry.schemas.base import Mode

REGISTRATION, STORED = Mode.REGISTRATION, Mode.STORED


def parse(schema: Any, *references: Any, mode: Mode = REGISTRATION) -> AvroSchema:
    return AVRO.parse(json.dumps(schema), [json.dumps(reference) for reference in references], mode, DEFAULT)


def is_valid(schema: Any, mode: Mode) -> bool:
    try:
        parse(schema, mode=mode)
    except InvalidSchema:
        return False
    return True


def record(name: str, *fields: Any, **more: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": list(fields)} | more


def field(name: str, type_: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": type_} | more


def error(schema: Any, *references: Any, mode: Mode = REGISTRATION) -> str:
    with pytest.raises(InvalidSchema) as raised:
        parse(schema, *references, mode=mode)
    return raised.value.message


@pytest.mark.parametrize(
    ("schema", "at_registration", "stored"),
    [
        (record("R", namespace="1a"), False, True),
        (record("R", namespace="a-b"), False, True),
        (record("R", namespace="a..b"), False, True),
        (record("R", namespace="a."), False, True),
        (record("1x.a"), False, True),
        (record("a..b"), False, True),
        (record("..a"), False, True),
        (record("é"), False, True),
        (record("名前"), False, True),
        (record("ℕ"), False, True),
        (record("a٣"), False, True),
        (record(".a"), True, True),
        (record("a."), False, False),
        (record(""), False, False),
        (record("a-b"), False, False),
        (record("int"), False, False),
        (record("x.int"), True, True),
        (record("record"), True, True),
        (record("a$b"), False, False),
        (record("٣a"), False, False),
        (record("Ⅷ"), False, False),
        (record("a\u0301"), False, False),
        (record("𝒜"), False, False),
        (record("R\n"), False, False),
        (record("R", field("a.b", "int")), False, False),
        (record("R", aliases=["1x"]), False, True),
        (record("R", aliases=["a-b"]), False, True),
        (record("R", aliases=[""]), False, True),
        (record("R", aliases=["a-b.C"]), True, True),
        (record("R", field("f", "int", aliases=["a-b"])), True, True),
        ({"type": "enum", "name": "E", "symbols": ["a-b"]}, False, False),
        ({"type": "enum", "name": "E", "symbols": ["é"]}, False, True),
    ],
)
def test_names_are_strict_at_registration_and_lenient_when_stored(
    schema: Any, at_registration: bool, stored: bool
) -> None:
    assert (is_valid(schema, REGISTRATION), is_valid(schema, STORED)) == (at_registration, stored)


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(
    ("schema", "valid"),
    [
        ({"type": {"type": "int"}}, False),
        ({"type": 5}, False),
        ({}, False),
        (True, False),
        (None, False),
        ([], True),
        ([[]], False),
        (["int", {"type": "int", "logicalType": "date"}], False),
        ([{"type": "map", "values": "int"}, {"type": "map", "values": "long"}], False),
        ([record("x.A"), record("y.A")], True),
        ([record("array"), {"type": "array", "items": "int"}], False),
        ({"type": "array"}, False),
        ({"type": "array", "items": "int", "name": 5, "doc": 5, "aliases": 5}, True),
        (record("R", field("f", "record", fields=[])), False),
        ({"type": "enum", "name": "E", "symbols": []}, True),
        ({"type": "enum", "name": "E", "symbols": ["A", "A"]}, False),
        ({"type": "enum", "name": "E", "symbols": [1]}, False),
        ({"type": "enum", "name": "E", "symbols": ["A"], "default": "B"}, False),
        ({"type": "enum", "name": "E", "symbols": ["A"], "default": 1}, True),
        ({"type": "fixed", "name": "F", "size": 2147483639}, True),
        ({"type": "fixed", "name": "F", "size": 2147483640}, False),
        ({"type": "fixed", "name": "F", "size": -1}, False),
        ({"type": "fixed", "name": "F", "size": 4.0}, False),
        ({"type": "fixed", "name": "F", "size": True}, False),
        (record("R", doc=5, namespace=5), True),
        (record("R", aliases=None), False),
        (record("R", field("f", "int", order="IGNORE")), True),
        (record("R", field("f", "int", order=None)), False),
        (record("R", field("f", "int", order="up")), False),
        (record("R", field("f", "int"), field("f", "int")), False),
        (record("R", 5), False),
        (record("R", field("f", "double", default="inf")), False),
        (record("R", field("f", "double", default="0x1p3")), True),
    ],
)
def test_shapes_are_judged_alike_in_both_modes(schema: Any, valid: bool, mode: Mode) -> None:
    assert is_valid(schema, mode) is valid


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ("x", "Undefined schema: x"),
        (record("a-b"), "Illegal character in: a-b"),
        (record("R", field("f", "string", default=5)), "Invalid default for field f: 5 not a string (at /fields/0)"),
        (record("R", field("f", ["null", "R"], default={})), "Schema fields not set yet"),
        (record("R", field("f", {"type": "array", "items": "N"})), "Undefined schema: N (at /fields/0/type/items)"),
        (record("R", field("f", "int"), field("g", ["int", "int"])), "Duplicate in union: int (at /fields/1/type)"),
        (record("R", namespace="a-b"), 'Namespace part "a-b" is invalid: Illegal character in: a-b'),
        ({"type": "fixed", "name": "F"}, "Invalid or no size"),
        (record("a\0b"), r"Illegal character in: a\x00b"),
        ({"type": "\ud800"}, r"Undefined schema: \ud800"),
    ],
)
def test_an_error_says_what_is_wrong_and_where(schema: Any, words: str) -> None:
    assert words in error(schema)


def test_a_message_never_quotes_more_than_a_glance() -> None:
    assert len(error({"type": ["x"] * 10_000})) < 500


@pytest.mark.parametrize(
    ("schema", "valid"),
    [
        # A later definition, and an earlier one in the null namespace.
        (record("A", field("f", "B"), field("g", record("B"))), True),
        (record("A", field("n", record("N")), field("f", record("y.B", field("a", "N")))), True),
        # Not the outer record, not finished yet; not a leading dot; not an alias.
        (record("A", field("f", record("y.B", field("a", "A")))), False),
        (record("A", field("f", record("x.B", field("a", ".A")))), False),
        (record("A", field("f", record("B", aliases=["C"])), field("g", "C")), False),
        ([record("B", field("a", "A")), record("A")], True),
        # Defined twice: equal or not, and a record that repeats itself inside itself.
        (record("A", field("f", record("B", doc="1")), field("g", record("B", doc="2"))), True),
        (record("A", field("f", record("B")), field("g", record("B", field("x", "int")))), False),
        (record("A", field("f", ["null", record("A", field("f", ["null", "A"]))])), False),
    ],
)
def test_names_find_what_java_finds(schema: Any, valid: bool) -> None:
    assert is_valid(schema, REGISTRATION) is valid


def test_a_reference_has_to_resolve_on_its_own_turn() -> None:
    uses_b = record("x.A", field("b", "x.B"))

    assert "Undefined schema: x.B" in error(record("x.C"), uses_b, record("x.B"))


def test_a_reference_cannot_be_redefined_differently() -> None:
    assert "Can't redefine: x.A" in error(record("x.A", field("f", "int")), record("x.A"))


def test_a_recursive_reference_may_be_redefined_alike() -> None:
    node = record("x.A", field("next", ["null", "x.A"]))

    assert parse(node, node).canonical == '"x.A"'


def test_the_root_may_be_the_name_of_a_referenced_type() -> None:
    assert parse("x.A", record("x.A")).canonical == '"x.A"'


@pytest.mark.parametrize(
    ("type_", "default", "valid"),
    [
        ("int", 2**31 - 1, True),
        ("int", 2**31, False),
        ("long", 2**63, False),
        ("int", 1.0, False),
        ("float", 10**30, True),
        ("bytes", "\u0100", True),
        (["int", "string"], "x", True),
        (["float", "null"], "1.5", False),
        ({"type": "array", "items": "int"}, [1, "x"], False),
        (record("N", field("a", "int"), field("b", "int", default=1)), {"a": 1, "c": "unknown"}, True),
        (record("N", field("a", "int")), {}, False),
        ({"type": "map", "values": "A"}, {}, True),
        ({"type": "map", "values": "A"}, {"k": {}}, False),
    ],
)
def test_a_default_has_to_fit_at_registration(type_: Any, default: Any, valid: bool) -> None:
    schema = record("A", field("f", type_, default=default))

    assert is_valid(schema, REGISTRATION) is valid
    assert is_valid(schema, STORED)


def test_a_default_for_a_type_defined_later_is_checked_as_for_an_empty_record() -> None:
    later = field("g", {"type": "enum", "name": "E", "symbols": ["A"]})

    assert not is_valid(record("R", field("f", "E", default="A"), later), REGISTRATION)


def test_an_open_record_refuses_even_where_a_later_branch_fits() -> None:
    branches = ["null", "A", {"type": "map", "values": "int"}]

    assert not is_valid(record("A", field("f", branches, default={})), REGISTRATION)


def test_a_default_that_fits_an_earlier_branch_never_reaches_an_open_record() -> None:
    branches = [{"type": "map", "values": "int"}, "A"]

    assert is_valid(record("A", field("f", branches, default={})), REGISTRATION)


def test_text_for_a_double_becomes_its_number() -> None:
    schema = parse(record("R", field("f", "double", default=" 0x1p3 ")))

    assert '"default":8.0' in schema.canonical


def test_the_names_of_unused_references_are_not_checked_when_stored() -> None:
    odd = {"type": "enum", "name": "E", "symbols": ["a-b"]}

    assert parse("int", odd, mode=STORED).canonical == '"int"'
    assert "Illegal character" in error("E", odd, mode=STORED)
