"""Scenarios as they are stored: JSON lines, one scenario each."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from tests.servers import MEDIA_TYPE

# The other server's property, and the setting of ours that it stands for.
SETTINGS = {
    "schema.compatibility.level": "CALLBOARD_COMPATIBILITY",
    "schema.reject.empty.subject": "CALLBOARD_REJECT_EMPTY_SUBJECT",
    "schema.providers.reference.versions.strict": "CALLBOARD_STRICT_REFERENCE_VERSIONS",
    "mode.mutability": "CALLBOARD_MODE_MUTABILITY",
    "response.http.headers.config": "CALLBOARD_RESPONSE_HEADERS",
}


@dataclass(frozen=True)
class Step:
    """One request and the answer that belongs to it."""

    method: str
    path: str
    body: bytes | None
    headers: tuple[tuple[str, str], ...]
    status: int
    content_type: str | None
    # Parsed where it was JSON; the text where it was not; None where there was none.
    response: Any
    is_text: bool
    response_headers: Mapping[str, str]
    # The deliberate differences between the two servers because of which the answer may be another one.
    differs: tuple[int, ...]

    @property
    def resource(self) -> str:
        """The path without its query and without the context that it is asked in."""
        path = self.path.partition("?")[0].rstrip("/")
        while path.startswith("/contexts/") and path.count("/") > 2:
            path = "/" + path.split("/", 3)[3]
        return path

    @property
    def query(self) -> Mapping[str, list[str]]:
        return parse_qs(self.path.partition("?")[2], keep_blank_values=True)


@dataclass(frozen=True)
class Scenario:
    name: str
    is_fresh: bool
    steps: tuple[Step, ...]
    # For the environment of the server.
    settings: Mapping[str, str] = field(default_factory=dict)


def read(folder: Path) -> dict[str, list[Scenario]]:
    """The scenarios of each file in the folder, in the order of its lines."""
    files = sorted(folder.glob("*.jsonl"))
    return {path.stem: [scenario(json.loads(line)) for line in _lines(path)] for path in files}


def _lines(path: Path) -> Iterator[str]:
    # Not splitlines(): a schema may hold U+2028.
    return (line for line in path.read_text("utf-8").split("\n") if line.strip())


def scenario(stored: Mapping[str, Any]) -> Scenario:
    given = stored.get("settings") or {}
    settings = {SETTINGS[name]: _value(name, text) for name, text in given.items()}
    return Scenario(stored["name"], stored["fresh"], tuple(map(step, stored["steps"])), settings)


def _value(name: str, text: str) -> str:
    if name != "response.http.headers.config":
        return text
    # `add X-Name: value, set X-Other: value`: every header is ours to set.
    return ", ".join(header.strip().split(" ", 1)[1] for header in text.split(","))


def step(stored: Mapping[str, Any]) -> Step:
    is_text = "response_text" in stored
    return Step(
        method=stored["method"],
        path=stored["path"],
        body=_body(stored),
        headers=tuple(_headers(stored)),
        status=stored["status"],
        content_type=stored["content_type"],
        response=stored["response_text"] if is_text else stored.get("response"),
        is_text=is_text,
        response_headers=stored.get("response_headers") or {},
        differs=tuple(stored.get("differs") or ()),
    )


def _body(stored: Mapping[str, Any]) -> bytes | None:
    if "raw_body" in stored:
        return str(stored["raw_body"]).encode(stored.get("raw_body_encoding", "utf-8"))
    if "body" not in stored:
        return None
    try:
        return json.dumps(stored["body"], ensure_ascii=False).encode()
    except UnicodeEncodeError:
        # Half of a surrogate pair travels as an escape only.
        return json.dumps(stored["body"]).encode()


def _headers(stored: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    given = stored.get("headers") or {}
    for name, value in given.items():
        yield from ((name, each) for each in (value if isinstance(value, list) else [value]))
    has_body = "body" in stored or "raw_body" in stored
    if has_body and not stored.get("no_content_type") and "content-type" not in {name.lower() for name in given}:
        yield "Content-Type", MEDIA_TYPE
