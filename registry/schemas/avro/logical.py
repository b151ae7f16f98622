"""Logical types: which annotations are valid. An invalid one is no error, it is an ordinary property."""

import math
from typing import Final

from registry.schemas.avro.nodes import Array, Fixed, Json, Node, Primitive, Record

_ON_PRIMITIVES: Final = {
    "date": ("int",),
    "time-millis": ("int",),
    "time-micros": ("long",),
    "timestamp-millis": ("long",),
    "timestamp-micros": ("long",),
    "timestamp-nanos": ("long",),
    "local-timestamp-millis": ("long",),
    "local-timestamp-micros": ("long",),
    "local-timestamp-nanos": ("long",),
    "uuid": ("string",),
    "big-decimal": ("bytes",),
    "decimal": ("bytes",),
}
_FIXED_SIZES: Final = {"uuid": 16, "duration": 12}


def valid_logical_type(node: Node) -> str | None:
    """The node's logical type if it is valid there. `map` and `variant` are Confluent's, the others Avro's."""
    name = node.props.get("logicalType")
    if not isinstance(name, str):
        return None
    return name if _is_valid(name, node) else None


def _is_valid(name: str, node: Node) -> bool:
    if isinstance(node, Primitive):
        return node.kind in _ON_PRIMITIVES.get(name, ()) and (name != "decimal" or _is_decimal(node, math.inf))
    if isinstance(node, Fixed):
        if name == "decimal":
            return _is_decimal(node, _fixed_precision(node.size))
        return _FIXED_SIZES.get(name) == node.size
    if isinstance(node, Array):
        return name == "map" and isinstance(node.items, Record) and list(node.items.index) == ["key", "value"]
    return name == "variant" and isinstance(node, Record) and _is_variant(node)


def _is_decimal(node: Primitive | Fixed, longest: float) -> bool:
    precision = node.props.get("precision")
    scale = node.props.get("scale", 0)
    if not _is_integer(precision) or not _is_integer(scale):
        return False
    return 0 < precision <= longest and 0 <= scale <= precision  # type: ignore[operator]  # both are integers


def _is_integer(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _fixed_precision(size: int) -> int:
    """The digits that a two's complement number of so many bytes always holds."""
    return math.floor(math.log10(2) * (8 * size - 1)) if size else 0


def _is_variant(node: Record) -> bool:
    fields = node.index
    return fields.keys() == {"metadata", "value"} and all(field.type.kind == "bytes" for field in node.fields)
