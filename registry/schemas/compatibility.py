"""Compatibility levels, and the check of a new schema against the versions before it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from registry.schemas.base import Comparison, ParsedSchema

_LONGEST_OLD_SCHEMA: Final = 10_240


class Direction(Enum):
    """BACKWARD: the new schema reads what the old one wrote. FORWARD: the old one reads what the new one writes."""

    BACKWARD = "BACKWARD"
    FORWARD = "FORWARD"


class Against(Enum):
    LATEST = "latest"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Level:
    """The directions in the order of their lines in a report, and the versions they are checked against."""

    directions: tuple[Direction, ...]
    against: Against


_BOTH: Final = (Direction.FORWARD, Direction.BACKWARD)

LEVELS: Final = {
    "NONE": Level((), Against.LATEST),
    "BACKWARD": Level((Direction.BACKWARD,), Against.LATEST),
    "BACKWARD_TRANSITIVE": Level((Direction.BACKWARD,), Against.ALL),
    "FORWARD": Level((Direction.FORWARD,), Against.LATEST),
    "FORWARD_TRANSITIVE": Level((Direction.FORWARD,), Against.ALL),
    "FULL": Level(_BOTH, Against.LATEST),
    "FULL_TRANSITIVE": Level(_BOTH, Against.ALL),
}


def check(new: ParsedSchema, previous: Iterable[tuple[int, ParsedSchema]], level: str) -> list[str]:
    """The lines of the first version that fails, empty if none does.

    `previous` is (version, schema) newest first and read no further than needed: one version unless the level is
    transitive.
    """
    rule = LEVELS[level]
    if not rule.directions:
        return []
    for version, old in previous:
        lines = _version_lines(new, version, old, rule.directions)
        if lines or rule.against is Against.LATEST:
            return lines
    return []


def concluded(lines: list[str], level: str, *, validate_fields: bool) -> list[str]:
    """A report ends with the settings that it was made by."""
    if not lines:
        return []
    return [*lines, f"{{validateFields: '{str(validate_fields).lower()}', compatibility: '{level}'}}"]


def reserved_lines(fields: Sequence[str], before: Sequence[str], now: Sequence[str]) -> list[str]:
    """What is wrong with the fields that a schema reserves: some no longer are, or one is there."""
    removed = [
        f"The new schema has reserved field {name} removed from its metadata which is present in the old schema's "
        "metadata."
        for name in before
        if name not in now
    ]
    conflicts = [
        f"The new schema has field that conflicts with the reserved field {name}." for name in now if name in fields
    ]
    return [*removed, *conflicts]


def compare(new: ParsedSchema, old: ParsedSchema, direction: Direction) -> Comparison:
    """What stands between the two in one direction, with types, messages and locations."""
    return new.compare(old) if direction is Direction.BACKWARD else old.compare(new)


def _version_lines(new: ParsedSchema, version: int, old: ParsedSchema, directions: tuple[Direction, ...]) -> list[str]:
    if new.schema_type != old.schema_type:
        return ["Incompatible because of different schema type"]
    lines: list[str] = []
    for direction in directions:
        failed = _direction_lines(new, old, direction)
        lines.extend(failed)
        # With both directions Confluent names the old schema only if the new one cannot read it.
        if failed and direction is directions[-1]:
            lines.append(f"{{oldSchemaVersion: {version}}}")
            lines.append(_old_schema_line(old.canonical))
    return lines


def _direction_lines(new: ParsedSchema, old: ParsedSchema, direction: Direction) -> list[str]:
    comparison = compare(new, old, direction)
    if comparison.failure is not None:
        return [f"Unexpected exception during compatibility check: {comparison.failure}"]
    reader, writer = ("new", "old") if direction is Direction.BACKWARD else ("old", "new")
    return [new.describe(found, reader, writer) for found in comparison.incompatibilities]


def _old_schema_line(canonical: str) -> str:
    # Java counts UTF-16 code units: a character beyond U+FFFF is two.
    units = canonical.encode("utf-16-le", "surrogatepass")
    if len(units) <= 2 * _LONGEST_OLD_SCHEMA:
        return f"{{oldSchema: '{canonical}'}}"
    first = units[: 2 * _LONGEST_OLD_SCHEMA].decode("utf-16-le", "ignore")
    return f"{{oldSchema: <truncated> '{first}...'}}"
