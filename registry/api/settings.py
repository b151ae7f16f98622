"""Request shapes of config and mode."""

from collections.abc import Callable, Mapping
from typing import Any

from registry.api import contracts, requests
from registry.errors import InvalidMode, UnprocessableRequest


def config_changes(body: Mapping[str, Any]) -> dict[str, Any]:
    """ConfigUpdate: fields to set, or to clear where the value is None. Absent fields are absent.

    Raises MalformedRequest for a wrong type, UnprocessableRequest for a text that can't be stored.
    """
    return {field: read(body, member) for member, (field, read) in _MEMBERS.items() if member in body}


def given_mode(body: Mapping[str, Any]) -> str | None:
    """ModeUpdateRequest: the mode as it was sent, None where it is to be cleared. Raises InvalidMode if absent."""
    if "mode" not in body:
        raise InvalidMode
    return requests.optional_text(body, "mode")


def _text(body: Mapping[str, Any], member: str) -> str | None:
    text = requests.optional_text(body, member)
    if text is not None and (match := requests.UNWRITABLE.search(text)):
        raise UnprocessableRequest(f"`{member}` holds the character U+{ord(match[0]):04X}, which can't be stored")
    return text


_Reader = Callable[[Mapping[str, Any], str], Any]
_MEMBERS: dict[str, tuple[str, _Reader]] = {
    "alias": ("alias", _text),
    "aliasForDeks": ("alias_for_deks", _text),
    "normalize": ("normalize", requests.optional_boolean),
    "validateFields": ("validate_fields", requests.optional_boolean),
    "validateNewSchemas": ("validate_new_schemas", requests.optional_boolean),
    "validateRules": ("validate_rules", requests.optional_boolean),
    "compatibility": ("compatibility_level", requests.optional_text),
    "compatibilityPolicy": ("compatibility_policy", requests.optional_text),
    "compatibilityGroup": ("compatibility_group", _text),
    "defaultMetadata": ("default_metadata", contracts.metadata),
    "overrideMetadata": ("override_metadata", contracts.metadata),
    "defaultRuleSet": ("default_rule_set", contracts.rule_set),
    "overrideRuleSet": ("override_rule_set", contracts.rule_set),
}
