"""Paths, queries and headers that nobody sends by accident, and names that nobody should have.

Most of it speaks to a real server on a bare socket: the path arrives at the registry as the server has decoded it.
"""

import re
import time
from typing import Any
from urllib.parse import quote

import pytest

from registry.models import Config, Subject
from registry.names import parse
from tests import wire
from tests.cast import Api, Member
from tests.servers import Server
from tests.unchanged import nothing_changes

SCHEMA = {"schema": '"int"'}
UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
EMOJI = "\U0001f600"


def versions(target: str) -> str:
    return f"/subjects/{target}/versions"


# A request target as it stands on the wire, the status and error code of GET, and the subject that the answer names.
PATHS: list[tuple[str, int, int, str]] = [
    (versions("a%2Fb"), 404, 40401, "a/b"),
    (versions("a%252Fb"), 404, 40401, "a%2Fb"),
    (versions(".."), 404, 40401, ".."),
    (versions("..%2F..%2Fadmin"), 404, 40401, "../../admin"),
    (versions("%2E%2E"), 404, 40401, ".."),
    (versions("a%2F.."), 404, 40401, "a/.."),
    (versions("a%00b"), 404, 40401, "a\0b"),
    (versions("%00"), 404, 40401, "\0"),
    (versions("a%0Ab"), 404, 40401, "a\nb"),
    (versions("a%0D%0AX-Evil:%20y"), 404, 40401, "a\r\nX-Evil: y"),
    (versions("%E2%80%AEa"), 404, 40401, "\u202ea"),
    (versions("%ff"), 404, 40401, "%FF"),
    (versions("%ED%A0%80"), 404, 40401, "%ED%A0%80"),
    (versions("%C0%AF"), 404, 40401, "%C0%AF"),
    (versions("%zz"), 404, 40401, "%zz"),
    (versions("%"), 404, 40401, "%"),
    (versions("a;x=1"), 404, 40401, "a;x=1"),
    (versions("a+b"), 404, 40401, "a+b"),
    (versions("a%3Fb%23c"), 404, 40401, "a?b#c"),
    (versions("a\\b"), 404, 40401, "a\\b"),
    (versions("/a"), 404, 40401, "/a"),
    (versions("'%20OR%201=1--"), 404, 40401, "' OR 1=1--"),
    (versions("%3Cimg%20src=x%20onerror=alert(1)%3E"), 404, 40401, "<img src=x onerror=alert(1)>"),
    (versions(quote(EMOJI * 256)), 404, 40401, EMOJI * 256),
    (versions("a" * 4096), 404, 40401, "a" * 4096),
    # It refers to the top level, so its tail is no subject.
    ("/subjects;x=1", 404, 404, ""),
    ("//subjects", 404, 404, ""),
    ("//evil.example/subjects", 404, 404, ""),
    ("/a/../subjects", 404, 404, ""),
    ("/subjects/../subjects", 405, 405, ""),
    ("/./subjects", 404, 404, ""),
    ("/SUBJECTS", 404, 404, ""),
    ("/%00", 404, 404, ""),
    ("*", 404, 404, ""),
    ("/static/../../etc/passwd", 404, 404, ""),
    ("/schemas/ids/abc", 404, 404, ""),
    ("/schemas/ids/1.0", 404, 404, ""),
    ("/schemas/ids/0x1", 404, 404, ""),
    ("/schemas/ids/1%00", 404, 404, ""),
    ("/schemas/ids/%201", 404, 404, ""),
    ("/schemas/ids/2147483648", 404, 404, ""),
    ("/schemas/ids/" + "9" * 5000, 404, 404, ""),
    ("/schemas/ids/2147483647", 404, 40403, ""),
    ("/schemas/ids/-1", 404, 40403, ""),
    ("/schemas/ids/%D9%A9%D9%A9%D9%A9", 404, 40403, ""),
    ("/schemas/guids/%00", 404, 40403, ""),
    ("/schemas/guids/" + "f" * 5000, 404, 40403, ""),
    (versions("a") + "/0", 422, 42202, ""),
    (versions("a") + "/%00", 422, 42202, ""),
    (versions("a") + "/2147483648", 422, 42202, ""),
    (versions("a") + "/" + "9" * 5000, 422, 42202, ""),
    (versions("a") + "/1e3", 422, 42202, ""),
    (versions("a") + "/%0A1", 404, 40401, "a"),
    ("/config/%00", 404, 40408, "\0"),
    ("/config/%ff", 404, 40408, "%FF"),
    (versions("a" * 9000), 414, 414, ""),
    ("/" + "a/" * 4500, 414, 414, ""),
    ("/subjects?x=" + "a" * 9000, 414, 414, ""),
]


