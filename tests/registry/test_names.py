"""Paths and names: pure, no database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry import names
from registry.errors import InvalidSubject, InvalidVersion, NoSuchResource
from registry.names import LATEST, SubjectName

SUBJECT_ROUTES = {
    "subject": "/subjects/{}",
    "versions": "/subjects/{}/versions",
    "version": "/subjects/{}/versions/1",
    "version_schema": "/subjects/{}/versions/1/schema",
    "version_referencedby": "/subjects/{}/versions/latest/referencedby",
    "compatibility": "/compatibility/subjects/{}/versions",
    "compatibility_version": "/compatibility/subjects/{}/versions/3",
    "subject_config": "/config/{}",
}


@pytest.mark.parametrize(
    ("path", "route", "arguments"),
    [
        ("/", "root", {}),
        ("/subjects", "subjects", {}),
        ("/subjects/", "subjects", {}),
        ("/subjects/a/b/versions/1/", "version", {"subject": "a/b", "version": "1"}),
        ("/subjects/a/versions/versions", "version", {"subject": "a", "version": "versions"}),
        ("/subjects/a/versions/1/x", "subject", {"subject": "a/versions/1/x"}),
        ("/subjects/a\nb/versions", "versions", {"subject": "a\nb"}),
        ("/subjects/a\n", "subject", {"subject": "a\n"}),
        ("/subjects/a/", "subject", {"subject": "a"}),
        ("/subjects/versions", "subject", {"subject": "versions"}),
        ("/subjects/../admin/versions", "versions", {"subject": "../admin"}),
        ("/subjects/a;x=1/versions", "versions", {"subject": "a;x=1"}),
        ("/schemas/ids/abc", "schema_id", {"schema_id": "abc"}),
        ("/config/a/b", "subject_config", {"subject": "a/b"}),
    ],
)
def test_a_path_leads_to_its_route(path: str, route: str, arguments: dict[str, str]) -> None:
    found = names.split(path)

    assert found is not None
    assert (found.name, found.arguments) == (route, arguments)


@pytest.mark.parametrize(
    "path",
    [
        "//subjects",
        "/Subjects",
        "/subject",
        "/schemas/ids",
        "/schemas/ids/1/nope",
        "/v1/metadata",
        "/subjects/a/metadata",
        "/subjects/a/versions/1/tags",
        "/mode",
        "/contexts",
        "/subjects\n",
    ],
)
def test_what_is_no_route_is_none(path: str) -> None:
    assert names.split(path) is None


REFUSED = {
    "a control character": "a\tb",
    "a C1 control": "a\x9fb",
    "the global marker": "__GLOBAL",
    "the empty marker": "__EMPTY",
    "a reserved tail": "a/versions",
    "a longer reserved tail": "a/versions/x/schema",
    "the metadata tail": "a/metadata",
    "a trailing slash": "a/",
    "a dot": ".",
    "two dots": "..",
    "a bidi override": "a\u202eb",
    "a zero-width space": "a\u200bb",
    "a decomposed letter": "e\u0301",
    "a lone surrogate": "a\ud800",
    "513 characters": "x" * 513,
    "1,025 bytes": "é" * 512 + "x",
    "another context": ":.ctx:a",
}


@pytest.mark.parametrize("name", REFUSED.values(), ids=REFUSED)
def test_a_name_nobody_could_reach_or_read_is_refused(name: str) -> None:
    with pytest.raises(InvalidSubject, match="is not a valid"):
        names.check_creatable(name, reject_empty=False)


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "*",
        "versions",
        "metadata",
        "versions/1",
        "a/schema",
        "a/versions/1/x",
        "a b",
        "%2F",
        "é",
        "名前",
        "x" * 512,
        ":a",
    ],
)
def test_an_odd_name_that_can_be_reached_is_taken(name: str) -> None:
    assert names.check_creatable(name, reject_empty=False) == SubjectName(".", name)


def test_the_default_context_may_be_named() -> None:
    assert names.check_creatable(":.:orders", reject_empty=False) == SubjectName(".", "orders")


@pytest.mark.parametrize("name", ["", "*", ":.:", ":.:*"])
def test_the_empty_subject_is_refused_where_the_operator_wants_it(name: str) -> None:
    with pytest.raises(InvalidSubject):
        names.check_creatable(name, reject_empty=True)


SEGMENTS = st.sampled_from(
    ["a", "versions", "metadata", "schema", "referencedby", "tags", "1", "latest", ".", "%2F", "é"]
)


@given(parts=st.lists(SEGMENTS, min_size=1, max_size=6), slash=st.sampled_from(["", "/"]))
def test_a_name_that_may_be_created_survives_every_route(parts: list[str], slash: str) -> None:
    name = "/".join(parts)
    try:
        names.check_creatable(name, reject_empty=False)
    except InvalidSubject:
        return

    for route, template in SUBJECT_ROUTES.items():
        found = names.split(template.format(name) + slash)
        assert found is not None
        assert (found.name, found.arguments["subject"]) == (route, name)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("1", 1),
        ("01", 1),
        ("+1", 1),
        (" 1", 1),
        ("1 ", 1),
        ("٣", 3),
        ("latest", LATEST),
        ("LATEST ", LATEST),
        ("-1", LATEST),
        ("-01", LATEST),
        ("2147483647", 2147483647),
    ],
)
def test_a_version_may_be_written_in_odd_ways(text: str, version: int) -> None:
    assert names.parse_version(text) == version


@pytest.mark.parametrize(
    "text", ["0", "-2", "abc", "earliest", "1.0", "0x1", "2147483648", "9" * 5000, "", "null", "--1"]
)
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(InvalidVersion):
        names.parse_version(text)


@pytest.mark.parametrize("text", ["abc", "1 ", "1.5", "2147483648", "", "9" * 5000])
def test_an_integer_beyond_32_bits_is_a_resource_that_cannot_exist(text: str) -> None:
    with pytest.raises(NoSuchResource):
        names.parse_integer(text)
