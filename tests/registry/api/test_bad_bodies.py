"""Bodies that are no JSON, JSON that makes no sense, and what is too much: a 4xx in the usual shape, at once, and
nothing has changed.
"""

import json
import socket
import time
from typing import Any

import pytest

from registry.models import SchemaVersion, Subject
from tests import wire
from tests.cast import Api, Member
from tests.servers import Server
from tests.unchanged import nothing_changes

# Longer than anything here takes, shorter than anything that hangs.
SECONDS = 3
MIB = 1024 * 1024
RECORD = '{"type":"record","name":"R","fields":[]}'

# Every request that reads a body.
REQUESTS = {
    "register": ("POST", "/subjects/orders/versions"),
    "lookUpSchemaUnderSubject": ("POST", "/subjects/orders"),
    "testCompatibilityForSubject": ("POST", "/compatibility/subjects/orders/versions"),
    "testCompatibilityBySubjectName": ("POST", "/compatibility/subjects/orders/versions/latest"),
    "updateSubjectLevelConfig": ("PUT", "/config/orders"),
    "updateTopLevelConfig": ("PUT", "/config"),
    "updateMode": ("PUT", "/mode/orders"),
    "updateTopLevelMode": ("PUT", "/mode"),
}


def send(api: Api, as_: Member, method: str, path: str, body: Any) -> Any:
    """Any answer but an error of ours that is late, or has another shape than all errors."""
    started = time.monotonic()
    response = api.send(method, path, body, as_=as_)
    assert time.monotonic() - started < SECONDS
    assert response.status_code < 500
    if response.status_code >= 400:
        assert set(response.json()) == {"error_code", "message"}
        assert response.json()["error_code"] // 10 ** (len(str(response.json()["error_code"])) - 3) == (
            response.status_code
        )
    return response


def register(api: Api, as_: Member, body: Any) -> Any:
    return send(api, as_, "POST", "/subjects/orders/versions", body)


@pytest.fixture
def orders(api: Api, admin: Member) -> None:
    assert register(api, admin, {"schema": RECORD}).status_code == 200


