"""Request shapes of metadata and rule sets: JSON in, the one spelling of `schemas.rules` out.

Raises MalformedRequest, naming the path, for a wrong type, an unknown word where only some are known, and a null
within: nothing is dropped in silence.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from registry.api import requests
from registry.errors import MalformedRequest
from registry.schemas import rules
from registry.schemas.rules import Object

T = TypeVar("T")
_TEXTS = ("name", "doc", "type", "expr", "onSuccess", "onFailure")


def metadata(body: Mapping[str, Any], member: str) -> Object | None:
    given = _object(body.get(member), member)
    if given is None:
        return None
    return rules.metadata(
        tags=_map(given.get("tags"), f"{member}.tags", _text_list) or {},
        properties=_map(given.get("properties"), f"{member}.properties", _text) or {},
        sensitive=_list(given.get("sensitive"), f"{member}.sensitive", _text),
    )


def rule_set(body: Mapping[str, Any], member: str) -> Object | None:
    """The rules are not checked yet: see rules.check."""
    given = _object(body.get(member), member)
    if given is None:
        return None
    lists = {kind: _list(given.get(kind), f"{member}.{kind}", _rule) for kind in rules.LISTS}
    return rules.rule_set(lists, _word(given, "enableAt", rules.PLACES, member))


def texts(body: Mapping[str, Any], member: str, where: str = "") -> list[str]:
    return items(body, member, _text, where)


def items(body: Mapping[str, Any], member: str, read: Callable[[Any, str], T], where: str = "") -> list[T]:
    """What `read` makes of each item of a list; none for a member that is absent."""
    return _list(body.get(member), f"{where}.{member}" if where else member, read)


def _rule(value: Any, where: str) -> Object:
    given = _object(value, where)
    if given is None:
        raise MalformedRequest(f"`{where}` is null")
    texts = {name: _optional(given, name, where) for name in _TEXTS}
    found: Object = {
        "name": texts["name"],
        "doc": texts["doc"],
        "kind": _word(given, "kind", rules.KINDS, where) or "TRANSFORM",
        "mode": _word(given, "mode", rules.MODES, where) or "WRITEREAD",
        "type": texts["type"],
        "tags": rules.in_order(_list(given.get("tags"), f"{where}.tags", _text)),
        "params": _sorted(_map(given.get("params"), f"{where}.params", _text) or {}),
        "expr": texts["expr"],
        "onSuccess": texts["onSuccess"],
        "onFailure": texts["onFailure"],
        "disabled": requests.optional_boolean(given, "disabled") or False,
    }
    # An empty name is wrong in another way than none.
    return {
        name: value for name, value in found.items() if value not in (None, [], {}) and (value != "" or name == "name")
    }


def _sorted(given: dict[str, str]) -> dict[str, str]:
    return {name: given[name] for name in rules.in_order(given)}


def _object(value: Any, where: str) -> Mapping[str, Any] | None:
    if value is None or isinstance(value, dict):
        return value
    raise MalformedRequest(f"`{where}` must be an object, not {requests.kind(value)}")


def _map(value: Any, where: str, read: Callable[[Any, str], T]) -> dict[str, T] | None:
    given = _object(value, where)
    if given is None:
        return None
    return {_text(name, where): read(content, f"{where}.{name}") for name, content in given.items()}


def _list(value: Any, where: str, read: Callable[[Any, str], T]) -> list[T]:
    """Empty for null."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise MalformedRequest(f"`{where}` must be a list, not {requests.kind(value)}")
    return [read(content, f"{where}[{position}]") for position, content in enumerate(value)]


def _text_list(value: Any, where: str) -> list[str]:
    if value is None:
        raise MalformedRequest(f"`{where}` is null")
    return _list(value, where, _text)


def _text(value: Any, where: str) -> str:
    text = requests.optional_text({where: value}, where)
    if text is None:
        raise MalformedRequest(f"`{where}` is null")
    return requests.writable(text, where)


def _optional(given: Mapping[str, Any], name: str, where: str) -> str | None:
    return None if given.get(name) is None else _text(given[name], f"{where}.{name}")


def _word(given: Mapping[str, Any], name: str, known: Sequence[str], where: str) -> str | None:
    word = _optional(given, name, where)
    if word is not None and word not in known:
        raise MalformedRequest(f"`{where}.{name}` is {word!r:.80}, not one of {', '.join(known)}")
    return word