@pytest.mark.parametrize(("target", "status", "code", "subject"), PATHS, ids=lambda value: repr(value)[:40])
def test_a_path_on_the_wire(server: Server, target: str, status: int, code: int, subject: str) -> None:
    answer = wire.get(server, target)

    assert (answer.status, answer.json()["error_code"]) == (status, code)
    assert f"'{subject}'" in answer.json()["message"] or not subject
    assert answer.headers["Content-Type"] == "application/vnd.schemaregistry.v1+json"
    assert "X-Evil" not in answer.headers


# What the server itself refuses, before any of our code sees it.
BY_THE_SERVER: dict[str, tuple[bytes, int]] = {
    "a byte that is no UTF-8": (b"/subjects/\xff/versions", 400),
    "a control character": (b"/subjects/a\x01b/versions", 400),
    "a NUL": (b"/subjects/a\0b/versions", 400),
    "a blank": (b"/subjects/a b/versions", 400),
    "nothing": (b"", 400),
    "70 kB": (b"/subjects/" + b"a" * 70_000, 414),
}


@pytest.mark.parametrize("case", BY_THE_SERVER)
def test_a_path_that_the_server_refuses(server: Server, case: str) -> None:
    target, status = BY_THE_SERVER[case]

    assert wire.get(server, target).status == status


@pytest.mark.parametrize("target", ["/subjects", "/subjects/", "http://elsewhere.example/subjects", "/subjects#f"])
def test_other_spellings_of_a_good_path(server: Server, target: str) -> None:
    assert wire.get(server, target).status == 200


def test_no_path_is_decoded_twice_or_redirected(server: Server) -> None:
    for target in ("/subjects%2F", "/subjects%252F", "/%73ubjects", "/subjects/%2E/versions"):
        answer = wire.get(server, target)

        assert answer.status in {200, 404} and "Location" not in answer.headers


@pytest.mark.parametrize(
    "name",
    [
        "a/b",
        "a/b/c",
        "/a",
        "//a",
        "a b",
        " a ",
        "a:b",
        "a%b",
        "a%2Fb",
        "%00",
        "é",
        "日本語",
        "a?b#c&d=e",
        "a+b",
        "a;x=1",
        "a\\b",
        "'\"<>",
        "...",
        "versions",
        "metadata",
        "versions/1",
        "a/schema",
        "a/versions/1/x",
        "subjects/a",
        "config",
        "{subject}",
        "*",
        EMOJI * 256,
        "a" * 512,
    ],
    ids=lambda name: repr(name)[:30],
)
def test_a_name_survives_the_round_trip(api: Api, owner: Member, name: str) -> None:
    path = quote(name, safe="")

    made = api.post(f"/subjects/{path}/versions", SCHEMA, as_=owner)

    assert made.status_code == 200
    for end in ("", "/"):
        assert api.get(f"/subjects/{path}/versions{end}", as_=owner).json() == [1]
        assert api.post(f"/subjects/{path}{end}", SCHEMA, as_=owner).json()["subject"] == name
    assert api.get(f"/subjects/{path}/versions/1", as_=owner).json()["subject"] == name
    assert api.get(f"/subjects/{path}/versions/latest/schema", as_=owner).content == b'"int"'
    assert api.get(f"/subjects/{path}/versions/1/referencedby", as_=owner).json() == []
    assert api.post(f"/compatibility/subjects/{path}/versions/1", SCHEMA, as_=owner).status_code == 200
    assert api.put(f"/config/{path}", {"compatibility": "FULL"}, as_=owner).status_code == 200
    assert list(Config.objects.values_list("subject_name", flat=True)) == [name]
    assert api.get(f"/schemas/ids/1?subject={path}", as_=owner).json()["subject"] == name
    assert api.get(f"/subjects?subjectPrefix={path}", as_=owner).json() == [name]


def test_a_name_survives_the_wire(server: Server) -> None:
    for name in ("wire/a b:%c/é", "wire" + EMOJI * 254, "wire%2Fa"):
        path = quote(name, safe="")

        assert server.call("POST", f"/subjects/{path}/versions", SCHEMA).status == 200
        assert server.call("GET", f"/subjects/{path}/versions/1").json()["subject"] == name


