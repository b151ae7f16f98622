"""What of a type decides whether it reads its like: two types of one shape read each other, whatever else differs.

Docs, properties, defaults, order and logical types play no part, since nothing is missing on either side. A long
history holds the same few types again and again, each parsed on its own: comparing shapes saves the walk through them.
"""

from hashlib import blake2b
from typing import Final

from registry.schemas.avro.nodes import Array, Enum, Fixed, Map, Node, Primitive, Record, Union

# Deeper types are walked through: this is called from within itself.
_DEEPEST: Final = 16


def of(node: Node, depth: int = 0) -> bytes | None:
    """None where equal shapes would not do: a type that holds itself, and a record whose fields have aliases.

    Kept at the node. Of two threads at once one may find None, which is slower and not wrong.
    """
    if isinstance(node, Primitive):
        return node.kind.encode()
    if not isinstance(node, Array | Map | Union | Record | Enum | Fixed) or depth > _DEEPEST:
        return None
    if node.is_shaped:
        return node.shape
    # From here on it is inside itself.
    node.is_shaped = True
    node.shape = _shape(node, depth + 1)
    return node.shape


def _shape(node: Array | Map | Union | Record | Enum | Fixed, depth: int) -> bytes | None:
    match node:
        case Array():
            return _digest("array", [], [of(node.items, depth)])
        case Map():
            return _digest("map", [], [of(node.values, depth)])
        case Union():
            return _digest("union", [], [of(branch, depth) for branch in node.branches])
        case Enum():
            return _digest("enum", [node.name, *node.symbols], [])
        case Fixed():
            return _digest("fixed", [node.name, str(node.size)], [])
        case Record():
            if any(field.aliases for field in node.fields):
                # The alias of one field may be the name of another, which Java refuses.
                return None
            names = [field.name for field in node.fields]
            return _digest("record", [node.name, *names], [of(field.type, depth) for field in node.fields])


def _digest(kind: str, words: list[str], parts: list[bytes | None]) -> bytes | None:
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    # A list as Python writes it: no two lists look the same, whatever is in a name that was not checked.
    text = f"{kind}{words!r}".encode("utf-8", "surrogatepass")
    return blake2b(text + b"".join(len(part).to_bytes() + part for part in known), digest_size=16).digest()
