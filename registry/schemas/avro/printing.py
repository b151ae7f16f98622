"""From nodes to text: the canonical text (Java's `Schema.toString`) and the parsing canonical form."""

from typing import Final

from registry.schemas.avro import text
from registry.schemas.avro.nodes import (
    ABSENT,
    Array,
    Enum,
    Field,
    Fixed,
    Map,
    Named,
    Node,
    Primitive,
    Props,
    Record,
    Union,
    Walk,
    run,
)

_TYPE_WORDS: Final = frozenset(
    {"null", "boolean", "int", "long", "float", "double", "bytes", "string"}
    | {"record", "enum", "array", "map", "union", "fixed"}
)


def canonical(root: Node, known: frozenset[str] = frozenset()) -> str:
    """Java's `toString`, compact; the known types print as names, every other at its first use in full."""
    printer = _CanonicalPrinter(known)
    return printer.print(root)


def parsing_canonical_form(root: Node) -> str:
    """The Avro specification's parsing canonical form: what readers need and nothing else, names in full."""
    return _ParsingFormPrinter().print(root)


class _CanonicalPrinter:
    __slots__ = ("_known", "_parts")

    def __init__(self, known: frozenset[str]) -> None:
        self._known = set(known)
        self._parts: list[str] = []

    def print(self, root: Node) -> str:
        walk = self._start(root, "")
        if walk is not None:
            run(walk)
        return "".join(self._parts)

    def _start(self, node: Node, namespace: str) -> Walk[None] | None:
        """Print what has nothing nested in it; for the rest give back the walk that prints it."""
        if isinstance(node, Primitive):
            self._primitive(node)
            return None
        if isinstance(node, Named):
            if node.full in self._known:
                self._parts.append(text.quote(_name(node.name, node.namespace, namespace)))
                return None
            self._known.add(node.full)
        if isinstance(node, Record):
            return self._record(node, namespace)
        if isinstance(node, Union):
            return self._union(node, namespace)
        if isinstance(node, Array):
            return self._nested('{"type":"array","items":', node.items, node.props, namespace)
        if isinstance(node, Map):
            return self._nested('{"type":"map","values":', node.values, node.props, namespace)
        if isinstance(node, Enum):
            self._enum(node, namespace)
        elif isinstance(node, Fixed):
            self._head(node, "fixed", namespace)
            self._parts.append(f',"size":{node.size}')
            self._tail(node)
        return None

    def _primitive(self, node: Primitive) -> None:
        if not node.props:
            self._parts.append(f'"{node.kind}"')
            return
        self._parts.append(f'{{"type":"{node.kind}"')
        self._props(node.props)
        self._parts.append("}")

    def _nested(self, opening: str, inner: Node, props: Props, namespace: str) -> Walk[None]:
        self._parts.append(opening)
        walk = self._start(inner, namespace)
        if walk is not None:
            yield walk
        self._props(props)
        self._parts.append("}")

    def _union(self, node: Union, namespace: str) -> Walk[None]:
        separator = "["
        for branch in node.branches:
            self._parts.append(separator)
            separator = ","
            walk = self._start(branch, namespace)
            if walk is not None:
                yield walk
        self._parts.append("]" if node.branches else "[]")

    def _record(self, node: Record, namespace: str) -> Walk[None]:
        self._head(node, node.word, namespace)
        parts = self._parts
        opening = ',"fields":[{"name":'
        for field in node.fields:
            parts.append(f'{opening}{text.quote(field.name)},"type":')
            opening = ',{"name":'
            walk = self._start(field.type, node.namespace)
            if walk is not None:
                yield walk
            self._field_tail(field)
        parts.append("]" if node.fields else ',"fields":[]')
        self._tail(node)

    def _field_tail(self, field: Field) -> None:
        parts = self._parts
        if field.doc is not None:
            parts.append(f',"doc":{text.quote(field.doc)}')
        if field.default is not ABSENT:
            parts.append(f',"default":{text.write(field.default)}')
        if field.order != "ascending":
            parts.append(f',"order":"{field.order}"')
        if field.aliases:
            parts.append(f',"aliases":[{",".join(map(text.quote, field.aliases))}]')
        if field.props:
            self._props(field.props)
        parts.append("}")

    def _enum(self, node: Enum, namespace: str) -> None:
        self._head(node, "enum", namespace)
        self._parts.append(f',"symbols":[{",".join(map(text.quote, node.symbols))}]')
        if node.default is not None:
            self._parts.append(f',"default":{text.quote(node.default)}')
        self._tail(node)

    def _head(self, node: Record | Enum | Fixed, word: str, namespace: str) -> None:
        parts = self._parts
        parts.append(f'{{"type":"{word}","name":{text.quote(node.name)}')
        if node.namespace != namespace:
            parts.append(f',"namespace":{text.quote(node.namespace)}')
        if node.doc is not None:
            parts.append(f',"doc":{text.quote(node.doc)}')

    def _tail(self, node: Record | Enum | Fixed) -> None:
        self._props(node.props)
        if node.aliases:
            names = [_name(alias.name, alias.namespace, node.namespace) for alias in node.aliases]
            self._parts.append(f',"aliases":[{",".join(map(text.quote, names))}]')
        self._parts.append("}")

    def _props(self, props: Props) -> None:
        for key, value in props.items():
            self._parts.append(f",{text.quote(key)}:{text.write(value)}")


