"""Canonical, resolved and normal texts, and fingerprints, beyond what the rows from Java show."""

import json
from typing import Any

import pytest

from registry.errors import InvalidSchema
from registry.schemas.avro import AVRO, DEFAULT, AvroSchema
from registry.schemas.base import Mode


def parse(schema: str, *references: str) -> AvroSchema:
    return AVRO.parse(schema, references, Mode.REGISTRATION, DEFAULT)


def with_default(type_: Any, default: Any) -> str:
    return json.dumps({"type": "record", "name": "R", "fields": [{"name": "f", "type": type_, "default": default}]})


def normalized_default(type_: Any, default: Any) -> Any:
    fields = json.loads(parse(with_default(type_, default)).normalized().canonical)["fields"]
    return fields[0].get("default", "dropped")


@pytest.mark.parametrize(
    ("schema", "crc64", "md5"),
    [
        ('"null"', "63dd24e7cc258f8a", "9b41ef67651c18488a8b08bb67c75699"),
        ('"boolean"', "9f42fc78a4d4f764", "01f692b30d4a1c8a3e600b1440637f8f"),
        ('"int"', "7275d51a3f395c8f", "ef524ea1b91e73173d938ade36c1db32"),
        ('"string"', "8f014872634503c7", "095d71cf12556b9d5e330ad575b3df5d"),
        ('{"type":"fixed","name":"a.Id","size":16}', "70b154830b86adde", "897913bdf3727f8d77c9d602e9cf12d3"),
        (
            '{"type":"error","name":"R","fields":[{"name":"a","type":"int","doc":"d"}]}',
            "35b061f31ba01537",
            "eae09aadf752829c900fb4f97c199655",
        ),
    ],
)
def test_fingerprints_are_those_of_the_avro_specification(schema: str, crc64: str, md5: str) -> None:
    parsed = parse(schema)

    assert (parsed.crc64, parsed.md5) == (crc64, md5)


def test_types_nested_in_a_reference_are_printed_where_they_are_used_first() -> None:
    outer = '{"type":"record","name":"x.A","fields":[{"name":"n","type":{"type":"fixed","name":"N","size":1}}]}'
    schema = parse('{"type":"record","name":"x.C","fields":[{"name":"a","type":"A"},{"name":"n","type":"N"}]}', outer)

    assert schema.canonical == (
        '{"type":"record","name":"C","namespace":"x","fields":[{"name":"a","type":"A"},'
        '{"name":"n","type":{"type":"fixed","name":"N","size":1}}]}'
    )
    assert schema.resolved == (
        '{"type":"record","name":"C","namespace":"x","fields":[{"name":"a","type":{"type":"record","name":"A",'
        '"fields":[{"name":"n","type":{"type":"fixed","name":"N","size":1}}]}},{"name":"n","type":"N"}]}'
    )


def test_a_name_that_reads_like_a_type_word_is_printed_in_full() -> None:
    schema = parse(
        '{"type":"record","name":"x.R","fields":['
        '{"name":"a","type":{"type":"fixed","name":"array","size":1}},{"name":"b","type":"x.array"}]}'
    )

    assert '{"name":"b","type":"x.array"}' in schema.canonical


def test_control_characters_never_stand_raw_in_a_canonical_text() -> None:
    schema = AVRO.parse(
        '{"type":"record","name":"R","namespace":"a\\u0000b","doc":"\\u0000","aliases":["\\u0000.A"],'
        '"p\\u0000":"\\u0000","fields":[{"name":"f","type":"string","doc":"\\u0000","default":"\\u0000",'
        '"aliases":["\\u0000"]},{"name":"g","type":["null","R"]}]}',
        (),
        Mode.STORED,
        DEFAULT,
    )

    assert "\0" not in schema.canonical
    assert "\0" not in schema.normalized().canonical


@pytest.mark.parametrize(
    ("type_", "default", "normalized"),
    [
        (["null", "string"], "s", "dropped"),
        (["int", "double"], 1.5, "dropped"),
        (["string", "boolean"], True, True),
        (["string", {"type": "map", "values": "int"}], {"b": 1, "a": 2}, {"a": 2, "b": 1}),
        ("double", 2, 2.0),
        ("float", 16777217, 16777216.0),
        ("float", 1e40, "Infinity"),
        ("bytes", "ÿĀ", "ÿ?"),
        (["null", {"type": "array", "items": "int"}], [], []),
        ({"type": "array", "items": ["null", "int"]}, [None], [None]),
    ],
)
def test_defaults_become_values_of_the_first_branch(type_: Any, default: Any, normalized: Any) -> None:
    found = normalized_default(type_, default)

    assert json.dumps(found) == json.dumps(normalized)


@pytest.mark.parametrize(
    "schema",
    [
        with_default({"type": "array", "items": ["null", "int"]}, [None, 1]),
        with_default(["string", {"type": "array", "items": "int"}], [1]),
        with_default({"type": "map", "values": ["null", "int"]}, {"a": 1}),
        with_default({"type": "record", "name": "N", "fields": []}, {"a": 1}),
        '{"type":"int","p":9223372036854775808}',
        '{"type":"int","p":{"q":[9223372036854775808]}}',
        '{"type":"record","name":"x.A","fields":[{"name":"a","type":{"type":"record","name":"x.N","fields":[]}},'
        '{"name":"b","type":{"type":"fixed","name":".N","size":1}}]}',
    ],
)
def test_some_schemas_have_no_normal_form(schema: str) -> None:
    with pytest.raises(InvalidSchema):
        parse(schema).normalized()


def test_the_null_namespace_is_lost_inside_a_namespace() -> None:
    schema = parse(
        '{"type":"record","name":"x.A","fields":[{"name":"b","type":{"type":"fixed","name":".N","size":1}}]}'
    )

    assert '"namespace":""' in schema.canonical
    assert schema.normalized().parsing_canonical_form == (
        '{"name":"x.A","type":"record","fields":[{"name":"b","type":{"name":"x.N","type":"fixed","size":1}}]}'
    )


def test_properties_sort_by_utf_16_with_the_logical_type_first() -> None:
    schema = parse(
        '{"type":"bytes","\uffee":1,"😀":{"b":1,"a":2},"scale":0,"precision":4,"logicalType":"decimal","a":null}'
    )

    assert schema.normalized().canonical == (
        '{"type":"bytes","logicalType":"decimal","precision":4,"a":null,"scale":0,"😀":{"a":2,"b":1},"\uffee":1}'
    )


def test_the_normal_form_keeps_mode_and_references() -> None:
    schema = AVRO.parse(
        '{"name":"x-y.C","type":"record","fields":[{"name":"f","type":"x.A","doc":""}],"doc":""}',
        ['{"type":"fixed","name":"x.A","size":1}'],
        Mode.STORED,
        DEFAULT,
    ).normalized()

    assert schema.mode is Mode.STORED
    assert schema.canonical == (
        '{"type":"record","name":"C","namespace":"x-y","fields":[{"name":"f","type":"x.A","doc":""}]}'
    )
    assert '"size":1' in schema.resolved
