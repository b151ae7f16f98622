"""Tags of records and fields: which paths name them, what the text becomes, what is found in it."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from registry.errors import InvalidSchema
from registry.schemas.avro import AVRO, DEFAULT, AvroSchema
from registry.schemas.base import EntityType, Mode, SchemaEntity, SchemaTags

ORDER: dict[str, Any] = {
    "type": "record",
    "name": "Order",
    "namespace": "shop",
    "fields": [
        {
            "name": "buyer",
            "type": {"type": "record", "name": "Person", "fields": [{"name": "email", "type": "string"}]},
        },
        {"name": "gift", "type": ["null", {"type": "record", "name": "shop.extra.Gift", "fields": []}]},
        {"name": "lines", "type": {"type": "array", "items": {"type": "map", "values": "Person"}}},
        {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["OPEN"]}},
    ],
}


def parse(schema: Any, *references: Any, mode: Mode = Mode.REGISTRATION) -> AvroSchema:
    texts = [reference if isinstance(reference, str) else json.dumps(reference) for reference in references]
    return AVRO.parse(schema if isinstance(schema, str) else json.dumps(schema), texts, mode, DEFAULT)


def record(path: str, *tags: str) -> SchemaTags:
    return SchemaTags(SchemaEntity(path, EntityType.RECORD), tags)


def field(path: str, *tags: str) -> SchemaTags:
    return SchemaTags(SchemaEntity(path, EntityType.FIELD), tags)


def tagged(
    schema: AvroSchema,
    *,
    add: Sequence[SchemaTags] = (),
    remove: Sequence[SchemaTags] = (),
    inherit: Sequence[SchemaTags] = (),
) -> AvroSchema:
    return schema.tagged(add=add, remove=remove, inherit=inherit)


def test_tags_come_last_in_the_text() -> None:
    schema = parse({"type": "record", "name": "R", "x": 1, "fields": [{"name": "a", "type": "int", "y": 2}]})

    changed = tagged(schema, add=[record("R", "A"), field("R.a", "B", "C")])

    assert changed.canonical == (
        '{"type":"record","name":"R","fields":[{"name":"a","type":"int","y":2,"confluent:tags":["B","C"]}],'
        '"x":1,"confluent:tags":["A"]}'
    )


def test_aliases_of_a_record_stay_behind_its_tags() -> None:
    schema = parse({"type": "record", "name": "R", "aliases": ["S"], "fields": []})

    assert tagged(schema, add=[record("R", "A")]).canonical == (
        '{"type":"record","name":"R","fields":[],"confluent:tags":["A"],"aliases":["S"]}'
    )


def test_the_schema_itself_is_not_changed() -> None:
    schema = parse(ORDER)
    before = schema.canonical

    tagged(schema, add=[record("shop.Order", "A")])

    assert (schema.canonical, schema.tags) == (before, ())


@pytest.mark.parametrize(
    ("asked", "entity"),
    [
        (record("shop.Order", "T"), record("shop.Order", "T")),
        (record("Order", "T"), record("shop.Order", "T")),
        (record(".shop.Order", "T"), record("shop.Order", "T")),
        (record("shop.Person", "T"), record("shop.Person", "T")),
        (record("Person", "T"), record("shop.Person", "T")),
        (record("shop.extra.Gift", "T"), record("shop.extra.Gift", "T")),
        (field("shop.Order.buyer", "T"), field("shop.Order.buyer", "T")),
        (field("Order.state", "T"), field("shop.Order.state", "T")),
        (field("shop.Person.email", "T"), field("shop.Person.email", "T")),
        (field("Person.email", "T"), field("shop.Person.email", "T")),
    ],
)
def test_records_and_fields_are_named_by_the_record(asked: SchemaTags, entity: SchemaTags) -> None:
    assert tagged(parse(ORDER), add=[asked]).tags == (entity,)


@pytest.mark.parametrize(
    "asked",
    [
        record("", "T"),
        record("shop", "T"),
        record("shop.Nobody", "T"),
        record("shop.Order.buyer", "T"),
        record("shop.State", "T"),
        record("shop.Order.buyer.shop.Person", "T"),
        field("", "T"),
        field("shop.Order", "T"),
        field("shop.Order.nothing", "T"),
        field("buyer", "T"),
        field("shop.Order.buyer.email", "T"),
        field("shop.Order.buyer.Person.email", "T"),
        field("shop.Order.buyer.shop.Person.email", "T"),
        field("shop.Gift", "T"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused(asked: SchemaTags) -> None:
    path = asked.entity.path
    for changes in ({"add": [asked]}, {"remove": [asked]}):
        with pytest.raises(InvalidSchema, match=f"^No matching path '{path}' found in the schema$"):
            tagged(parse(ORDER), **changes)


def test_a_full_name_wins_over_a_simple_one() -> None:
    inner = {"type": "record", "name": "R", "namespace": "", "fields": []}
    schema = parse({"type": "record", "name": "n.R", "fields": [{"name": "a", "type": inner}]})

    assert tagged(schema, add=[record("R", "T")]).tags == (record("R", "T"),)


def test_what_has_no_records_has_no_entities() -> None:
    with pytest.raises(InvalidSchema, match="No matching path 'int'"):
        tagged(parse('"int"'), add=[record("int", "T")])

    assert tagged(parse('["null","int"]')).canonical == '["null","int"]'


def test_a_tag_is_kept_once_and_in_its_place() -> None:
    schema = tagged(parse(ORDER), add=[record("shop.Order", "B", "A", "A")])

    assert schema.tags == (record("shop.Order", "B", "A"),)
    assert tagged(schema, add=[record("Order", "C", "B"), record("shop.Order", "D")]).tags == (
        record("shop.Order", "B", "A", "C", "D"),
    )


def test_removal_comes_after_all_additions() -> None:
    schema = tagged(parse(ORDER), add=[record("shop.Order", "A", "B")])

    changed = tagged(
        schema, add=[record("shop.Order", "C")], inherit=[record("shop.Order", "D")], remove=[record("Order", "A", "D")]
    )

    assert changed.tags == (record("shop.Order", "B", "C"),)


def test_the_last_tag_takes_the_list_with_it() -> None:
    schema = parse(ORDER)
    changed = tagged(schema, add=[field("shop.Order.gift", "A")])

    assert tagged(changed, remove=[field("shop.Order.gift", "A", "NEVER")]).canonical == schema.canonical


def test_inherited_tags_come_after_those_to_add() -> None:
    older = tagged(parse(ORDER), add=[record("shop.Order", "B", "A"), field("shop.Person.email", "PII")])

    changed = tagged(parse(ORDER), add=[record("shop.Order", "C")], inherit=older.tags)

    assert changed.tags == (record("shop.Order", "C", "B", "A"), field("shop.Person.email", "PII"))


def test_inherited_tags_of_what_is_gone_are_left_out() -> None:
    older = tagged(parse(ORDER), add=[field("shop.Order.gift", "A"), record("shop.Order", "B")])
    newer = parse({**ORDER, "fields": ORDER["fields"][:1]})

    assert tagged(newer, inherit=older.tags).tags == (record("shop.Order", "B"),)


def test_found_in_the_order_of_the_text_a_record_before_its_fields() -> None:
    everything = [
        record("shop.Order", "1"),
        field("shop.Order.buyer", "2"),
        record("shop.Person", "3"),
        field("shop.Person.email", "4"),
        field("shop.Order.gift", "5"),
        record("shop.extra.Gift", "6"),
        field("shop.Order.lines", "7"),
        field("shop.Order.state", "8"),
    ]

    assert tagged(parse(ORDER), add=everything[::-1]).tags == tuple(everything)


def test_a_recursive_type_is_visited_once() -> None:
    node = {"type": "record", "name": "Node", "fields": [{"name": "next", "type": ["null", "Node"]}]}

    assert tagged(parse(node), add=[field("Node.next", "A")]).tags == (field("Node.next", "A"),)


def test_tags_of_referenced_types_are_found_and_stay_where_they_are() -> None:
    person = {"type": "record", "name": "n.P", "confluent:tags": ["PII"], "fields": []}
    schema = parse({"type": "record", "name": "n.O", "fields": [{"name": "p", "type": "n.P"}]}, person)

    assert schema.tags == (record("n.P", "PII"),)
    with pytest.raises(InvalidSchema, match="No matching path"):
        tagged(schema, add=[record("n.P", "A")])
    changed = tagged(schema, add=[field("n.O.p", "A")], inherit=[record("n.P", "B")])
    assert changed.canonical == (
        '{"type":"record","name":"O","namespace":"n","fields":[{"name":"p","type":"P","confluent:tags":["A"]}]}'
    )


@pytest.mark.parametrize("given", ["A", {"A": 1}, None, 1, []])
def test_what_is_no_list_of_texts_is_no_tags(given: Any) -> None:
    schema = parse({"type": "record", "name": "R", "confluent:tags": given, "fields": []})

    assert schema.tags == ()
    assert tagged(schema).canonical == schema.canonical
    assert tagged(schema, add=[record("R", "B")]).tags == (record("R", "B"),)


def test_a_schema_as_deep_as_allowed_keeps_its_tags() -> None:
    text = '"int"'
    for depth in range(300):
        text = f'{{"type":"record","name":"R{depth}","fields":[{{"name":"f","type":{text}}}]}}'

    changed = tagged(parse(text), add=[record("R0", "A"), field("R299.f", "B")])

    assert changed.tags == (field("R299.f", "B"), record("R0", "A"))


def test_what_a_stored_schema_was_allowed_stays_allowed() -> None:
    schema = parse({"type": "record", "name": "R", "namespace": "a-b", "fields": []}, mode=Mode.STORED)

    assert tagged(schema, add=[record("a-b.R", "A")]).tags == (record("a-b.R", "A"),)
