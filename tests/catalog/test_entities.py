"""Entities and their names, against the rules of Backstage's catalog."""

import json
import re
from dataclasses import replace
from itertools import islice
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import entities
from catalog.entities import Row, Site, Unmappable
from registry.names import SubjectName

SITE = Site("https://registry.example.com", "default")
ORDER = Row(
    subject_pk=1,
    subject=SubjectName(".", "topic/value"),
    entity_name="topic-value-ec6bc5cc",
    is_deprecated=False,
    owner="orders",
    version=3,
    schema_id=17,
    text='{"type":"record","name":"Order","fields":[],"doc":"An order as the shop saw it"}',
    references=[],
    fingerprint="0f" * 32,
    compatibility="BACKWARD",
)
HERE = "url:https://registry.example.com/backstage/v1/entities/default/topic-value-ec6bc5cc"
PORTAL = "https://registry.example.com/ui/subject?name=topic%2Fvalue"

# Characters that subjects of hostile people are made of, beside all others.
names = st.text(max_size=80) | st.text(alphabet="aA-_./:%\\\"'{}\n\0\u2028\ufeff\U0001f600é日 ", max_size=80)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=5), children, max_size=4),
    max_leaves=20,
)


def first_name(subject: str, *held: str) -> str:
    taken = {name.lower() for name in held}
    return next(name for name in entities.names_for(subject) if name.lower() not in taken)


@pytest.mark.parametrize(
    ("rule", "accepted", "refused"),
    [
        (
            entities.is_name,
            ["com.acme.Orders-value", "a" * 63, "a..b", "a__b", "A", "9"],
            ["", "a" * 64, "_x", "x_", "topic/value", "ünicode", "a b", "a\n"],
        ),
        (entities.is_tag, ["avro", "c++", "c#", "a:b", "java-17"], ["", "A", "a_b", "a.b", "x" * 64, "a\n"]),
        (entities.is_label_value, ["BACKWARD", "BACKWARD_TRANSITIVE", "", "1.0"], ["a/b", "-x"]),
        (
            entities.is_annotation_key,
            ["callboard/x", "callboard.example.com/x"],
            ["", "Callboard.example.com/x", "avro/reg/x", "a_b/x", "/x"],
        ),
        (entities.is_namespace, ["default", "team-a"], ["", "Team", "a.b", "x" * 64, "a\n"]),
        (
            entities.is_ref,
            ["group:default/orders", "user:team-a/Jane.Doe"],
            ["", "orders", "group:orders", "default/orders", "group:Default/orders", "group:default/a b", ":a/b"],
        ),
        (
            entities.is_url,
            ["https://registry.example.com/ui/", "http://127.0.0.1:8081/a?b=c%2Fd"],
            ["", "/ui/", "javascript:alert(1)", "https://", "https://a b/", "https://a:x/", None],
        ),
    ],
)
def test_values_are_judged_as_the_catalog_judges_them(rule: Any, accepted: list[Any], refused: list[Any]) -> None:
    assert [value for value in accepted if not rule(value)] == []
    assert [value for value in refused if rule(value)] == []


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        ("com.acme.Order", "com.acme.Order"),
        ("orders-value", "orders-value"),
        ("topic/value", "topic-value-ec6bc5cc"),
        ("with space", "with-space-b8b8f25a"),
        ("ünïcode", "n-code-b8be8967"),
        ("日本", "s-cf2abf0c"),
        ("_x", "x-a01e47cb"),
        ("x_", "x-3e16f53f"),
        (".hidden", "hidden-16924190"),
        ("-", "s-3973e022"),
        ("a" * 63, "a" * 63),
        ("a" * 64, "a" * 54 + "-ffe054fe"),
        (
            "com.acme.commerce.checkout.payment.events.PaymentAuthorizationRequested-value",
            "com.acme.commerce.checkout.payment.events.PaymentAutho-dc810b3f",
        ),
        (":.sales:orders-value", "sales-orders-value-e7a95449"),
    ],
)
def test_a_subject_is_named_as_written_down(subject: str, name: str) -> None:
    assert first_name(subject) == name


