"""JSON as Java's reader takes it, and numbers as Java prints them."""

import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.errors import InvalidSchema
from registry.schemas.avro import DEFAULT, numbers, text

# A busy machine is no reason to fail, and what was found before is no reason to behave differently.
UNHURRIED = settings(deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])

SHALLOW = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)

ACCEPTED = [
    ('/* c */ {"a":1}', {"a": 1}),
    ('// c\n{"a":1}', {"a": 1}),
    ('// c\r{"a":1}', {"a": 1}),
    ('{"a":/* "x" [ */1}', {"a": 1}),
    ('{"a":1 // }\n}', {"a": 1}),
    ('{"a":"/* no comment */"}', {"a": "/* no comment */"}),
    ('{"a":"http://b"/**/}', {"a": "http://b"}),
    ('{"a":1,"b":2,"a":3}', {"a": 3, "b": 2}),
    ('"\\u0000"', "\0"),
    ('"\\ud800"', "\ud800"),
    ('"\\ud83d\\ude00"', "😀"),
    ("\t\r\n [1] \n", [1]),
    ("-0", 0),
]

REFUSED = [
    '"int" x',
    '"int" "long"',
    '"int" /* c */',
    '"int" // c',
    '"int" /* c */ // d',
    "{'a':1}",
    '\ufeff"int"',
    '\u00a0"int"',
    '"a\tb"',
    "int",
    "",
    "[1,]",
    '{"a":1,}',
    "[01]",
    "[+1]",
    "[.5]",
    "[5.]",
    "[1e]",
    "[NaN]",
    "[Infinity]",
    "[-Infinity]",
    '/* "int"',
    '"int" /*',
    '/*/ "int"',
    '{"a":1 /* }',
    '["\\x"]',
]


def deeply(inner: str) -> str:
    """Inside so many lists that the loop reads it, and not the C scanner."""
    return "[" * 200 + inner + "]" * 200


def innermost(value: object) -> object:
    for _ in range(200):
        assert isinstance(value, list)
        value = value[0]
    return value


@pytest.mark.parametrize(("given_text", "value"), ACCEPTED)
def test_what_java_reads_is_read(given_text: str, value: object) -> None:
    assert text.read(given_text, DEFAULT) == value


@pytest.mark.parametrize(("given_text", "value"), ACCEPTED)
def test_what_java_reads_is_read_at_any_depth(given_text: str, value: object) -> None:
    assert innermost(text.read(deeply(given_text), DEFAULT)) == value


@pytest.mark.parametrize("given_text", REFUSED)
def test_what_java_refuses_is_refused(given_text: str) -> None:
    with pytest.raises(InvalidSchema):
        text.read(given_text, DEFAULT)


@pytest.mark.parametrize("given_text", [case for case in REFUSED if case and not case.endswith(("/* c */", "// d"))])
def test_what_java_refuses_is_refused_at_any_depth(given_text: str) -> None:
    with pytest.raises(InvalidSchema):
        text.read(deeply(given_text), DEFAULT)


@pytest.mark.parametrize("ending", ["", "] x", "] /* c */", "]]", "}", ",", ' "x"', ":"])
def test_a_deep_text_has_to_end_where_it_ends(ending: str) -> None:
    with pytest.raises(InvalidSchema):
        text.read("[" * 200 + "]" * 199 + ending, DEFAULT)


@pytest.mark.parametrize(
    "inner", ["{1:2}", '{"a" 1}', '{"a":1,}', '{"a":1,2}', '{"a":1 "b":2}', "{,}", "[,]", "[}", "{]"]
)
def test_broken_objects_are_refused_at_any_depth(inner: str) -> None:
    with pytest.raises(InvalidSchema):
        text.read(deeply(inner), DEFAULT)


def test_a_syntax_error_names_line_and_column() -> None:
    with pytest.raises(InvalidSchema, match="line 2, column 8"):
        text.read('{\n  "a": }', DEFAULT)


@UNHURRIED
@given(SHALLOW)
def test_the_loop_reads_what_the_scanner_reads(value: object) -> None:
    printed = json.dumps(value)

    assert text.write(innermost(text.read(deeply(printed), DEFAULT))) == text.write(json.loads(printed))  # type: ignore[arg-type]


