"""Tags inside a schema: the property `confluent:tags` of records and of their fields.

They are found in the graph of types, in the order of the text, and changed in the canonical text, which is then
parsed again. An entity is called by the record's full name, and a field by that and its own name; a record's simple
name will do where no full name is the same.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias

from registry.errors import InvalidSchema
from registry.schemas.avro.nodes import Field, Json, Node, Props, Record, child_nodes
from registry.schemas.base import EntityType, SchemaEntity, SchemaTags

PROPERTY: Final = "confluent:tags"

_Object: TypeAlias = dict[str, Json]
# What `confluent:tags` can belong to: the JSON objects of the text by the paths that name them.
_Index: TypeAlias = dict[SchemaEntity, _Object]


def find(root: Node) -> tuple[SchemaTags, ...]:
    """Everything that has tags: a record before its fields, a field before what its type brings."""
    return tuple(
        SchemaTags(SchemaEntity(path, type_), tags) for path, type_, props in _entities(root) if (tags := _tags(props))
    )


def changed(
    value: Json, *, add: Sequence[SchemaTags], remove: Sequence[SchemaTags], inherit: Sequence[SchemaTags]
) -> None:
    """Change the tags in the JSON value of a canonical text, in place.

    An entity keeps the tags it has, then gets those to add, then those it inherits; what is to be removed goes last.
    Inherited tags of an entity that is no longer there are passed over. Raises InvalidSchema for any other path that
    leads nowhere.
    """
    index = _index(value)
    for entity, tags in _by_entity(add).items():
        _put(_found(index, entity), tags)
    for entity, tags in _by_entity(inherit).items():
        if owner := index.get(entity):
            _put(owner, tags)
    for entity, tags in _by_entity(remove).items():
        _drop(_found(index, entity), tags)


def _by_entity(given: Sequence[SchemaTags]) -> dict[SchemaEntity, dict[str, None]]:
    """Whoever is named many times is written once."""
    merged: dict[SchemaEntity, dict[str, None]] = {}
    for tagged in given:
        merged.setdefault(tagged.entity, {}).update(dict.fromkeys(tagged.tags))
    return merged


def _entities(root: Node) -> Iterator[tuple[str, EntityType, Props]]:
    """Path, kind and properties of every record and field that can be reached."""
    seen: set[str] = set()
    pending: list[tuple[str, Node | Field]] = [("", root)]
    while pending:
        path, at = pending.pop()
        if isinstance(at, Field):
            yield path, EntityType.FIELD, at.props
            pending.append(("", at.type))
        elif not isinstance(at, Record):
            pending.extend(("", child) for child in reversed(child_nodes(at)))
        elif at.full not in seen:
            seen.add(at.full)
            yield at.full, EntityType.RECORD, at.props
            pending.extend((f"{at.full}.{field.name}", field) for field in reversed(at.fields))


def _tags(props: Props) -> tuple[str, ...]:
    tags = props.get(PROPERTY)
    if not isinstance(tags, list):
        return ()
    return tuple(dict.fromkeys(tag for tag in tags if isinstance(tag, str)))


def _index(value: Json) -> _Index:
    records = list(_records(value))
    # The full names win over the simple ones, and of equal simple names the first in the text.
    index: _Index = {}
    for name, record in [*records, *((name.rpartition(".")[2], record) for name, record in records)]:
        index.setdefault(SchemaEntity(name, EntityType.RECORD), record)
        for field in _fields(record):
            index.setdefault(SchemaEntity(f"{name}.{field['name']}", EntityType.FIELD), field)
    return index


def _records(value: Json) -> Iterator[tuple[str, _Object]]:
    """The full name and the object of every record that the text defines, in its order."""
    pending: list[tuple[Json, str]] = [(value, "")]
    while pending:
        at, namespace = pending.pop()
        if isinstance(at, list):
            pending.extend((branch, namespace) for branch in reversed(at))
        elif isinstance(at, dict) and "fields" in at:
            name = str(at["name"])
            given = at.get("namespace")
            namespace = given if isinstance(given, str) else namespace
            yield f"{namespace}.{name}" if namespace else name, at
            pending.extend((field["type"], namespace) for field in reversed(_fields(at)))
        elif isinstance(at, dict):
            pending.extend((at[word], namespace) for word in ("items", "values") if word in at)


def _fields(record: _Object) -> list[_Object]:
    fields = record["fields"]
    return [field for field in fields if isinstance(field, dict)] if isinstance(fields, list) else []


def _found(index: _Index, entity: SchemaEntity) -> _Object:
    owner = index.get(entity)
    if owner is None:
        raise InvalidSchema(f"No matching path '{entity.path}' found in the schema")
    return owner


def _put(owner: _Object, tags: dict[str, None]) -> None:
    _set(owner, dict.fromkeys([*_tags(owner), *tags]))


def _drop(owner: _Object, tags: dict[str, None]) -> None:
    _set(owner, (tag for tag in _tags(owner) if tag not in tags))


def _set(owner: _Object, tags: Iterable[str]) -> None:
    """A list without tags is no list."""
    kept: list[Json] = list(tags)
    if kept:
        owner[PROPERTY] = kept
    else:
        owner.pop(PROPERTY, None)
