"""Stored versions, parsed; and of what was parsed, a bounded part is kept by this process.

What a schema id stands for never changes: not its text, and not the versions that its references lead to. A row that
was deleted takes its key with it. So the store is asked which ids there are, and only what is not kept is read.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from threading import Lock
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection

from registry import schemas
from registry.bodies import StoredVersion
from registry.models import SchemaVersion
from registry.querysets import SchemaVersionQuerySet
from registry.schemas import Limits, Mode
from registry.schemas.base import ParsedSchema
from registry.services import references

# Histories are read in pieces: a check ends at the first version that fails.
_IDS_AT_ONCE = 500
_TEXTS_AT_ONCE = 20

# The primary key of the schema id; and the guid, so that a row that a restored backup lacks is not taken for another.
Key = tuple[int, UUID]


class _Head(NamedTuple):
    """What has to be known of a version before its text."""

    pk: int
    version: int
    schema_id_pk: int
    guid: UUID

    @property
    def key(self) -> Key:
        return self.schema_id_pk, self.guid


@dataclass(slots=True)
class Kept:
    """The schemas that were asked for last, up to a number of them and to a size of their texts in bytes.

    In memory a schema is about seven times its text.
    """

    most_schemas: int
    most_bytes: int
    _schemas: OrderedDict[Key, tuple[ParsedSchema, int]] = field(default_factory=OrderedDict)
    _bytes: int = 0
    _lock: Lock = field(default_factory=Lock)

    def find(self, key: Key) -> ParsedSchema | None:
        with self._lock:
            known = self._schemas.get(key)
            if known is None:
                return None
            self._schemas.move_to_end(key)
            return known[0]

    def keep(self, key: Key, schema: ParsedSchema, size: int) -> None:
        """What is larger than an eighth of the room would drive out too much."""
        if size > self.most_bytes // 8:
            return
        with self._lock:
            if key in self._schemas:
                return
            self._schemas[key] = (schema, size)
            self._bytes += size
            while self._bytes > self.most_bytes or len(self._schemas) > self.most_schemas:
                _, (_, freed) = self._schemas.popitem(last=False)
                self._bytes -= freed

    def clear(self) -> None:
        with self._lock:
            self._schemas.clear()
            self._bytes = 0


KEPT = Kept(most_schemas=2000, most_bytes=8 * 1024 * 1024)


def parse_stored(stored: StoredVersion) -> ParsedSchema:
    """A version that the registry holds; it was valid when it came in."""
    key = (stored.schema_id_pk, stored.guid)
    if known := _find(key):
        return known
    texts = references.texts_of(stored)
    parsed = schemas.parse(stored.schema_type, stored.text, texts, mode=Mode.STORED, limits=limits())
    if not connection.in_atomic_block:
        KEPT.keep(key, parsed, sum(len(text.encode()) for text in (stored.text, *texts)))
    return parsed


def newest_first(versions: SchemaVersionQuerySet) -> Iterator[tuple[int, ParsedSchema]]:
    """Version and schema, read no further than they are taken. One query for the first of them."""
    newest = versions.newest_first().first_stored()
    if newest is None:
        return
    yield newest.version, parse_stored(newest)
    for heads in _pieces(versions, newest.version):
        rest = iter(heads)
        while some := list(islice(rest, _TEXTS_AT_ONCE)):
            yield from _parsed(some)


def _pieces(versions: SchemaVersionQuerySet, below: int) -> Iterator[list[_Head]]:
    while heads := _heads(versions, below):
        yield heads
        if len(heads) < _IDS_AT_ONCE:
            return
        below = heads[-1].version


def _heads(versions: SchemaVersionQuerySet, below: int) -> list[_Head]:
    older = versions.newest_first().filter(version__lt=below)
    rows = older.values_list("pk", "version", "schema_id", "schema_id__schema__guid")
    return [_Head(*row) for row in rows[:_IDS_AT_ONCE]]


def _parsed(heads: list[_Head]) -> Iterator[tuple[int, ParsedSchema]]:
    known = {head.pk: schema for head in heads if (schema := _find(head.key))}
    missing = [head.pk for head in heads if head.pk not in known]
    read = {stored.pk: stored for stored in SchemaVersion.objects.filter(pk__in=missing).stored()} if missing else {}
    for head in heads:
        if schema := known.get(head.pk):
            yield head.version, schema
        elif stored := read.get(head.pk):
            # Else it was deleted since its id was read.
            yield head.version, parse_stored(stored)


def _find(key: Key) -> ParsedSchema | None:
    """Nothing inside a transaction: it sees rows of its own that may never be, and whose keys are given out again."""
    return None if connection.in_atomic_block else KEPT.find(key)


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