def test_a_name_held_in_other_letter_case_is_taken() -> None:
    assert first_name("Orders-Value", "orders-value") == "Orders-Value-590b83e3"


def test_a_name_that_is_held_again_and_again_gets_more_of_the_hash() -> None:
    found = list(islice(entities.names_for("topic/value"), 6))

    assert [name.rpartition("-")[0] for name in found] == ["topic-value"] * 6
    assert [len(name.rpartition("-")[2]) for name in found] == [8, 16, 32, 32, 32, 32]
    assert len(set(found)) == 6


@given(names)
def test_every_subject_gets_valid_names_without_end(subject: str) -> None:
    found = list(islice(entities.names_for(subject), 6))

    assert all(map(entities.is_name, found)), found
    assert len({name.lower() for name in found}) == 6
    assert found == list(islice(entities.names_for(subject), 6))


@given(st.lists(names, unique=True, max_size=20))
def test_no_two_subjects_get_one_name(subjects: list[str]) -> None:
    held: list[str] = []
    for subject in subjects:
        held.append(first_name(subject, *held))

    assert len({name.lower() for name in held}) == len(subjects)


def test_an_entity_holds_what_is_known_of_the_subject() -> None:
    assert entities.build(ORDER, SITE) == {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "API",
        "metadata": {
            "name": "topic-value-ec6bc5cc",
            "namespace": "default",
            "title": "topic/value",
            "description": "An order as the shop saw it",
            "annotations": {
                "callboard/subject": "topic/value",
                "callboard/context": ".",
                "callboard/version": "3",
                "callboard/schema-id": "17",
                "callboard/compatibility": "BACKWARD",
                "callboard/fingerprint": "0f" * 32,
                "backstage.io/managed-by-location": HERE,
                "backstage.io/managed-by-origin-location": HERE,
                "backstage.io/view-url": PORTAL,
                "backstage.io/source-location": "url:https://registry.example.com/",
            },
            "tags": ["avro"],
            "links": [
                {"url": PORTAL, "title": "Callboard", "icon": "dashboard"},
                {
                    "url": "https://registry.example.com/subjects/topic%2Fvalue/versions/3",
                    "title": "Version 3 as JSON",
                },
            ],
        },
        "spec": {
            "type": "avro",
            "lifecycle": "production",
            "owner": "group:default/orders",
            "definition": "{\n"
            '  "type": "record",\n'
            '  "name": "Order",\n'
            '  "fields": [],\n'
            '  "doc": "An order as the shop saw it"\n'
            "}",
        },
    }


def test_a_deprecated_subject_says_so() -> None:
    assert entities.build(replace(ORDER, is_deprecated=True), SITE)["spec"]["lifecycle"] == "deprecated"


def test_references_are_an_annotation_because_apis_have_no_relation_to_apis() -> None:
    row = replace(ORDER, references=[{"name": "a.B", "subject": "b", "version": 2}])

    annotations = entities.build(row, SITE)["metadata"]["annotations"]

    assert json.loads(annotations["callboard/references"]) == row.references


def test_the_empty_subject_has_no_title() -> None:
    row = replace(ORDER, subject=SubjectName(".", ""), entity_name=first_name(""))

    assert "title" not in entities.build(row, SITE)["metadata"]


@pytest.mark.parametrize("text", ['"string"', "[]", '["null"]', '{"type":"int","doc":7}', "[" * 2000 + "]" * 2000])
def test_a_schema_without_a_doc_has_no_description(text: str) -> None:
    assert "description" not in entities.build(replace(ORDER, text=text), SITE)["metadata"]


@given(names, st.text(max_size=40).map(lambda text: f"a{text}"), st.text(max_size=200))
def test_whatever_a_subject_is_called_its_document_is_one_valid_line(subject: str, group: str, doc: str) -> None:
    text = orjson.dumps({"type": "fixed", "name": "F", "size": 1, "doc": doc}).decode()
    row = replace(ORDER, subject=SubjectName(".", subject), entity_name=first_name(subject), owner=group, text=text)

    entity = entities.build(row, SITE)
    document = entities.document(entity).decode()

    entities.check(entity)
    marker, line, rest = document.split("\n")
    assert (marker, rest) == ("---", "")
    assert json.loads(line) == entity
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]", line)


