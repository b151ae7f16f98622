"""Named contexts: their paths, their list, what is found in them from outside, and how they end."""

from typing import Any

import pytest

from tests.cast import Api, Member

STRING = '"string"'


def register(api: Api, who: Member, subject: str, text: str = STRING) -> Any:
    response = api.post(f"/subjects/{subject}/versions?force=true", {"schema": text}, as_=who)
    assert response.status_code == 200, response.content
    return response.json()


def get(api: Api, who: Member, path: str) -> Any:
    return api.get(path, as_=who).json()


def test_the_ids_of_each_context_begin_at_one(api: Api, owner: Member) -> None:
    register(api, owner, "orders", '"int"')

    assert register(api, owner, ":.emea:orders")["id"] == 1
    assert register(api, owner, ":.emea:payments", '"long"')["id"] == 2
    assert register(api, owner, ":.apac:orders")["id"] == 1
    assert register(api, owner, "orders")["id"] == 2


@pytest.mark.parametrize("base", [".emea", "emea", ":.emea:", "%3A.emea%3A", ".apac/contexts/emea"])
def test_a_client_may_live_in_a_context(api: Api, owner: Member, base: str) -> None:
    at = f"/contexts/{base}"
    assert get(api, owner, f"{at}/subjects/orders/versions")["message"] == "Subject ':.emea:orders' not found."

    made = register(api, owner, ":.emea:orders")

    assert api.post(f"{at}/subjects/orders/versions", {"schema": STRING}, as_=owner).json() == made
    assert get(api, owner, f"{at}/subjects/orders/versions/1")["subject"] == ":.emea:orders"
    assert get(api, owner, f"{at}/subjects") == [":.emea:orders"]
    assert get(api, owner, f"{at}/subjects?subjectPrefix=x") == []
    assert [row["subject"] for row in get(api, owner, f"{at}/schemas")] == [":.emea:orders"]


def test_a_colon_in_the_context_of_a_path_is_a_400(api: Api, owner: Member) -> None:
    response = api.get("/contexts/foo:bar/subjects", as_=owner)

    assert response.status_code == 400
    assert response.json() == {"error_code": 400, "message": "Context name 'foo:bar' cannot contain a colon"}
    assert response["Content-Type"] == "application/vnd.schemaregistry.v1+json"


def test_too_many_parameters_are_told_in_a_context_too(api: Api, owner: Member) -> None:
    response = api.get(f"/contexts/.emea/subjects?{'&a' * 1001}", as_=owner)

    assert response.status_code == 400
    assert "parameters" in response.json()["message"]
