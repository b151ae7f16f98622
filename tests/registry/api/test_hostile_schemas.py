"""Schema texts made to hurt, through the API: answered within seconds of processor time and under a memory ceiling.

The core's own tests of the same kind are those of `tests/registry/schemas`; here the whole request counts, with what is
read back from the database, parsed again and quoted in the answer.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from registry.models import Subject
from tests import servers
from tests.cast import Api, Member
from tests.servers import Answer, Server
from tests.unchanged import nothing_changes

MIB = 1024 * 1024
CPU_SECONDS = 5
CEILING = 700 * MIB


def record(name: str, *types: Any, **more: Any) -> dict[str, Any]:
    fields = [{"name": f"f{position}", "type": type_} | more for position, type_ in enumerate(types)]
    return {"type": "record", "name": name, "fields": fields}


def arrays(depth: int, leaf: str = "int") -> str:
    return '{"type":"array","items":' * depth + f'"{leaf}"' + "}" * depth


def diamond(levels: int, leaf: str) -> str:
    """Each record uses the one before it twice: 2 to the power of `levels` ways lead to the leaf."""
    types = [record("R0", leaf), *(record(f"R{n}", f"R{n - 1}", f"R{n - 1}") for n in range(1, levels + 1))]
    return json.dumps(record("Top", *types))


def doubling_defaults(levels: int) -> str:
    types = [record("R0"), *(record(f"R{n}", f"R{n - 1}", f"R{n - 1}", default={}) for n in range(1, levels + 1))]
    return json.dumps(record("Top", *types))


def enum(letter: str, symbols: int) -> str:
    return json.dumps({"type": "enum", "name": "E", "symbols": [f"{letter}{at}" for at in range(symbols)]})


def union(letter: str, branches: int, fields: int = 1) -> str:
    return json.dumps([record(f"{letter}{at}", *["int"] * fields) for at in range(branches)])


def mutual(leaf: str) -> str:
    every = [f"R{at}" for at in range(60)]
    return json.dumps([record(name, ["null", *every], leaf) for name in every])


def wide(fields: int, type_: str) -> str:
    return json.dumps(record("R", *[type_] * fields))


def with_default(type_: Any, default: Any) -> str:
    return json.dumps(record("R", type_, default=default))


def doubled_names(levels: int) -> str:
    """17 types of this kind, written out in full, are 22 MB."""
    type_: Any = record("R0", "int", "int")
    for n in range(1, levels + 1):
        type_ = record(f"R{n}", type_, f"R{n - 1}")
    return json.dumps(type_)


# What is registered first, what is then checked against it, and what must stand in the answers.
COMPARED: dict[str, tuple[Callable[[], str], Callable[[], str], str]] = {
    "diamond of 25": (lambda: diamond(25, "int"), lambda: diamond(25, "string"), "false"),
    "diamond of 200": (lambda: diamond(200, "int"), lambda: diamond(200, "string"), "false"),
    "diamond of 200 that fits": (lambda: diamond(200, "int"), lambda: diamond(200, "long"), "true"),
    "17 doubling types": (lambda: doubled_names(17), lambda: doubled_names(16), "false"),
    "300,000 symbols": (lambda: enum("A", 300_000), lambda: enum("B", 300_000), "false"),
    "500 branches against 500": (lambda: union("A", 500), lambda: union("B", 500), "false"),
    "300 wide branches against 300": (lambda: union("A", 300, 100), lambda: union("B", 300, 100), "compared_pairs"),
    "60 that all use one another": (lambda: mutual("int"), lambda: mutual("string"), "false"),
    "20,000 fields": (lambda: wide(20_000, "int"), lambda: wide(20_000, "string"), "false"),
    "1,000 arrays": (lambda: arrays(1000), lambda: arrays(1000, "string"), "false"),
    "a pattern": (
        lambda: '{"type":"string","pattern":"^(a+)+$","logicalType":"(a+)+$"}',
        lambda: with_default({"type": "string", "pattern": "^(a+)+$"}, "a" * 50 + "!"),
        "false",
    ),
}

# What is registered, and what the answer holds.
REGISTERED: dict[str, tuple[Callable[[], str], str]] = {
    "26 levels of doubling defaults": (lambda: doubling_defaults(26), '"id"'),
    "1,001 arrays": (lambda: arrays(1001), "the limit depth is 1000"),
    "900,000 lists": (lambda: "[" * 900_000, "nested 900000 levels"),
    "unclosed comments": (lambda: "/* " * 300_000 + '"int"', "Not valid JSON"),
    "slashes": (lambda: "/" * 1_000_000, "Not valid JSON"),
    "quotes": (lambda: '"' * 1_000_000, "Not valid JSON"),
    "backslashes": (lambda: '"' + "\\" * 1_000_001, "Not valid JSON"),
    "a million values": (lambda: '{"type":"int","p":[' + "1," * 1_000_000 + "1]}", "the limit values is 1000000"),
    "a huge exponent": (lambda: with_default("double", "1e999999999"), '"id"'),
    "a million digits as a text": (lambda: with_default("double", "1" * 1_000_000), '"id"'),
    "a million digits": (lambda: '{"type":"int","p":' + "1" * 1_000_000 + "}", "the limit digits is 1000"),
    "a long name": (lambda: json.dumps(record("n" * 4097)), "the limit name is 4096"),
    "a long name of a type": (lambda: json.dumps("n" * 1_000_000), "42201"),
    "many long defaults": (
        lambda: with_default({"type": "array", "items": json.loads(wide(1000, "null"))}, [{}] * 100_000),
        "42201",
    ),
    "a megabyte of doc": (lambda: json.dumps({**record("R"), "doc": '<img src=x onerror="x">' * 50_000}), '"id"'),
    "100,000 aliases": (lambda: json.dumps({**record("R"), "aliases": [f"a{n}" for n in range(100_000)]}), '"id"'),
}


@pytest.fixture(scope="module")
def roomy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that takes all the core does."""
    with servers.new_home(tmp_path_factory.mktemp("roomy") / "data") as home:
        running = servers.start(
            home,
            CALLBOARD_LIMIT_SCHEMA_BYTES=str(8 * MIB),
            CALLBOARD_LIMIT_BODY_BYTES=str(32 * MIB),
            CALLBOARD_COMPATIBILITY="BACKWARD",
        )
        yield running
        running.stop()
        running.kill()