@given(json_values)
def test_a_pretty_definition_is_the_same_json(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    assert entities.pretty(text) == json.dumps(value, ensure_ascii=False, indent=2)


@pytest.mark.parametrize("text", ["1e400", "1.10", '"\\ud800"', '"\\u0041"', "123456789012345678901234567890"])
def test_a_definition_keeps_numbers_and_escapes_as_they_were_written(text: str) -> None:
    assert entities.pretty(f'{{"default":{text}}}') == f'{{\n  "default": {text}\n}}'


def test_a_deeply_nested_schema_does_not_become_a_mountain_of_blanks() -> None:
    text = "[" * 900 + ",".join("1" * 50_000) + "]" * 900

    assert entities.pretty(text) == text


@pytest.mark.parametrize(
    ("group", "ref"),
    [
        ("orders", "group:default/orders"),
        ("idp:orders", "group:default/orders"),
        ("Zahlungsverkehr Süd", "group:default/zahlungsverkehr-sud"),
        ("a / b", "group:default/a-b"),
        ("x" * 100, "group:default/" + "x" * 63),
        ("payments", "group:default/team-payments"),
        ("idp:mapped", "group:people/mapped"),
    ],
)
def test_a_group_has_its_entity_by_name_or_as_configured(group: str, ref: str) -> None:
    owners = {"payments": "group:default/team-payments", "idp:mapped": "group:people/mapped"}

    assert entities.owner_ref(group, owners) == ref
    assert entities.is_ref(ref)


def test_a_group_without_a_letter_for_a_name_has_to_be_configured() -> None:
    with pytest.raises(Unmappable, match="日本"):
        entities.build(replace(ORDER, owner="日本"), SITE)

    owners = {"日本": "group:default/japan"}
    assert entities.build(replace(ORDER, owner="日本"), replace(SITE, owners=owners))


def entity_with(place: str, name: str, value: Any) -> entities.Entity:
    made = entities.build(ORDER, SITE)
    if not place:
        return {**made, name: value}
    return {**made, place: {**made[place], name: value}}


@pytest.mark.parametrize(
    ("place", "name", "value"),
    [
        ("", "apiVersion", "v1"),
        ("", "kind", "Group"),
        ("", "metadata", None),
        ("", "relations", []),
        ("metadata", "name", "a/b"),
        ("metadata", "name", None),
        ("metadata", "namespace", "Default"),
        ("metadata", "uid", "1"),
        ("metadata", "etag", "1"),
        ("metadata", "title", ""),
        ("metadata", "description", None),
        ("metadata", "tags", ["Avro"]),
        ("metadata", "tags", "avro"),
        ("metadata", "labels", {"a": "-"}),
        ("metadata", "annotations", {"callboard/version": 3}),
        ("metadata", "annotations", {"a/b/c": ""}),
        ("metadata", "links", [{"title": "no address"}]),
        ("metadata", "links", [{"url": "/ui/"}]),
        ("metadata", "links", [{"url": "https://a/", "title": ""}]),
        ("metadata", "links", [{"url": "https://a/", "href": "https://a/"}]),
        ("spec", "definition", ""),
        ("spec", "owner", "orders"),
        ("spec", "lifecycle", None),
        ("spec", "system", "shop"),
        ("spec", "other", "x"),
    ],
)
def test_what_breaks_a_rule_is_refused(place: str, name: str, value: Any) -> None:
    with pytest.raises(Unmappable):
        entities.check(entity_with(place, name, value))


@pytest.mark.parametrize("name", ["type", "lifecycle", "owner", "definition"])
def test_what_the_catalog_requires_is_there(name: str) -> None:
    entity = entities.build(ORDER, SITE)
    del entity["spec"][name]

    with pytest.raises(Unmappable, match=f"spec.{name} is missing"):
        entities.check(entity)


def test_the_entry_point_is_a_location_that_names_its_files() -> None:
    assert entities.location("callboard", ["./shards/00.yaml"]) == {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Location",
        "metadata": {"name": "callboard"},
        "spec": {"targets": ["./shards/00.yaml"]},
    }
