"""POST /subjects/{s}/versions."""

import json
from typing import Any

import pytest

from audit.models import AuditEvent
from registry.models import Schema, SchemaVersion, Subject
from tests.cast import Api, Member

STRING = '"string"'


def record(name: str, *fields: str, **extra: Any) -> str:
    """A record of string fields; a field called `x=` has an empty default."""
    made = [
        {"name": f.removesuffix("="), "type": "string", **({"default": ""} if f.endswith("=") else {})} for f in fields
    ]
    return json.dumps({"type": "record", "name": name, "fields": made, **extra})


def register(api: Api, as_: Member, subject: str, text: str, query: str = "", **more: Any) -> Any:
    return api.post(f"/subjects/{subject}/versions{query}", {"schema": text, **more}, as_=as_)


def test_the_first_schema_gets_id_one_and_version_one(api: Api, owner: Member) -> None:
    response = register(api, owner, "orders", STRING)

    assert response.status_code == 200
    assert response.json() == {
        "id": 1,
        "version": 1,
        "guid": "095d71cf-1255-6b9d-5e33-0ad575b3df5d",
        "schemaType": "AVRO",
        "schema": STRING,
    }


def test_registering_the_same_schema_returns_the_same_id_and_leaves_no_event(api: Api, owner: Member) -> None:
    first = register(api, owner, "orders", STRING).json()
    events = AuditEvent.objects.count()

    again = register(api, owner, "orders", '{  "type":  "string" }').json()

    assert again == first
    assert AuditEvent.objects.count() == events


def test_the_event_of_a_registration_says_what_was_registered(api: Api, owner: Member) -> None:
    register(api, owner, "orders", STRING)

    event = AuditEvent.objects.order_by("-seq").first()
    assert event is not None
    payload = json.loads(event.payload)
    assert payload["action"] == "subject.registered"
    assert payload["object"] == {"kind": "subject", "ref": ":.:orders"}
    assert payload["actor"]["ref"] == owner.principal.ref
    assert payload["detail"]["version"] == 1
    assert payload["detail"]["verdict"] == "first version"
    assert Subject.objects.get().changed_seq == event.seq


def test_ids_go_on_over_all_subjects_and_versions_within_one(api: Api, owner: Member) -> None:
    texts = (("a", record("A", "f")), ("b", record("B", "f")), ("a", record("A", "f", "g=")))

    found = [register(api, owner, subject, text).json() for subject, text in texts]

    assert [(body["id"], body["version"]) for body in found] == [(1, 1), (2, 1), (3, 2)]


def test_the_same_schema_under_two_subjects_has_one_id(api: Api, owner: Member) -> None:
    one = register(api, owner, "a", STRING).json()
    other = register(api, owner, "b", STRING).json()

    assert one["id"] == other["id"] == 1
    assert Schema.objects.count() == 1


def test_props_in_another_order_are_the_same_version_but_not_the_same_content(api: Api, owner: Member) -> None:
    text = '{"type":"record","name":"R","p":1,"q":2,"fields":[]}'
    swapped = '{"type":"record","name":"R","q":2,"p":1,"fields":[]}'
    register(api, owner, "a", text)

    again = register(api, owner, "a", swapped).json()
    elsewhere = register(api, owner, "b", swapped).json()

    assert (again["id"], again["version"]) == (1, 1)
    assert elsewhere["id"] == 2


def test_an_incompatible_change_is_refused_with_path_and_rule(api: Api, owner: Member) -> None:
    register(api, owner, "orders", record("Order", "id"))

    response = register(api, owner, "orders", record("Order", "id", "total"))

    assert response.status_code == 409
    body = response.json()
    assert body["error_code"] == 40901
    assert "READER_FIELD_MISSING_DEFAULT_VALUE" in body["message"]
    assert "'/fields/1'" in body["message"]
    assert "{oldSchemaVersion: 1}" in body["message"]
    assert "compatibility: 'BACKWARD'" in body["message"]
    assert SchemaVersion.objects.count() == 1


def test_a_compatible_change_becomes_the_next_version(api: Api, owner: Member) -> None:
    register(api, owner, "orders", record("Order", "id"))

    response = register(api, owner, "orders", record("Order", "id", "total="))

    assert response.status_code == 200
    assert response.json()["version"] == 2


def test_force_skips_the_check_and_the_event_says_so(api: Api, owner: Member) -> None:
    register(api, owner, "orders", '"string"')

    response = register(api, owner, "orders", '"int"', "?force=TRUE")

    assert response.json()["version"] == 2
    assert json.loads(AuditEvent.objects.order_by("-seq")[0].payload)["detail"]["verdict"] == "forced"


