"""JSON text as Java's reader (Jackson) takes it, to values and back.

Accepted beyond plain JSON: comments before and inside the document, lone surrogates, duplicate keys (the last wins).
Integers and decimals stay apart as int and float; a decimal that overflows is infinity.
"""

import json
import re
from collections.abc import Callable
from functools import lru_cache
from itertools import accumulate
from typing import Any, Final, NoReturn

from registry.errors import InvalidSchema
from registry.schemas.avro import numbers
from registry.schemas.avro.limits import Limits, exceeded, too_large
from registry.schemas.avro.nodes import Json

# The C scanner of the standard library recurses on the C stack. 128 levels are harmless on the smallest thread;
# deeper texts go through the loop below.
_SHALLOW: Final = 128

_STRING: Final = r'"(?:[^"\\]++|\\.)*+"?'
_COMMENT: Final = r"/\*(?:.*?\*/|.*)|//[^\n\r]*"
_STRINGS: Final = re.compile(_STRING, re.DOTALL)
_STRING_OR_COMMENT: Final = re.compile(f"({_STRING})|({_COMMENT})", re.DOTALL)
_ALL_BUT_BRACKETS: Final = {code: None for code in range(128) if chr(code) not in "[]{}"}
_ROUNDS: Final = 6
_EMPTY: Final = re.compile(r"\[[ \t\n\r]*+\]|\{[ \t\n\r]*+\}")
_BLANKS: Final = re.compile(r"[ \t\n\r]*")
_NUMBER: Final = r"(-?(?:0|[1-9][0-9]*+))(\.[0-9]++)?([eE][-+]?[0-9]++)?"
_TOKEN: Final = re.compile(rf'[ \t\n\r]*(?:([\[\]{{}},:"])|{_NUMBER}|(true|false|null))')
# The C function; the standard library exports it, its type stubs do not.
_scan_string: Final[Callable[[str, int, bool], tuple[str, int]]] = json.decoder.scanstring  # type: ignore[attr-defined]
_LITERALS: Final[dict[str, Json]] = {"true": True, "false": False, "null": None}

_ESCAPED: Final = re.compile(r'[\x00-\x1f"\\]')
_ESCAPES: Final = {chr(code): f"\\u{code:04X}" for code in range(0x20)} | {
    '"': '\\"',
    "\\": "\\\\",
    "\b": "\\b",
    "\t": "\\t",
    "\n": "\\n",
    "\f": "\\f",
    "\r": "\\r",
}


def read(text: str, limits: Limits) -> Json:
    """The value of a JSON text. InvalidSchema if it is not JSON or breaks a cap, SchemaTooLarge for its bytes."""
    _check_size(text, limits)
    depth = _check_structure(text, limits)
    try:
        value = _parse(text, depth, limits)
    except json.JSONDecodeError as error:
        stripped = _without_comments(text)
        if stripped is None:
            raise _not_json(error) from error
        try:
            value = _parse(stripped, depth, limits)
        except json.JSONDecodeError as inner:
            raise _not_json(inner) from inner
    _check_strings(text, value, limits)
    return value


def utf8_size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def check_depth(text: str, limits: Limits) -> None:
    """Refuse a text that `read` would refuse for its nesting."""
    _check_structure(text, limits)


def _not_json(error: json.JSONDecodeError) -> InvalidSchema:
    return InvalidSchema(f"Not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}")


def _check_size(text: str, limits: Limits) -> None:
    size = utf8_size(text)
    if size > limits.text_bytes:
        raise too_large(size, limits.text_bytes)