def _name(name: str, namespace: str, enclosing: str) -> str:
    """How a name is written inside a namespace. One that reads like a type word is written in full."""
    if not namespace or (namespace == enclosing and name not in _TYPE_WORDS):
        return name
    return f"{namespace}.{name}"


class _ParsingFormPrinter:
    __slots__ = ("_parts", "_seen")

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._seen: set[str] = set()

    def print(self, root: Node) -> str:
        walk = self._start(root)
        if walk is not None:
            run(walk)
        return "".join(self._parts)

    def _start(self, node: Node) -> Walk[None] | None:
        parts = self._parts
        if isinstance(node, Primitive):
            parts.append(f'"{node.kind}"')
            return None
        if isinstance(node, Named):
            if node.full in self._seen:
                parts.append(f'"{node.full}"')
                return None
            self._seen.add(node.full)
        if isinstance(node, Record):
            return self._record(node)
        if isinstance(node, Union):
            return self._union(node)
        if isinstance(node, Array):
            return self._nested('{"type":"array","items":', node.items)
        if isinstance(node, Map):
            return self._nested('{"type":"map","values":', node.values)
        if isinstance(node, Enum):
            symbols = '","'.join(node.symbols)
            listed = f'"{symbols}"' if node.symbols else ""
            parts.append(f'{{"name":"{node.full}","type":"enum","symbols":[{listed}]}}')
        elif isinstance(node, Fixed):
            parts.append(f'{{"name":"{node.full}","type":"fixed","size":{node.size}}}')
        return None

    def _record(self, node: Record) -> Walk[None]:
        parts = self._parts
        parts.append(f'{{"name":"{node.full}","type":"record","fields":[')
        opening = '{"name":"'
        for field in node.fields:
            parts.append(f'{opening}{field.name}","type":')
            opening = ',{"name":"'
            walk = self._start(field.type)
            if walk is not None:
                yield walk
            parts.append("}")
        parts.append("]}")

    def _nested(self, opening: str, inner: Node) -> Walk[None]:
        self._parts.append(opening)
        walk = self._start(inner)
        if walk is not None:
            yield walk
        self._parts.append("}")

    def _union(self, node: Union) -> Walk[None]:
        separator = "["
        for branch in node.branches:
            self._parts.append(separator)
            separator = ","
            walk = self._start(branch)
            if walk is not None:
                yield walk
        self._parts.append("]" if node.branches else "[]")
