"""Can a reader's schema read what a writer's schema wrote? Java's `SchemaCompatibility`, entry for entry.

The report is a list in depth-first order with duplicates. Java remembers the result of each pair of nodes by
identity, and a pair that is being compared counts as compatible: so a shared type reports the location of its first
visit again at each later use, and inside a union branch locations start anew.

Results are trees: `None` for compatible, else a list of entries and of the results of nested pairs. Nothing is copied
or spelled out before the report, since a few kilobytes of schema can name 2^25 incompatibilities.
"""

from typing import Any, Final, TypeAlias

from registry.schemas.avro import printing, shapes
from registry.schemas.avro.limits import Limits, exceeded
from registry.schemas.avro.nodes import (
    ABSENT,
    Array,
    Enum,
    Field,
    Fixed,
    Map,
    Node,
    Path,
    Primitive,
    Record,
    Union,
    Walk,
    is_walk,
    run,
    spell,
    utf16,
)
from registry.schemas.base import Comparison, Incompatibility

# What a reader of each primitive kind reads: itself, and what the Avro specification promotes to it.
_READS: Final[dict[str, frozenset[str]]] = {
    "null": frozenset({"null"}),
    "boolean": frozenset({"boolean"}),
    "int": frozenset({"int"}),
    "long": frozenset({"long", "int"}),
    "float": frozenset({"float", "int", "long"}),
    "double": frozenset({"double", "int", "long", "float"}),
    "bytes": frozenset({"bytes", "string"}),
    "string": frozenset({"string", "bytes"}),
}
_NOTHING: Final[frozenset[str]] = frozenset()

_DESCRIPTIONS: Final = {
    "FIXED_SIZE_MISMATCH": (
        "The size of FIXED type field at path '{location}' in the {reader} schema"
        " does not match with the {writer} schema"
    ),
    "TYPE_MISMATCH": (
        "The type (path '{location}') of a field in the {reader} schema does not match with the {writer} schema"
    ),
    "NAME_MISMATCH": "The name of the schema has changed (path '{location}')",
    "MISSING_ENUM_SYMBOLS": (
        "The {reader} schema is missing enum symbols '{message}' at path '{location}' in the {writer} schema"
    ),
    "MISSING_UNION_BRANCH": (
        "The {reader} schema is missing a type inside a union field at path '{location}' in the {writer} schema"
    ),
    "READER_FIELD_MISSING_DEFAULT_VALUE": (
        "The field '{message}' at path '{location}' in the {reader} schema has no default value"
        " and is missing in the {writer} schema"
    ),
}


def compare(reader: Node, writer: Node, limits: Limits) -> Comparison:
    """The ordered report, cut at the caps for reports; InvalidSchema if there are too many pairs to compare."""
    try:
        result = _Comparer(limits).compare(reader, writer)
    except AmbiguousField as error:
        return Comparison(failure=str(error))
    return Comparison() if result is None else _report(result, limits)


def describe(incompatibility: Incompatibility, reader: str, writer: str) -> str:
    """The line of the Confluent API for one incompatibility."""
    description = _DESCRIPTIONS[incompatibility.type].format(
        location=incompatibility.location, message=incompatibility.message, reader=reader, writer=writer
    )
    type_, message = incompatibility.type, incompatibility.message
    return f"{{errorType:'{type_}', description:'{description}', additionalInfo:'{message}'}}"


class AmbiguousField(Exception):
    """A reader field finds several writer fields through its aliases. Java throws, whatever else was found."""

    def __init__(self, field: Field, writer: Record) -> None:
        super().__init__(
            f"Reader record field {field.name} type:{field.type.kind.upper()} pos:{field.position} matches multiple"
            f" fields in writer record schema {printing.canonical(writer)}"
        )


# (type, reader, writer, where): what its message says is looked up in the two when it is reported.
_Entry: TypeAlias = tuple[str, Node | Field, Node, Path]

# Entries, and the results of nested pairs; a list of lists cannot be said recursively where it is built.
_Found: TypeAlias = list[Any]
_Result: TypeAlias = _Found | None
_Key: TypeAlias = tuple[int, int]