NOT_JSON: dict[str, bytes] = {
    "a word": b"schema",
    "an open object": b'{"schema"',
    "an open text": b'{"schema":"\\"int\\"',
    "single quotes": b"{'schema':'int'}",
    "a trailing comma": b'{"schema":"\\"int\\"",}',
    "a comment": b'/* */{"schema":"\\"int\\""}',
    "a second value": b'{"schema":"\\"int\\""}{}',
    "a trailing word": b'{"schema":"\\"int\\""} x',
    "a raw NUL after it": b'{"schema":"\\"int\\""}\0',
    "a raw NUL in a text": b'{"schema":"\\"int\\"\0"}',
    "a raw line feed in a text": b'{"schema":"\\"int\\"\n"}',
    "a bad escape": b'{"schema":"\\x"}',
    "half an escape": b'{"schema":"\\u12"}',
    "a number with a leading zero": b'{"id":01}',
    "a form": b"schema=%22int%22",
    "XML": b"<schema/>",
    "Latin-1": '{"schema":"é"}'.encode("latin-1"),
    "an encoded surrogate": b'{"schema":"\xed\xa0\x80"}',
    "an overlong slash": b'{"schema":"\xc0\xaf"}',
    "UTF-16": '{"schema":"\\"int\\""}'.encode("utf-16"),
    "UTF-16 without a mark": '{"schema":"\\"int\\""}'.encode("utf-16-le"),
    "UTF-32": '{"schema":"\\"int\\""}'.encode("utf-32"),
    "gzip": bytes.fromhex("1f8b0800000000000003ab5602000000ffff"),
    "half a byte order mark": b"\xef\xbb{}",
    "two byte order marks": b"\xef\xbb\xbf\xef\xbb\xbf{}",
    "65 levels": b'{"a":' + b"[" * 64 + b"]" * 64 + b"}",
    "65 levels of an unknown member": b'{"schema":"\\"int\\"","unknown":' + b"[" * 64 + b"]" * 64 + b"}",
    "2,000 lists": b"[" * 2000,
    "2,000 objects": b'{"a":' * 2000 + b"1" + b"}" * 2000,
    "100,000 lists": b"[" * 100_000 + b"]" * 100_000,
    "2 million lists": b"[" * 2_000_000,
    "100,000 closing brackets": b"]" * 100_000,
    "a number of 1,001 digits": b'{"id":' + b"1" * 1001 + b"}",
    "a number of 5,000 digits": b'{"unknown":' + b"1" * 5000 + b"}",
    "a fraction of 5,000 digits": b'{"unknown":0.' + b"1" * 5000 + b"}",
    "an exponent of 5,000 digits": b'{"unknown":1e' + b"1" * 5000 + b"}",
    "a million digits": b'{"unknown":' + b"1" * 1_000_000 + b"}",
    "a million quotes": b'"' * 1_000_000,
    # A pattern that tries again at each quote needs minutes for this.
    "a million escaped quotes and no end": b'{"schema":"' + b'\\"' * 1_000_000,
    "a million backslashes": b'{"schema":"' + b"\\" * 1_000_001,
    "a list": b"[]",
    "a list of schemas": b'[{"schema":"\\"int\\""}]',
    "a text": b'"int"',
    "a number": b"7",
    "true": b"true",
    "false": b"false",
    "NaN": b"NaN",
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_no_json_object_is_400_wherever_a_body_is_read(
    api: Api, admin: Member, orders: None, body: bytes
) -> None:
    with nothing_changes():
        answers = [send(api, admin, *request, body) for request in REQUESTS.values()]

    assert {(answer.status_code, answer.json()["error_code"]) for answer in answers} == {(400, 400)}


MISSING = [b"", b" ", b"\r\n\t ", b" " * 100_000, b"null", b" null\n", b"\xef\xbb\xbf"]


@pytest.mark.parametrize("method", REQUESTS)
def test_a_missing_body_must_not_be_null(api: Api, admin: Member, method: str) -> None:
    with nothing_changes():
        answers = [send(api, admin, *REQUESTS[method], body) for body in MISSING]

    for answer in answers:
        assert answer.status_code == 422
        assert answer.json() == {"error_code": 422, "message": f"{method}.request must not be null (was null)"}


LENIENT: dict[str, bytes] = {
    "a byte order mark": b'\xef\xbb\xbf{"schema":"\\"int\\""}',
    "blanks around it": b' \r\n\t{"schema":"\\"int\\""} \n',
    "a duplicate member, the last of which counts": b'{"schema":7,"schema":"\\"int\\""}',
    "NaN": b'{"schema":"\\"int\\"","unknown":NaN}',
    "the infinities": b'{"schema":"\\"int\\"","unknown":[Infinity,-Infinity]}',
    "a number beyond all doubles": b'{"schema":"\\"int\\"","unknown":1e999}',
    "a number of 1,000 digits": b'{"schema":"\\"int\\"","unknown":' + b"1" * 1000 + b"}",
    "64 levels": b'{"schema":"\\"int\\"","unknown":' + b"[" * 63 + b"]" * 63 + b"}",
    "brackets in a text": b'{"schema":"\\"int\\"","unknown":"' + b"[" * 1000 + b'"}',
    "a lone surrogate in an unknown member": b'{"schema":"\\"int\\"","unknown":"\\ud800","\\udfff":1}',
    "a NUL in an unknown member": b'{"schema":"\\"int\\"","unknown":"\\u0000","\\u0000":1}',
    "a hundred thousand unknown members": json.dumps(
        {"schema": '"int"', **{f"unknown{n}": n for n in range(100_000)}}
    ).encode(),
    "members of the Python that reads it": b'{"schema":"\\"int\\"","__class__":"x","__proto__":{},"self":1}',
}


@pytest.mark.parametrize("body", LENIENT.values(), ids=LENIENT)
def test_what_the_protocol_lets_pass_passes(api: Api, owner: Member, body: bytes) -> None:
    assert register(api, owner, body).json()["schema"] == '"int"'


VALUES: dict[str, Any] = {
    "object": {},
    "list": [],
    "text": "x",
    "empty": "",
    "number": 7,
    "negative": -7,
    "float": 1.5,
    "true": True,
    "false": False,
    "null": None,
    "huge": 10**30,
    "NaN": float("nan"),
    "infinity": float("inf"),
    "nested": [[{"a": [None]}]],
    "long": "x" * 100_000,
    "surrogate": "\ud800",
    "NUL": "\0",
}
# By member, the code for each kind of value; 200 where none is given.
NO_TEXT = dict.fromkeys(["object", "list", "nested"], 400)
NO_INTEGER = dict.fromkeys(
    ["object", "list", "nested", "text", "true", "false", "huge", "NaN", "infinity", "long", "surrogate", "NUL"], 400
)
REGISTERED: dict[str, dict[str, int]] = {
    "schema": {**dict.fromkeys(VALUES, 42201), **NO_TEXT},
    "schemaType": {**dict.fromkeys(VALUES, 42201), **NO_TEXT, "null": 200},
    "references": {**dict.fromkeys(VALUES, 400), "list": 200, "null": 200},
    "id": {**NO_INTEGER, "number": 42205, "float": 42205},
    "version": {**NO_INTEGER, "number": 42201},
    "metadata": {**dict.fromkeys(VALUES, 400), "object": 200, "null": 200},
    "ruleSet": {**dict.fromkeys(VALUES, 400), "object": 200, "null": 200},
    "schemaTagsToAdd": {**dict.fromkeys(VALUES, 400), "list": 200, "null": 200},
    "schemaTagsToRemove": {**dict.fromkeys(VALUES, 400), "list": 200, "null": 200},
    "unknown": {},
}


def outcome(response: Any) -> int:
    code: int = response.json().get("error_code", response.status_code)
    return code


def expected(codes: dict[str, int]) -> dict[str, int]:
    return {kind: codes.get(kind, 200) for kind in VALUES}


@pytest.mark.parametrize("member", REGISTERED)
def test_each_member_of_a_registration_takes_or_refuses_each_kind_of_value(
    api: Api, owner: Member, member: str
) -> None:
    found = {
        kind: outcome(send(api, owner, "POST", f"/subjects/{kind}/versions", {"schema": '"int"', member: value}))
        for kind, value in VALUES.items()
    }

    assert found == expected(REGISTERED[member])
    assert {subject.name for subject in Subject.objects.all()} == {kind for kind in found if found[kind] == 200}


REFERENCE = {"name": "R", "subject": "orders", "version": 1}
REFERRED: dict[str, dict[str, int]] = {
    # Any name will do, since nothing in the text uses it.
    "name": {**NO_TEXT, "null": 42201, "surrogate": 42201, "NUL": 42201},
    "subject": {**dict.fromkeys(VALUES, 42201), **NO_TEXT},
    "version": {
        **NO_INTEGER,
        **dict.fromkeys(["empty", "null", "number", "negative"], 42201),
    },
}


@pytest.mark.parametrize("member", REFERRED)
def test_each_member_of_a_reference_takes_or_refuses_each_kind_of_value(
    api: Api, admin: Member, orders: None, member: str
) -> None:
    found = {}
    for kind, value in VALUES.items():
        body = {"schema": '"int"', "references": [{**REFERENCE, member: value}]}
        found[kind] = outcome(send(api, admin, "POST", f"/subjects/{kind}/versions", body))

    assert found == expected(REFERRED[member])
    made = {subject.name for subject in Subject.objects.exclude(name="orders")}
    assert made == {kind for kind in found if found[kind] == 200}


@pytest.mark.parametrize(
    ("item", "code"), [(None, 42201), ("R", 400), (7, 400), ([], 400), (True, 400), ({}, 42201), (1.5, 400)]
)
def test_a_reference_is_an_object(api: Api, admin: Member, orders: None, item: Any, code: int) -> None:
    with nothing_changes():
        response = register(api, admin, {"schema": '"int"', "references": [REFERENCE, item]})

    assert response.json()["error_code"] == code


CONFIGURED: dict[str, dict[str, int]] = {
    "compatibility": {**dict.fromkeys(VALUES, 42203), **NO_TEXT, "null": 200},
    "normalize": {
        **dict.fromkeys(VALUES, 400),
        **dict.fromkeys(["null", "true", "false", "number", "negative", "huge"], 200),
    },
    "alias": {**NO_TEXT, "surrogate": 422, "NUL": 422},
    "compatibilityPolicy": {**dict.fromkeys(VALUES, 422), **NO_TEXT, "null": 200},
    "unknown": {},
}
CONFIGURED |= dict.fromkeys(["validateFields", "validateNewSchemas", "validateRules"], CONFIGURED["normalize"])
CONFIGURED |= dict.fromkeys(["aliasForDeks", "compatibilityGroup"], CONFIGURED["alias"])


@pytest.mark.parametrize("member", CONFIGURED)
def test_each_member_of_a_config_takes_or_refuses_each_kind_of_value(api: Api, admin: Member, member: str) -> None:
    for path in ("/config", "/config/orders"):
        found = {kind: outcome(send(api, admin, "PUT", path, {member: value})) for kind, value in VALUES.items()}

        assert found == expected(CONFIGURED[member])


def test_a_mode_takes_or_refuses_each_kind_of_value(api: Api, admin: Member) -> None:
    for path in ("/mode", "/mode/orders"):
        found = {kind: outcome(send(api, admin, "PUT", path, {"mode": value})) for kind, value in VALUES.items()}

        assert found == expected({**dict.fromkeys(VALUES, 42204), **NO_TEXT, "null": 200})


@pytest.mark.parametrize("member", ["schema", "schemaType", "references", "id", "version", "metadata", "unknown"])
def test_reads_with_a_body_answer_to_any_value_and_store_nothing(
    api: Api, admin: Member, orders: None, member: str
) -> None:
    with nothing_changes():
        for value in VALUES.values():
            for method in list(REQUESTS)[1:4]:
                send(api, admin, *REQUESTS[method], {"schema": RECORD, member: value})


CHARACTERS = {"surrogate": "\ud800", "NUL": "\0"}


UNSTORABLE = [
    '"int{}"',
    "{}",
    '{{"type":"int","doc":"a{}b"}}',
    '{{"type":"record","name":"R{}","fields":[]}}',
    "/*{}*/7",
]


@pytest.mark.parametrize("character", CHARACTERS.values(), ids=CHARACTERS)
def test_a_character_that_nothing_can_store_is_refused_in_a_schema(
    api: Api, admin: Member, orders: None, character: str
) -> None:
    requests = [REQUESTS[method] for method in list(REQUESTS)[:4]]

    with nothing_changes():
        codes = {
            outcome(send(api, admin, *request, {"schema": text.format(character)}))
            for text in UNSTORABLE
            for request in requests
        }

    assert codes == {42201}


ESCAPES = ["\\ud800", "\\uDFFF", "\\ud800\\ud800", "\\udc00\\ud800"]


@pytest.mark.parametrize(
    "text",
    [
        '{{"type":"record","name":"R","doc":"{}","fields":[]}}',
        '{{"type":"record","name":"R","fields":[],"{}":1}}',
        '{{"type":"enum","name":"E","symbols":["A"],"p":["{}"]}}',
        '{{"type":"record","name":"R","fields":[{{"name":"f","type":"string","default":"{}"}}]}}',
    ],
)
def test_a_lone_surrogate_is_refused_even_as_an_escape(api: Api, owner: Member, text: str) -> None:
    with nothing_changes():
        codes = {outcome(register(api, owner, {"schema": text.format(escape)})) for escape in ESCAPES}

    assert codes == {42201}


def test_a_pair_of_surrogates_is_a_character(api: Api, owner: Member) -> None:
    text = '{"type":"record","name":"R","doc":"\\ud83d\\ude00","fields":[]}'

    registered = register(api, owner, {"schema": text}).json()

    assert "😀" in registered["schema"]
    assert api.get("/subjects/orders/versions/1/schema", as_=owner).content.decode() == registered["schema"]


def test_an_escaped_nul_stays_an_escape(api: Api, owner: Member) -> None:
    text = '{"type":"record","name":"R","doc":"a\\u0000b","fields":[]}'

    registered = register(api, owner, {"schema": text})

    assert registered.json()["schema"] == text
    assert api.get("/schemas/ids/1", as_=owner).json()["schema"] == text
    assert send(api, owner, "POST", "/subjects/orders", {"schema": text}).json()["id"] == 1


@pytest.mark.parametrize("member", ["schemaType", "unknown", "references"])
def test_an_answer_that_quotes_the_request_is_utf_8(api: Api, owner: Member, member: str) -> None:
    broken = [{"name": "\ud800"}] if member == "references" else "\ud800"

    response = register(api, owner, {"schema": "x", member: broken})

    assert response.content.decode("utf-8")


def test_as_many_references_as_anybody_likes_are_refused_by_count(api: Api, admin: Member, orders: None) -> None:
    body = {"schema": '"int"', "references": [{**REFERENCE, "name": f"R{n}"} for n in range(20_000)]}

    with nothing_changes():
        response = register(api, admin, body)

    assert response.json()["error_code"] == 42201
    assert "1000 schemas (LIMIT_REFERENCES)" in response.json()["message"]


@pytest.mark.parametrize(("depth", "status"), [(8, 200), (9, 400)])
def test_the_nesting_of_a_body_has_a_limit_that_its_refusal_names(
    api: Api, owner: Member, settings: Any, depth: int, status: int
) -> None:
    settings.CALLBOARD = {**settings.CALLBOARD, "LIMIT_BODY_DEPTH": 8}

    response = register(api, owner, b'{"schema":"\\"int\\"","u":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}")

    assert response.status_code == status
    if status == 400:
        assert response.json()["message"] == "The body is nested deeper than 8 levels (LIMIT_BODY_DEPTH)"


def padded(size: int) -> bytes:
    return b'{"schema":"\\"int\\""}'.ljust(size)


@pytest.mark.parametrize(("size", "status"), [(4 * MIB, 200), (4 * MIB + 1, 413)])
def test_a_body_has_a_limit_of_bytes_that_its_refusal_names(api: Api, owner: Member, size: int, status: int) -> None:
    response = register(api, owner, padded(size))

    assert response.status_code == status
    if status == 413:
        message = f"The request body is larger than {4 * MIB} bytes (LIMIT_BODY_BYTES)"
        assert response.json() == {"error_code": 413, "message": message}
        assert not SchemaVersion.objects.exists()


def test_too_large_a_body_is_413_before_it_is_read_by_anybody(api: Api, admin: Member) -> None:
    with nothing_changes():
        answers = [send(api, admin, *request, b"[" * (4 * MIB + 1)) for request in REQUESTS.values()]

    assert {answer.status_code for answer in answers} == {413}


# What follows needs a real server: the test client measures every body.


def created(server: Server, subject: str) -> bool:
    return server.call("GET", f"/subjects/{subject}/versions").status == 200


def length(size: int) -> bytes:
    return f"Content-Length: {size}".encode()


def test_a_body_in_chunks_is_a_body(server: Server) -> None:
    body = wire.schema('"int"')
    request = wire.head_with_body(server, "/subjects/chunks/versions", b"Transfer-Encoding: chunked")

    answer = wire.exchange(server, [request, *wire.chunks(body[:5], body[5:])])

    assert (answer.status, answer.json()["version"]) == (200, 1)


@pytest.mark.parametrize(("size", "status"), [(4 * MIB, 200), (4 * MIB + 1, 413), (9 * MIB, 413)])
def test_the_limit_holds_for_chunks_too(server: Server, size: int, status: int) -> None:
    subject = f"chunks-{size}"
    request = wire.head_with_body(server, f"/subjects/{subject}/versions", b"Transfer-Encoding: chunked")
    body = padded(size)
    pieces = [body[at : at + 65536] for at in range(0, size, 65536)]

    answer = wire.exchange(server, [request, *wire.chunks(*pieces)])

    assert answer.status == status
    assert created(server, subject) == (status == 200)


def test_no_chunk_at_all_is_a_missing_body(server: Server) -> None:
    request = wire.head_with_body(server, "/subjects/no-chunk/versions", b"Transfer-Encoding: chunked")

    answer = wire.exchange(server, [request, *wire.chunks()])

    assert (answer.status, answer.json()["error_code"]) == (422, 422)


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([length(5)], 400),
        ([b"Content-Length: -5"], 400),
        ([b"Content-Length: x"], 400),
        ([b"Content-Length: 5", b"Content-Length: 6"], 400),
        ([b"Content-Length: 99999999999"], 413),
        ([b"Content-Length: 99999999999999999999999"], 400),
        ([b"Transfer-Encoding: identity, x"], 400),
    ],
)
def test_a_false_length_changes_nothing(server: Server, lines: list[bytes], status: int) -> None:
    request = wire.head_with_body(server, "/subjects/false-length/versions", *lines)

    answer = wire.exchange(server, [request, wire.schema('"int"')])

    assert answer.status == status
    assert not created(server, "false-length")


@pytest.mark.parametrize("coding", [None, b"Transfer-Encoding: chunked"])
def test_a_client_that_hangs_up_within_the_body_leaves_nothing(server: Server, coding: bytes | None) -> None:
    body = wire.schema('"int"')
    request = wire.head_with_body(server, "/subjects/hung-up/versions", coding or length(len(body)))
    start = b"%x\r\n%b" % (len(body), body[:-2]) if coding else body[:-2]
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(request + start)
        time.sleep(0.1)

    assert server.call("GET", "/readyz", key="").status == 200
    assert not created(server, "hung-up")


def test_a_body_is_not_waited_for_when_the_caller_is_nobody(server: Server) -> None:
    request = wire.head(server, "POST", "/subjects/a/versions", length(1000), key="")

    assert wire.exchange(server, [request]).status == 401
