"""Request shapes: JSON text → values, as lenient as the protocol (a number stands for a text, `"TRUE"` for true).

Unknown members are ignored, as the protocol wants; known ones are taken or refused, never dropped.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from math import isfinite
from typing import Any

from django.http import QueryDict

from registry.errors import InvalidSchema, MalformedRequest, UnprocessableRequest
from registry.names import MAX_INTEGER, parse_integer
from registry.schemas.base import Reference
from registry.services.reading import Page
from registry.services.showing import Form

_MAX_DIGITS = 1000
# Possessive, and a string may lack its end: a pattern that tries again reads the rest of the body at every quote.
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")
UNWRITABLE = re.compile("[\0\ud800-\udfff]")


def read_json(body: bytes, *, max_depth: int) -> Any:
    """The JSON value of a body, None for an empty one. Raises MalformedRequest.

    NaN and Infinity are taken, of duplicate members the last counts, a byte order mark is passed over.
    """
    return _parsed(body, max_depth, parse_float=_decimal)


def read_strict_json(body: bytes, *, max_depth: int) -> Any:
    """The same for our own API, which has no old clients: what is not meant, or can't be stored, is refused.

    Raises UnprocessableRequest for a member that comes twice, for NaN, Infinity and what is too large to be neither,
    and for a text with a NUL or half a character.
    """
    value = _parsed(
        body, max_depth, parse_float=_finite, parse_constant=_refuse_constant, object_pairs_hook=_without_duplicates
    )
    _check_writable(value)
    return value


def _parsed(body: bytes, max_depth: int, **ways: Any) -> Any:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedRequest(f"The body is not UTF-8: byte {error.start} can't be read") from error
    if not text.strip(" \t\r\n"):
        return None
    _check_depth(text, max_depth)
    try:
        return json.loads(text, parse_int=_integer, **ways)
    except json.JSONDecodeError as error:
        raise MalformedRequest(f"The body is not JSON: {error}") from error


def _check_depth(text: str, limit: int) -> None:
    """Before the parser, which recurses. Strings are passed over; broken JSON is the parser's business."""
    if text.count("[") + text.count("{") <= limit:
        return
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > limit:
            raise MalformedRequest(f"The body is nested deeper than {limit} levels (LIMIT_BODY_DEPTH)")


def _integer(digits: str) -> int:
    _check_digits(digits)
    return int(digits)


def _decimal(digits: str) -> float:
    _check_digits(digits)
    return float(digits)


def _finite(digits: str) -> float:
    number = _decimal(digits)
    if not isfinite(number):
        raise UnprocessableRequest(f"The number {digits:.40} is too large")
    return number


def _refuse_constant(word: str) -> Any:
    raise UnprocessableRequest(f"{word} is no number that JSON knows")