# Names that nothing can be created under, and why.
REFUSED: dict[str, str] = {
    "a NUL": "a\0b",
    "a line feed": "a\nb",
    "a final line feed": "a\n",
    "a carriage return": "a\rb",
    "a tab": "a\tb",
    "a delete": "a\x7fb",
    "a C1 control": "a\x85b",
    "a bidi override": "\u202ea",
    "a bidi isolate": "a\u2066b",
    "a bidi mark": "a\u200fb",
    "an Arabic letter mark": "a\u061cb",
    "a zero-width blank": "a\u200bb",
    "a zero-width joiner": "a\u200db",
    "a word joiner": "a\u2060b",
    "a byte order mark": "\ufeffa",
    "not NFC": "e\u0301",
    "an Ångström": "\u212b",
    "one dot": ".",
    "two dots": "..",
    "the global marker": "__GLOBAL",
    "the empty marker": "__EMPTY",
    "the global marker, qualified": ":.:__GLOBAL",
    "513 characters": "a" * 513,
    "1,028 bytes": EMOJI * 257,
    "a trailing slash": "a//",
    "a context with a slash": ":.x/y:a",
    "all contexts": ":*:a",
}
REQUESTS: list[tuple[str, str, Any, int]] = [
    ("POST", "/subjects/{}/versions", SCHEMA, 42208),
    ("PUT", "/config/{}", {"compatibility": "NONE"}, 42208),
    ("GET", "/subjects/{}/versions", None, 40401),
    ("GET", "/subjects/{}/versions/1", None, 40401),
    ("GET", "/subjects/{}/versions/latest/schema", None, 40401),
    ("GET", "/subjects/{}/versions/1/referencedby", None, 40401),
    ("POST", "/subjects/{}", SCHEMA, 40401),
    ("GET", "/config/{}", None, 40408),
    ("DELETE", "/config/{}", None, 40401),
]


