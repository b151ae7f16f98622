"""The normal form: the text that Confluent's normalisation builds, as a JSON value to be parsed again.

Its losses are Java's, kept because ids have to agree: a union default that does not fit the first branch disappears,
and a type in the null namespace inside a namespaced type falls into that namespace.
"""

import math
from typing import Any, Final, TypeAlias

from registry.errors import InvalidSchema
from registry.schemas.avro import logical, numbers
from registry.schemas.avro.nodes import (
    ABSENT,
    Array,
    Enum,
    Field,
    Fixed,
    Json,
    Map,
    Named,
    Node,
    Primitive,
    Props,
    Record,
    Union,
    Walk,
    is_walk,
    run,
    utf16,
)

_LONG: Final = range(-(2**63), 2**63)


def raw_form(root: Node, known: frozenset[str]) -> Json:
    """The JSON value whose canonical text is the normal form. InvalidSchema where Java fails to build it."""
    started = _RawForm(known).start(root)
    value: Json = run(started) if is_walk(started) else started
    return value


class _RawForm:
    """Types go by full name, and there are no namespaces. Properties and aliases are sorted."""

    def __init__(self, known: frozenset[str]) -> None:
        self._known = set(known)

    def start(self, node: Node) -> Any:
        """The value at once if nothing is nested in the node, else the walk that builds it."""
        if isinstance(node, Primitive):
            return {"type": node.kind} | _props(node) if node.props else node.kind
        if isinstance(node, Union):
            return self._union(node)
        if isinstance(node, Array):
            return self._nested({"type": "array"}, "items", node.items, node)
        if isinstance(node, Map):
            return self._nested({"type": "map"}, "values", node.values, node)
        if not isinstance(node, Named):
            return node.kind
        if node.full in self._known:
            return node.full
        self._known.add(node.full)
        if isinstance(node, Record):
            return self._record(node)
        value: dict[str, Json] = {"type": node.kind, "name": node.full}
        if node.doc:
            value["doc"] = node.doc
        if isinstance(node, Enum):
            value["symbols"] = list(node.symbols)
            if node.default is not None:
                value["default"] = node.default
        else:
            value["size"] = node.size
        return value | _props(node) | _aliases(node)

    def _union(self, node: Union) -> Walk[Json]:
        branches: list[Json] = []
        for branch in node.branches:
            started = self.start(branch)
            branches.append((yield started) if is_walk(started) else started)
        return branches

    def _nested(self, value: dict[str, Json], key: str, inner: Node, node: Node) -> Walk[Json]:
        started = self.start(inner)
        value[key] = (yield started) if is_walk(started) else started
        return value | _props(node)

    def _record(self, node: Record) -> Walk[Json]:
        value: dict[str, Json] = {"type": "record", "name": node.full}
        if node.doc:
            value["doc"] = node.doc
        fields: list[Json] = []
        for field in node.fields:
            started = self.start(field.type)
            type_ = (yield started) if is_walk(started) else started
            fields.append(_field(field, type_))
        value["fields"] = fields
        return value | _props(node) | _aliases(node)


def _field(field: Field, type_: Json) -> dict[str, Json]:
    value: dict[str, Json] = {"name": field.name, "type": type_}
    if field.doc is not None:
        value["doc"] = field.doc
    if field.default is not ABSENT:
        default = _typed(field.default, field.type)
        if default is not _DROPPED:
            value["default"] = default
    if field.order != "ascending":
        value["order"] = field.order
    if field.aliases:
        value["aliases"] = [*sorted(field.aliases, key=utf16)]
    return value | _sorted_props(field.props)


def _aliases(node: Record | Enum | Fixed) -> dict[str, Json]:
    if not node.aliases:
        return {}
    return {"aliases": [*sorted((alias.full for alias in node.aliases), key=utf16)]}


