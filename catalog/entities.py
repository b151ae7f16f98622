"""A subject as an entity of Backstage, pure.

What the catalog would refuse is not built: one entity with a bad envelope freezes the whole file it stands in. The
rules are those of @backstage/catalog-model 1.10.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import quote, urlsplit

import orjson

from registry.names import SubjectName

Entity = dict[str, Any]

API_VERSION = "backstage.io/v1alpha1"
# Groups of this prefix belong to the identity provider, which knows them without it.
_PROVIDER_PREFIX = "idp:"
_LONGEST_NAME = 63
_BUCKETS = 1 << 16
# Beyond this a deeply nested schema would be more blanks than schema; it is shown as it is stored.
_MOST_GROWTH = 4

_NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]\Z")
_KIND = re.compile(r"[a-zA-Z][a-z0-9A-Z]*\Z")
_NAMESPACE = re.compile(r"[a-z0-9]+(?:-+[a-z0-9]+)*\Z")
_TAG = re.compile(r"[a-z0-9:+#]+(?:-[a-z0-9:+#]+)*\Z")
_OUTSIDE_OF_NAMES = re.compile(r"[^A-Za-z0-9._-]")
_OPENING, _CLOSING = frozenset("{["), frozenset("}]")
_SYMBOL = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{},:]|[^\s\[\]{},:"]++', re.DOTALL)
# What YAML calls unprintable, and its line breaks, as JSON leaves them in a string.
_NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


class Unmappable(Exception):
    """No entity that the catalog would take can be made of this subject; the message says why."""


@dataclass(frozen=True, slots=True)
class Site:
    """What all entities of one registry share."""

    base_url: str
    namespace: str
    owners: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """A subject with the version that stands for it, as the feed reads them."""

    subject_pk: int
    subject: SubjectName
    entity_name: str
    is_deprecated: bool
    owner: str
    version: int
    schema_id: int
    text: str
    references: list[dict[str, Any]]
    fingerprint: str
    compatibility: str


def build(row: Row, site: Site) -> Entity:
    """The complete entity. Raises Unmappable."""
    subject = str(row.subject)
    portal = f"{site.base_url}/ui/subject?name={quote(subject, safe='')}"
    entity = {
        "apiVersion": API_VERSION,
        "kind": "API",
        "metadata": {
            "name": row.entity_name,
            "namespace": site.namespace,
            **_given("title", subject),
            **_given("description", _doc(row.text)),
            "annotations": _annotations(row, site, portal),
            "tags": ["avro"],
            "links": [
                {"url": portal, "title": "Callboard", "icon": "dashboard"},
                {
                    "url": f"{site.base_url}/subjects/{quote(subject, safe='')}/versions/{row.version}",
                    "title": f"Version {row.version} as JSON",
                },
            ],
        },
        "spec": {
            "type": "avro",
            "lifecycle": "deprecated" if row.is_deprecated else "production",
            "owner": owner_ref(row.owner, site.owners),
            "definition": pretty(row.text),
        },
    }
    check(entity)
    return entity


def location(name: str, targets: list[str]) -> Entity:
    """The entry point of a stock Location. Raises Unmappable."""
    entity = {
        "apiVersion": API_VERSION,
        "kind": "Location",
        "metadata": {"name": name},
        "spec": {"targets": targets},
    }
    check(entity)
    return entity


def document(entity: Entity) -> bytes:
    """One document of a YAML file, on one line: JSON is YAML, if what YAML can't print is escaped."""
    line = _NOT_IN_YAML.sub(_escaped, orjson.dumps(entity).decode())
    return f"---\n{line}\n".encode()


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def _given(key: str, value: str) -> dict[str, str]:
    return {key: value} if value else {}


def _annotations(row: Row, site: Site, portal: str) -> dict[str, str]:
    here = f"url:{site.base_url}/backstage/v1/entities/{site.namespace}/{row.entity_name}"
    return {
        "callboard/subject": str(row.subject),
        "callboard/context": row.subject.context,
        "callboard/version": str(row.version),
        "callboard/schema-id": str(row.schema_id),
        "callboard/compatibility": row.compatibility,
        "callboard/fingerprint": row.fingerprint,
        **({"callboard/references": orjson.dumps(row.references).decode()} if row.references else {}),
        "backstage.io/managed-by-location": here,
        "backstage.io/managed-by-origin-location": here,
        "backstage.io/view-url": portal,
        "backstage.io/source-location": f"url:{site.base_url}/",
    }


def _doc(text: str) -> str:
    """The doc of the top-level type."""
    try:
        schema = orjson.loads(text)
    except orjson.JSONDecodeError:
        # Deeper than orjson reads, or with an escape that is no Unicode; the definition still says it.
        return ""
    doc = schema.get("doc") if isinstance(schema, dict) else None
    return doc if isinstance(doc, str) else ""


def pretty(text: str) -> str:
    """The same JSON, indented. It is not parsed, so that numbers and escapes stay as they were written."""
    parts: list[str] = []
    depth, size, previous = 0, 0, ""
    for symbol in _SYMBOL.findall(text):
        is_opened, is_closing = previous in _OPENING, symbol in _CLOSING
        depth += is_opened - is_closing
        if is_opened != is_closing or previous == ",":
            parts.append("\n" + "  " * depth)
        parts.append(": " if symbol == ":" else symbol)
        size += len(parts[-1]) + 2 * depth
        if size > _MOST_GROWTH * len(text) + 10_000:
            return text
        previous = symbol
    return "".join(parts)


def owner_ref(group: str, owners: Mapping[str, str]) -> str:
    """The Group entity of a group: as configured, else by its name. Raises Unmappable."""
    if ref := owners.get(group):
        return ref
    slug = _slug(group.removeprefix(_PROVIDER_PREFIX))
    if not slug:
        raise Unmappable(f"the name of its owner, the group {group!r}, holds no letter that a Backstage name could")
    return f"group:default/{slug}"


