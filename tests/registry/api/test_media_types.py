"""What is asked for in Accept, what is sent under Content-Type, and in which type the answer comes."""

from typing import Any

import pytest

from registry import permissions
from registry.api import media
from tests.cast import Api, Member
from tests.unchanged import nothing_changes

V1 = "application/vnd.schemaregistry.v1+json"
VENDOR = "application/vnd.schemaregistry+json"
JSON = "application/json"
JAVA = "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"
SCHEMA = {"schema": '"int"'}

# Accept, and the media type of the answer.
ACCEPTED: list[tuple[str | None, str]] = [
    (None, V1),
    ("", V1),
    ("  ", V1),
    ("*/*", V1),
    ("*", V1),
    (JAVA, V1),
    (V1, V1),
    (VENDOR, VENDOR),
    (JSON, JSON),
    ("APPLICATION/JSON", JSON),
    ("application/*", V1),
    ("*/json", JSON),
    (f"{V1}, {VENDOR}, {JSON}", V1),
    (f"{JSON}, {V1}", V1),
    (f"{JSON},{VENDOR}", VENDOR),
    (f"{JSON};q=1.0, {V1};q=0.1", JSON),
    (f"{JSON};q=.5", JSON),
    (f"{JSON};q=1.", JSON),
    (f"{JSON} ; Q = 0.9 , {V1};q=0.8", JSON),
    (f"{V1};q=0, {JSON}", JSON),
    (f"{JSON};q=0", JSON),
    (f"{JSON}; charset=utf-8", JSON),
    (f"{JSON};version=1;q=0.9, {V1};q=0.5", JSON),
    (f"{JSON};q=0.2, text/html", JSON),
    ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", V1),
    # What can't be parsed counts as missing, and so does a quality that is none.
    ("a/b/c", V1),
    (";;", V1),
    (",", V1),
    ("text/html,", V1),
    (f"{JSON};q=high", JSON),
    (f"{JSON};q=-1, {V1};q=0.5", JSON),
    ("text/html; q=1, (comment)", V1),
    ("é", V1),
]
UNACCEPTABLE = [
    "text/html",
    "text/plain",
    "application/xml",
    "image/*",
    "foo",
    "application/vnd.schemaregistry.v2+json",
    "application/octet-stream",
    "text/html, text/plain;q=0.5",
    "json",
    "application",
]


@pytest.mark.parametrize(("accept", "answered"), ACCEPTED)
def test_an_answer_comes_in_the_best_type_that_is_asked_for(accept: str | None, answered: str) -> None:
    assert media.negotiate(accept) == answered


@pytest.mark.parametrize("accept", UNACCEPTABLE)
def test_nothing_else_is_produced(accept: str) -> None:
    assert media.negotiate(accept) is None


@pytest.mark.parametrize("accept", ["a/b;q=" + "1" * 200_000 + "x", "a/b" + " " * 200_000 + "x", "a" * 200_000 + ","])
def test_a_hostile_accept_is_read_at_once(accept: str) -> None:
    assert media.negotiate(accept) in {None, V1}


@pytest.mark.parametrize(("accept", "answered"), [(None, V1), (JAVA, V1), (VENDOR, VENDOR), (JSON, JSON)])
def test_good_and_bad_answers_come_in_the_type_that_was_asked_for(
    api: Api, owner: Member, accept: str | None, answered: str
) -> None:
    headers = {} if accept is None else {"Accept": accept}
    assert api.post("/subjects/a/versions", SCHEMA, as_=owner, headers=headers)["Content-Type"] == answered

    for path, status in (
        ("/subjects", 200),
        ("/subjects/a/versions/1/schema", 200),
        ("/schemas/ids/1/schema", 200),
        ("/subjects/b/versions", 404),
        ("/nowhere", 404),
        ("/subjects/a", 405),
        ("/subjects/a/versions/x", 422),
    ):
        response = api.get(path, as_=owner, headers=headers)

        assert (response.status_code, response["Content-Type"]) == (status, answered)


