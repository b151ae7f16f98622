"""RegisterSchemaRequest: a schema with all that may stand beside it."""

from collections.abc import Mapping
from typing import Any

from registry.api import contracts, requests
from registry.bodies import Definition

# Members that belong to parts of the protocol which this release does not have yet.
_NOT_YET = ("schemaTagsToAdd", "schemaTagsToRemove", "propagateSchemaTags")


def definition(body: Mapping[str, Any]) -> Definition:
    """Raises MalformedRequest for a wrong type, UnprocessableRequest for what is yet to come."""
    for member in _NOT_YET:
        if body.get(member) not in (None, False):
            requests.refuse(member)
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
    )
