"""Tags inside schemas: what is no tagging, and who may tag."""

from typing import Any

import pytest

from tests.cast import Api, Member

RECORD = '{"type":"record","name":"Order","fields":[{"name":"id","type":"int"}]}'
ENTITY = {"entityPath": "Order", "entityType": "sr_record"}
TAGS = {"schemaEntity": ENTITY, "tags": ["PII"]}
PATH = "/subjects/orders/versions"


@pytest.fixture
def orders(api: Api, owner: Member) -> None:
    assert api.post(PATH, {"schema": RECORD}, as_=owner).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        "x",
        [1],
        [None],
        [{"tags": ["PII"]}],
        [{"schemaEntity": "Order", "tags": ["PII"]}],
        [{"schemaEntity": {**ENTITY, "entityType": "sr_enum"}, "tags": ["PII"]}],
        [{"schemaEntity": {"entityPath": "Order"}, "tags": ["PII"]}],
        [{"schemaEntity": {**ENTITY, "entityPath": {}}, "tags": ["PII"]}],
        [{"schemaEntity": ENTITY, "tags": "PII"}],
        [{"schemaEntity": ENTITY, "tags": [None]}],
        [{"schemaEntity": ENTITY, "tags": [{}]}],
    ],
)
def test_what_is_no_tagging_is_400_and_changes_nothing(api: Api, owner: Member, orders: None, wrong: Any) -> None:
    registered = api.post(PATH, {"schema": RECORD, "schemaTagsToAdd": wrong or {"a": 1}}, as_=owner)
    changed = api.post(f"{PATH}/latest/tags", {"tagsToRemove": wrong or {"a": 1}}, as_=owner)

    assert (registered.status_code, changed.status_code) == (400, 400)
    assert api.get(PATH, as_=owner).json() == [1]


def test_a_path_that_leads_nowhere_is_named(api: Api, owner: Member, orders: None) -> None:
    nowhere = {**TAGS, "schemaEntity": {**ENTITY, "entityPath": "Order.nope", "entityType": "sr_field"}}

    answer = api.post(f"{PATH}/1/tags", {"tagsToAdd": [nowhere]}, as_=owner).json()

    assert answer["error_code"] == 42201
    assert "No matching path 'Order.nope' found in the schema" in answer["message"]


def test_a_rule_set_and_changes_of_it_do_not_go_together(api: Api, owner: Member, orders: None) -> None:
    body = {"ruleSet": {}, "rulesToRemove": ["r"]}

    answer = api.post(f"{PATH}/latest/tags", body, as_=owner).json()

    assert answer == {
        "error_code": 42210,
        "message": "ruleSet should be omitted if specifying rulesToMerge or rulesToRemove",
    }


def test_whoever_may_only_look_may_not_tag(api: Api, outsider: Member, orders: None) -> None:
    answer = api.post(f"{PATH}/latest/tags", {"tagsToAdd": [TAGS]}, as_=outsider)

    assert (answer.status_code, answer.json()["error_code"]) == (403, 40301)


def test_only_what_has_one_of_the_tags_is_found(api: Api, owner: Member, orders: None) -> None:
    field = {"schemaEntity": {"entityPath": ".Order.id", "entityType": "sr_field"}, "tags": ["KEY"]}
    made = api.post(f"{PATH}/latest/tags", {"tagsToAdd": [TAGS, field]}, as_=owner).json()

    def found(path: str) -> list[Any]:
        listed = api.get(path, as_=owner).json().get("schemaTags", [])
        return [(each["schemaEntity"]["entityPath"], each["tags"]) for each in listed]

    assert found(f"{PATH}/latest?findTags=*") == [("Order", ["PII"]), ("Order.id", ["KEY"])]
    assert found(f"/schemas/ids/{made['id']}?findTags=KEY&findTags=x") == [("Order.id", ["KEY"])]
    assert found(f"{PATH}/latest?findTags=x") == found(f"{PATH}/latest") == []
