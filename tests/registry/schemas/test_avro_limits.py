"""Every cap: just below passes, just above is refused with the cap's name and value."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest

from registry.errors import InvalidSchema, SchemaTooLarge
from registry.schemas.avro import AVRO, DEFAULT, AvroSchema, Limits
from registry.schemas.base import Mode


def parse(text: str, *references: str, limits: Limits = DEFAULT) -> AvroSchema:
    return AVRO.parse(text, references, Mode.REGISTRATION, limits)


def arrays(depth: int) -> str:
    return '{"type":"array","items":' * depth + '"int"' + "}" * depth


def records(depth: int) -> str:
    text = '"int"'
    for level in range(depth):
        text = f'{{"type":"record","name":"R{level}","fields":[{{"name":"f","type":{text}}}]}}'
    return text


def property_of(text: str) -> str:
    return f'{{"type":"int","p":{text}}}'


def name(length: int) -> str:
    return "n" * length


def chain(length: int) -> str:
    """Each record uses the next, which is defined later: flat as written, nested as printed."""
    types: list[Any] = [
        {"type": "record", "name": f"R{at}", "fields": [{"name": "f", "type": f"R{at + 1}"}]}
        for at in range(length - 1)
    ]
    return json.dumps([*types, {"type": "record", "name": f"R{length - 1}", "fields": []}])


def defaults(items: int) -> str:
    field = {"name": "f", "type": {"type": "array", "items": {"type": "map", "values": "int"}}, "default": [{}] * items}
    return json.dumps({"type": "record", "name": "R", "fields": [field]})


# A cap, its value, and what passes just below and fails just above it.
CASES: list[tuple[str, int, Callable[[], str], Callable[[], str]]] = [
    ("depth", 1000, lambda: arrays(1000), lambda: arrays(1001)),
    ("depth", 1000, lambda: records(333), lambda: records(334)),
    ("depth", 1000, lambda: property_of("[" * 999 + "]" * 999), lambda: property_of("[" * 1000 + "]" * 1000)),
    ("depth", 1000, lambda: chain(333), lambda: chain(334)),
    ("depth", 10, lambda: "/* [[[ */" + arrays(10), lambda: arrays(11)),
    ("digits", 1000, lambda: property_of("-" + "1" * 1000), lambda: property_of("1" * 1001)),
    ("digits", 1000, lambda: property_of("1." + "1" * 997 + "e-10"), lambda: property_of("1." + "1" * 998 + "e+10")),
    (
        "property_name",
        50_000,
        lambda: f'{{"type":"int","{name(50_000)}":1}}',
        lambda: f'{{"type":"int","{name(50_001)}":1}}',
    ),
    ("string", 100, lambda: property_of(f'"{name(100)}"'), lambda: property_of(f'"{name(101)}"')),
    ("values", 7, lambda: property_of("[1,2,[],{}]"), lambda: property_of('[1,2,[],{"a":1}]')),
    ("values", 7, lambda: property_of('[1,",,[[",[],[ ]]'), lambda: property_of('[1,",,[[",[],[ ],3]')),
    (
        "name",
        4096,
        lambda: f'{{"type":"record","name":"{name(4096)}","fields":[]}}',
        lambda: f'{{"type":"record","name":"{name(4097)}","fields":[]}}',
    ),
    (
        "name",
        4096,
        lambda: f'{{"type":"enum","name":"{name(4096)}.E","symbols":["{name(4096)}"]}}',
        lambda: f'{{"type":"enum","name":"E","symbols":["{name(4097)}"]}}',
    ),
    (
        "name",
        4096,
        lambda: f'{{"type":"fixed","name":"F","namespace":"{name(4096)}","size":1,"aliases":["{name(4096)}"]}}',
        lambda: f'{{"type":"fixed","name":"F","namespace":"{name(4097)}","size":1}}',
    ),
    ("default_steps", 20, lambda: defaults(19), lambda: json.dumps(deep_defaults(21))),
]


def deep_defaults(depth: int) -> Any:
    type_: Any = "int"
    default: Any = 1
    for _ in range(depth):
        type_ = {"type": "array", "items": type_}
        default = [default]
    return {"type": "record", "name": "R", "fields": [{"name": "f", "type": type_, "default": default}]}


def limited(cap: str, value: int) -> Limits:
    return dataclasses.replace(DEFAULT, **{cap: value})


@pytest.mark.parametrize(("cap", "value", "below", "above"), CASES)
def test_just_below_a_cap_passes(cap: str, value: int, below: Callable[[], str], above: Callable[[], str]) -> None:
    assert parse(below(), limits=limited(cap, value)).canonical


@pytest.mark.parametrize(("cap", "value", "below", "above"), CASES)
def test_just_above_a_cap_is_refused_with_its_name_and_value(
    cap: str, value: int, below: Callable[[], str], above: Callable[[], str]
) -> None:
    with pytest.raises(InvalidSchema, match=f"the limit {cap} is {value}"):
        parse(above(), limits=limited(cap, value))


def test_bytes_are_counted_as_utf_8() -> None:
    schema = property_of('"é"')
    size = len(schema.encode())

    assert parse(schema, limits=limited("text_bytes", size)).canonical == schema
    with pytest.raises(SchemaTooLarge, match=f"Schema has {size} bytes: the limit text_bytes is {size - 1}"):
        parse(schema, limits=limited("text_bytes", size - 1))


def test_a_reference_has_as_many_bytes_as_the_main_text_may_have() -> None:
    with pytest.raises(SchemaTooLarge):
        parse('"int"', property_of('"long enough"'), limits=limited("text_bytes", 20))


def test_references_are_counted() -> None:
    limits = limited("references", 3)

    assert parse('"int"', '"int"', '"int"', '"int"', limits=limits).canonical
    with pytest.raises(InvalidSchema, match="4 references: the limit references is 3"):
        parse('"int"', '"int"', '"int"', '"int"', '"int"', limits=limits)


def test_the_bytes_of_all_references_are_summed() -> None:
    limits = limited("reference_bytes", 10)

    assert parse('"int"', '"int"', '"int"', limits=limits).canonical
    with pytest.raises(InvalidSchema, match="References have 11 bytes: the limit reference_bytes is 10"):
        parse('"int"', '"int"', '"long"', limits=limits)


def test_pairs_are_counted() -> None:
    reader, writer = '["null",{"type":"map","values":"long"}]', '["null",{"type":"map","values":"int"}]'

    def compare(pairs: int) -> bool:
        limits = limited("compared_pairs", pairs)
        return parse(reader, limits=limits).compare(parse(writer, limits=limits)).is_compatible

    assert compare(4)
    with pytest.raises(InvalidSchema, match="too complex to compare: the limit compared_pairs is 3"):
        compare(3)


def incompatible(fields: int, limits: Limits) -> tuple[AvroSchema, AvroSchema]:
    listed = [{"name": f"f{position}", "type": "int"} for position in range(fields)]
    reader = json.dumps({"type": "record", "name": "R", "fields": listed})
    return parse(reader, limits=limits), parse('{"type":"record","name":"R","fields":[]}', limits=limits)


@pytest.mark.parametrize(("fields", "reported", "left_out"), [(9, 9, 0), (10, 10, 0), (11, 10, 1)])
def test_a_report_is_cut_and_says_how_much_is_left_out(fields: int, reported: int, left_out: int) -> None:
    reader, writer = incompatible(fields, limited("reported_incompatibilities", 10))

    comparison = reader.compare(writer)

    assert (len(comparison.incompatibilities), comparison.left_out) == (reported, left_out)


def test_a_report_is_cut_by_its_characters_too() -> None:
    # Each entry has a message of two characters and a location of nine.
    reader, writer = incompatible(10, limited("reported_characters", 5 * 11))

    comparison = reader.compare(writer)

    assert (len(comparison.incompatibilities), comparison.left_out) == (5, 5)


def test_a_verdict_is_the_same_without_any_report() -> None:
    reader, writer = incompatible(3, limited("reported_incompatibilities", 0))

    assert not reader.compare(writer).is_compatible