def _without_duplicates(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        counts = Counter(name for name, _ in members)
        raise UnprocessableRequest(f"The member `{counts.most_common(1)[0][0]}` comes more than once")
    return found


def _check_writable(value: Any, where: str = "") -> None:
    match value:
        case str() if match := UNWRITABLE.search(value):
            raise UnprocessableRequest(f"`{where}` holds the character U+{ord(match[0]):04X}, which can't be stored")
        case dict():
            for name, content in value.items():
                _check_writable(name, "a name of a member")
                _check_writable(content, f"{where}.{name}" if where else name)
        case list():
            for position, content in enumerate(value):
                _check_writable(content, f"{where}[{position}]")


def _check_digits(digits: str) -> None:
    if len(digits) > _MAX_DIGITS:
        raise MalformedRequest(f"A number in the body has more than {_MAX_DIGITS} digits")


def required_object(value: Any, method: str) -> dict[str, Any]:
    """Raises UnprocessableRequest for a missing body, MalformedRequest for one that is no object."""
    if value is None:
        raise UnprocessableRequest(f"{method}.request must not be null (was null)")
    if not isinstance(value, dict):
        raise MalformedRequest(f"The body must be a JSON object, not {kind(value)}")
    return value


def text(query: QueryDict, name: str) -> str:
    """Of repeated parameters the first counts; a missing one is empty."""
    return (query.getlist(name) or [""])[0]


def form(query: QueryDict) -> Form:
    """`format` and `referenceFormat`; values that are unknown count for nothing, as the protocol wants."""
    return Form(
        is_resolved=text(query, "format").lower() == "resolved",
        has_qualified_references=text(query, "referenceFormat").lower() == "qualified",
        find_tags=frozenset(query.getlist("findTags")),
    )


def flag(query: QueryDict, name: str) -> bool:
    """`true` in any letter case, and nothing else, is true. Of repeated parameters the first counts."""
    return text(query, name).lower() == "true"


def page(query: QueryDict, *, most: int = MAX_INTEGER) -> Page:
    """Raises NoSuchResource for what is no number, UnprocessableRequest for a negative offset."""
    offset, limit = (_number(query, "offset", default=0), _number(query, "limit", default=-1))
    if offset < 0:
        raise UnprocessableRequest("offset must not be negative")
    return Page(offset, limit if 0 < limit <= most else most)


def _number(query: QueryDict, name: str, *, default: int) -> int:
    given = text(query, name)
    return parse_integer(given) if given else default


def references(value: Any) -> tuple[Reference, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise MalformedRequest(f"`references` must be a list, not {kind(value)}")
    return tuple(_reference(item, position) for position, item in enumerate(value))


def _reference(item: Any, position: int) -> Reference:
    if item is None:
        raise InvalidSchema(f"Invalid reference: references[{position}] is null")
    if not isinstance(item, dict):
        raise MalformedRequest(f"references[{position}] must be an object, not {kind(item)}")
    name, subject = optional_text(item, "name"), optional_text(item, "subject")
    version = optional_integer(item, "version")
    if name is None or subject is None or version is None:
        shown = ", ".join(
            (
                f"name={_quoted(name)}",
                f"subject={_quoted(subject)}",
                f"version={'null' if version is None else version}",
            )
        )
        raise InvalidSchema(f"Invalid reference: {{{shown}}}")
    where = f"references[{position}]"
    return Reference(writable(name, f"{where}.name"), writable(subject, f"{where}.subject"), version)


def _quoted(text: str | None) -> str:
    return "null" if text is None else f"'{text}'"


def writable(text: str, where: str) -> str:
    """No UTF-8 can hold a lone surrogate; a NUL is no part of a name, and in a schema it must be escaped."""
    if match := UNWRITABLE.search(text):
        raise InvalidSchema(f"`{where}` holds the character U+{ord(match[0]):04X}, which no schema can hold")
    return text


def optional_text(body: Mapping[str, Any], member: str) -> str | None:
    value = body.get(member)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    raise MalformedRequest(f"`{member}` must be a text, not {kind(value)}")


def optional_integer(body: Mapping[str, Any], member: str) -> int | None:
    value = body.get(member)
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d{1,20}\s*", value):
        value = int(value)
    if isinstance(value, float) and abs(value) <= MAX_INTEGER:
        value = int(value)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise MalformedRequest(f"`{member}` must be an integer, not {kind(value)}")
    if not -MAX_INTEGER - 1 <= value <= MAX_INTEGER:
        raise MalformedRequest(f"`{member}` is out of range of int (-2147483648 - 2147483647)")
    return value


def optional_boolean(body: Mapping[str, Any], member: str) -> bool | None:
    value = body.get(member)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value != 0
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    raise MalformedRequest(f"`{member}` must be true, false or null, not {kind(value)}")


def kind(value: Any) -> str:
    if isinstance(value, bool):
        return "a boolean"
    return {dict: "an object", list: "a list", str: "a text", int: "a number", float: "a number"}.get(
        type(value), "null"
    )