def _check_structure(text: str, limits: Limits) -> int:
    """An upper bound of the nesting depth, after refusing what is too deep or has too many values.

    Neither can break its cap in most texts, which two counts show without looking at any string.
    """
    opened = text.count("[") + text.count("{")
    shallow = min(_SHALLOW, limits.depth)
    if opened <= shallow and len(text) < limits.values:
        return opened
    bare = _bare(text)
    if len(text) >= limits.values:
        values = 1 + bare.count(",") + bare.count("[") + bare.count("{") - len(_EMPTY.findall(bare))
        if values > limits.values:
            raise exceeded(f"Schema has {values} JSON values", "values", limits.values)
    brackets = bare.translate(_ALL_BUT_BRACKETS)
    bound = _rough_depth(brackets)
    if bound <= shallow:
        return bound
    depth = max(accumulate(1 if bracket in "[{" else -1 for bracket in brackets), default=0)
    if depth > limits.depth:
        raise exceeded(f"Schema is nested {depth} levels deep", "depth", limits.depth)
    return depth


def _bare(text: str) -> str:
    """The text with a letter for each string and comment.

    Between two quotes is a string, once the escaped ones are gone; a slash outside of strings begins a comment.
    """
    plain = text.replace("\\\\", "").replace('\\"', "") if "\\" in text else text
    bare = "s".join(plain.split('"')[::2])
    return _STRING_OR_COMMENT.sub("s", text) if "/" in bare else bare


def _rough_depth(brackets: str) -> int:
    """No less than the depth: each round takes two levels away at most, and what is left is deeper by no more than it
    is long."""
    for _ in range(_ROUNDS):
        brackets = brackets.replace("[]", "").replace("{}", "")
    return 2 * _ROUNDS + len(brackets)


def _check_strings(text: str, value: Json, limits: Limits) -> None:
    shortest_cap = min(limits.property_name, limits.string)
    if len(text) <= shortest_cap or max(map(len, _STRINGS.findall(text)), default=0) <= shortest_cap:
        return
    values = [value]
    for item in values:
        if isinstance(item, dict):
            for key in item:
                if len(key) > limits.property_name:
                    raise exceeded(f"Property name has {len(key)} characters", "property_name", limits.property_name)
            values.extend(item.values())
        elif isinstance(item, list):
            values.extend(item)
        elif isinstance(item, str) and len(item) > limits.string:
            raise exceeded(f"String has {len(item)} characters", "string", limits.string)


def _without_comments(text: str) -> str | None:
    """The text with blanks for its comments; None if there are none, or one follows the document."""
    end = 0

    def blank(match: re.Match[str]) -> str:
        nonlocal end
        comment: str | None = match.group(2)
        if comment is None:
            return match.group()
        end = match.end()
        is_closed = comment.startswith("//") or (comment.endswith("*/") and len(comment) >= 4)
        # An unclosed comment stays and so fails to parse.
        return " " if is_closed else comment

    stripped = _STRING_OR_COMMENT.sub(blank, text)
    if end == 0 or not text[end:].strip(" \t\n\r"):
        return None
    return stripped


def _parse(text: str, depth: int, limits: Limits) -> Json:
    if depth <= _SHALLOW:
        value: Json = _decoder(limits.digits).decode(text)
        return value
    return _parse_deep(text, limits)


@lru_cache
def _decoder(digits: int) -> json.JSONDecoder:
    def parse_int(text: str) -> int:
        return _integer(text, digits)

    def parse_float(text: str) -> float:
        return _decimal(text, digits)

    return json.JSONDecoder(parse_int=parse_int, parse_float=parse_float, parse_constant=_refuse_constant)


def _refuse_constant(text: str) -> NoReturn:
    raise InvalidSchema(f"Not valid JSON: {text} is no JSON number")


def _integer(text: str, digits: int) -> int:
    if len(text) > digits and len(text.lstrip("-")) > digits:
        raise exceeded(f"Number has {len(text.lstrip('-'))} digits", "digits", digits)
    return int(text)


def _decimal(text: str, digits: int) -> float:
    if len(text) > digits:
        count = sum(map(str.isdigit, text))
        if count > digits:
            raise exceeded(f"Number has {count} digits", "digits", digits)
    return float(text)