class _Comparer:
    __slots__ = ("_known", "_limit", "_pairs")

    def __init__(self, limits: Limits) -> None:
        self._known: dict[_Key, _Result] = {}
        self._limit = limits.compared_pairs
        self._pairs = 0

    def compare(self, reader: Node, writer: Node) -> _Result:
        started = self._start(reader, writer, None)
        return run(started) if is_walk(started) else started  # type: ignore[arg-type, return-value]

    def _count(self, pairs: int) -> None:
        self._pairs += pairs
        if self._pairs > self._limit:
            raise exceeded("Schemas are too complex to compare", "compared_pairs", self._limit)

    def _start(self, reader: Node, writer: Node, at: Path) -> "_Result | Walk[_Result]":
        """The result at once if no other pair is involved, else the walk that finds it."""
        reader_kind = reader.kind
        writer_kind = writer.kind
        if writer_kind in _READS.get(reader_kind, _NOTHING):
            return None
        if isinstance(reader, Union) and _reads_primitives(reader, writer):
            return None
        key = (id(reader), id(writer))
        if key in self._known:
            return self._known[key]
        self._count(1)
        self._known[key] = None
        if isinstance(writer, Union):
            if isinstance(reader, Union):
                return self._union(reader, writer, at, key)
            return self._every_branch(reader, writer, at, key)
        if isinstance(reader, Union):
            return self._any_branch(reader, writer, at, key)
        if reader_kind != writer_kind or isinstance(reader, Primitive):
            self._known[key] = [("TYPE_MISMATCH", reader, writer, at)]
        elif isinstance(reader, Record):
            return self._record(reader, writer, at, key)  # type: ignore[arg-type]  # same kind
        elif isinstance(reader, Array):
            return self._nested(reader.items, writer.items, (at, "items", None), key)  # type: ignore[union-attr]
        elif isinstance(reader, Map):
            return self._nested(reader.values, writer.values, (at, "values", None), key)  # type: ignore[union-attr]
        elif isinstance(reader, Enum):
            self._known[key] = self._enum(reader, writer, at)  # type: ignore[arg-type]  # same kind
        elif isinstance(reader, Fixed):
            self._known[key] = _fixed(reader, writer, at)  # type: ignore[arg-type]  # same kind
        return self._known[key]

    def _nested(self, reader: Node, writer: Node, at: Path, key: _Key) -> Walk[_Result]:
        result = self._start(reader, writer, at)
        if is_walk(result):
            result = yield result
        self._known[key] = result  # type: ignore[assignment]
        return result  # type: ignore[return-value]

    def _union(self, reader: Union, writer: Union, at: Path, key: _Key) -> Walk[_Result]:
        found: _Found = []
        for index, branch in enumerate(writer.branches):
            result = self._start(reader, branch, None)
            if is_walk(result):
                result = yield result
            if result is not None:
                found.append(("MISSING_UNION_BRANCH", reader, branch, (at, "", index)))
        return self._finish(key, found)

    def _every_branch(self, reader: Node, writer: Union, at: Path, key: _Key) -> Walk[_Result]:
        found: _Found = []
        for index, branch in enumerate(writer.branches):
            result = self._start(reader, branch, (at, "", index))
            if is_walk(result):
                result = yield result
            if result is not None:
                found.append(result)
        return self._finish(key, found)

    def _any_branch(self, reader: Union, writer: Node, at: Path, key: _Key) -> Walk[_Result]:
        for branch in reader.branches:
            result = self._start(branch, writer, None)
            if is_walk(result):
                result = yield result
            if result is None:
                return self._finish(key, [])
        return self._finish(key, [("MISSING_UNION_BRANCH", reader, writer, at)])

    def _record(self, reader: Record, writer: Record, at: Path, key: _Key) -> Walk[_Result]:
        self._count(len(reader.fields))
        found: _Found = []
        if not _names_match(reader, writer):
            found.append(("NAME_MISMATCH", reader, writer, (at, "name", None)))
        sources = writer.index
        for field in reader.fields:
            source = sources.get(field.name)
            if field.aliases:
                source = _source(field, writer)
            if source is None:
                if field.default is ABSENT:
                    found.append(_missing_field(field, writer, (at, "fields", field.position)))
                continue
            type_ = field.type
            source_type = source.type
            if source_type.kind in _READS.get(type_.kind, _NOTHING):
                continue
            if type_.kind == "union" and _reads_primitives(type_, source_type):
                continue
            if type_.kind == source_type.kind and _is_alike(type_, source_type):
                continue
            result = self._start(type_, source_type, ((at, "fields", field.position), "type", None))
            if is_walk(result):
                result = yield result
            if result is not None:
                found.append(result)
        return self._finish(key, found)

    def _enum(self, reader: Enum, writer: Enum, at: Path) -> _Result:
        # A long list of symbols is as much work as many pairs.
        self._count(len(writer.symbols) // 64)
        found: _Found = []
        if not _names_match(reader, writer):
            found.append(("NAME_MISMATCH", reader, writer, (at, "name", None)))
        if reader.default is None and not writer.symbol_set <= reader.symbol_set:
            found.append(("MISSING_ENUM_SYMBOLS", reader, writer, (at, "symbols", None)))
        return found or None

    def _finish(self, key: _Key, found: _Found) -> _Result:
        result = found or None
        self._known[key] = result
        return result


def _is_alike(reader: Node, writer: Node) -> bool:
    """A shortcut for what has not changed. A compatible pair leaves no entry, however it is entered."""
    shape = shapes.of(reader)
    return shape is not None and shape == shapes.of(writer)


def _reads_primitives(reader: Union, writer: Node) -> bool:
    """A shortcut for the common union: is everything the writer has a primitive that some branch reads?

    It visits no pair, which cannot show: a compatible pair leaves no entry, and the pairs inside have no other way in.
    """
    if isinstance(writer, Union):
        kinds = writer.primitive_kinds()
        return kinds is not None and kinds <= _readable(reader)
    return isinstance(writer, Primitive) and writer.kind in _readable(reader)


def _readable(reader: Union) -> frozenset[str]:
    known = reader.readable
    if known is None:
        kinds = [branch.kind for branch in reader.branches if isinstance(branch, Primitive)]
        known = reader.readable = frozenset().union(*(_READS[kind] for kind in kinds))
    return known


def _source(field: Field, writer: Record) -> Field | None:
    """The writer's field of that name, or the one that an alias names."""
    source = writer.index.get(field.name)
    for alias in field.aliases:
        candidate = writer.index.get(alias)
        if candidate is None:
            continue
        if source is not None:
            raise AmbiguousField(field, writer)
        source = candidate
    return source


def _names_match(reader: Record | Enum | Fixed, writer: Record | Enum | Fixed) -> bool:
    """Simple names decide: a changed namespace is compatible. The reader's aliases are full names."""
    return reader.name == writer.name or any(alias.full == writer.full for alias in reader.aliases)


def _fixed(reader: Fixed, writer: Fixed, at: Path) -> _Result:
    found: _Found = []
    if not _names_match(reader, writer):
        found.append(("NAME_MISMATCH", reader, writer, (at, "name", None)))
    if reader.size != writer.size:
        found.append(("FIXED_SIZE_MISMATCH", reader, writer, (at, "size", None)))
    return found or None


def _missing_field(field: Field, writer: Record, at: Path) -> _Entry:
    if isinstance(field.type, Enum) and field.type.default is not None:
        # Java takes the enum's default for the field's and then compares the enum with the whole writer record.
        return "TYPE_MISMATCH", field.type, writer, (at, "type", None)
    return "READER_FIELD_MISSING_DEFAULT_VALUE", field, writer, at


def _message(type_: str, reader: Any, writer: Any) -> str:
    match type_:
        case "TYPE_MISMATCH":
            return f"reader type: {reader.kind.upper()} not compatible with writer type: {writer.kind.upper()}"
        case "MISSING_UNION_BRANCH":
            return f"reader union lacking writer type: {writer.kind.upper()}"
        case "NAME_MISMATCH":
            return f"expected: {writer.full}"
        case "FIXED_SIZE_MISMATCH":
            return f"expected: {writer.size}, found: {reader.size}"
        case "MISSING_ENUM_SYMBOLS":
            missing = sorted(writer.symbol_set - reader.symbol_set, key=utf16)
            return f"[{', '.join(missing)}]"
        case _:
            name: str = reader.name
            return name


def _report(result: list[Any], limits: Limits) -> Comparison:
    """The first entries in order, up to the caps on their number and on their characters."""
    found: list[Incompatibility] = []
    characters = 0
    pending = [iter(result)]
    while pending and len(found) < limits.reported_incompatibilities and characters < limits.reported_characters:
        item = next(pending[-1], None)
        if item is None:
            pending.pop()
        elif isinstance(item, list):
            pending.append(iter(item))
        else:
            type_, reader, writer, at = item
            incompatibility = Incompatibility(type_, _message(type_, reader, writer), spell(at))
            characters += len(incompatibility.message) + len(incompatibility.location)
            found.append(incompatibility)
    return Comparison(tuple(found), _total(result) - len(found))


def _total(result: list[Any]) -> int:
    """All entries of a result whose parts may be shared: each part is counted once and added as often as it is used."""
    totals: dict[int, int] = {}
    pending = [result]
    while pending:
        at = pending[-1]
        if id(at) in totals:
            pending.pop()
            continue
        missing = [item for item in at if isinstance(item, list) and id(item) not in totals]
        if missing:
            pending.extend(missing)
            continue
        totals[id(at)] = sum(totals[id(item)] if isinstance(item, list) else 1 for item in at)
        pending.pop()
    return totals[id(result)]
