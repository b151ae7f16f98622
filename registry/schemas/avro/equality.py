"""When two types are the same: structurally (redefinition), or equivalent (a version inside a subject)."""

import struct
from collections.abc import Callable
from typing import TypeAlias

from registry.schemas.avro.nodes import (
    ABSENT,
    Array,
    Default,
    Enum,
    Field,
    Fixed,
    Json,
    Map,
    Node,
    Primitive,
    Props,
    Record,
    Union,
)

_SameMetadata: TypeAlias = Callable[[Record | Enum | Fixed | Field, Record | Enum | Fixed | Field], bool]


def equal(one: Node, other: Node) -> bool:
    """Java's `Schema.equals`: names, shape, properties and defaults; not doc, aliases or an enum's default."""
    return _same(one, other, _ignore_metadata)


def equivalent(one: Node, other: Node) -> bool:
    """Equal, and with the same doc, aliases (as sets) and enum default."""
    return _same(one, other, _same_metadata)


def _ignore_metadata(one: object, other: object) -> bool:
    return True


def _same_metadata(one: Record | Enum | Fixed | Field, other: Record | Enum | Fixed | Field) -> bool:
    if one.doc != other.doc or _alias_set(one) != _alias_set(other):
        return False
    return not isinstance(one, Enum) or not isinstance(other, Enum) or one.default == other.default


def _alias_set(owner: Record | Enum | Fixed | Field) -> set[str]:
    return {alias if isinstance(alias, str) else alias.full for alias in owner.aliases}


def _same(one: Node, other: Node, same_metadata: _SameMetadata) -> bool:
    assumed: set[tuple[int, int]] = set()
    pending: list[tuple[Node, Node]] = [(one, other)]
    while pending:
        left, right = pending.pop()
        if left is right and left.kind != "placeholder":
            continue
        if left.kind != right.kind or not _same_props(left.props, right.props):
            return False
        if isinstance(left, Primitive):
            continue
        if isinstance(left, Record):
            # Types may be recursive: a pair that is being compared counts as the same.
            if (id(left), id(right)) in assumed:
                continue
            assumed.add((id(left), id(right)))
        if not _same_node(left, right, pending, same_metadata):
            return False
    return True


def _same_node(left: Node, right: Node, pending: list[tuple[Node, Node]], same_metadata: _SameMetadata) -> bool:
    """The node itself; its children are added to what is pending."""
    if isinstance(left, Record) and isinstance(right, Record):
        if left.full != right.full or not same_metadata(left, right) or len(left.fields) != len(right.fields):
            return False
        pairs = list(zip(left.fields, right.fields, strict=True))
        pending.extend((one.type, other.type) for one, other in reversed(pairs))
        return all(_same_field(one, other) and same_metadata(one, other) for one, other in pairs)
    if isinstance(left, Union) and isinstance(right, Union):
        if len(left.branches) != len(right.branches):
            return False
        pending.extend(zip(left.branches, right.branches, strict=True))
        return True
    if isinstance(left, Array) and isinstance(right, Array):
        pending.append((left.items, right.items))
        return True
    if isinstance(left, Map) and isinstance(right, Map):
        pending.append((left.values, right.values))
        return True
    if isinstance(left, Enum) and isinstance(right, Enum):
        return left.full == right.full and left.symbols == right.symbols and same_metadata(left, right)
    if isinstance(left, Fixed) and isinstance(right, Fixed):
        return left.full == right.full and left.size == right.size and same_metadata(left, right)
    # A placeholder is no type yet, and so the same as nothing.
    return False


def _same_field(one: Field, other: Field) -> bool:
    return (
        one.name == other.name
        and one.order == other.order
        and _same_default(one.default, other.default)
        and _same_props(one.props, other.props)
    )


def _same_default(one: Default, other: Default) -> bool:
    if one is ABSENT or other is ABSENT:
        return one is other
    return same_json(one, other)


def _same_props(one: Props, other: Props) -> bool:
    if one is other:
        return True
    return one.keys() == other.keys() and all(same_json(value, other[key]) for key, value in one.items())


def same_json(one: Json, other: Json) -> bool:
    """Strictly typed, as Jackson's trees compare: 1 is not 1.0, 0.0 is not -0.0, NaN is NaN."""
    pending = [(one, other)]
    while pending:
        left, right = pending.pop()
        if left.__class__ is not right.__class__:
            return False
        if isinstance(left, dict) and isinstance(right, dict):
            if left.keys() != right.keys():
                return False
            pending.extend((value, right[key]) for key, value in left.items())
        elif isinstance(left, list) and isinstance(right, list):
            if len(left) != len(right):
                return False
            pending.extend(zip(left, right, strict=True))
        elif isinstance(left, float) and isinstance(right, float):
            if left != right and left == left or _bits(left) != _bits(right):
                return False
        elif left != right:
            return False
    return True


def _bits(value: float) -> bytes:
    return struct.pack(">d", value) if value == value else b"NaN"
