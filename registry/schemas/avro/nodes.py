"""What a schema text becomes: a graph of nodes, never changed once its text is parsed.

Every occurrence of a primitive, array, map or union is a node of its own and every named type is one node, as in
Java: the compatibility check remembers pairs by identity, and what it reports depends on that.
"""

from collections.abc import Generator, Mapping
from enum import Enum as PythonEnum
from types import GeneratorType
from typing import Any, ClassVar, Final, Literal, TypeAlias, TypeVar

Json: TypeAlias = "None | bool | int | float | str | list[Json] | dict[str, Json]"
Props: TypeAlias = Mapping[str, Json]


class Absent(PythonEnum):
    """A field without a default, which is not the same as a default of null."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT
Default: TypeAlias = "Json | Absent"
NO_PROPS: Final[Props] = {}

PRIMITIVES: Final = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")

PrimitiveKind: TypeAlias = Literal["null", "boolean", "int", "long", "float", "double", "bytes", "string"]


class Primitive:
    """A primitive; without props it has no state but its identity, which makes it cheap to create."""

    __slots__ = ()
    kind: PrimitiveKind
    props: Props = NO_PROPS


class AnnotatedPrimitive(Primitive):
    __slots__ = ("kind", "props")

    def __init__(self, kind: PrimitiveKind, props: Props) -> None:
        self.kind = kind
        self.props = props


def _plain(kind: str) -> type[Primitive]:
    return type(f"Plain{kind.capitalize()}", (Primitive,), {"__slots__": (), "kind": kind})


PLAIN: Final[Mapping[str, type[Primitive]]] = {kind: _plain(kind) for kind in PRIMITIVES}


class Shaped:
    """`shape` is kept here by the compatibility check, the same whoever computes it."""

    __slots__ = ("is_shaped", "shape")
    shape: str | None

    def __init__(self) -> None:
        self.is_shaped = False
        self.shape = None


class Array(Shaped):
    __slots__ = ("items", "props")
    kind: ClassVar[Literal["array"]] = "array"

    def __init__(self, items: "Node", props: Props) -> None:
        super().__init__()
        self.items = items
        self.props = props


class Map(Shaped):
    __slots__ = ("props", "values")
    kind: ClassVar[Literal["map"]] = "map"

    def __init__(self, values: "Node", props: Props) -> None:
        super().__init__()
        self.values = values
        self.props = props


class Union(Shaped):
    """`readable` is kept here by the compatibility check, the same whoever computes it."""

    __slots__ = ("branches", "only_primitives", "readable")
    kind: ClassVar[Literal["union"]] = "union"
    props: ClassVar[Props] = NO_PROPS

    def __init__(self, branches: "list[Node]") -> None:
        super().__init__()
        self.branches = branches
        self.readable: frozenset[str] | None = None
        self.only_primitives: frozenset[str] | None = None

    def primitive_kinds(self) -> frozenset[str] | None:
        """The kinds of the branches if all of them are primitives."""
        known = self.only_primitives
        if known is None:
            known = frozenset([branch.kind if isinstance(branch, Primitive) else "" for branch in self.branches])
            self.only_primitives = known
        return None if "" in known else known


class Alias:
    """An alias of a named type. `full` of a null-namespace alias of a namespaced type is `.Name`, as Java lists it."""

    __slots__ = ("full", "name", "namespace")

    def __init__(self, name: str, namespace: str, owner_namespace: str) -> None:
        self.name = name
        self.namespace = namespace
        if namespace:
            self.full = f"{namespace}.{name}"
        else:
            self.full = f".{name}" if owner_namespace else name


class Named(Shaped):
    """What record, enum and fixed share. The null namespace is the empty string."""

    __slots__ = ("aliases", "doc", "full", "name", "namespace", "props")

    def __init__(self, name: str, namespace: str, doc: str | None, aliases: tuple[Alias, ...], props: Props) -> None:
        super().__init__()
        self.name = name
        self.namespace = namespace
        self.full = f"{namespace}.{name}" if namespace else name
        self.doc = doc
        self.aliases = aliases
        self.props = props


class Field:
    __slots__ = ("aliases", "default", "doc", "name", "order", "position", "props", "type")

    def __init__(
        self,
        name: str,
        type_: "Node",
        position: int,
        default: Default,
        doc: str | None,
        order: str,
        aliases: tuple[str, ...],
        props: Props,
    ) -> None:
        self.name = name
        self.type = type_
        self.position = position
        self.default = default
        self.doc = doc
        self.order = order
        self.aliases = aliases
        self.props = props


class Record(Named):
    __slots__ = ("fields", "index", "word")
    kind: ClassVar[Literal["record"]] = "record"

    def __init__(
        self, name: str, namespace: str, doc: str | None, aliases: tuple[Alias, ...], props: Props, word: str
    ) -> None:
        super().__init__(name, namespace, doc, aliases, props)
        self.word = word
        self.fields: list[Field] = []
        self.index: dict[str, Field] = {}


class Enum(Named):
    __slots__ = ("default", "symbol_set", "symbols")
    kind: ClassVar[Literal["enum"]] = "enum"

    def __init__(
        self,
        name: str,
        namespace: str,
        doc: str | None,
        aliases: tuple[Alias, ...],
        props: Props,
        symbols: list[str],
        symbol_set: frozenset[str],
        default: str | None,
    ) -> None:
        super().__init__(name, namespace, doc, aliases, props)
        self.symbols = symbols
        self.symbol_set = symbol_set
        self.default = default


class Fixed(Named):
    __slots__ = ("size",)
    kind: ClassVar[Literal["fixed"]] = "fixed"

    def __init__(
        self, name: str, namespace: str, doc: str | None, aliases: tuple[Alias, ...], props: Props, size: int
    ) -> None:
        super().__init__(name, namespace, doc, aliases, props)
        self.size = size


# Where in the text something stands: (parent, word, index), spelled out only for an error. None is the root.
Path: TypeAlias = "tuple[Path, str, int | None] | None"


class Placeholder:
    """A name that was not yet defined where it was used; gone once its text is complete."""

    __slots__ = ("full", "path")
    kind: ClassVar[Literal["placeholder"]] = "placeholder"
    props: ClassVar[Props] = NO_PROPS

    def __init__(self, full: str, path: Path) -> None:
        self.full = full
        self.path = path


NamedNode: TypeAlias = Record | Enum | Fixed
Node: TypeAlias = Primitive | Array | Map | Union | Record | Enum | Fixed | Placeholder


def spell(path: Path) -> str:
    tokens: list[str] = []
    at = path
    while at is not None:
        at, word, index = at
        if index is not None:
            tokens.append(str(index))
        if word:
            tokens.append(word)
    return "/" + "/".join(reversed(tokens))


Result = TypeVar("Result")

# What a walk yields and is sent back differs from child to child, which Generator cannot say: hence Any.
Walk: TypeAlias = Generator[Any, Any, Result]


def run(walk: Walk[Result]) -> Result:
    """Drive a walk whose children are walks that it yields: depth costs memory on the heap, never the Python stack.

    Schemas may be nested 1,000 deep and type graphs deeper still, while threads of a server have small stacks and
    one recursion limit for all.
    """
    waiting: list[Walk[Any]] = []
    current: Walk[Any] = walk
    value: Any = None
    while True:
        try:
            child = current.send(value)
        except StopIteration as done:
            value = done.value
            if not waiting:
                return value  # type: ignore[no-any-return]  # the outermost walk's result
            current = waiting.pop()
        else:
            waiting.append(current)
            current = child
            value = None


def is_walk(child: object) -> bool:
    return child.__class__ is GeneratorType


def child_nodes(node: Node) -> list[Node]:
    if isinstance(node, Record):
        return [field.type for field in node.fields]
    if isinstance(node, Union):
        return node.branches
    if isinstance(node, Array):
        return [node.items]
    if isinstance(node, Map):
        return [node.values]
    return []


def reachable(root: Node) -> list[Node]:
    """Every node that can be reached from the root, itself included, each once."""
    seen = {id(root)}
    found = [root]
    for node in found:
        for child in child_nodes(node):
            if id(child) not in seen:
                seen.add(id(child))
                found.append(child)
    return found


def utf16(text: str) -> bytes:
    """Java's order of strings: by UTF-16 code units, which differs from Python's above U+FFFF."""
    return text.encode("utf-16-be", "surrogatepass")
