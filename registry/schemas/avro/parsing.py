"""From JSON text to nodes, as Java Avro's parser does it for the Confluent registry.

Reference texts are parsed first, in order, into one table of named types; the main text goes last. Every text has to
resolve completely on its own turn. What only registration checks, names and defaults, hangs on the mode.
"""

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from types import GeneratorType
from typing import Final, TypeAlias

from registry.errors import InvalidSchema
from registry.schemas.avro import equality, numbers, text
from registry.schemas.avro.defaults import Checker
from registry.schemas.avro.limits import Limits, exceeded
from registry.schemas.avro.nodes import (
    ABSENT,
    NO_PROPS,
    PLAIN,
    Alias,
    AnnotatedPrimitive,
    Array,
    Enum,
    Field,
    Fixed,
    Json,
    Map,
    Named,
    NamedNode,
    Node,
    Path,
    Placeholder,
    Props,
    Record,
    Union,
    Walk,
    is_walk,
    reachable,
    run,
    spell,
)
from registry.schemas.base import Mode

_SCHEMA_WORDS: Final = frozenset(
    {"type", "name", "namespace", "doc", "fields", "items", "values", "symbols", "size", "aliases"}
)
_ENUM_WORDS: Final = _SCHEMA_WORDS | {"default"}
_FIELD_WORDS: Final = frozenset({"name", "type", "doc", "default", "order", "aliases"})
_ORDERS: Final = frozenset({"ascending", "descending", "ignore"})
_LARGEST_FIXED: Final = 2_147_483_639
_LETTERS: Final = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo"})

_Object: TypeAlias = dict[str, Json]
_Started: TypeAlias = Node | Walk[Node]


class Parsed:
    """One parsed text with what its references brought."""

    __slots__ = ("is_plain", "known", "reference_types", "root")

    def __init__(
        self, root: Node, known: frozenset[str], reference_types: dict[str, NamedNode], *, is_plain: bool
    ) -> None:
        self.root = root
        # The references' top-level types: they print as names, while types nested in a reference do not.
        self.known = known
        self.reference_types = reference_types
        # No forward references and no references: the canonical text is nested no deeper than the text was.
        self.is_plain = is_plain


def parse(schema: str, references: Sequence[str], mode: Mode, limits: Limits) -> Parsed:
    if len(references) > limits.references:
        raise exceeded(f"Schema needs {len(references)} references", "references", limits.references)
    size = sum(map(text.utf8_size, references))
    if size > limits.reference_bytes:
        raise exceeded(f"References have {size} bytes", "reference_bytes", limits.reference_bytes)
    types: dict[str, NamedNode] = {}
    known: set[str] = set()
    for reference in references:
        top = _Parser(types, mode, limits).parse(text.read(reference, limits))
        if isinstance(top, Named):
            known.add(top.full)
    return _parse_main(text.read(schema, limits), types, frozenset(known), mode, limits)


def parse_again(value: Json, like: Parsed, mode: Mode, limits: Limits) -> Parsed:
    """Parse another JSON value with the references of a text that was parsed before."""
    return _parse_main(value, like.reference_types, like.known, mode, limits)


def _parse_main(
    value: Json, reference_types: dict[str, NamedNode], known: frozenset[str], mode: Mode, limits: Limits
) -> Parsed:
    parser = _Parser(dict(reference_types), mode, limits)
    root = parser.parse(value)
    if mode is Mode.STORED and (parser.has_odd_names or reference_types):
        _check_reachable_names(root)
    return Parsed(root, known, reference_types, is_plain=not reference_types and not parser.has_placeholders)