def _slug(text: str) -> str:
    unaccented = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    dashed = re.sub(r"-{2,}", "-", _OUTSIDE_OF_NAMES.sub("-", unaccented.lower()))
    return dashed.strip("-._")[:_LONGEST_NAME].strip("-._")


def names_for(subject: str) -> Iterator[str]:
    """Names for the entity of a subject, best first, without end: the first that nobody holds is taken, and kept.

    Another subject may hold any of them, by chance or on purpose, because a subject may be called what we would call
    another.
    """
    cleaned = _OUTSIDE_OF_NAMES.sub("-", subject).strip("-._")
    if cleaned == subject and len(cleaned) <= _LONGEST_NAME and cleaned:
        yield cleaned
    for digits in (8, 16, 32):
        yield _hashed(cleaned, _sha256(subject), digits)
    for n in count(1):
        yield _hashed(cleaned, _sha256(f"{subject}\n{n}"), 32)


def _hashed(cleaned: str, digest: str, digits: int) -> str:
    return f"{(cleaned or 's')[: _LONGEST_NAME - 1 - digits]}-{digest[:digits]}"


def bucket(subject: str) -> int:
    """Decides in which file of the feed the subject stands, now and for ever."""
    return int(_sha256(subject), 16) % _BUCKETS


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def is_name(value: str) -> bool:
    return len(value) <= _LONGEST_NAME and _NAME.match(value) is not None


def is_namespace(value: str) -> bool:
    return len(value) <= 63 and _NAMESPACE.match(value) is not None


def is_tag(value: str) -> bool:
    return len(value) <= 63 and _TAG.match(value) is not None


def is_label_value(value: str) -> bool:
    return not value or is_name(value)


def is_annotation_key(value: str) -> bool:
    """The key of a label as well: a name, after the subdomain of whoever defined it."""
    prefix, slash, name = value.rpartition("/")
    return is_name(name) and (not slash or _is_subdomain(prefix))


def _is_subdomain(value: str) -> bool:
    return len(value) <= 253 and all(map(is_namespace, value.split(".")))


def is_ref(value: str) -> bool:
    """A full reference to an entity, `kind:namespace/name`."""
    kind, _, rest = value.partition(":")
    namespace, _, name = rest.partition("/")
    return len(kind) <= 63 and _KIND.match(kind) is not None and is_namespace(namespace) and is_name(name)


def is_url(value: object) -> bool:
    if not isinstance(value, str) or re.search(r"[\x00-\x20\x7f]", value):
        return False
    try:
        parts = urlsplit(value)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def check(entity: Entity) -> None:
    """Raises Unmappable, naming all rules that the entity breaks."""
    if broken := list(_broken(entity)):
        raise Unmappable("; ".join(broken))


Rule = Callable[[Any], bool]


def _text(rule: Callable[[str], bool]) -> Rule:
    return lambda value: isinstance(value, str) and rule(value)


def _texts(rule: Callable[[str], bool]) -> Rule:
    return lambda value: isinstance(value, list) and all(map(_text(rule), value))


def _pairs(key: Callable[[str], bool], value: Callable[[str], bool]) -> Rule:
    return lambda pairs: isinstance(pairs, dict) and all(_text(key)(k) and _text(value)(v) for k, v in pairs.items())


def _is_links(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_link, value))


def _is_link(value: object) -> bool:
    if not isinstance(value, dict) or not value.keys() <= {"url", "title", "icon", "type"}:
        return False
    return is_url(value.get("url")) and all(map(_text(bool), value.values()))


def _anything(value: str) -> bool:
    return True


_METADATA: dict[str, Rule] = {
    "name": _text(is_name),
    "namespace": _text(is_namespace),
    "title": _text(bool),
    "description": _text(_anything),
    "labels": _pairs(is_annotation_key, is_label_value),
    "annotations": _pairs(is_annotation_key, _anything),
    "tags": _texts(is_tag),
    "links": _is_links,
}
_SPECS: dict[str, dict[str, Rule]] = {
    "API": {
        "type": _text(bool),
        "lifecycle": _text(bool),
        # To the catalog any text will do; but what is no full reference would be read in our own namespace.
        "owner": _text(is_ref),
        "definition": _text(bool),
        "system": _text(is_ref),
    },
    "Location": {"targets": _texts(bool)},
}
_REQUIRED = {"API": {"type", "lifecycle", "owner", "definition"}, "Location": {"targets"}}


def _broken(entity: Entity) -> Iterator[str]:
    if entity.keys() != {"apiVersion", "kind", "metadata", "spec"}:
        yield "an entity has apiVersion, kind, metadata and spec"
    if entity.get("apiVersion") != API_VERSION:
        yield f"apiVersion is not {API_VERSION}"
    kind = entity.get("kind")
    if kind not in _SPECS:
        yield f"kind {kind!r} is not ours"
        return
    yield from _broken_members("metadata", entity.get("metadata"), _METADATA, {"name"})
    yield from _broken_members("spec", entity.get("spec"), _SPECS[kind], _REQUIRED[kind])


def _broken_members(place: str, members: object, rules: Mapping[str, Rule], required: Iterable[str]) -> Iterator[str]:
    if not isinstance(members, dict):
        yield f"{place} is no object"
        return
    for name in sorted(set(required) - members.keys()):
        yield f"{place}.{name} is missing"
    for name, value in members.items():
        if name not in rules:
            yield f"{place}.{name} is unknown"
        elif not rules[name](value):
            yield f"{place}.{name} is not valid: {str(value)[:100]!r}"
