"""Content negotiation by the rules of the protocol: three media types, JSON whatever is asked for."""

import re
from dataclasses import dataclass

# What we answer with, best first, and the server's own quality of each.
PRODUCED = {
    "application/vnd.schemaregistry.v1+json": 1.0,
    "application/vnd.schemaregistry+json": 0.9,
    "application/json": 0.5,
}
DEFAULT = next(iter(PRODUCED))
# Octet-stream is what a body without Content-Type counts as.
CONSUMED = {*PRODUCED, "application/octet-stream"}

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
# Java's URLConnection sends a bare `*`, and `q=.2`.
_RANGE = re.compile(rf"\s*(?:({_WORD})/({_WORD})|({_WORD}))\s*((?:;[^,]*)?)\Z")
# Possessive, or a long run of digits is tried in every division.
_QUALITY = re.compile(r"(?i);\s*+q\s*+=\s*+([0-9]++(?:\.[0-9]*+)?|\.[0-9]++)\s*+(?:;|\Z)")


@dataclass(frozen=True, slots=True)
class _Range:
    type: str
    subtype: str
    quality: float

    def matches(self, media_type: str) -> bool:
        main, _, sub = media_type.partition("/")
        return self.type in {"*", main} and self.subtype in {"*", sub}


def negotiate(accept: str | None) -> str | None:
    """The media type to answer with, or None if nothing we produce is acceptable.

    A header that can't be parsed counts as missing.
    """
    if not accept or not accept.strip():
        return DEFAULT
    ranges = []
    for part in accept.split(","):
        match = _RANGE.match(part)
        if match is None:
            return DEFAULT
        ranges.append(_as_range(*match.groups()))
    best: tuple[float, float, str] | None = None
    for media_type, server_quality in PRODUCED.items():
        qualities = [r.quality for r in ranges if r.matches(media_type)]
        if qualities and (best is None or (max(qualities), server_quality) > best[:2]):
            best = (max(qualities), server_quality, media_type)
    return best and best[2]


def _as_range(main: str | None, sub: str | None, bare: str | None, parameters: str) -> _Range:
    quality = _QUALITY.search(parameters)
    return _Range(
        (main or bare or "").lower(),
        (sub or ("*" if bare == "*" else "")).lower(),
        float(quality[1]) if quality else 1.0,
    )


def is_consumed(content_type: str) -> bool:
    """Whether a body of this type is read; a header that can't be parsed counts as missing."""
    essence = content_type.partition(";")[0].strip().lower()
    return essence in CONSUMED or not re.fullmatch(rf"{_WORD}/{_WORD}", essence)
