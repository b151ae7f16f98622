"""Structural equality is Java's; equivalence adds doc, aliases and enum default."""

import json

import pytest

from registry.schemas.avro import AVRO, DEFAULT, AvroSchema, equality
from registry.schemas.base import Mode


def parse(schema: str) -> AvroSchema:
    return AVRO.parse(schema, (), Mode.STORED, DEFAULT)


def with_field(more: str) -> str:
    return f'{{"type":"record","name":"R","fields":[{{"name":"f","type":"int"{more}}}]}}'


NODE = '{"type":"record","name":"N","fields":[{"name":"next","type":["null","N"]}]}'


@pytest.mark.parametrize(
    ("one", "other", "equal", "equivalent"),
    [
        ('"int"', '{"type":"int","doc":"x"}', True, True),
        ('{"type":"int","a":1,"b":2}', '{"type":"int","b":2,"a":1}', True, True),
        ('{"type":"int","a":1}', '{"type":"int","a":1.0}', False, False),
        ('{"type":"int","a":1}', '{"type":"int","a":true}', False, False),
        ('{"type":"int","a":0.0}', '{"type":"int","a":-0.0}', False, False),
        ('{"type":"int","a":{"x":[1],"y":2}}', '{"type":"int","a":{"y":2,"x":[1]}}', True, True),
        ('["null","int"]', '["int","null"]', False, False),
        (with_field(""), with_field(',"default":null'), False, False),
        (with_field(',"default":0'), with_field(',"default":0.0'), False, False),
        (with_field(',"order":"ignore"'), with_field(""), False, False),
        (with_field(',"doc":""'), with_field(""), True, False),
        (with_field(',"aliases":["a","b"]'), with_field(',"aliases":["b","a"]'), True, True),
        (with_field(',"aliases":["a"]'), with_field(""), True, False),
        ('{"type":"error","name":"R","fields":[]}', '{"type":"record","name":"R","fields":[]}', True, True),
        ('{"type":"fixed","name":"x.F","size":1}', '{"type":"fixed","name":"y.F","size":1}', False, False),
        (
            '{"type":"enum","name":"E","symbols":["A"]}',
            '{"type":"enum","name":"E","symbols":["A"],"default":"A"}',
            True,
            False,
        ),
        (NODE, NODE, True, True),
        (NODE, NODE.replace('"null",', ""), False, False),
    ],
)
def test_schemas_are_equal_and_equivalent_by_javas_rules(one: str, other: str, equal: bool, equivalent: bool) -> None:
    left, right = parse(one), parse(other)

    assert equality.equal(left.root, right.root) is equal
    assert left.equivalent(right) is equivalent
    assert right.equivalent(left) is equivalent


def test_nan_is_nan() -> None:
    assert equality.same_json(float("nan"), float("nan"))


def test_a_nested_difference_is_found() -> None:
    deep = json.loads("[" * 500 + "1" + "]" * 500)
    other = json.loads("[" * 500 + "2" + "]" * 500)

    assert not equality.same_json(deep, other)
