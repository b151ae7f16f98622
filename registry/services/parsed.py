"""Stored versions, parsed."""

from django.conf import settings

from registry import schemas
from registry.bodies import StoredVersion
from registry.schemas import Limits, Mode
from registry.schemas.base import ParsedSchema
from registry.services import references


def parse_stored(stored: StoredVersion) -> ParsedSchema:
    """A version that the registry holds; it was valid when it came in."""
    return schemas.parse(
        stored.schema_type, stored.text, references.texts_of(stored), mode=Mode.STORED, limits=limits()
    )


def limits() -> Limits:
    caps = settings.CALLBOARD
    return Limits(
        depth=caps["LIMIT_SCHEMA_DEPTH"],
        values=caps["LIMIT_SCHEMA_VALUES"],
        name=caps["LIMIT_SCHEMA_NAME"],
        references=caps["LIMIT_REFERENCES"],
        reference_bytes=caps["LIMIT_REFERENCE_BYTES"],
        default_steps=caps["LIMIT_DEFAULT_STEPS"],
        compared_pairs=caps["LIMIT_COMPARED_PAIRS"],
        reported_incompatibilities=caps["LIMIT_INCOMPATIBILITIES"],
    )
