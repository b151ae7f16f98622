"""What holds for every schema, on schemas that nobody wrote."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.errors import InvalidSchema
from registry.schemas.avro import AVRO, DEFAULT, AvroSchema, text
from registry.schemas.base import Mode

# A busy machine is no reason to fail, and what was found before is no reason to behave differently.
UNHURRIED = settings(deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])

PRIMITIVES = st.sampled_from(["null", "boolean", "int", "long", "float", "double", "bytes", "string"])
NAMES = st.sampled_from(["A", "B", "x.A", "x.B", "y.C", "array", ".D"])
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
PROPS = st.dictionaries(st.sampled_from(["p", "q", "logicalType", "order", "precision"]), VALUES, max_size=2)
DOC = st.fixed_dictionaries({}, optional={"doc": st.text(max_size=5)})


def named(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    field = st.builds(
        lambda type_, more, props: {"type": type_} | props | more,
        inner,
        st.fixed_dictionaries({}, optional={"doc": st.text(max_size=5), "default": VALUES, "order": st.just("Ignore")}),
        PROPS,
    )
    record = st.builds(
        lambda name, fields, doc, props: (
            props
            | doc
            | {"type": "record", "name": name, "fields": [{"name": f"f{at}"} | item for at, item in enumerate(fields)]}
        ),
        NAMES,
        st.lists(field, max_size=3),
        DOC,
        PROPS,
    )
    enum = st.builds(
        lambda name, symbols, doc: doc | {"type": "enum", "name": name, "symbols": symbols},
        NAMES,
        st.lists(st.sampled_from(["P", "Q", "R"]), unique=True),
        DOC,
    )
    fixed = st.builds(lambda name, size: {"type": "fixed", "name": name, "size": size}, NAMES, st.integers(0, 20))
    return record | enum | fixed


SCHEMAS = st.recursive(
    PRIMITIVES | NAMES | st.builds(lambda kind, props: props | {"type": kind}, PRIMITIVES, PROPS),
    lambda inner: (
        named(inner)
        | st.lists(inner, max_size=3)
        | st.builds(lambda items, props: props | {"type": "array", "items": items}, inner, PROPS)
        | st.builds(lambda values: {"type": "map", "values": values}, inner)
    ),
    max_leaves=8,
)


def parse(text: str, mode: Mode = Mode.REGISTRATION) -> AvroSchema | None:
    try:
        return AVRO.parse(text, (), mode, DEFAULT)
    except InvalidSchema:
        return None


@UNHURRIED
@given(SCHEMAS)
def test_a_canonical_text_is_its_own_canonical_text(schema: Any) -> None:
    parsed = parse(json.dumps(schema))
    if parsed is None:
        return

    again = parse(parsed.canonical)

    assert again is not None
    assert again.canonical == parsed.canonical


@UNHURRIED
@given(SCHEMAS)
def test_what_is_valid_at_registration_is_valid_when_stored_with_the_same_text(schema: Any) -> None:
    text = json.dumps(schema)
    parsed = parse(text)
    if parsed is None:
        return

    stored = parse(text, Mode.STORED)

    assert stored is not None
    assert stored.canonical == parsed.canonical
    assert stored.equivalent(parsed)


@UNHURRIED
@given(SCHEMAS)
def test_a_schema_reads_what_it_wrote(schema: Any) -> None:
    parsed = parse(json.dumps(schema), Mode.STORED)
    if parsed is None:
        return

    assert parsed.compare(parsed).is_compatible


@UNHURRIED
@given(SCHEMAS)
def test_a_normal_form_is_its_own_normal_form(schema: Any) -> None:
    parsed = parse(json.dumps(schema), Mode.STORED)
    try:
        normal = parsed.normalized() if parsed else None
    except InvalidSchema:
        return
    if normal is None:
        return

    assert normal.normalized().canonical == normal.canonical


@UNHURRIED
@given(SCHEMAS, SCHEMAS)
def test_comparing_any_two_schemas_gives_a_verdict(one: Any, other: Any) -> None:
    reader, writer = parse(json.dumps(one), Mode.STORED), parse(json.dumps(other), Mode.STORED)
    if reader is None or writer is None:
        return

    comparison = reader.compare(writer)

    assert comparison.is_compatible is not bool(comparison.incompatibilities)


@UNHURRIED
@given(
    st.recursive(
        st.text(alphabet='a[]{}"\\/*,é', max_size=6),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet='[{"\\/', max_size=3), inner, max_size=3)
        ),
        max_leaves=60,
    ),
    st.booleans(),
)
def test_nesting_is_measured_exactly_whatever_stands_in_strings(value: Any, escaped: bool) -> None:
    written = json.dumps([[value]] * 20, ensure_ascii=escaped)
    deepest = 2 + depth_of(value)

    text.read(written, replace(DEFAULT, depth=deepest))
    with pytest.raises(InvalidSchema, match="levels deep"):
        text.read(written, replace(DEFAULT, depth=deepest - 1))


def depth_of(value: Any) -> int:
    if not isinstance(value, list | dict):
        return 0
    return 1 + max(map(depth_of, value.values() if isinstance(value, dict) else value), default=0)