@pytest.mark.parametrize("name", REFUSED.values(), ids=REFUSED)
def test_a_refused_name_is_not_created_and_reads_as_not_found(api: Api, admin: Member, name: str) -> None:
    with nothing_changes():
        answers = [
            api.send(method, template.format(quote(name, safe="")), body, as_=admin)
            for method, template, body, _ in REQUESTS
        ]

    codes = [code for *_, code in REQUESTS]
    assert [answer.json()["error_code"] for answer in answers] == codes
    assert [answer.status_code for answer in answers] == [code // 100 for code in codes]


@pytest.mark.parametrize("name", REFUSED.values(), ids=REFUSED)
def test_a_refused_name_breaks_nothing_where_it_is_a_parameter_or_a_reference(
    api: Api, admin: Member, name: str
) -> None:
    api.post("/subjects/a/versions", SCHEMA, as_=admin)
    path = quote(name, safe="")
    reference = {"name": "R", "subject": name, "version": 1}

    with nothing_changes():
        found = api.get(f"/schemas/ids/1?subject={path}", as_=admin).json()
        # A name without context may be any subject's; one that says its context has to carry the id.
        assert found["error_code"] == 40403 if parse(name).context != "." else found["subject"] == "a"
        assert api.get(f"/subjects?subjectPrefix={path}", as_=admin).status_code == 200
        assert api.get(f"/schemas?subjectPrefix={path}", as_=admin).status_code == 200
        assert api.post(f"/compatibility/subjects/{path}/versions", SCHEMA, as_=admin).status_code == 200
        referring = api.post("/subjects/a/versions", {**SCHEMA, "references": [reference]}, as_=admin)

    assert referring.json()["error_code"] == 42201


@pytest.mark.parametrize("name", ["a/versions", "a/versions/x", "a/versions/1/schema", "a/versions/versions"])
def test_a_name_with_a_reserved_tail_cannot_be_created(api: Api, owner: Member, name: str) -> None:
    with nothing_changes():
        response = api.post(f"/subjects/{quote(name, safe='')}/versions", SCHEMA, as_=owner)

    assert response.json()["error_code"] in {42208, 405}


def test_a_lookup_under_a_reserved_name_is_a_registration_under_the_shorter_one(api: Api, owner: Member) -> None:
    assert api.post("/subjects/a%2Fversions", SCHEMA, as_=owner).status_code == 200

    assert [subject.name for subject in Subject.objects.all()] == ["a"]


# Query strings on /subjects, where `a`, `b` and `c` are, and what comes out.
ALL = ["a", "b", "c"]
QUERIES: list[tuple[str, Any]] = [
    ("limit=-1", ALL),
    ("limit=0", ALL),
    ("limit=2", ["a", "b"]),
    ("limit=2&limit=1", ["a", "b"]),
    ("limit=", ALL),
    ("limit=+1", 404),
    ("limit=%2B1", ["a"]),
    ("limit=01", ["a"]),
    ("limit=%D9%A1", ["a"]),
    ("limit=%C2%B2", 404),
    ("limit=1.0", 404),
    ("limit=1%00", 404),
    ("limit=1%0A", 404),
    ("limit=2147483647", ALL),
    ("limit=2147483648", 404),
    ("limit=" + "9" * 5000, 404),
    ("limit=x", 404),
    ("offset=1", ["b", "c"]),
    ("offset=", ALL),
    ("offset=2147483647&limit=2147483647", []),
    ("offset=-1", 422),
    ("offset=-2147483649", 404),
    ("offset=1&offset=x", ["b", "c"]),
    ("deleted=yes", ALL),
    ("deleted=%00", ALL),
    ("deletedOnly=TRUE", []),
    ("deletedOnly=1&deletedOnly=true", ALL),
    ("subjectPrefix=%00", []),
    ("subjectPrefix=", ALL),
    ("subjectPrefix=%ff", []),
    ("subjectPrefix=%ED%A0%80", []),
    ("subjectPrefix=%25", []),
    ("subjectPrefix=_", []),
    ("subjectPrefix=:*:", ALL),
    ("subjectPrefix=:*:a&subjectPrefix=b", ["a"]),
    ("subjectPrefix=" + "a" * 5000, []),
    ("subjectPrefix=%F4%8F%BF%BF", []),
    ("subjectPrefix='%20OR%201=1--", []),
    ("unknown=1&=&&&;=%zz", ALL),
    ("__proto__=1", ALL),
    ("&" * 999, ALL),
    ("&" * 1000, 400),
    ("limit=1&" * 1000, 400),
    ("x=" + "a" * 8190, ALL),
    ("x=" + "a" * 8191, 414),
]


@pytest.fixture
def subjects(api: Api, owner: Member) -> None:
    for name in ALL:
        assert api.post(f"/subjects/{name}/versions", SCHEMA, as_=owner).status_code == 200


def test_odd_query_strings(api: Api, owner: Member, subjects: None) -> None:
    for query, expected in QUERIES:
        response = api.get(f"/subjects?{query}", as_=owner)

        found = response.json() if isinstance(response.json(), list) else response.json()["error_code"]
        assert found == expected, query[:60]


@pytest.mark.parametrize(
    "path",
    [
        "/schemas",
        "/schemas/ids/1",
        "/schemas/ids/1/subjects",
        "/schemas/ids/1/versions",
        "/subjects/a/versions",
        "/subjects/a/versions/1/referencedby",
        "/config?defaultToGlobal=%00",
    ],
)
def test_no_query_string_breaks_any_list(api: Api, owner: Member, subjects: None, path: str) -> None:
    for query, _ in QUERIES:
        response = api.get(f"{path}?subject=%00&{query}", as_=owner)

        assert response.status_code in {200, 400, 404, 414, 422}, query[:60]


def test_a_query_of_raw_bytes(server: Server) -> None:
    assert wire.get(server, b"/subjects?limit=\xd9\xa1").status == 200
    assert wire.get(server, b"/subjects?subjectPrefix=\xc3\xa9").json() == []


def credentials(key: str) -> bytes:
    return f"Authorization: Bearer {key}".encode()


def test_two_authorization_headers_are_nobody(server: Server) -> None:
    other = server.new_key("twice", group="twice")

    assert wire.get(server, "/subjects", credentials(other), key="").status == 200
    assert wire.get(server, "/subjects", credentials(other)).status == 401
    assert wire.get(server, "/subjects", credentials(server.key)).status == 401
    assert wire.get(server, "/subjects", b"Authorization: ").status == 401


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"X-Long: " + b"x" * 50_000, 200),
        (b"\r\n".join(b"X-%d: x" % n for n in range(300)), 431),
        (b"X-Bytes: \xff\xfe", 200),
        (b"X\x00Y: x", 400),
        (b"X Y: x", 400),
        (b"no colon", 400),
        (b"Authorization: Bearer " + b"x" * 50_000, 401),
        (b"Authorization: Basic " + b"A" * 50_000, 401),
        (b"Authorization: \xff\xfe", 401),
        (b"Accept: " + b"*/*," * 10_000, 401),
        # Patterns that try again would need minutes for these, and nobody has been asked who he is.
        (b"Accept: a/b;q=" + b"1" * 50_000 + b"x", 401),
        (b"Accept: a/b" + b" " * 50_000 + b"x", 401),
        (b"Accept: " + b";" * 50_000, 401),
        (b"Accept: a/b" + b"; q = " * 8_000, 401),
        (b"Content-Type: " + b"a" * 50_000, 401),
        (b"Cookie: " + b"a=b; " * 10_000, 401),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_huge_or_broken_header_is_answered_at_once(server: Server, line: bytes, status: int) -> None:
    started = time.monotonic()

    answer = wire.get(server, "/subjects", line, key=server.key if status == 200 else "")

    assert answer.status == status
    assert time.monotonic() - started < 2