def worker(server: Server) -> Path:
    parent = server.process.pid
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return max((Path(f"/proc/{child}") for child in children), key=peak)


def peak(process: Path) -> int:
    """The most bytes it ever held."""
    lines = (process / "status").read_text().splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


def cpu(process: Path) -> float:
    user, system = (process / "stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def measured(server: Server, method: str, path: str, body: Any) -> Answer:
    process = worker(server)
    started, before = time.monotonic(), cpu(process)
    answer = server.call(method, path, body)
    assert cpu(process) - before < CPU_SECONDS
    assert time.monotonic() - started < 4 * CPU_SECONDS
    assert peak(process) < CEILING
    assert answer.status < 500
    # An answer is no bomb either: the clients parse it too.
    assert len(answer.body) < 16 * MIB
    return answer


@pytest.mark.parametrize("case", COMPARED)
def test_a_hostile_comparison_ends(roomy: Server, case: str) -> None:
    old, new, expected = COMPARED[case]
    subject = case.replace(" ", "-")
    assert measured(roomy, "POST", f"/subjects/{subject}/versions", {"schema": old()}).status == 200

    checked = measured(roomy, "POST", f"/compatibility/subjects/{subject}/versions?verbose=true", {"schema": new()})
    registered = measured(roomy, "POST", f"/subjects/{subject}/versions?normalize=true", {"schema": new()})

    assert expected in checked.body.decode()
    assert registered.status == {"true": 200, "false": 409, "compared_pairs": 422}[expected]


@pytest.mark.parametrize("case", REGISTERED)
def test_a_hostile_registration_ends(roomy: Server, case: str) -> None:
    build, expected = REGISTERED[case]
    subject = case.replace(" ", "-")

    answer = measured(roomy, "POST", f"/subjects/{subject}/versions", {"schema": build()})

    assert expected in answer.body.decode()
    measured(roomy, "POST", f"/subjects/{subject}/versions?normalize=true", {"schema": build()})
    measured(roomy, "POST", f"/subjects/{subject}", {"schema": build()})
    if answer.status == 200:
        assert measured(roomy, "GET", f"/subjects/{subject}/versions/1", None).status == 200


# What fastavro lets pass and a registry must not.
NO_SCHEMA: dict[str, Any] = {
    "a name that is markup": record("<script>"),
    "a name with a blank": record("a b"),
    "an empty name": record(""),
    "a name that ends an attribute": record('x"onload='),
    "a name that begins with a digit": record("1a"),
    "a name with a hyphen": record("a-b"),
    "no name": {"type": "record", "fields": []},
    "a name that is no text": {"type": "record", "name": 7, "fields": []},
    "a field name that is markup": {"type": "record", "name": "R", "fields": [{"name": "<b>", "type": "int"}]},
    "two fields of one name": {"type": "record", "name": "R", "fields": [{"name": "f", "type": "int"}] * 2},
    "a field that is no object": {"type": "record", "name": "R", "fields": ["f"]},
    "fields that are no list": {"type": "record", "name": "R", "fields": {}},
    "no fields": {"type": "record", "name": "R"},
    "a negative size": {"type": "fixed", "name": "F", "size": -1},
    "a size of a terabyte": {"type": "fixed", "name": "F", "size": 10**12},
    "a size that is a text": {"type": "fixed", "name": "F", "size": "16"},
    "no size": {"type": "fixed", "name": "F"},
    "null twice": ["null", "null"],
    "a type twice": ["string", "null", "string"],
    "two arrays": [{"type": "array", "items": "int"}, {"type": "array", "items": "string"}],
    "a union in a union": ["null", ["int"]],
    "a symbol twice": {"type": "enum", "name": "E", "symbols": ["A", "A"]},
    "a symbol that is markup": {"type": "enum", "name": "E", "symbols": ["<b>"]},
    "a default that is no symbol": {"type": "enum", "name": "E", "symbols": ["A"], "default": "B"},
    "symbols that are no list": {"type": "enum", "name": "E", "symbols": "A"},
    "no symbols": {"type": "enum", "name": "E"},
    "no items": {"type": "array"},
    "no values": {"type": "map"},
    "an unknown type": {"type": "recod", "name": "R", "fields": []},
    "a type that is null": {"type": None},
    "a type that is a number": {"type": 7},
    "one name for two types": [record("R"), {"type": "fixed", "name": "R", "size": 1}],
    "a default of another type": record("R", "int", default="1"),
    "a namespace that is markup": {**record("R"), "namespace": "<b>"},
    "null": None,
    "a number": 7,
    "true": True,
    "an empty object": {},
}


@pytest.mark.parametrize("case", NO_SCHEMA)
def test_what_is_no_schema_is_42201(api: Api, owner: Member, case: str) -> None:
    with nothing_changes():
        response = api.post("/subjects/a/versions", {"schema": json.dumps(NO_SCHEMA[case])}, as_=owner)

    assert response.json()["error_code"] == 42201
    assert "details: " in response.json()["message"]


# A setting, its value, the words of its refusal, and what passes just below and fails just above it.
LIMITS: list[tuple[str, int, str, str, str]] = [
    ("LIMIT_SCHEMA_BYTES", 1024, "1024 bytes (LIMIT_SCHEMA_BYTES)", '"int"'.ljust(1024), '"int"'.ljust(1025)),
    (
        "LIMIT_SCHEMA_BYTES",
        1024,
        "1024 bytes (LIMIT_SCHEMA_BYTES)",
        json.dumps({"type": "int", "p": "é" * 500}, ensure_ascii=False).ljust(524),
        json.dumps({"type": "int", "p": "é" * 500}, ensure_ascii=False).ljust(525),
    ),
    ("LIMIT_SCHEMA_DEPTH", 5, "the limit depth is 5", arrays(5), arrays(6)),
    ("LIMIT_SCHEMA_VALUES", 6, "the limit values is 6", '{"type":"int","p":[1,2,3]}', '{"type":"int","p":[1,2,3,4]}'),
    ("LIMIT_SCHEMA_NAME", 8, "the limit name is 8", json.dumps(record("n" * 8)), json.dumps(record("n" * 9))),
    (
        "LIMIT_DEFAULT_STEPS",
        20,
        "the limit default_steps is 20",
        with_default({"type": "array", "items": {"type": "map", "values": "int"}}, [{}] * 19),
        with_default({"type": "array", "items": {"type": "map", "values": "int"}}, [{"a": 1}] * 21),
    ),
]


@pytest.mark.parametrize(("setting", "value", "said", "below", "above"), LIMITS)
def test_just_below_a_limit_passes_and_just_above_it_is_refused_with_name_and_value(
    api: Api, owner: Member, settings: Any, setting: str, value: int, said: str, below: str, above: str
) -> None:
    settings.CALLBOARD = {**settings.CALLBOARD, setting: value}

    refused = api.post("/subjects/above/versions", {"schema": above}, as_=owner)
    taken = api.post("/subjects/below/versions", {"schema": below}, as_=owner)

    assert (taken.status_code, refused.status_code) == (200, 422), taken.json()
    assert refused.json()["error_code"] == (42209 if setting == "LIMIT_SCHEMA_BYTES" else 42201)
    assert said in refused.json()["message"]
    assert [subject.name for subject in Subject.objects.all()] == ["below"]


def referring(count: int) -> dict[str, Any]:
    references = [{"name": f"R{n}", "subject": f"r{n}", "version": 1} for n in range(count)]
    return {"schema": '"int"', "references": references}


@pytest.mark.parametrize(
    ("setting", "value"),
    # Each text has 41 bytes.
    [("LIMIT_REFERENCES", 2), ("LIMIT_REFERENCE_BYTES", 82)],
)
def test_the_limits_of_references_hold_for_all_of_them_together(
    api: Api, owner: Member, settings: Any, setting: str, value: int
) -> None:
    for n in range(3):
        text = json.dumps(record(f"R{n}"), separators=(",", ":"))
        assert len(text) == 41
        api.post(f"/subjects/r{n}/versions", {"schema": text}, as_=owner)
    settings.CALLBOARD = {**settings.CALLBOARD, setting: value}

    taken = api.post("/subjects/below/versions", referring(2), as_=owner)
    refused = api.post("/subjects/above/versions", referring(3), as_=owner)

    assert (taken.status_code, refused.status_code) == (200, 422), taken.json()
    assert str(value) in refused.json()["message"] and f"({setting})" in refused.json()["message"]


def test_the_limit_of_compared_pairs_is_named(api: Api, owner: Member, settings: Any) -> None:
    old = '["null",{"type":"map","values":"int"}]'
    api.post("/subjects/a/versions", {"schema": old}, as_=owner)
    new = {"schema": '["null",{"type":"map","values":"long"}]'}
    settings.CALLBOARD = {**settings.CALLBOARD, "LIMIT_COMPARED_PAIRS": 3}

    with nothing_changes():
        checked = api.post("/compatibility/subjects/a/versions", new, as_=owner)
        registered = api.post("/subjects/a/versions", new, as_=owner)

    for response in (checked, registered):
        assert response.json()["error_code"] == 42201
        assert "the limit compared_pairs is 3" in response.json()["message"]
    settings.CALLBOARD = {**settings.CALLBOARD, "LIMIT_COMPARED_PAIRS": 4}
    assert api.post("/subjects/a/versions", new, as_=owner).json()["version"] == 2


@pytest.mark.parametrize("limit", [1, 9, 10, 11])
def test_only_so_many_incompatibilities_are_named_and_the_verdict_stays(
    api: Api, owner: Member, settings: Any, limit: int
) -> None:
    api.post("/subjects/a/versions", {"schema": wide(10, "int")}, as_=owner)
    settings.CALLBOARD = {**settings.CALLBOARD, "LIMIT_INCOMPATIBILITIES": limit}

    response = api.post(
        "/compatibility/subjects/a/versions?verbose=true", {"schema": wide(10, "string")}, as_=owner
    ).json()

    assert response["is_compatible"] is False
    assert sum("TYPE_MISMATCH" in message for message in response["messages"]) == min(limit, 10)


def test_a_chain_of_references_as_long_as_the_limit_is_followed(api: Api, owner: Member, settings: Any) -> None:
    settings.CALLBOARD = {**settings.CALLBOARD, "LIMIT_REFERENCES": 30}
    api.post("/subjects/r0/versions", {"schema": json.dumps(record("R0"))}, as_=owner)

    codes = []
    for n in range(1, 33):
        reference = {"name": f"R{n - 1}", "subject": f"r{n - 1}", "version": 1}
        body = {"schema": json.dumps(record(f"R{n}", f"R{n - 1}")), "references": [reference]}
        codes.append(api.post(f"/subjects/r{n}/versions", body, as_=owner).status_code)

    assert codes == [200] * 30 + [422] * 2


def test_a_schema_that_refers_to_itself_is_refused(api: Api, owner: Member) -> None:
    reference = {"name": "R", "subject": "a", "version": -1}
    first = api.post("/subjects/a/versions", {"schema": json.dumps(record("R")), "references": [reference]}, as_=owner)

    assert first.json()["error_code"] == 42201
