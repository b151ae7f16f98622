"""RegisterSchemaRequest and TagSchemaRequest: a schema with all that may stand beside it and in it."""

from collections.abc import Mapping
from typing import Any

from registry.api import contracts, requests
from registry.bodies import Definition, Tagging
from registry.errors import MalformedRequest
from registry.schemas.base import EntityType, SchemaEntity, SchemaTags
from registry.services.tagging import Change


def definition(body: Mapping[str, Any]) -> Definition:
    """Raises MalformedRequest for a wrong type, InvalidSchema for a reference that can't be one."""
    schema_type = requests.optional_text(body, "schemaType")
    schema_id = requests.optional_integer(body, "id")
    return Definition(
        text=requests.writable(requests.optional_text(body, "schema") or "", "schema"),
        schema_type="AVRO" if schema_type is None else schema_type,
        references=requests.references(body.get("references")),
        metadata=contracts.metadata(body, "metadata"),
        rule_set=contracts.rule_set(body, "ruleSet"),
        version=requests.optional_integer(body, "version") or 0,
        schema_id=None if schema_id is None or schema_id < 0 else schema_id,
        tagging=_tagging(body),
    )


def change(body: Mapping[str, Any]) -> Change:
    """TagSchemaRequest. Raises MalformedRequest."""
    return Change(
        version=requests.optional_integer(body, "newVersion") or 0,
        tagging=Tagging(_tags(body, "tagsToAdd"), _tags(body, "tagsToRemove")),
        metadata=contracts.metadata(body, "metadata"),
        rule_set=contracts.rule_set(body, "ruleSet"),
        rules_to_merge=contracts.rule_set(body, "rulesToMerge"),
        rules_to_remove=tuple(contracts.texts(body, "rulesToRemove")),
    )


def _tagging(body: Mapping[str, Any]) -> Tagging | None:
    found = Tagging(
        add=_tags(body, "schemaTagsToAdd"),
        remove=_tags(body, "schemaTagsToRemove"),
        inherit=requests.optional_boolean(body, "propagateSchemaTags") or False,
    )
    return None if found == Tagging() else found


def _tags(body: Mapping[str, Any], member: str) -> tuple[SchemaTags, ...]:
    return tuple(contracts.items(body, member, _schema_tags))


def _schema_tags(value: Any, where: str) -> SchemaTags:
    if not isinstance(value, dict) or not isinstance(entity := value.get("schemaEntity"), dict):
        raise MalformedRequest(f"`{where}` must be an object with a `schemaEntity`")
    path = requests.writable(requests.optional_text(entity, "entityPath") or "", f"{where}.schemaEntity.entityPath")
    kind = requests.optional_text(entity, "entityType")
    if kind not in list(EntityType):
        known = ", ".join(EntityType)
        raise MalformedRequest(f"`{where}.schemaEntity.entityType` is {kind!r:.80}, not one of {known}")
    return SchemaTags(SchemaEntity(path, EntityType(kind)), tuple(contracts.texts(value, "tags", where)))