def test_a_header_beyond_the_buffer_of_the_server_is_refused(server: Server) -> None:
    """By the server, or by us for want of a key: it depends on how the pieces arrive."""
    answer = wire.get(server, "/subjects", b"X-Longer: " + b"x" * 500_000, key="")

    assert answer.status in {401, 431}


@pytest.mark.parametrize("host", [b"evil.example/../x", b"a b", b"a@b", b"[::1", b"\xff"])
def test_a_host_that_is_none_is_refused(server: Server, host: bytes) -> None:
    raw = wire.head(server, "GET", "/subjects").replace(b"Host: localhost", b"Host: " + host)

    answer = wire.exchange(server, [raw])

    assert answer.status == 400


def test_only_the_hosts_in_the_settings_are_answered(api: Api, owner: Member, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["registry.example"]

    refused = api.get("/subjects", as_=owner, headers={"Host": "evil.example"})

    assert (refused.status_code, refused.json()["error_code"]) == (400, 400)
    assert "evil" not in refused.json()["message"]
    assert api.get("/subjects", as_=owner, headers={"Host": "registry.example:8081"}).status_code == 200


# Lines of a request, and the X-Request-ID of its answer; none for one that the server makes.
REQUEST_IDS: list[tuple[list[bytes], str | None]] = [
    ([], None),
    ([b"X-Request-ID:"], None),
    ([b"X-Request-ID:   \t "], None),
    ([b"X-Request-ID: abc"], "abc"),
    ([b"x-request-id:  a b c  "], "a b c"),
    ([b"X-Request-ID: " + b"x" * 500], "x" * 500),
    ([b"X-Request-ID: 0f8fad5b-d9cb-469f-a165-70867728950e"], "0f8fad5b-d9cb-469f-a165-70867728950e"),
    ([b'X-Request-ID: "><script>'], '"><script>'),
    ([b"X-Request-ID: a", b"X-Request-ID: b"], None),
    ([b"X-Request-ID: a", b"X-Request-ID: a"], None),
    # One header with a comma arrives like two.
    ([b"X-Request-ID: a,b"], None),
    ([b"X-Request-ID: a\tb"], None),
    ([b"X-Request-ID: \xff"], None),
]


@pytest.mark.parametrize(("lines", "expected"), REQUEST_IDS, ids=lambda value: repr(value)[:40])
def test_one_request_id_is_echoed_and_otherwise_one_is_made(
    server: Server, lines: list[bytes], expected: str | None
) -> None:
    for target, key in (("/subjects", None), ("/nowhere", None), ("/subjects", ""), (versions("a" * 9000), None)):
        given = wire.get(server, target, *lines, key=key).headers["X-Request-Id"]

        assert given == expected if expected else UUID4.fullmatch(given)


@pytest.mark.parametrize("given", ["a\r\nX-Evil: y", "a\nb", "\0", "a\x85b", "\u202e\x07"])
def test_a_request_id_that_could_split_an_answer_is_not_taken(api: Api, owner: Member, given: str) -> None:
    response = api.get("/subjects", as_=owner, headers={"X-Request-ID": given})

    assert response.status_code == 200
    assert UUID4.fullmatch(response["X-Request-ID"])
