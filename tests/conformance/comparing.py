"""A recorded answer beside ours, pure: what is not the same, in words; what changes from run to run is left out."""

import gzip
import json
import re
from collections.abc import Iterator
from typing import Any

from tests.conformance.recordings import Step
from tests.servers import Answer

HOST = "localhost"
_SHOWN = "…"
_LONGEST = 300
_UNRESOLVED = re.compile(r"UnresolvedSchema_\d+")
_NO_PATH = re.compile(r"No matching path '[\s\S]*?' found in the schema")
_BY_ID = re.compile(r"/schemas/ids/[^/]+\Z")
_OF_A_PARSER = ("Invalid schema {", "Invalid schema of type", "java.")


def differences(step: Step, answer: Answer) -> list[str]:
    """Nothing, if the two agree."""
    found = [f"status {answer.status}, not {step.status}"] if answer.status != step.status else []
    return [*found, *_of_body(step, answer), *_of_headers(step, answer)]


def _of_headers(step: Step, answer: Answer) -> Iterator[str]:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    expected = dict(step.response_headers)
    if step.content_type is not None:
        expected["Content-Type"] = step.content_type
    for name, value in expected.items():
        got = headers.get(name.lower())
        if _header(step, name, got) != _header(step, name, value):
            yield f"{name} {got!r}, not {value!r}"


def _header(step: Step, name: str, value: str | None) -> Any:
    if value is None:
        return None
    if name == "X-Request-ID" and not _is_echoed(step):
        return _SHOWN
    if name in {"Allow", "Vary"}:
        return _words(value)
    return value


def _is_echoed(step: Step) -> bool:
    sent = [value for name, value in step.headers if name == "X-Request-ID"]
    return len(sent) == 1 and bool(sent[0].strip())


def _of_body(step: Step, answer: Answer) -> Iterator[str]:
    text = _text(answer)
    if step.response is None or step.is_text:
        expected = (step.response or "").replace("{host}", HOST)
        if step.method == "OPTIONS":
            text, expected = str(_words(text)), str(_words(expected))
        if text != expected:
            yield f"text {_cut(text)}, not {_cut(expected)}"
        return
    try:
        got = json.loads(text)
    except ValueError:
        yield f"text {_cut(text)}, not {_cut(step.response)}"
        return
    if _is_error(got) != _is_error(step.response):
        yield f"body {_cut(got)}, not {_cut(step.response)}"
        return
    left_out = _of_another_binding(step, got)
    yield from _between(_steady(step, got, left_out), _steady(step, step.response, left_out), "")


def _is_error(body: Any) -> bool:
    return isinstance(body, dict) and "error_code" in body


def _of_another_binding(step: Step, got: Any) -> set[str]:
    """An id alone may be answered with any of the subjects that have it, and this one may be deleted."""
    if not _BY_ID.match(step.resource) or _names_subject(step):
        return set()
    is_same = isinstance(got, dict) and got.get("subject") == step.response.get("subject")
    return {"subject", "version"} if is_same else {"subject", "version", "deleted"}


def _text(answer: Answer) -> str:
    is_packed = "gzip" in {value for name, value in answer.headers.items() if name.lower() == "content-encoding"}
    body = gzip.decompress(answer.body) if is_packed and answer.body else answer.body
    return body.decode("utf-8", "replace")


def _words(text: str) -> list[str]:
    return sorted(word.strip() for word in text.split(","))


def _between(got: Any, expected: Any, where: str) -> Iterator[str]:
    """Only the deepest places where two values part."""
    if isinstance(got, dict) and isinstance(expected, dict) and got and expected:
        for name in [*expected, *(name for name in got if name not in expected)]:
            yield from _between(got.get(name, _Missing), expected.get(name, _Missing), f"{where}.{name}")
    elif isinstance(got, list) and isinstance(expected, list) and len(got) == len(expected):
        for index, (one, other) in enumerate(zip(got, expected, strict=True)):
            yield from _between(one, other, f"{where}[{index}]")
    # True is 1 to Python.
    elif got != expected or type(got) is not type(expected):
        yield f"{where or 'body'} {_cut(got)}, not {_cut(expected)}"


class _Missing:
    pass


def _cut(value: Any) -> str:
    if value is _Missing:
        return "missing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + _SHOWN


def _steady(step: Step, value: Any, left_out: set[str]) -> Any:
    """Without what need not be the same: times, parsers' words, the order of sets."""
    steady = _without_times(value)
    if step.resource == "/schemas/types" and isinstance(steady, list):
        return sorted(steady)
    if not isinstance(steady, dict):
        return steady
    if step.resource == "/v1/metadata/version":
        return dict.fromkeys(steady, _SHOWN)
    if step.resource == "/v1/metadata/id" and "scope" in steady:
        steady["scope"]["clusters"]["kafka-cluster"] = _SHOWN
    if _is_of_a_parser(step.response):
        steady = _without_words(steady)
    return {name: each for name, each in steady.items() if name not in left_out}


def _names_subject(step: Step) -> bool:
    return bool("".join(step.query.get("subject", [""])).rpartition(":")[2])


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _SHOWN if name == "ts" and each else _without_times(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_without_times(each) for each in value]
    return _UNRESOLVED.sub("UnresolvedSchema_", value.replace("{host}", HOST)) if isinstance(value, str) else value


def _is_of_a_parser(body: Any) -> bool:
    match body:
        case {"error_code": 400, "message": str(message)}:
            return not message.startswith("Context name")
        case {"error_code": 42201, "message": str(message)}:
            return message.startswith(_OF_A_PARSER) and not message.startswith("Invalid schema type")
        case {"messages": [str(message)]}:
            return message.startswith(_OF_A_PARSER)
    return False


def _without_words(body: dict[str, Any]) -> dict[str, Any]:
    """The contract fixes one sentence inside such a text: the path of a tag that leads nowhere."""
    words = body.get("message") or "".join(map(str, body.get("messages") or []))
    if not words:
        return body
    return {**body, "message": _NO_PATH.findall(str(words)), "messages": []}