def test_an_unacceptable_request_is_406_in_json_on_every_route(api: Api, owner: Member) -> None:
    api.post("/subjects/a/versions", SCHEMA, as_=owner)
    paths = ["/", "/subjects", "/subjects/a/versions", "/subjects/a/versions/1/schema", "/schemas/ids/9", "/config"]

    for path in paths:
        response = api.get(path, as_=owner, headers={"Accept": "text/html"})

        assert response.status_code == 406
        assert response.json() == {"error_code": 406, "message": "HTTP 406 Not Acceptable"}
        assert response["Content-Type"] == V1


def test_an_unacceptable_write_changes_nothing(api: Api, admin: Member) -> None:
    with nothing_changes():
        made = api.post("/subjects/a/versions", SCHEMA, as_=admin, headers={"Accept": "text/html"})
        configured = api.put("/config", {"compatibility": "NONE"}, as_=admin, headers={"Accept": "text/html"})

    assert (made.status_code, configured.status_code) == (406, 406)


def test_errors_before_the_accept_header_counts_are_json_all_the_same(api: Api, owner: Member) -> None:
    headers = {"Accept": "text/html"}

    assert api.get("/subjects", headers=headers).json()["error_code"] == 401
    assert api.get("/nowhere", as_=owner, headers=headers).json()["error_code"] == 404
    assert api.delete("/subjects", as_=owner, headers=headers).json()["error_code"] == 405


CONSUMED = [
    "",
    V1,
    VENDOR,
    JSON,
    "application/octet-stream",
    "APPLICATION/JSON",
    "application/json; charset=utf-8",
    "application/json;charset=iso-8859-1",
    "application/json;",
    "application/vnd.schemaregistry.v1+json;x=1; y",
    # No media type, so as good as none.
    "json",
    "foo",
    ";",
    "a/b/c",
]
REFUSED = [
    "text/plain",
    "text/html",
    "application/xml",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/vnd.schemaregistry.v2+json",
    "application/json5",
    "text/json",
    "application/problem+json",
    "*/*",
]


def post(api: Api, as_: Member, content_type: str, body: bytes = b'{"schema":"\\"int\\""}') -> Any:
    return api.send("POST", "/subjects/a/versions", body, as_=as_, content_type=content_type)


@pytest.mark.parametrize("content_type", CONSUMED)
def test_a_body_is_read_under_these_types(api: Api, owner: Member, content_type: str) -> None:
    assert post(api, owner, content_type).json()["id"] == 1


@pytest.mark.parametrize("content_type", REFUSED)
def test_a_body_of_any_other_type_is_415(api: Api, owner: Member, content_type: str) -> None:
    with nothing_changes():
        response = post(api, owner, content_type)

    assert response.status_code == 415
    assert response.json() == {"error_code": 415, "message": "HTTP 415 Unsupported Media Type"}
    assert response["Content-Type"] == V1


def test_a_body_is_utf_8_whatever_the_charset_says(api: Api, owner: Member) -> None:
    text = '{"schema":"{\\"type\\":\\"record\\",\\"name\\":\\"R\\",\\"doc\\":\\"é\\",\\"fields\\":[]}"}'

    assert "é" in post(api, owner, "application/json; charset=iso-8859-1", text.encode()).json()["schema"]
    assert post(api, owner, "application/json; charset=iso-8859-1", text.encode("latin-1")).status_code == 400


def test_a_form_is_never_read(api: Api, owner: Member) -> None:
    form = b'--x\r\nContent-Disposition: form-data; name="schema"\r\n\r\n"int"\r\n--x--\r\n'

    with nothing_changes():
        assert post(api, owner, "multipart/form-data; boundary=x", form).status_code == 415
        assert post(api, owner, "application/x-www-form-urlencoded", b"schema=%22int%22").status_code == 415


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_the_type_of_a_body_that_is_not_there_does_not_matter(api: Api, admin: Member, method: str) -> None:
    response = api.send(method, "/config", b"", as_=admin, headers={"Content-Type": "text/plain"})

    assert response.status_code == 200


def test_no_method_but_those_of_the_table_is_taken_over_another(api: Api, owner: Member) -> None:
    """Neither a header nor a form field turns a POST into something else."""
    headers = {"X-HTTP-Method-Override": "GET", "X-Method-Override": "GET"}

    assert ("subject", "GET") not in permissions.TABLE
    assert api.post("/subjects", {"_method": "GET"}, as_=owner, headers=headers).status_code == 405
