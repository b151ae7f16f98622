"""The guid of a schema's content: an MD5 over its parts, the same in every context and on every server.

An index and no proof: the parts are not separated, so different contents can share a guid. Whoever finds a guid has
to compare the contents.
"""

import hashlib
import struct
import uuid
from collections.abc import Sequence

from registry.schemas.base import Reference


def guid(text: str, references: Sequence[Reference]) -> str:
    """Confluent's rule: UTF-8 of the canonical text, then name, subject and version (4 bytes) of each reference."""
    digest = hashlib.md5(text.encode(), usedforsecurity=False)
    for reference in references:
        digest.update(reference.name.encode())
        digest.update(reference.subject.encode())
        digest.update(struct.pack(">i", reference.version))
    return str(uuid.UUID(bytes=digest.digest()))


def same_content(
    text: str, references: Sequence[Reference], other_text: str, other_references: Sequence[Reference]
) -> bool:
    return text == other_text and list(references) == list(other_references)