def _parse_deep(text: str, limits: Limits) -> Json:
    """What the C scanner does, in a loop: for texts nested deeper than the C stack is trusted with."""
    open_containers: list[Any] = []
    open_keys: list[str] = []
    container: Any = None
    key = ""
    at = 0
    token: Callable[[str, int], re.Match[str] | None] = _TOKEN.match
    expects_value = True
    while True:
        match = token(text, at)
        if match is None:
            raise json.JSONDecodeError("Expecting value" if expects_value else "Expecting ',' delimiter", text, at)
        at = match.end()
        mark, integer, fraction, exponent, literal = match.groups()
        value: Json
        if not expects_value:
            if mark == "," and container is not None:
                if container.__class__ is dict:
                    key, at = _read_key(text, at)
                expects_value = True
                continue
            if (mark == "]" and container.__class__ is list) or (mark == "}" and container.__class__ is dict):
                value = container
                container = open_containers.pop()
                key = open_keys.pop()
            else:
                raise json.JSONDecodeError("Expecting ',' delimiter", text, match.start())
        elif mark == '"':
            value, at = _scan_string(text, at, True)
        elif mark == "[" or mark == "{":
            open_containers.append(container)
            open_keys.append(key)
            container = [] if mark == "[" else {}
            closing = "]" if mark == "[" else "}"
            at = _skip_blanks(text, at)
            if not text.startswith(closing, at):
                if mark == "{":
                    key, at = _read_key(text, at)
                continue
            at += 1
            value = container
            container = open_containers.pop()
            key = open_keys.pop()
        elif integer is not None:
            if fraction or exponent:
                value = _decimal(f"{integer}{fraction or ''}{exponent or ''}", limits.digits)
            else:
                value = _integer(integer, limits.digits)
        elif literal is not None:
            value = _LITERALS[literal]
        else:
            raise json.JSONDecodeError("Expecting value", text, match.start())
        if container is None:
            return _complete(text, at, value)
        if container.__class__ is dict:
            container[key] = value
        else:
            container.append(value)
        expects_value = False


def _read_key(text: str, at: int) -> tuple[str, int]:
    at = _skip_blanks(text, at)
    if not text.startswith('"', at):
        raise json.JSONDecodeError("Expecting property name enclosed in double quotes", text, at)
    key, at = _scan_string(text, at + 1, True)
    at = _skip_blanks(text, at)
    if not text.startswith(":", at):
        raise json.JSONDecodeError("Expecting ':' delimiter", text, at)
    return key, at + 1


def _skip_blanks(text: str, at: int) -> int:
    match = _BLANKS.match(text, at)
    return match.end() if match else at


def _complete(text: str, at: int, value: Json) -> Json:
    end = _skip_blanks(text, at)
    if end != len(text):
        raise json.JSONDecodeError("Extra data", text, end)
    return value


def quote(text: str) -> str:
    """A JSON string as Java prints it: control characters escaped with upper-case hex, everything else raw."""
    return f'"{_ESCAPED.sub(_escape, text)}"'


def _escape(match: re.Match[str]) -> str:
    return _ESCAPES[match.group()]


def write(value: Json) -> str:
    """The JSON text of a value as Java prints it, compact; NaN and the infinities become strings."""
    scalar = _scalar(value)
    if scalar is not None:
        return scalar
    parts: list[str] = []
    pending: list[Json | _Raw] = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, _Raw):
            parts.append(item.text)
        elif isinstance(item, list):
            pending.append(_Raw("]"))
            for index in range(len(item) - 1, -1, -1):
                pending.append(item[index])
                if index:
                    pending.append(_COMMA)
            parts.append("[")
        elif isinstance(item, dict):
            pending.append(_Raw("}"))
            for index, key in reversed(list(enumerate(item))):
                pending.append(item[key])
                pending.append(_Raw(f"{',' if index else ''}{quote(key)}:"))
            parts.append("{")
        else:
            parts.append(_scalar(item) or "")
    return "".join(parts)


class _Raw:
    """A piece of text that stands for itself among values that are still to be printed."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


_COMMA: Final = _Raw(",")


def _scalar(value: Json) -> str | None:
    """None for a list or an object."""
    if value is None:
        return "null"
    if value.__class__ is str:
        return quote(value)
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        text = numbers.double_text(value)
        return text if text[-1].isdigit() else f'"{text}"'
    return None