@UNHURRIED
@given(SHALLOW)
def test_what_is_written_reads_back_as_the_same_value(value: object) -> None:
    written = text.write(value)  # type: ignore[arg-type]

    assert text.write(text.read(written, DEFAULT)) == written


@UNHURRIED
@given(st.text())
def test_no_text_brings_more_than_an_invalid_schema(given_text: str) -> None:
    try:
        text.read(given_text, DEFAULT)
    except InvalidSchema:
        return


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ('a"b\\c', r'"a\"b\\c"'),
        ("\b\t\n\f\r", r'"\b\t\n\f\r"'),
        ("\0\x1f\x7f", '"\\u0000\\u001F\x7f"'),
        ("é/\u2028😀", '"é/\u2028😀"'),
        ("\\u001f", r'"\\u001f"'),
        ([True, None, {"a": []}, {}], '[true,null,{"a":[]},{}]'),
        (-0.0, "-0.0"),
        (math.nan, '"NaN"'),
        (-math.inf, '"-Infinity"'),
        (10**999, "1" + "0" * 999),
    ],
)
def test_values_are_written_as_java_writes_them(value: object, written: str) -> None:
    assert text.write(value) == written  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (1.0, "1.0"),
        (0.001, "0.001"),
        (0.00099, "9.9E-4"),
        (100000.0, "100000.0"),
        (9999999.0, "9999999.0"),
        (1e7, "1.0E7"),
        (-1.5e-7, "-1.5E-7"),
        (123456789.125, "1.23456789125E8"),
        (1e23, "1.0E23"),
        (2e23, "2.0E23"),
        (8.41e21, "8.41E21"),
        (5e-324, "4.9E-324"),
        (1.7976931348623157e308, "1.7976931348623157E308"),
        (-0.0, "-0.0"),
    ],
)
def test_doubles_print_as_java_prints_them(value: float, printed: str) -> None:
    assert numbers.double_text(value) == printed


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (0.1, "0.1"),
        (9007199254740992.0, "9.007199E15"),
        (16777217.0, "1.6777216E7"),
        (12345678901234567890.5, "1.2345679E19"),
        (1.4e-45, "1.4E-45"),
        (3.4028235e38, "3.4028235E38"),
        (1e10, "1.0E10"),
        (1e40, "Infinity"),
        (-1e-50, "-0.0"),
    ],
)
def test_floats_print_with_the_shortest_digits_of_32_bit(value: float, printed: str) -> None:
    assert numbers.float_text(numbers.to_float(value)) == printed


@UNHURRIED
@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_printed_float_reads_back_as_the_same_float(value: float) -> None:
    assert numbers.to_float(float(numbers.float_text(value))) == value


@UNHURRIED
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_printed_double_reads_back_as_the_same_double(value: float) -> None:
    assert float(numbers.double_text(value)) == value


@pytest.mark.parametrize(
    ("given_text", "value"),
    [
        ("1.5", 1.5),
        (" 2 ", 2.0),
        ("\x01\t2\n", 2.0),
        ("0x1p3", 8.0),
        ("-0x.8P1f", -1.0),
        ("0x1p99999", math.inf),
        ("1f", 1.0),
        ("1.", 1.0),
        (".5D", 0.5),
        ("-Infinity", -math.inf),
        ("1e999", math.inf),
    ],
)
def test_text_that_is_a_java_double_is_its_number(given_text: str, value: float) -> None:
    assert numbers.parse_double(given_text) == value


@pytest.mark.parametrize("given_text", ["+NaN", "NaN", "-NaN"])
def test_nan_is_a_java_double_with_any_sign(given_text: str) -> None:
    number = numbers.parse_double(given_text)

    assert number is not None and math.isnan(number)


@pytest.mark.parametrize(
    "given_text",
    ["", " ", "inf", "nan", "1_000", "0x10", "1e", "NaNd", ".", "1 2", "\u00a01", "٣", "0xp1", "--1", "1ff"],
)
def test_text_that_is_no_java_double_is_none(given_text: str) -> None:
    assert numbers.parse_double(given_text) is None
