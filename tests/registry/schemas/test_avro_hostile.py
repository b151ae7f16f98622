"""Texts made to hurt: each is answered within seconds, on a thread with a small stack, under a memory ceiling."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]

# Registration, every text and every comparison of each given schema, with the first as reader of the last.
CHILD = """
import json, resource, sys, threading
from registry import schemas
from registry.errors import RegistryError
from registry.schemas import Mode

def attempt(action):
    try:
        return action()
    except RegistryError as error:
        return f"{error.error_code} {error.message}"

def work(texts):
    parsed = [schemas.parse("AVRO", text) for text in texts]
    first, last = parsed[0], parsed[-1]
    stored = schemas.parse("AVRO", first.canonical, mode=Mode.STORED)
    assert stored.canonical == first.canonical and stored.equivalent(first)
    assert first.resolved and first.parsing_canonical_form and first.sha256
    attempt(lambda: first.normalized().canonical)
    found = attempt(lambda: first.compare(last))
    if isinstance(found, str):
        return found
    return f"{found.is_compatible} {len(found.incompatibilities)} {found.left_out}"

def run():
    print(attempt(lambda: work(json.load(sys.stdin)))[:300])

resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
threading.stack_size(256 * 1024)
thread = threading.Thread(target=run)
thread.start()
thread.join()
"""


def answer(*texts: str) -> str:
    child = subprocess.run(
        [sys.executable, "-c", CHILD],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    assert child.returncode == 0 and child.stderr == ""
    return child.stdout.strip()


def record(name: str, *types: Any, **more: Any) -> dict[str, Any]:
    fields = [{"name": f"f{position}", "type": type_} | more for position, type_ in enumerate(types)]
    return {"type": "record", "name": name, "fields": fields}


def arrays(depth: int, leaf: str = "int") -> str:
    return '{"type":"array","items":' * depth + f'"{leaf}"' + "}" * depth


def field(name: str, type_: str, ending: str = "") -> str:
    return f'{{"name":"{name}","type":{type_}{ending}}}'


def record_of(name: str, *fields: str) -> str:
    """As text, since what is nested 1,000 deep cannot be handed to the standard JSON module."""
    return f'{{"type":"record","name":"{name}","fields":[{",".join(fields)}]}}'


def records(depth: int, leaf: str = '"int"') -> str:
    text = leaf
    for level in range(depth):
        text = record_of(f"R{level}", field("f", text))
    return text


def with_default(type_: str, default: str) -> str:
    return record_of("Top", field("f", type_, f',"default":{default}'))


def built_up(levels: int, step: Callable[[int], list[Any]], leaf: Any, **more: Any) -> str:
    """Records one after another as fields of one, each using those before it by name."""
    types = [record("R0", leaf), *(record(f"R{level}", *step(level), **more) for level in range(1, levels + 1))]
    return json.dumps(record("Top", *types))


def diamond(leaf: str) -> str:
    return built_up(25, lambda level: [f"R{level - 1}", f"R{level - 1}"], leaf)


def doubled_defaults() -> str:
    inner = {"type": "record", "name": "R0", "fields": []}
    types: list[Any] = [inner]
    for level in range(1, 27):
        types.append(record(f"R{level}", f"R{level - 1}", f"R{level - 1}", default={}))
    return json.dumps(record("Top", *types))


def chain(leaf: str) -> str:
    return built_up(10_000, lambda level: [leaf, f"R{level - 1}"], leaf)


def later_chain() -> str:
    return json.dumps([record(f"R{at}", f"R{at + 1}") for at in range(20_000)] + [record("R20000")])


def enum(letter: str) -> str:
    return json.dumps({"type": "enum", "name": "E", "symbols": [f"{letter}{at}" for at in range(300_000)]})


def union(letter: str, branches: int, fields: int) -> str:
    return json.dumps([record(f"{letter}{at}", *["int"] * fields) for at in range(branches)])


def mutual(leaf: str) -> str:
    names = [f"R{at}" for at in range(60)]
    return json.dumps([record(name, ["null", *names], leaf) for name in names])


def redefined() -> str:
    text = '"int"'
    for level in range(13):
        text = record_of(f"R{level}", field("a", text), field("b", text))
    return text


def many_defaults() -> str:
    wide = {
        "type": "record",
        "name": "W",
        "fields": [{"name": f"f{at}", "type": "int", "default": 0} for at in range(1000)],
    }
    return json.dumps(record("Top", {"type": "array", "items": wide}, default=[{}] * 100_000))


def text_default(text: str) -> str:
    return json.dumps(record("R", "double", default=text))


CASES: dict[str, tuple[Callable[[], list[str]], str]] = {
    "1,000 arrays": (lambda: [arrays(1000), arrays(1000, "string")], "False 1 0"),
    "1,001 arrays": (lambda: [arrays(1001)], "42201 Schema is nested 1001"),
    "333 records": (lambda: [records(333), records(333, '"string"')], "False 1 0"),
    "nested properties": (lambda: ['{"type":"int","p":' + '{"a":[' * 499 + "]}" * 499 + "}"], "True 0 0"),
    "nested default": (lambda: [with_default(arrays(990), "[" * 990 + "]" * 990)], "True 0 0"),
    "nested default that does not fit": (lambda: [with_default(arrays(1), "[" * 900 + "]" * 900)], "42201"),
    "nested record default": (lambda: [with_default(records(330), '{"f":' * 330 + "1" + "}" * 330)], "True 0 0"),
    "only opening brackets": (lambda: ["[" * 900_000], "42201 Schema is nested 900000"),
    "diamond": (lambda: [diamond("int"), diamond("string")], "False 1000"),
    "defaults that double": (lambda: [doubled_defaults()], "True 0 0"),
    "long enums": (lambda: [enum("A"), enum("B")], "False 1 0"),
    "union of 500 records against 500": (lambda: [union("A", 500, 1), union("B", 500, 1)], "False 500 0"),
    "union of 300 wide records against 300": (
        lambda: [union("A", 300, 100), union("B", 300, 100)],
        "42201 Schemas are too complex to compare: the limit compared_pairs is 1000000",
    ),
    "60 mutually recursive records": (lambda: [mutual("int"), mutual("string")], "False 60 0"),
    "chain of 10,000 records": (lambda: [chain("int"), chain("string")], "False"),
    "chain of 20,000 later records": (lambda: [later_chain()], "42201 Schema is nested"),
    "unclosed comments": (lambda: ["/* " * 300_000 + '"int"'], "42201 Not valid JSON"),
    "slashes": (lambda: ["/" * 1_000_000], "42201 Not valid JSON"),
    "quotes": (lambda: ['"' * 1_000_000], "42201 Not valid JSON"),
    "backslashes": (lambda: ['"' + "\\" * 1_000_001], "42201 Not valid JSON"),
    "nested identical redefinition": (lambda: [redefined()], "True 0 0"),
    "many long defaults": (
        lambda: [many_defaults()],
        "42201 Defaults are too complex to check: the limit default_steps",
    ),
    "a huge exponent": (lambda: [text_default("1e999999999")], "True 0 0"),
    "a million digits as text": (lambda: [text_default("1" * 1_000_000)], "True 0 0"),
    "a million hexadecimal digits": (lambda: [text_default(f"0x{'1' * 1_000_000}p-3999999")], "True 0 0"),
    "no double after a million digits": (lambda: [text_default("1" * 1_000_000 + "x")], "42201 Invalid default"),
    "a million values": (lambda: [f'{{"type":"int","p":[{",".join(["1"] * 1_000_000)}]}}'], "42201 Schema has 1000003"),
    "100,000 floats": (
        lambda: [json.dumps(record("R", {"type": "array", "items": "float"}, default=[1.1e-7] * 100_000))],
        "True 0 0",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_hostile_text_is_answered(case: str) -> None:
    build, expected = CASES[case]

    assert answer(*build()).startswith(expected)