class _Parser:
    """Parses one text into the table of named types."""

    def __init__(self, types: dict[str, NamedNode], mode: Mode, limits: Limits) -> None:
        self._types = types
        self._limits = limits
        self._longest_name = limits.name
        self._is_strict = mode is Mode.REGISTRATION
        self._checker = Checker(limits)
        # Everything with children, in the order it was finished. Also keeps alive what the checker knows by identity.
        self._containers: list[Node] = []
        self._records: list[Record] = []
        self.has_placeholders = False
        # Names that a new schema may not have; a stored one may have some of them.
        self.has_odd_names = False
        self._builders: dict[str, Callable[[_Object, str, Path], _Started]] = {
            "record": self._record,
            "error": self._record,
            "enum": self._enum,
            "fixed": self._fixed,
            "array": self._array,
            "map": self._map,
        }

    def parse(self, value: Json) -> Node:
        started = self._start(value, "", None)
        root: Node = run(started) if is_walk(started) else started  # type: ignore[arg-type, assignment]
        if self.has_placeholders:
            root = self._resolve(root)
            if self._is_strict:
                self._check_defaults_again()
        return root

    def _start(self, value: Json, namespace: str, path: Path) -> _Started:
        """The node at once if nothing is nested in it, else the walk that builds it."""
        if value.__class__ is str:
            plain = PLAIN.get(value)
            return plain() if plain is not None else self._reference(value, namespace, path)
        if value.__class__ is dict:
            kind = value.get("type")
            if kind.__class__ is not str:
                raise _error(f"No type: {_excerpt(value)}", path)
            builder = self._builders.get(kind)
            if builder is not None:
                return builder(value, namespace, path)
            plain = PLAIN.get(kind)
            if plain is None:
                return self._reference(kind, namespace, path)
            props = _props(value, _SCHEMA_WORDS)
            return AnnotatedPrimitive(plain.kind, props) if props else plain()
        if isinstance(value, list):
            return self._union(value, namespace, path)
        raise _error(f"Schema not yet supported: {_excerpt(value)}", path)

    def _reference(self, name: str, namespace: str, path: Path) -> Node:
        full = name if not namespace or "." in name else f"{namespace}.{name}"
        found = self._types.get(full) or self._types.get(name)
        if found is not None:
            return found
        self.has_placeholders = True
        return Placeholder(full, path)

    def _array(self, value: _Object, namespace: str, path: Path) -> _Started:
        if "items" not in value:
            raise _error(f"Array has no items type: {_excerpt(value)}", path)
        items = value["items"]
        plain = PLAIN.get(items) if items.__class__ is str else None
        if plain is None:
            return self._walk_array(value, namespace, path)
        array = Array(plain(), _props(value, _SCHEMA_WORDS))
        self._containers.append(array)
        return array

    def _walk_array(self, value: _Object, namespace: str, path: Path) -> Walk[Node]:
        started = self._start(value["items"], namespace, (path, "items", None))
        items: Node = (yield started) if is_walk(started) else started  # type: ignore[assignment]
        array = Array(items, _props(value, _SCHEMA_WORDS))
        self._containers.append(array)
        return array

    def _map(self, value: _Object, namespace: str, path: Path) -> _Started:
        if "values" not in value:
            raise _error(f"Map has no values type: {_excerpt(value)}", path)
        values = value["values"]
        plain = PLAIN.get(values) if values.__class__ is str else None
        if plain is None:
            return self._walk_map(value, namespace, path)
        map_ = Map(plain(), _props(value, _SCHEMA_WORDS))
        self._containers.append(map_)
        return map_

    def _walk_map(self, value: _Object, namespace: str, path: Path) -> Walk[Node]:
        started = self._start(value["values"], namespace, (path, "values", None))
        values: Node = (yield started) if is_walk(started) else started  # type: ignore[assignment]
        map_ = Map(values, _props(value, _SCHEMA_WORDS))
        self._containers.append(map_)
        return map_

    def _union(self, value: list[Json], namespace: str, path: Path) -> _Started:
        branches: list[Node] = []
        for branch in value:
            plain = PLAIN.get(branch) if branch.__class__ is str else None
            if plain is None:
                return self._walk_union(value, namespace, path)
            branches.append(plain())
        return self._finish_union(branches, path)

    def _walk_union(self, value: list[Json], namespace: str, path: Path) -> Walk[Node]:
        branches: list[Node] = []
        for index, branch in enumerate(value):
            started = self._start(branch, namespace, (path, "", index))
            branches.append((yield started) if is_walk(started) else started)  # type: ignore[arg-type]
        return self._finish_union(branches, path)

    def _finish_union(self, branches: list[Node], path: Path) -> Union:
        _check_branches(branches, path)
        union = Union(branches)
        self._containers.append(union)
        return union

    def _record(self, value: _Object, namespace: str, path: Path) -> Walk[Node]:
        name, space = self._type_name(value, namespace, path)
        raw_fields = value.get("fields")
        if not isinstance(raw_fields, list):
            raise _error(f"Record has no fields: {_excerpt(value)}", path)
        record = Record(
            name,
            space,
            _doc(value),
            self._type_aliases(value, space, path),
            _props(value, _SCHEMA_WORDS),
            str(value["type"]),
        )
        self._containers.append(record)
        fields = record.fields
        index = record.index
        for position, raw in enumerate(raw_fields):
            at: Path = (path, "fields", position)
            if not isinstance(raw, dict):
                raise _error(f"Field is no object: {_excerpt(raw)}", at)
            field_name = self._field_name(raw, at)
            if field_name in index:
                raise _error(f"Duplicate field {field_name} in record {record.full}", at)
            given = raw["type"]
            plain = PLAIN.get(given) if given.__class__ is str else None
            type_: Node
            if plain is not None:
                type_ = plain()
            else:
                started = self._start(given, space, (at, "type", None))
                type_ = (yield started) if started.__class__ is GeneratorType else started  # type: ignore[assignment]
            if len(raw) == 2:
                # Name and type and nothing else, as most fields are.
                field = Field(field_name, type_, position, ABSENT, None, "ascending", (), NO_PROPS)
            else:
                field = self._field(raw, field_name, type_, position, at)
            index[field_name] = field
            fields.append(field)
        defined = self._define(record, path)
        if defined is record:
            self._records.append(record)
        return defined

    def _field(self, raw: _Object, name: str, type_: Node, position: int, at: Path) -> Field:
        default = self._default(name, type_, raw["default"], at) if "default" in raw else ABSENT
        order = _order(raw, at) if "order" in raw else "ascending"
        aliases = _field_aliases(raw, at) if "aliases" in raw else ()
        return Field(name, type_, position, default, _doc(raw), order, aliases, _props(raw, _FIELD_WORDS))

    def _field_name(self, raw: _Object, at: Path) -> str:
        name = raw.get("name")
        if name.__class__ is not str:
            raise _error(f"No field name: {_excerpt(raw)}", at)
        if "type" not in raw:
            raise _error(f"No field type: {_excerpt(raw)}", at)
        if len(name) > self._longest_name or not (name.isascii() and name.isidentifier()):
            self._check_name(name, at)
        return name

    def _default(self, field_name: str, type_: Node, default: Json, at: Path) -> Json:
        if isinstance(default, str) and (type_.kind == "double" or type_.kind == "float"):
            number = numbers.parse_double(default)
            if number is None:
                raise _error(f"Invalid default for field {field_name}: {_excerpt(default)} is no number", at)
            return number
        if self._is_strict and not self._checker.fits(type_, default):
            raise _bad_default(field_name, type_, default, at)
        return default

    def _enum(self, value: _Object, namespace: str, path: Path) -> Node:
        name, space = self._type_name(value, namespace, path)
        symbols = value.get("symbols")
        if not isinstance(symbols, list):
            raise _error(f"Enum has no symbols: {_excerpt(value)}", path)
        known: set[str] = set()
        for symbol in symbols:
            if not isinstance(symbol, str):
                raise _error(f"Enum symbol is no string: {_excerpt(symbol)}", path)
            self._check_name(symbol, path)
            if symbol in known:
                raise _error(f"Duplicate enum symbol: {symbol}", path)
            known.add(symbol)
        default = value.get("default")
        if not isinstance(default, str):
            default = None
        elif default not in known:
            raise _error(
                f"The Enum Default: {_short(default)} is not in the enum symbol set: {_excerpt(symbols)}", path
            )
        props = _props(value, _ENUM_WORDS)
        aliases = self._type_aliases(value, space, path)
        enum = Enum(name, space, _doc(value), aliases, props, symbols, frozenset(known), default)  # type: ignore[arg-type]
        return self._define(enum, path)

    def _fixed(self, value: _Object, namespace: str, path: Path) -> Node:
        name, space = self._type_name(value, namespace, path)
        size = value.get("size")
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= _LARGEST_FIXED:
            raise _error(f"Invalid or no size: {_excerpt(value)}", path)
        props = _props(value, _SCHEMA_WORDS)
        return self._define(Fixed(name, space, _doc(value), self._type_aliases(value, space, path), props, size), path)

    def _define(self, node: NamedNode, path: Path) -> NamedNode:
        """A name may be defined again if the definitions are equal; the first one stays."""
        known = self._types.setdefault(node.full, node)
        if known is not node and not equality.equal(known, node):
            raise _error(f"Can't redefine: {node.full}", path)
        return known

    def _type_name(self, value: _Object, enclosing: str, path: Path) -> tuple[str, str]:
        """Simple name and namespace; a dot in the name settles the namespace whatever else is said."""
        given = value.get("name")
        if not isinstance(given, str):
            raise _error(f"No name in schema: {_excerpt(value)}", path)
        namespace, dot, name = given.rpartition(".")
        if not dot:
            attribute = value.get("namespace")
            namespace = attribute if isinstance(attribute, str) else enclosing
        if namespace != enclosing:
            self._check_namespace(namespace, path)
        self._check_name(name, path)
        if not namespace and name in PLAIN:
            raise _error(f"Schemas may not be named after primitives: {name}", path)
        return name, namespace

    def _check_name(self, name: str, path: Path) -> None:
        if len(name) > self._limits.name:
            raise exceeded(f"Name {_short(name)} has {len(name)} characters", "name", self._limits.name)
        # For ASCII text Python's identifiers are Avro's names: [A-Za-z_][A-Za-z0-9_]*
        if name.isascii() and name.isidentifier():
            return
        if self._is_strict:
            raise _error(_name_fault(name), path)
        self.has_odd_names = True

    def _check_namespace(self, namespace: str, path: Path) -> None:
        if len(namespace) > self._limits.name:
            raise exceeded(f"Namespace {_short(namespace)} has {len(namespace)} characters", "name", self._limits.name)
        if not self._is_strict or not namespace:
            return
        for part in namespace.split("."):
            if not (part.isascii() and part.isidentifier()):
                raise _error(f'Namespace part "{_short(part)}" is invalid: {_name_fault(part)}', path)

    def _type_aliases(self, value: _Object, namespace: str, path: Path) -> tuple[Alias, ...]:
        if "aliases" not in value:
            return ()
        aliases: dict[str, Alias] = {}
        for given in _alias_texts(value, path):
            alias_namespace, dot, name = given.rpartition(".")
            if not dot:
                alias_namespace = namespace
            self._check_name(name, path)
            if len(alias_namespace) > self._limits.name:
                raise exceeded(f"Alias {_short(given)} has {len(given)} characters", "name", self._limits.name)
            alias = Alias(name, alias_namespace, namespace)
            aliases.setdefault(alias.full, alias)
        return tuple(aliases.values())

    def _resolve(self, root: Node) -> Node:
        """Put what was defined later where its placeholder stands. Only full names count here."""
        for node in self._containers:
            if isinstance(node, Record):
                for field in node.fields:
                    if isinstance(field.type, Placeholder):
                        field.type = self._resolved(field.type)
            elif isinstance(node, Union):
                if any(isinstance(branch, Placeholder) for branch in node.branches):
                    path = next(branch.path for branch in node.branches if isinstance(branch, Placeholder))
                    node.branches[:] = [
                        self._resolved(branch) if isinstance(branch, Placeholder) else branch
                        for branch in node.branches
                    ]
                    _check_branches(node.branches, path)
            elif isinstance(node, Array):
                if isinstance(node.items, Placeholder):
                    node.items = self._resolved(node.items)
            elif isinstance(node, Map) and isinstance(node.values, Placeholder):
                node.values = self._resolved(node.values)
        return self._resolved(root) if isinstance(root, Placeholder) else root

    def _resolved(self, placeholder: Placeholder) -> Node:
        found = self._types.get(placeholder.full)
        if found is None:
            raise _error(f"Undefined schema: {_short(placeholder.full)}", placeholder.path)
        return found

    def _check_defaults_again(self) -> None:
        """Java's second check, on the resolved types in the order they were finished.

        A record is open while the types of its fields are visited and its defaults checked; a default that reaches
        an open record fails, which the checker says.
        """
        self._checker = Checker(self._limits, self._checker.steps)
        own = {id(record) for record in self._records}
        visited: set[int] = set()
        opened = self._checker.open_records
        for start in self._records:
            if id(start) in visited:
                continue
            stack: list[tuple[Record, Iterator[Record]]] = []
            self._open(start, visited, stack)
            while stack:
                record, children = stack[-1]
                for child in children:
                    if id(child) in own and id(child) not in visited:
                        self._open(child, visited, stack)
                        break
                else:
                    stack.pop()
                    self._check_record_defaults(record)
                    opened.discard(id(record))

    def _open(self, record: Record, visited: set[int], stack: list[tuple[Record, Iterator[Record]]]) -> None:
        visited.add(id(record))
        self._checker.open_records.add(id(record))
        stack.append((record, _nested_records(record)))

    def _check_record_defaults(self, record: Record) -> None:
        for field in record.fields:
            default = field.default
            if default is not ABSENT and not self._checker.fits(field.type, default):
                raise _bad_default(
                    field.name, field.type, default, ((None, record.full, None), "fields", field.position)
                )


