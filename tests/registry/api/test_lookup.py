"""POST /subjects/{s}."""

from typing import Any

import pytest

from audit.models import AuditEvent
from tests.cast import Api, Member

DOCUMENTED = '{"type":"record","name":"R","doc":"d","p":1,"q":2,"fields":[]}'
STRING = '"string"'


def look_up(api: Api, who: Member, subject: str, text: str, query: str = "", **more: Any) -> Any:
    return api.post(f"/subjects/{subject}{query}", {"schema": text, **more}, as_=who)


@pytest.fixture
def stored(api: Api, owner: Member) -> None:
    for text in (STRING, DOCUMENTED):
        assert api.post("/subjects/a/versions?force=true", {"schema": text}, as_=owner).status_code == 200


def test_a_known_schema_is_found_without_times(api: Api, owner: Member, stored: None) -> None:
    assert look_up(api, owner, "a", '{"type": "string"}').json() == {
        "subject": "a",
        "version": 1,
        "id": 1,
        "guid": "095d71cf-1255-6b9d-5e33-0ad575b3df5d",
        "schemaType": "AVRO",
        "schema": STRING,
    }


def test_an_equivalent_schema_is_found_as_it_is_stored(api: Api, owner: Member, stored: None) -> None:
    body = look_up(api, owner, "a", '{"q":2,"p":1,"doc":"d","fields":[],"name":"R","type":"record"}').json()

    assert (body["version"], body["schema"]) == (2, '{"type":"record","name":"R","doc":"d","fields":[],"p":1,"q":2}')
    assert {"ts", "deleted"} <= set(body)


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"record","name":"R","p":1,"q":2,"fields":[]}',
        '{"type":"record","name":"R","doc":"d","p":1.0,"q":2,"fields":[]}',
        '{"type":"record","name":"R","doc":"d","aliases":["S"],"p":1,"q":2,"fields":[]}',
        '"int"',
    ],
)
def test_another_doc_prop_or_alias_is_another_schema(api: Api, owner: Member, stored: None, text: str) -> None:
    assert look_up(api, owner, "a", text).json() == {"error_code": 40403, "message": "Schema not found"}


def test_a_lookup_changes_nothing(api: Api, owner: Member, stored: None) -> None:
    events = AuditEvent.objects.count()

    look_up(api, owner, "a", STRING)
    look_up(api, owner, "b", STRING)

    assert AuditEvent.objects.count() == events


@pytest.mark.parametrize("body", [{"schema": STRING}, {}, {"schema": ""}])
def test_an_unknown_subject_is_40401(api: Api, owner: Member, body: Any) -> None:
    response = api.post("/subjects/nothing", body, as_=owner)

    assert response.json() == {"error_code": 40401, "message": "Subject 'nothing' not found."}


def test_a_text_that_is_no_schema_is_42201_whatever_the_subject(api: Api, owner: Member) -> None:
    assert look_up(api, owner, "nothing", "nope").json()["error_code"] == 42201


def test_a_lookup_reads_by_the_rules_for_stored_schemas(api: Api, owner: Member, stored: None) -> None:
    bad_default = '{"type":"record","name":"R","fields":[{"name":"f","type":"string","default":null}]}'

    assert look_up(api, owner, "a", bad_default).json()["error_code"] == 40403


def test_a_hidden_subject_is_not_there(api: Api, owner: Member, outsider: Member, stored: None, hide: Any) -> None:
    missing = look_up(api, outsider, "b", STRING)
    hide("a")

    hidden = look_up(api, outsider, "a", STRING)

    assert hidden.content == missing.content.replace(b"'b'", b"'a'")
