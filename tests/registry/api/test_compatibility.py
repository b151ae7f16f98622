"""POST /compatibility/subjects/{s}/versions[/{v}]."""

import json
from typing import Any

import pytest

from audit.models import AuditEvent
from registry.models import SchemaVersion
from tests.cast import Api, Member


def fields(*names: str) -> str:
    """A record of strings; a name that ends in `=` has a default."""
    made = [{"name": n.rstrip("="), "type": "string", **({"default": ""} if n.endswith("=") else {})} for n in names]
    return json.dumps({"type": "record", "name": "R", "fields": made})


def check(api: Api, who: Member, path: str, text: str) -> Any:
    return api.post(f"/compatibility/subjects/{path}", {"schema": text}, as_=who)


@pytest.fixture
def history(api: Api, owner: Member) -> None:
    """a has versions {f}, {f, g=}, {f, g=, h=}."""
    for names in (("f",), ("f", "g="), ("f", "g=", "h=")):
        assert api.post("/subjects/a/versions", {"schema": fields(*names)}, as_=owner).status_code == 200


@pytest.mark.parametrize("path", ["nothing/versions", "nothing/versions/latest", "nothing/versions/-1"])
def test_whatever_comes_first_is_compatible(api: Api, owner: Member, path: str) -> None:
    assert check(api, owner, path, '"int"').json() == {"is_compatible": True}
    assert check(api, owner, f"{path}?verbose=true", '"int"').json() == {"is_compatible": True, "messages": []}


@pytest.mark.parametrize(
    ("version", "code"), [("9", 40402), ("0", 42202), ("earliest", 42202)]
)  # fmt: skip
def test_a_version_that_is_not_there_comes_before_a_bad_schema(
    api: Api, owner: Member, history: None, version: str, code: int
) -> None:
    assert check(api, owner, f"a/versions/{version}?verbose=true", "nope").json()["error_code"] == code


def test_an_unknown_subject_has_no_versions_by_number(api: Api, owner: Member) -> None:
    assert check(api, owner, "nothing/versions/1", '"int"').json() == {
        "error_code": 40402,
        "message": "Version 1 not found.",
    }


def test_findings_come_with_what_they_were_found_in(api: Api, owner: Member, history: None) -> None:
    body = check(api, owner, "a/versions/latest?verbose=True", fields("f", "new")).json()

    assert body["is_compatible"] is False
    assert body["messages"][0] == (
        "{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'new' at path '/fields/1' in the new "
        "schema has no default value and is missing in the old schema', additionalInfo:'new'}"
    )
    assert body["messages"][1] == "{oldSchemaVersion: 3}"
    assert body["messages"][2].startswith('{oldSchema: \'{"type":"record"')
    assert body["messages"][3] == "{validateFields: 'false', compatibility: 'BACKWARD'}"


def test_a_single_version_is_judged_by_itself(api: Api, owner: Member, history: None) -> None:
    needs_g = fields("f", "g")

    assert check(api, owner, "a/versions/1", needs_g).json() == {"is_compatible": False}
    assert check(api, owner, "a/versions/2", needs_g).json() == {"is_compatible": True}


@pytest.mark.parametrize(("level", "compatible"), [("BACKWARD", True), ("BACKWARD_TRANSITIVE", False)])
def test_a_transitive_level_looks_at_every_version(
    api: Api, owner: Member, history: None, level: str, compatible: bool
) -> None:
    api.put("/config/a", {"compatibility": level}, as_=owner)

    body = check(api, owner, "a/versions?verbose=true", fields("f", "g", "h=")).json()

    assert body["is_compatible"] is compatible
    assert compatible or "{oldSchemaVersion: 1}" in body["messages"]


def test_full_shows_the_forward_findings_first(api: Api, owner: Member, history: None) -> None:
    api.put("/config/a", {"compatibility": "FULL"}, as_=owner)

    messages = check(api, owner, "a/versions?verbose=true", fields("x")).json()["messages"]

    assert "in the old schema has no default value" in messages[0]
    assert "in the new schema has no default value" in messages[1]


def test_none_allows_everything(api: Api, owner: Member, history: None) -> None:
    api.put("/config/a", {"compatibility": "NONE"}, as_=owner)

    body = check(api, owner, "a/versions?verbose=true", '"int"').json()

    assert body == {"is_compatible": True, "messages": []}


def test_a_bad_schema_is_an_error_or_with_verbose_a_finding(api: Api, owner: Member, history: None) -> None:
    assert check(api, owner, "a/versions", "nope").json()["error_code"] == 42201

    body = check(api, owner, "a/versions?verbose=true", "nope").json()
    assert body["is_compatible"] is False
    assert body["messages"][0].startswith("Invalid schema of type AVRO, details: Invalid schema {subject=a,")
    assert check(api, owner, "a/versions?verbose=true", "").json() == {
        "is_compatible": False,
        "messages": ["Empty schema"],
    }


def test_a_check_changes_nothing(api: Api, owner: Member, history: None) -> None:
    before = (SchemaVersion.objects.count(), AuditEvent.objects.count())

    check(api, owner, "a/versions", fields("f", "g=", "h=", "i="))

    assert (SchemaVersion.objects.count(), AuditEvent.objects.count()) == before


def test_anybody_may_ask_about_what_they_see(api: Api, outsider: Member, history: None) -> None:
    assert check(api, outsider, "a/versions", '"int"').json() == {"is_compatible": False}


def test_a_hidden_subject_answers_as_if_it_were_not_there(api: Api, outsider: Member, history: None, hide: Any) -> None:
    hide("a")

    assert check(api, outsider, "a/versions", '"int"').json() == {"is_compatible": True}
    assert check(api, outsider, "a/versions/1", '"int"').json()["error_code"] == 40402