def _nested_records(record: Record) -> Iterator[Record]:
    """Records among the field types, through unions, arrays and maps, in order."""
    pending: list[Node] = [field.type for field in reversed(record.fields)]
    while pending:
        node = pending.pop()
        if isinstance(node, Union):
            pending.extend(reversed(node.branches))
        elif isinstance(node, Array):
            pending.append(node.items)
        elif isinstance(node, Map):
            pending.append(node.values)
        elif isinstance(node, Record):
            yield node


def _check_branches(branches: list[Node], path: Path) -> None:
    seen: set[str] = set()
    for branch in branches:
        kind = branch.kind
        if kind == "placeholder":
            continue
        if kind == "union":
            raise _error("Nested union", path)
        name = branch.full if isinstance(branch, Named) else kind
        if name in seen:
            raise _error(f"Duplicate in union: {name}", path)
        seen.add(name)


def _check_reachable_names(root: Node) -> None:
    """Java's walk over what was parsed without checking names: letters, digits and `_` of any script."""
    for node in reachable(root):
        if not isinstance(node, Named):
            continue
        _check_unicode_name(node.name, node.full)
        if isinstance(node, Record):
            for name in node.index:
                _check_unicode_name(name, node.full)
        elif isinstance(node, Enum):
            for symbol in node.symbols:
                _check_unicode_name(symbol, node.full)


