"""Schema texts for reading: one value a line, every character as it was registered."""

import re
import unicodedata
from collections.abc import Iterator

Token = tuple[str, str]

INDENT = "  "
# A deep text grows with the square of its depth.
LONGEST = 2_000_000
# Beyond that a page shows no colours: each token is an element.
MOST_COLOURED = 6000
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+|"', re.DOTALL)
_OPENING, _CLOSING = {"{": "}", "[": "]"}, {"}", "]"}


def pretty(text: str) -> list[Token]:
    """Pairs of a kind (`key`, `text`, `word` or nothing) and a piece; joined, the pieces are the laid-out text.

    It walks the characters instead of loading and dumping, which would rewrite numbers and escapes, and stumble over
    depth. What would grow too long is shown as it is stored.
    """
    pieces: list[Token] = []
    length = 0
    for token in _laid_out(_TOKEN.findall(text)):
        length += len(token[1])
        if length > LONGEST:
            return [("", _visible(text))]
        pieces.append(token)
    if len(pieces) > MOST_COLOURED:
        return [("", "".join(piece for _, piece in pieces))]
    return pieces


def _laid_out(parts: list[str]) -> Iterator[Token]:
    depth = 0
    for place, part in enumerate(parts):
        following = parts[place + 1] if place + 1 < len(parts) else ""
        if part in _OPENING:
            is_empty = following == _OPENING[part]
            depth += not is_empty
            yield "", part if is_empty else part + _line(depth)
        elif part in _CLOSING:
            is_empty = place > 0 and _OPENING.get(parts[place - 1]) == part
            depth -= not is_empty
            yield "", part if is_empty else _line(depth) + part
        elif part == ",":
            yield "", part + _line(depth)
        elif part == ":":
            yield "", ": "
        elif part.startswith('"'):
            yield "key" if following == ":" else "text", _visible(part)
        else:
            yield "word", _visible(part)


def _line(depth: int) -> str:
    return "\n" + INDENT * depth


def _visible(text: str) -> str:
    """Characters that can't be seen, or that turn the line around, as the escapes that JSON has for them."""
    return text if text.isascii() else "".join(map(_shown, text))


def _shown(character: str) -> str:
    if unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
        return character
    code = ord(character)
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
