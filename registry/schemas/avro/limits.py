"""The caps of the Avro core as one value, and the words in which a text that breaks one is refused."""

from dataclasses import dataclass
from typing import Final

from registry.errors import InvalidSchema, SchemaTooLarge


@dataclass(frozen=True, slots=True)
class Limits:
    """Where Java has a limit of its own (depth, digits, property_name, string) the default is Java's."""

    text_bytes: int = 8 * 1024 * 1024
    depth: int = 1_000
    digits: int = 1_000
    property_name: int = 50_000
    string: int = 20_000_000
    values: int = 1_000_000
    name: int = 4_096
    references: int = 1_000
    reference_bytes: int = 16 * 1024 * 1024
    default_steps: int = 1_000_000
    compared_pairs: int = 1_000_000
    reported_incompatibilities: int = 1_000
    reported_characters: int = 4_000_000


DEFAULT: Final = Limits()


def exceeded(what: str, name: str, limit: int) -> InvalidSchema:
    return InvalidSchema(f"{what}: the limit {name} is {limit}")


def too_large(size: int, limit: int) -> SchemaTooLarge:
    return SchemaTooLarge(f"Schema has {size} bytes: the limit text_bytes is {limit}")