def _check_unicode_name(name: str, owner: str) -> None:
    if name.isascii():
        if not name.isidentifier():
            raise _error(_name_fault(name), (None, owner, None))
        return
    for position, character in enumerate(name):
        category = unicodedata.category(character)
        is_digit = category == "Nd" and position > 0
        if character != "_" and (ord(character) > 0xFFFF or not (category in _LETTERS or is_digit)):
            where = "character in" if position else "initial character"
            raise _error(f"Illegal {where}: {_short(name)}", (None, owner, None))


def _name_fault(name: str) -> str:
    if not name:
        return "Empty name"
    first = name[0]
    if not (first.isascii() and first.isidentifier()):
        return f"Illegal initial character: {_short(name)}"
    return f"Illegal character in: {_short(name)}"


def _props(value: _Object, words: frozenset[str]) -> Props:
    if words.issuperset(value):
        return NO_PROPS
    return {key: item for key, item in value.items() if key not in words}


def _doc(value: _Object) -> str | None:
    doc = value.get("doc")
    return doc if isinstance(doc, str) else None


def _order(raw: _Object, at: Path) -> str:
    order = raw["order"]
    if not isinstance(order, str) or order.lower() not in _ORDERS:
        raise _error(f"Invalid order {_excerpt(order)}: ascending, descending or ignore", at)
    return order.lower()


