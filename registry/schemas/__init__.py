"""Schema formats: text in, parsed schema or error out. Nothing here knows Django, a database or the clock."""

import re
from collections.abc import Sequence
from typing import Final

from registry.errors import InvalidSchema
from registry.schemas.avro import AVRO
from registry.schemas.avro.limits import DEFAULT, Limits
from registry.schemas.base import (
    AnySchemaType,
    Comparison,
    EmptySchema,
    EntityType,
    Incompatibility,
    Mode,
    ParsedSchema,
    Reference,
    SchemaEntity,
    SchemaTags,
    UnknownSchemaType,
)

__all__ = [
    "DEFAULT_LIMITS",
    "TYPES",
    "Comparison",
    "EmptySchema",
    "EntityType",
    "Incompatibility",
    "Limits",
    "Mode",
    "ParsedSchema",
    "Reference",
    "SchemaEntity",
    "SchemaTags",
    "UnknownSchemaType",
    "normalize",
    "parse",
]

DEFAULT_LIMITS: Final = DEFAULT
TYPES: Final[dict[str, AnySchemaType]] = {AVRO.name: AVRO}

_SURROGATE_ESCAPE: Final = re.compile(r"\\u[dD][89a-fA-F]")


def parse(
    schema_type: str,
    text: str,
    reference_texts: Sequence[str] = (),
    *,
    mode: Mode = Mode.REGISTRATION,
    limits: Limits = DEFAULT_LIMITS,
) -> ParsedSchema:
    """Parse a text with the texts of its references, in the order of their resolution.

    EmptySchema for a blank text, SchemaTooLarge for one with too many bytes, InvalidSchema for anything else that is
    wrong with it.
    """
    format_ = TYPES.get(schema_type)
    if format_ is None:
        raise UnknownSchemaType(schema_type)
    if not text or text.isspace():
        raise EmptySchema
    may_hold_surrogates = False
    for given in (text, *reference_texts):
        escaped = "\\u" in given and _SURROGATE_ESCAPE.search(given) is not None
        may_hold_surrogates |= escaped or not _is_unicode(given)
    parsed: ParsedSchema = format_.parse(text, reference_texts, mode, limits)
    if may_hold_surrogates:
        _check_unicode(parsed, text, *reference_texts)
    return parsed


def normalize(parsed: ParsedSchema) -> ParsedSchema:
    """The normal form as a schema of its own, parsed in the same mode with the same references."""
    return parsed.normalized()


def _check_unicode(parsed: ParsedSchema, *texts: str) -> None:
    """Java parses lone surrogates, but no text that is stored or sent as UTF-8 can hold one."""
    if not all(map(_is_unicode, (*texts, parsed.canonical, parsed.resolved))):
        raise InvalidSchema("Lone surrogate in the schema text: it cannot be encoded as UTF-8")


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
