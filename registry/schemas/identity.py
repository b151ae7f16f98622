"""The guid of a schema's content: an MD5 over its parts, the same in every context and on every server.

An index and no proof: the parts are not separated, so different contents can share a guid. Whoever finds a guid has
to compare the contents.
"""

import hashlib
import struct
import uuid
from collections.abc import Iterator, Sequence

from registry.schemas import rules
from registry.schemas.base import Reference
from registry.schemas.rules import Object

_PRESENT = b"\x01"


def guid(
    text: str, references: Sequence[Reference] = (), metadata: Object | None = None, rule_set: Object | None = None
) -> str:
    """Confluent's rule: the canonical text, the references, the metadata and the rules, one after the other."""
    digest = hashlib.md5(text.encode(), usedforsecurity=False)
    for part in (*_references(references), *_metadata(metadata), *_rule_set(rule_set)):
        digest.update(part)
    return str(uuid.UUID(bytes=digest.digest()))


def _references(references: Sequence[Reference]) -> Iterator[bytes]:
    for reference in references:
        yield reference.name.encode()
        yield reference.subject.encode()
        yield struct.pack(">i", reference.version)


def _metadata(metadata: Object | None) -> Iterator[bytes]:
    if metadata is None:
        return
    yield _PRESENT
    for path in rules.in_order(metadata.get("tags", {})):
        yield from _texts(path, *rules.in_order(metadata["tags"][path]))
    yield from _pairs(metadata.get("properties", {}))
    yield from _texts(*rules.in_order(metadata.get("sensitive", ())))


def _rule_set(rule_set: Object | None) -> Iterator[bytes]:
    if rule_set is None:
        return
    yield _PRESENT
    for kind in rules.LISTS:
        for rule in rule_set.get(kind, ()):
            yield from _rule(rule)
    yield from _texts(rule_set.get("enableAt"))


def _rule(rule: Object) -> Iterator[bytes]:
    yield from _texts(rule.get("name"), rule.get("doc"), rule["kind"], rule["mode"], rule.get("type"))
    yield from _texts(*rules.in_order(rule.get("tags", ())))
    yield from _pairs(rule.get("params", {}))
    yield from _texts(rule.get("expr"), rule.get("onSuccess"), rule.get("onFailure"))
    if rule["disabled"]:
        yield _PRESENT


def _pairs(given: Object) -> Iterator[bytes]:
    for name in rules.in_order(given):
        yield from _texts(name, given[name])


def _texts(*texts: str | None) -> Iterator[bytes]:
    return (text.encode() for text in texts if text is not None)