def _field_aliases(raw: _Object, at: Path) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_alias_texts(raw, at)))


def _alias_texts(value: _Object, path: Path) -> list[str]:
    aliases = value["aliases"]
    if not isinstance(aliases, list):
        raise _error(f"aliases not an array: {_excerpt(value)}", path)
    texts: list[str] = []
    for alias in aliases:
        if not isinstance(alias, str):
            raise _error(f"alias not a string: {_excerpt(alias)}", path)
        texts.append(alias)
    return texts


def _bad_default(field_name: str, type_: Node, default: Json, at: Path) -> InvalidSchema:
    return _error(f"Invalid default for field {field_name}: {_excerpt(default)} not a {_type_words(type_)}", at)


def _type_words(type_: Node) -> str:
    if isinstance(type_, Union):
        return _short(f"[{', '.join(_type_words(branch) for branch in type_.branches[:20])}]")
    if isinstance(type_, Named):
        return f"{type_.kind} {type_.full}"
    return f"record {type_.full}" if isinstance(type_, Placeholder) else type_.kind


def _excerpt(value: Json) -> str:
    return _short(text.write(value))


def _short(words: str) -> str:
    return _printable(words if len(words) <= 200 else f"{words[:200]}…")


def _printable(words: str) -> str:
    """Without what a reader cannot see, a database cannot store (U+0000) or UTF-8 cannot hold (lone surrogates)."""
    if words.isprintable():
        return words
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in words
    )


def _error(message: str, path: Path) -> InvalidSchema:
    if path is None:
        return InvalidSchema(_printable(message))
    where = spell(path)
    return InvalidSchema(_printable(f"{message} (at {where if len(where) <= 300 else '…' + where[-300:]})"))
