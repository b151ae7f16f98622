"""What of a type decides whether it reads its like: two types of one shape read each other, whatever else differs.

Docs, properties, defaults, order and logical types play no part, since nothing is missing on either side. A long
history holds the same few types again and again, each parsed on its own: comparing shapes saves the walk through them.
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any, Final

from registry.schemas.avro.nodes import PRIMITIVES, Array, Enum, Fixed, Map, Node, Record, Union

# Deeper types are walked through: this is called from within itself.
_DEEPEST: Final = 16
# In characters. What is longer is told by its digest, or types that hold others twice would double and double.
_LONGEST: Final = 200
_PRIMITIVES: Final = frozenset(PRIMITIVES)


def of(node: Node, depth: int = 0) -> str | None:
    """None where equal shapes would not do: a type that holds itself, and a record whose fields have aliases.

    Kept at the node. Of two threads at once one may find None, which is slower and not wrong.
    """
    kind = node.kind
    if kind in _PRIMITIVES:
        return kind
    shape_of = _SHAPES.get(kind)
    if shape_of is None or depth > _DEEPEST:
        return None
    if not node.is_shaped:  # type: ignore[union-attr]  # by its kind
        # From here on it is inside itself.
        node.is_shaped = True  # type: ignore[union-attr]
        node.shape = shape_of(node, depth + 1)  # type: ignore[union-attr]
    return node.shape  # type: ignore[union-attr]


# Lists as Python writes them: no two look the same, whatever is in a name that was not checked.


def _array(node: Array, depth: int) -> str | None:
    items = of(node.items, depth)
    return None if items is None else _short(f"array {items}")


def _map(node: Map, depth: int) -> str | None:
    values = of(node.values, depth)
    return None if values is None else _short(f"map {values}")


def _union(node: Union, depth: int) -> str | None:
    branches = [of(branch, depth) for branch in node.branches]
    return None if None in branches else _short(f"union {branches}")


def _enum(node: Enum, depth: int) -> str:
    return _short(f"enum {node.name!r} {node.symbols}")


def _fixed(node: Fixed, depth: int) -> str:
    return _short(f"fixed {node.name!r} {node.size}")


def _record(node: Record, depth: int) -> str | None:
    names, types = [], []
    for field in node.fields:
        type_ = of(field.type, depth)
        # The alias of one field may be the name of another, which Java refuses.
        if type_ is None or field.aliases:
            return None
        names.append(field.name)
        types.append(type_)
    return _short(f"record {node.name!r} {names} {types}")


def _short(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    return "#" + blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


_SHAPES: Final[dict[str, Callable[[Any, int], str | None]]] = {
    "array": _array,
    "map": _map,
    "union": _union,
    "enum": _enum,
    "fixed": _fixed,
    "record": _record,
}
