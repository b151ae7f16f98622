"""Metadata and rule sets, the part of a data contract beside the schema: what is valid, what comes of two of them.

Both are plain JSON objects as the wire shows them, sorted and without what is empty. Absent is None, and not the same
as empty.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from registry.errors import InvalidRuleSet

Object = dict[str, Any]

# Stamped by the registry: the number of the version.
VERSION: Final = "confluent:version"
LISTS: Final = ("migrationRules", "domainRules", "encodingRules")
KINDS: Final = ("CONDITION", "TRANSFORM")
_MIGRATING: Final = ("UPGRADE", "DOWNGRADE", "UPDOWN")
_WORKING: Final = ("WRITE", "READ", "WRITEREAD")
MODES: Final = (*_MIGRATING, *_WORKING)
PLACES: Final = ("ALL", "CLIENT", "GATEWAY", "SERVER", "NONE")
_LONGEST_NAME: Final = 256
_TWO_ACTIONS: Final = ("WRITEREAD", "UPDOWN")
_ALLOWED: Final = {
    "migrationRules": (_MIGRATING, "Migration rules can only be UPGRADE, DOWNGRADE, UPDOWN"),
    "domainRules": (_WORKING, "Domain rules can only be WRITE, READ, WRITEREAD"),
    "encodingRules": (_WORKING, "Encoding rules can only be WRITE, READ, WRITEREAD"),
}


def check(rule_set: Object | None) -> None:
    """Raises InvalidRuleSet for the first rule that is wrong, list by list."""
    seen: set[str | None] = set()
    for kind, rule in _rules(rule_set):
        name = rule.get("name")
        if name is not None and name in seen:
            raise InvalidRuleSet(f"Found rule with duplicate name '{name}'")
        seen.add(name)
        _check_name(name)
        _check_rule(kind, rule)


def _rules(rule_set: Object | None) -> Iterator[tuple[str, Object]]:
    for kind in LISTS:
        for rule in (rule_set or {}).get(kind, ()):
            yield kind, rule


def _check_name(name: str | None) -> None:
    if name is None:
        raise InvalidRuleSet("Missing rule name")
    if not name:
        raise InvalidRuleSet("Empty rule name")
    if len(utf16(name)) > 2 * _LONGEST_NAME:
        raise InvalidRuleSet("Rule name too long")
    if not (name[0].isalpha() or name[0] == "_"):
        raise InvalidRuleSet(f"Illegal initial character in rule name: {name}")
    if not all(character.isalpha() or character.isdecimal() or character in "_-" for character in name):
        raise InvalidRuleSet(f"Illegal character in rule name: {name}")


def _check_rule(kind: str, rule: Object) -> None:
    if rule.get("type") is None:
        raise InvalidRuleSet("Missing rule type")
    actions = rule.get("onSuccess", ""), rule.get("onFailure", "")
    if any("," in action for action in actions) and rule["mode"] not in _TWO_ACTIONS:
        raise InvalidRuleSet("Multiple actions only valid with WRITEREAD and UPDOWN")
    modes, refusal = _ALLOWED[kind]
    if rule["mode"] not in modes:
        raise InvalidRuleSet(refusal)


def has_type(rule_set: Object | None, rule_type: str) -> bool:
    """Is there a rule of this type in any of the lists?"""
    return any(rule.get("type") == rule_type for _, rule in _rules(rule_set))


# Putting two together.


def merge_metadata(older: Object | None, newer: Object | None) -> Object | None:
    """Tags and properties by name, the newer ones win; what is sensitive in either is sensitive."""
    if older is None or newer is None:
        return older if newer is None else newer
    return metadata(
        tags={**older.get("tags", {}), **newer.get("tags", {})},
        properties={**older.get("properties", {}), **newer.get("properties", {})},
        sensitive={*older.get("sensitive", ()), *newer.get("sensitive", ())},
    )


def merge_rule_sets(older: Object | None, newer: Object | None) -> Object | None:
    """List by list: the older rules whose names do not come again, then all newer ones."""
    if older is None or newer is None:
        return older if newer is None else newer
    lists = {kind: _merged(older.get(kind, []), newer.get(kind, [])) for kind in LISTS}
    return rule_set(lists, newer.get("enableAt") or older.get("enableAt"))


def _merged(older: list[Object], newer: list[Object]) -> list[Object]:
    names = {rule.get("name") for rule in newer}
    return [*(rule for rule in older if rule.get("name") not in names), *newer]


def without_rules(rules: Object | None, names: Iterable[str]) -> Object | None:
    """By name; a name that nothing has is passed over."""
    if rules is None:
        return None
    gone = set(names)
    lists = {kind: [rule for rule in rules.get(kind, []) if rule.get("name") not in gone] for kind in LISTS}
    return rule_set(lists, rules.get("enableAt"))


# Their one spelling.


def metadata(*, tags: Mapping[str, Iterable[str]], properties: Mapping[str, str], sensitive: Iterable[str]) -> Object:
    members: Object = {
        "tags": {path: in_order(tags[path]) for path in in_order(tags)},
        "properties": {name: properties[name] for name in in_order(properties)},
        "sensitive": in_order(sensitive),
    }
    return {name: value for name, value in members.items() if value}


def rule_set(lists: Mapping[str, list[Object]], enable_at: str | None) -> Object:
    members: Object = {**{kind: lists.get(kind, []) for kind in LISTS}, "enableAt": enable_at}
    return {name: value for name, value in members.items() if value}


def in_order(texts: Iterable[str]) -> list[str]:
    """Without repetitions, sorted as Java does."""
    return sorted(set(texts), key=utf16)


def utf16(text: str) -> bytes:
    """Java compares code units, which is another order above U+FFFF."""
    return text.encode("utf-16-be", "surrogatepass")


# The version's number in the metadata.


def stamped(given: Object | None, version: int) -> Object:
    """With the number of the version."""
    stamp = metadata(tags={}, properties={VERSION: str(version)}, sensitive=())
    return merge_metadata(given, stamp) or stamp


def has_stamp(given: Object | None) -> bool:
    return VERSION in (given or {}).get("properties", {})


def is_same_metadata(stored: Object | None, version: int, given: Object | None) -> bool:
    """Would a lookup of `given` find that version? A stamp on one side alone does not count.

    One that only the request has must be the version's number.
    """
    old, new = _stamp(stored), _stamp(given)
    if old is not None and new is None:
        return _without_stamp(stored) == (given or {})
    if new is not None and old is None:
        return new == version and (stored or {}) == _without_stamp(given)
    return stored == given


def is_same_rule_set(stored: Object | None, given: Object | None) -> bool:
    """One without rules is none."""
    return (stored or {}) == (given or {})


def _stamp(given: Object | None) -> int | None:
    text = (given or {}).get("properties", {}).get(VERSION)
    try:
        return int(text) if text is not None and len(text) < 20 else None
    except ValueError:
        return None


def _without_stamp(given: Object | None) -> Object:
    found = given or {}
    return metadata(
        tags=found.get("tags", {}),
        properties={name: value for name, value in found.get("properties", {}).items() if name != VERSION},
        sensitive=found.get("sensitive", ()),
    )


# What a schema reserves.


def reserved(given: Object | None) -> list[str]:
    """The field names in `confluent:reserved`, in their order."""
    text = (given or {}).get("properties", {}).get("confluent:reserved", "")
    return list(dict.fromkeys(name for name in (part.strip() for part in text.split(",")) if name))
