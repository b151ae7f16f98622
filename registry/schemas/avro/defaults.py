"""Whether a field's default fits its type, by Java's rules."""

from collections.abc import Sequence
from typing import Final

from registry.errors import InvalidSchema
from registry.schemas.avro.limits import Limits, exceeded
from registry.schemas.avro.nodes import ABSENT, Array, Default, Json, Map, Node, Record, Union, Walk, is_walk, run

_INT: Final = (-(2**31), 2**31 - 1)
_LONG: Final = (-(2**63), 2**63 - 1)
_TEXT_KINDS: Final = frozenset({"string", "bytes", "fixed", "enum"})
_NUMBER_KINDS: Final = frozenset({"float", "double"})
_CONTAINER_KINDS: Final = frozenset({"array", "map", "record", "union", "placeholder"})


class Checker:
    """Remembers the verdict on every (type, default) pair: defaults of defaults double from record to record.

    Lives as long as the types it saw stay as they are, since it knows them by identity.
    """

    __slots__ = ("_known", "_limits", "_steps", "open_records")

    def __init__(self, limits: Limits, steps: int = 0) -> None:
        self._limits = limits
        self._known: dict[tuple[int, int], bool] = {}
        self._steps = steps
        # Records whose own defaults are being checked: Java has not set their fields yet.
        self.open_records: set[int] = set()

    @property
    def steps(self) -> int:
        return self._steps

    def fits(self, type_: Node, value: Json) -> bool:
        if isinstance(type_, Union) and type_.branches and fits_leaf(type_.branches[0].kind, value):
            # By far the most common default, null for an optional field: nothing to count or remember.
            return True
        verdict = self._start(type_, value)
        return verdict if isinstance(verdict, bool) else run(verdict)

    def _start(self, type_: Node, value: Default) -> "bool | Walk[bool]":
        if value is ABSENT:
            return False
        kind = type_.kind
        if kind not in _CONTAINER_KINDS:
            return fits_leaf(kind, value)
        key = (id(type_), id(value))
        known = self._known.get(key)
        if known is not None:
            return known
        self._count(1)
        if isinstance(type_, Union):
            return self._union(type_, value)
        if isinstance(type_, Array):
            return self._all(key, [(type_.items, item) for item in value]) if isinstance(value, list) else False
        if not isinstance(value, dict):
            return False
        if isinstance(type_, Map):
            return self._all(key, [(type_.values, item) for item in value.values()])
        if isinstance(type_, Record):
            return self._record(type_, value)
        # A placeholder counts as a record without fields.
        return True

    def _count(self, steps: int) -> None:
        self._steps += steps
        if self._steps > self._limits.default_steps:
            raise exceeded("Defaults are too complex to check", "default_steps", self._limits.default_steps)

    def _union(self, union: Union, value: Json) -> "bool | Walk[bool]":
        # A simple branch or field costs little, but a long list of them as much as a step.
        self._count(len(union.branches) >> 3)
        for branch in union.branches:
            if branch.kind in _CONTAINER_KINDS:
                return self._any(union, value)
            if fits_leaf(branch.kind, value):
                return True
        return False

    def _any(self, union: Union, value: Json) -> Walk[bool]:
        fits = False
        for branch in union.branches:
            started = self._start(branch, value)
            fits = (yield started) if is_walk(started) else started is True
            if fits:
                break
        self._known[(id(union), id(value))] = fits
        return fits

    def _record(self, record: Record, value: dict[str, Json]) -> "bool | Walk[bool]":
        if id(record) in self.open_records:
            raise InvalidSchema(f"Invalid default {{…}} for {record.full}: Schema fields not set yet")
        self._count(len(record.fields) >> 3)
        given = [(field.type, value.get(field.name, field.default)) for field in record.fields]
        return self._all((id(record), id(value)), given)

    def _all(self, key: tuple[int, int], given: Sequence[tuple[Node, Default]]) -> "bool | Walk[bool]":
        """What is simple is decided at once; the rest, and what does not fit, in the order given."""
        pending: list[tuple[Node, Default]] = []
        for type_, value in given:
            if value is ABSENT or type_.kind in _CONTAINER_KINDS:
                pending.append((type_, value))
            elif not fits_leaf(type_.kind, value):
                pending.append((type_, value))
                break
        if not pending:
            return True
        return self._each(key, pending)

    def _each(self, key: tuple[int, int], given: Sequence[tuple[Node, Default]]) -> Walk[bool]:
        fits = True
        for type_, value in given:
            started = self._start(type_, value)
            fits = (yield started) if is_walk(started) else started is True
            if not fits:
                break
        self._known[key] = fits
        return fits


def fits_leaf(kind: str, value: Json) -> bool:
    if value is None:
        return kind == "null"
    if value.__class__ is bool:
        return kind == "boolean"
    if isinstance(value, str):
        # Where float and double stand alone, text was replaced by its number before.
        return kind in _TEXT_KINDS
    if isinstance(value, int):
        if kind == "long":
            return _LONG[0] <= value <= _LONG[1]
        if kind == "int":
            return _INT[0] <= value <= _INT[1]
        return kind in _NUMBER_KINDS
    return isinstance(value, float) and kind in _NUMBER_KINDS
