"""Versions by their metadata, and schemas by the type of their rules."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from audit import events, transactions
from registry.models import SchemaVersion
from tests.cast import STAGE, Api, Member

Put = Callable[..., None]


@pytest.fixture
def put(api: Api, owner: Member) -> Put:
    """Registers one version after the other, each with what is to stand beside the schema."""

    def store(subject: str, *contents: dict[str, Any]) -> None:
        for number, beside in enumerate(contents):
            text = f'{{"type":"fixed","name":"{subject}","size":{number + 1}}}'
            made = api.post(f"/subjects/{subject}/versions?force=true", {"schema": text, **beside}, as_=owner)
            assert made.status_code == 200, made.content

    return store


def having(**properties: str) -> dict[str, Any]:
    return {"metadata": {"properties": properties}}


def rules(name: str, *types: str) -> dict[str, Any]:
    mode = "UPDOWN" if name == "migrationRules" else "WRITE"
    listed = [{"name": f"r{n}", "type": type_, "mode": mode} for n, type_ in enumerate(types)]
    return {"ruleSet": {name: listed}}


def found(api: Api, who: Member, *pairs: tuple[str, str], subject: str = "orders") -> Any:
    body = api.get(f"/subjects/{subject}/metadata?{urlencode(pairs)}", as_=who).json()
    return body.get("version", body.get("message"))


def test_the_newest_version_that_has_all_the_properties_is_found(api: Api, owner: Member, put: Put) -> None:
    put("orders", having(a="1", b="2"), having(a="1", b="2"), having(a="1"), {"metadata": {"tags": {"x": ["y"]}}}, {})

    assert found(api, owner, ("key", "a"), ("value", "1")) == 3
    assert found(api, owner, ("key", "a"), ("key", "b"), ("value", "1"), ("value", "2")) == 2
    assert found(api, owner, ("key", "b"), ("key", "a"), ("value", "2"), ("value", "1")) == 2
    assert found(api, owner, ("key", "a"), ("value", "2")) == "Schema not found"
    assert found(api, owner, ("key", "c"), ("value", "1")) == "Schema not found"


def test_without_properties_any_metadata_will_do(api: Api, owner: Member, put: Put) -> None:
    put("orders", having(a="1"), {"metadata": {"tags": {"x": ["y"]}}})

    assert found(api, owner) == 2
    assert found(api, owner, ("key", "a")) == 2
    assert found(api, owner, ("key", "a"), ("key", "b"), ("value", "1")) == 1


def test_a_subject_without_metadata_has_no_such_version(api: Api, owner: Member, put: Put) -> None:
    put("orders", {})

    assert api.get("/subjects/orders/metadata", as_=owner).json() == {
        "error_code": 40403,
        "message": "Schema not found",
    }
    assert found(api, owner, subject="none") == "Subject 'none' not found."


def test_the_answer_is_the_whole_version(api: Api, owner: Member, put: Put) -> None:
    put("orders", having(a="1"))

    body = api.get("/subjects/orders/metadata?key=a&value=1", as_=owner).json()

    assert body == api.get("/subjects/orders/versions/1", as_=owner).json()
    assert body["metadata"] == {"properties": {"a": "1"}}


def test_a_deleted_version_is_found_if_it_is_asked_for(api: Api, owner: Member, keeper: Member, put: Put) -> None:
    put("orders", having(a="1"), having(a="1"))
    api.delete("/subjects/orders/versions/2", as_=keeper)

    assert found(api, owner, ("key", "a"), ("value", "1")) == 1
    assert found(api, owner, ("key", "a"), ("value", "1"), ("deleted", "true")) == 2
    api.delete("/subjects/orders", as_=keeper)
    assert found(api, owner) == "Subject 'orders' not found."
    assert found(api, owner, ("deleted", "true")) == 2


def test_as_with_latest_a_draft_is_not_found_and_an_approved_version_before_a_deprecated_one(
    api: Api, owner: Member, put: Put
) -> None:
    put("orders", having(a="1"), having(a="1"), having(a="1"))
    with transactions.write():
        SchemaVersion.objects.filter(version=3).update(lifecycle="draft")
        SchemaVersion.objects.filter(version=2).update(lifecycle="deprecated")
        events.record(STAGE, events.Action.LIFECYCLE_CHANGED, kind="subject", ref=":.:orders")

    assert found(api, owner, ("key", "a"), ("value", "1")) == 1


def test_a_hidden_subject_has_no_metadata(api: Api, outsider: Member, put: Put, hide: Any) -> None:
    put("orders", having(a="1"))
    hide("orders")

    assert found(api, outsider) == "Subject 'orders' not found."


def test_schemas_are_listed_by_the_type_of_their_rules(api: Api, owner: Member, put: Put) -> None:
    put("orders", rules("domainRules", "CEL"), rules("migrationRules", "JSONATA", "CEL"), rules("encodingRules", "X"))
    put("payments", rules("domainRules", "CEL"), {"ruleSet": {}})

    def rows(query: str) -> list[tuple[str, int]]:
        return [(row["subject"], row["version"]) for row in api.get(f"/schemas?{query}", as_=owner).json()]

    assert rows("ruleType=CEL") == [("orders", 1), ("orders", 2), ("payments", 1)]
    assert rows("ruleType=JSONATA") == [("orders", 2)]
    assert rows("ruleType=X&latestOnly=true") == [("orders", 3)]
    assert rows("ruleType=CEL&latestOnly=true") == []
    assert rows("ruleType=CEL&offset=1&limit=1") == [("orders", 2)]
    assert rows("ruleType=CEL&subjectPrefix=pay") == [("payments", 1)]
    assert rows("ruleType=cel") == []
    assert len(rows("ruleType=")) == 5