def test_normalize_sorts_props_before_they_are_stored(api: Api, owner: Member) -> None:
    response = register(api, owner, "a", '{"type":"record","name":"R","z":1,"a":2,"fields":[]}', "?normalize=True")

    assert response.json()["schema"] == '{"type":"record","name":"R","fields":[],"a":2,"z":1}'


def test_a_subject_may_ask_for_normalizing_once_and_for_all(api: Api, owner: Member) -> None:
    register(api, owner, "a", STRING)
    api.put("/config/a", {"normalize": True, "compatibility": "NONE"}, as_=owner)

    response = register(api, owner, "a", '{"type":"record","name":"R","z":1,"a":2,"fields":[]}')

    assert response.json()["schema"] == '{"type":"record","name":"R","fields":[],"a":2,"z":1}'


@pytest.mark.parametrize("body", [{}, {"schema": ""}, {"schema": " \n"}, {"schema": None}])
def test_an_empty_schema_is_refused_where_there_is_no_latest(api: Api, owner: Member, body: Any) -> None:
    response = api.post("/subjects/a/versions", body, as_=owner)

    assert (response.status_code, response.json()) == (422, {"error_code": 42201, "message": "Empty schema"})


def test_an_empty_schema_means_the_latest_one(api: Api, owner: Member) -> None:
    first = register(api, owner, "a", STRING).json()

    assert api.post("/subjects/a/versions", {}, as_=owner).json() == first


def test_an_invalid_schema_is_refused_with_the_words_of_the_parser(api: Api, owner: Member) -> None:
    text = '{"type":"record","name":"R","fields":[{"name":"f","type":"x"}]}'

    response = register(api, owner, "a", text)

    assert response.status_code == 422
    assert response.json()["error_code"] == 42201
    assert response.json()["message"].startswith("Invalid schema of type AVRO, details: Invalid schema {subject=a,")
    assert "Undefined schema: x" in response.json()["message"]
    assert not Subject.objects.exists()


def test_a_known_schema_is_answered_even_if_it_would_not_be_taken_anew(api: Api, admin: Member) -> None:
    text = '{"type":"record","name":"R","fields":[{"name":"f","type":"string","default":null}]}'
    api.put("/config", {"validateNewSchemas": False}, as_=admin)
    first = register(api, admin, "a", text).json()
    api.put("/config", {"validateNewSchemas": True}, as_=admin)

    assert register(api, admin, "a", text).json() == first
    assert register(api, admin, "b", text).status_code == 422


@pytest.mark.parametrize("schema_type", ["JSON", "PROTOBUF", "avro", "", "NOPE"])
def test_a_type_that_is_not_there_is_refused_by_name(api: Api, owner: Member, schema_type: str) -> None:
    response = register(api, owner, "a", STRING, schemaType=schema_type)

    assert response.status_code == 422
    assert response.json() == {"error_code": 42201, "message": f"Invalid schema type {schema_type}"}


def test_an_id_may_be_given_in_import_mode_only(api: Api, owner: Member) -> None:
    response = register(api, owner, "a", STRING, id=7)

    assert response.json() == {"error_code": 42205, "message": "Subject a in context  is not in import mode"}
    assert register(api, owner, "a", STRING, id=-1).status_code == 200


def test_an_unknown_member_is_ignored(api: Api, owner: Member) -> None:
    assert register(api, owner, "a", STRING, unheardOf={"of": 1}).status_code == 200


def test_a_schema_over_the_limit_of_bytes_is_42209(api: Api, owner: Member, settings: Any) -> None:
    settings.CALLBOARD = {**settings.CALLBOARD, "LIMIT_SCHEMA_BYTES": 40}

    just_below = register(api, owner, "a", record("R").ljust(40))
    just_above = register(api, owner, "a", record("R").ljust(41))

    assert just_below.status_code == 422 if len(record("R")) > 40 else 200
    assert (just_above.status_code, just_above.json()["error_code"]) == (422, 42209)
    assert "40 bytes" in just_above.json()["message"]


def test_an_outsider_may_not_register_under_somebody_elses_subject(api: Api, owner: Member, outsider: Member) -> None:
    register(api, owner, "orders", STRING)

    response = register(api, outsider, "orders", '"bytes"')

    assert response.status_code == 403
    assert response.json() == {"error_code": 40301, "message": "User is denied operation Write on Subject: orders"}


def test_a_hidden_subject_refuses_like_any_other(api: Api, owner: Member, outsider: Member, hide: Any) -> None:
    register(api, owner, "orders", STRING)
    refused = register(api, outsider, "orders", '"bytes"')
    hide("orders")

    assert register(api, outsider, "orders", '"bytes"').content == refused.content


def test_a_teammate_may_register_too(api: Api, owner: Member, teammate: Member) -> None:
    register(api, owner, "orders", '"int"')

    assert register(api, teammate, "orders", '"long"').json()["version"] == 2
    assert Subject.objects.get().owner == owner.group
