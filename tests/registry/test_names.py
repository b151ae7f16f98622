"""Paths and names: pure, no database."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry import names
from registry.errors import InvalidContext, InvalidSubject, InvalidVersion, NoSuchResource
from registry.names import LATEST, SubjectName, Target

SUBJECT_ROUTES = {
    "subject": "/subjects/{}",
    "versions": "/subjects/{}/versions",
    "version": "/subjects/{}/versions/1",
    "version_schema": "/subjects/{}/versions/1/schema",
    "version_referencedby": "/subjects/{}/versions/latest/referencedby",
    "compatibility": "/compatibility/subjects/{}/versions",
    "compatibility_version": "/compatibility/subjects/{}/versions/3",
    "subject_metadata": "/subjects/{}/metadata",
    "subject_config": "/config/{}",
    "subject_mode": "/mode/{}",
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
        ("/subjects/a/metadata", "subject_metadata", {"subject": "a"}),
        ("/subjects/a/versions/metadata", "version", {"subject": "a", "version": "metadata"}),
        ("/subjects/metadata", "subject", {"subject": "metadata"}),
        ("/contexts/", "contexts", {}),
        ("/contexts/:.a:", "context", {"context": ":.a:"}),
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
        "/contexts/a/b",
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
    "all contexts": ":*:a",
    "all contexts, alone": ":*:",
    "a context with a slash": ":.a/b:c",
    "a context of 256 characters": f":.{'x' * 255}:c",
    "the context above all": ":.__GLOBAL:a",
    "the default context itself": ":.:",
    "a control character in a context": ":.a\tb:c",
    "a bidi override in a context": ":.a\u202eb:c",
    "a reserved tail in a context": ":.a:b/versions",
    "the global marker in a context": ":.a:__GLOBAL",
    "the tail of a nameless subject": ":.a:/versions",
    "a name that reads as one in another context": ":.::.a:b",
    "a name that reads as one in all contexts": ":.::*:b",
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


@pytest.mark.parametrize(
    ("text", "context", "name"),
    [
        (":.:orders", ".", "orders"),
        (":.:s:t", ".", "s:t"),
        (":.:.a:s", ".", ".a:s"),
        (".a:s", ".", ".a:s"),
        ("::.a:b", ".", "::.a:b"),
        (":.a:b", ".a", "b"),
        (":.a", ".a", ""),
        (":.a:", ".a", ""),
        (":.a.b:c", ".a.b", "c"),
        (":.a b:c", ".a b", "c"),
        (":.a:s:t", ".a", "s:t"),
        (":.a::s", ".a", ":s"),
        (":.a:b/c", ".a", "b/c"),
        (":.a:*", ".a", "*"),
        (":..:s", "..", "s"),
        (":.é:s", ".é", "s"),
        (f":.{'x' * 254}:s", "." + "x" * 254, "s"),
    ],
)
def test_a_name_may_say_its_context(text: str, context: str, name: str) -> None:
    assert names.check_creatable(text, reject_empty=False) == SubjectName(context, name)


@pytest.mark.parametrize("name", ["a\u202eb", "a\u200bb", "e\u0301", ".", ":.a:.."])
def test_an_import_takes_names_that_are_hard_to_read(name: str) -> None:
    assert str(names.check_creatable(name, reject_empty=False, is_import=True)) == name


@pytest.mark.parametrize("name", ["a/versions", "a/", "x" * 513, "a\ud800", ":.a/b:c"])
def test_an_import_takes_no_name_that_could_not_be_reached_or_stored(name: str) -> None:
    with pytest.raises(InvalidSubject):
        names.check_creatable(name, reject_empty=False, is_import=True)


@pytest.mark.parametrize("name", [":.__GLOBAL:", ":.__GLOBAL", ":.__GLOBAL:a", ":.a:", ":.:", "*"])
def test_contexts_and_what_is_above_them_have_settings(name: str) -> None:
    assert names.check_settable(name) == names.parse(name)


@pytest.mark.parametrize("name", [":*:", ":*:a", "__GLOBAL", ":.a:__EMPTY", ":.a/b:", "a/versions"])
def test_what_can_have_no_settings(name: str) -> None:
    with pytest.raises(InvalidSubject):
        names.check_settable(name)


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


@pytest.mark.parametrize(
    ("path", "rewritten"),
    [
        ("/contexts/.x/subjects/s/versions", "/subjects/:.x:s/versions"),
        ("/contexts/x/subjects/s/versions/1/schema", "/subjects/:.x:s/versions/1/schema"),
        ("/contexts/:.x:/subjects/s", "/subjects/:.x:s"),
        ("/contexts/:.x/subjects/s", "/subjects/:.x:s"),
        ("/contexts/.x:/subjects/s", "/subjects/:.x:s"),
        ("/contexts/./subjects/s", "/subjects/:.:s"),
        ("/contexts/:.:/subjects/s", "/subjects/:.:s"),
        ("/contexts/:/subjects/s", "/subjects/:.:s"),
        ("/contexts/::/subjects/s", "/subjects/:.:s"),
        ("/contexts/*/subjects/s", "/subjects/:.*:s"),
        ("/contexts/.x/subjects/a/b/versions", "/subjects/:.x:a/b/versions"),
        ("/contexts/.x/subjects/a\nb/versions", "/subjects/:.x:a\nb/versions"),
        ("/contexts/.x/subjects/:.y:s/versions", "/subjects/:.y:s/versions"),
        ("/contexts/.x/subjects/:*:s/versions", "/subjects/:*:s/versions"),
        ("/contexts/.x/subjects/:s/versions", "/subjects/:.x::s/versions"),
        ("/contexts/.x/subjects/subjects/versions", "/subjects/:.x:subjects/versions"),
        ("/contexts/.x/subjects/contexts/versions", "/subjects/:.x:contexts/versions"),
        ("/contexts/.x/subjects/contexts/y/subjects/z", "/subjects/:.x:contexts/y/subjects/z"),
        ("/contexts/.x/compatibility/subjects/s/versions/latest", "/compatibility/subjects/:.x:s/versions/latest"),
        ("/contexts/.x/config", "/config/:.x:"),
        ("/contexts/.x/config/", "/config/:.x:"),
        ("/contexts/.x/mode", "/mode/:.x:"),
        ("/contexts/.x/config/s", "/config/:.x:s"),
        ("/contexts/.x/config/a/b", "/config/:.x:a/b"),
        ("/contexts/.x/mode/s/", "/mode/:.x:s/"),
        ("/contexts/.x/mode/:.y:", "/mode/:.y:"),
        ("/contexts/.x/contexts", "/contexts"),
        ("/contexts/.x/contexts/", "/contexts/"),
        ("/contexts/.x", "/contexts/:.x:"),
        ("/contexts/x/", "/contexts/:.x:"),
        ("/contexts/.x/contexts/.y/subjects/s", "/subjects/:.y:s"),
        ("/contexts/.x/contexts/y", "/contexts/:.y:"),
        ("/contexts/.x/other/config/test", "/other/config/test"),
        ("/contexts/.x/v1/metadata/version", "/v1/metadata/version"),
        ("/contexts/.x/schemas/types", "/schemas/types"),
        ("/contexts/.x/schemas/guids/g/ids", "/schemas/guids/g/ids"),
        ("/contexts/.x/nope", "/nope"),
        ("/contexts", "/contexts"),
        ("/contexts/", "/contexts/"),
        ("/subjects/s/versions", "/subjects/s/versions"),
        ("/subjects/contexts/x/versions", "/subjects/contexts/x/versions"),
        ("/contexts//subjects", "/contexts//subjects"),
        ("//contexts/x/subjects/s", "//contexts/x/subjects/s"),
    ],
)
def test_a_path_in_a_context_is_that_of_the_qualified_name(path: str, rewritten: str) -> None:
    assert names.in_context(path, {"subject": ["q"], "subjectPrefix": ["q"]}) == Target(rewritten)


@pytest.mark.parametrize(
    ("path", "query", "parameters"),
    [
        ("/contexts/.x/subjects", {}, {"subjectPrefix": ":.x:"}),
        ("/contexts/.x/subjects/", {"subjectPrefix": ["s"]}, {"subjectPrefix": ":.x:s"}),
        ("/contexts/.x/subjects", {"subjectPrefix": [""]}, {"subjectPrefix": ":.x:"}),
        ("/contexts/.x/subjects", {"subjectPrefix": [":*:s"]}, {"subjectPrefix": ":*:s"}),
        ("/contexts/.x/subjects", {"subjectPrefix": [":.y:s"]}, {"subjectPrefix": ":.y:s"}),
        ("/contexts/.x/schemas", {"subjectPrefix": ["s", "t"]}, {"subjectPrefix": ":.x:s"}),
        ("/contexts/./schemas", {}, {"subjectPrefix": ":.:"}),
        ("/contexts/.x/schemas/ids/1", {}, {"subject": ":.x:"}),
        ("/contexts/.x/schemas/ids/1/versions", {"subject": ["s"]}, {"subject": ":.x:s"}),
        ("/contexts/.x/schemas/ids/1", {"subject": [":.y:s"]}, {"subject": ":.y:s"}),
        ("/contexts/.x/contexts/y/schemas/ids/1/schema", {}, {"subject": ":.y:"}),
    ],
)
def test_a_query_in_a_context_is_qualified_too(
    path: str, query: dict[str, list[str]], parameters: dict[str, str]
) -> None:
    assert names.in_context(path, query).parameters == parameters


@pytest.mark.parametrize(
    ("context", "shown"),
    [("foo:bar", "foo:bar"), (".foo:bar", ".foo:bar"), (":.a:b", ".a:b"), (":.a:b:", ".a:b"), (":::", ":")],
)
def test_a_context_has_no_colon(context: str, shown: str) -> None:
    for path in (f"/contexts/{context}/subjects", f"/contexts/.x/contexts/{context}/mode", f"/contexts/{context}"):
        with pytest.raises(InvalidContext, match=rf"^Context name '{re.escape(shown)}' cannot contain a colon$"):
            names.in_context(path, {})


@given(name=st.lists(SEGMENTS, min_size=1, max_size=6).map("/".join))
def test_a_name_that_may_be_created_in_a_context_is_reached_through_it(name: str) -> None:
    try:
        subject = names.check_creatable(f":.x:{name}", reject_empty=False)
    except InvalidSubject:
        return

    for route, template in SUBJECT_ROUTES.items():
        found = names.split(names.in_context(f"/contexts/x{template.format(name)}", {}).path)
        assert found is not None
        assert (found.name, names.parse(found.arguments["subject"])) == (route, subject)
