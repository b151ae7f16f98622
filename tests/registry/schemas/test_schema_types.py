"""The table of formats, and what is decided about a text before its format is asked."""

import pytest

from registry import schemas
from registry.errors import InvalidSchema, SchemaTooLarge
from registry.schemas import EmptySchema, Limits, Mode

SURROGATE = r'{"type":"record","name":"R","doc":"\ud800","fields":[]}'


@pytest.mark.parametrize("schema_type", ["JSON", "PROTOBUF", "avro", ""])
def test_an_unknown_format_is_named(schema_type: str) -> None:
    with pytest.raises(InvalidSchema, match=f"^Invalid schema type {schema_type}$"):
        schemas.parse(schema_type, '"int"')


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
def test_a_blank_text_is_an_empty_schema(text: str) -> None:
    with pytest.raises(EmptySchema, match="^Empty schema$"):
        schemas.parse("AVRO", text)


def test_a_parsed_schema_knows_its_format_and_texts() -> None:
    parsed = schemas.parse("AVRO", '{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}')

    assert parsed.schema_type == "AVRO"
    assert parsed.field_names == ("a",)
    assert parsed.canonical == parsed.resolved == '{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}'


def test_normalising_gives_a_schema_of_its_own() -> None:
    parsed = schemas.parse("AVRO", '{"type":"int","b":1,"a":1}')

    assert schemas.normalize(parsed).canonical == '{"type":"int","a":1,"b":1}'
    assert parsed.canonical == '{"type":"int","b":1,"a":1}'


def test_the_caller_sets_the_limits() -> None:
    with pytest.raises(SchemaTooLarge):
        schemas.parse("AVRO", '"string"', limits=Limits(text_bytes=5))


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("text", [SURROGATE, SURROGATE.replace(r"\ud800", "\ud800"), '"\ud800"', r'"\uD800"'])
def test_a_lone_surrogate_is_refused_in_words_that_can_be_sent(text: str, mode: Mode) -> None:
    with pytest.raises(InvalidSchema) as raised:
        schemas.parse("AVRO", text, mode=mode)

    assert raised.value.message.encode()


def test_a_lone_surrogate_in_a_reference_is_refused() -> None:
    with pytest.raises(InvalidSchema, match="surrogate"):
        schemas.parse("AVRO", '"R"', [SURROGATE])


def test_a_surrogate_pair_is_a_character() -> None:
    assert "😀" in schemas.parse("AVRO", SURROGATE.replace(r"\ud800", r"\ud83d\ude00")).canonical