def _props(node: Node) -> dict[str, Json]:
    """A valid logical type comes first, with its precision and scale if it is a decimal."""
    if not node.props:
        return {}
    name = logical.valid_logical_type(node)
    if name is None:
        return _sorted_props(node.props)
    first: dict[str, Json] = {"logicalType": name}
    if name == "decimal":
        first["precision"] = node.props["precision"]
        if node.props.get("scale"):
            first["scale"] = node.props["scale"]
    return first | _sorted_props({key: value for key, value in node.props.items() if key not in first})


def _sorted_props(props: Props) -> dict[str, Json]:
    return {key: _untyped(props[key]) for key in sorted(props, key=utf16)}


class _Dropped:
    """A default that Java loses: it does not fit the type asked for."""


_DROPPED: Final = _Dropped()
_Typed: TypeAlias = "Json | _Dropped"


def _untyped(value: Json) -> Json:
    converted: _Typed = _typed(value, None)
    if isinstance(converted, _Dropped):
        raise InvalidSchema("Cannot normalize: a property holds an integer beyond 64 bit")
    return converted


def _typed(value: Json, type_: Node | None) -> Any:
    """A default as a value of its type; without a type, as it is with its objects sorted."""
    started = _start_typed(value, type_)
    return run(started) if is_walk(started) else started


def _start_typed(value: Json, type_: Node | None) -> Any:
    if isinstance(type_, Union):
        if not type_.branches:
            raise InvalidSchema("Cannot normalize: a default for an empty union")
        type_ = type_.branches[0]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return _typed_integer(value, type_)
    if isinstance(value, float):
        return _typed_decimal(value, type_)
    if isinstance(value, str):
        return _typed_text(value, type_)
    if isinstance(value, list):
        if value and type_ is not None and not isinstance(type_, Array):
            raise InvalidSchema(f"Cannot normalize: a list as default of {type_.kind}")
        return _typed_list(value, type_.items if isinstance(type_, Array) else None)
    return _typed_object(value, type_)


def _typed_list(value: list[Json], items: Node | None) -> Walk[Json]:
    typed: list[Json] = []
    for item in value:
        started = _start_typed(item, items)
        typed.append(_kept((yield started) if is_walk(started) else started))
    return typed


def _typed_object(value: dict[str, Json], type_: Node | None) -> Walk[Json]:
    typed: dict[str, Json] = {}
    for key in sorted(value, key=utf16):
        started = _start_typed(value[key], _type_of_entry(key, type_))
        typed[key] = _kept((yield started) if is_walk(started) else started)
    return typed


def _type_of_entry(key: str, type_: Node | None) -> Node | None:
    if isinstance(type_, Map):
        return type_.values
    if not isinstance(type_, Record):
        return None
    field = type_.index.get(key)
    if field is None:
        raise InvalidSchema(f"Cannot normalize: a default has a key that is no field of {type_.full}")
    return field.type


def _kept(value: Any) -> Json:
    if isinstance(value, _Dropped):
        raise InvalidSchema("Cannot normalize: an element of a default does not fit the first type asked for")
    kept: Json = value
    return kept


def _typed_integer(value: int, type_: Node | None) -> _Typed:
    if value not in _LONG:
        return _DROPPED
    kind = None if type_ is None else type_.kind
    if kind is None or kind in ("int", "long"):
        return value
    if kind == "double":
        return float(value)
    return _float(float(value)) if kind == "float" else _DROPPED


def _typed_decimal(value: float, type_: Node | None) -> _Typed:
    kind = None if type_ is None else type_.kind
    if kind is None or kind == "double":
        return value if math.isfinite(value) else numbers.double_text(value)
    return _float(value) if kind == "float" else _DROPPED


def _float(value: float) -> Json:
    """A 32-bit float as its text reads: its shortest digits, or a name where it is no number."""
    rounded = numbers.to_float(value)
    return float(numbers.float_text(rounded)) if math.isfinite(rounded) else numbers.double_text(rounded)


def _typed_text(value: str, type_: Node | None) -> _Typed:
    kind = None if type_ is None else type_.kind
    if kind is None or kind in ("string", "enum"):
        return value
    if kind in ("bytes", "fixed"):
        return value.encode("latin-1", "replace").decode("latin-1")
    return _DROPPED
