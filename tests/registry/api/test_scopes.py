"""Scopes and grants in named contexts, and what may come into being in them."""

from typing import Any

import pytest

from accounts.services import SCOPES
from audit import events, transactions
from registry.models import Context, SubjectScope
from tests.cast import STAGE, Api, Member, join

TEXT = {"schema": '"int"'}


@pytest.fixture
def ada(sign_in: Any) -> Any:
    return sign_in("ada", is_superuser=True)


@pytest.fixture
def emea(api: Api, owner: Member, hide: Any) -> None:
    """Hidden subjects of the same name in two contexts."""
    for name in ("orders-1", ":.emea:orders-1"):
        assert api.post(f"/subjects/{name}/versions", TEXT, as_=owner).status_code == 200
    hide("orders-1")


def make_scope(person: Any, context: str, prefix: str) -> Any:
    return person.send("POST", "scopes", {"context": context, "prefix": prefix})


def give(person: Any, scope: Any, group: str, role: str) -> None:
    assert person.send("PUT", f"scopes/{scope.json()['id']}/grants", {"group": group, "role": role}).status_code == 200


def test_a_scope_is_made_and_listed_with_its_context(ada: Any) -> None:
    made = make_scope(ada, ".emea", "orders-")

    assert made.status_code == 201
    assert made.json() == {"id": made.json()["id"], "context": ".emea", "prefix": "orders-"}
    assert ada.send("GET", "scopes").json()["items"] == [made.json()]


def test_without_a_context_the_default_one_is_meant(ada: Any) -> None:
    assert ada.send("POST", "scopes", {"prefix": "a-"}).json()["context"] == "."
    assert make_scope(ada, ".", "a-").status_code == 409


@pytest.mark.parametrize("spelling", [".emea", "emea", ":.emea:"])
def test_a_context_is_the_same_however_it_is_written(ada: Any, spelling: str) -> None:
    assert make_scope(ada, spelling, "").json()["context"] == ".emea"


@pytest.mark.parametrize("context", [".a/b", ".a:b", ".__GLOBAL", ".a\nb", "." + "x" * 255])
def test_a_context_that_no_subject_can_be_in_has_no_scopes(ada: Any, context: str) -> None:
    assert make_scope(ada, context, "").status_code in {400, 422}
    assert ada.send("GET", "scopes").json()["items"] == []


def test_a_grant_on_a_scope_counts_in_its_context_alone(api: Api, ada: Any, emea: None, outsider: Member) -> None:
    give(ada, make_scope(ada, ".emea", "orders-"), "strangers", "writer")

    assert api.get("/subjects", as_=outsider).json() == [":.emea:orders-1"]
    assert api.get("/contexts", as_=outsider).json() == [".", ".emea"]
    assert api.get("/contexts/.emea/subjects/orders-1/versions", as_=outsider).json() == [1]
    assert api.post("/subjects/:.emea:orders-1/versions", {"schema": '"long"'}, as_=outsider).status_code == 200
    assert api.post("/subjects/orders-1/versions", {"schema": '"long"'}, as_=outsider).status_code == 403


def test_who_manages_a_context_makes_scopes_in_it_and_nowhere_else(ada: Any, sign_in: Any) -> None:
    lead = sign_in("lea", "leads")
    give(ada, make_scope(ada, ".emea", ""), "leads", "owner")

    assert make_scope(lead, ".emea", "orders-").status_code == 201
    assert make_scope(lead, ".apac", "orders-").status_code == 403
    assert make_scope(lead, ".", "orders-").status_code == 403
    assert [item["context"] for item in lead.send("GET", "scopes").json()["items"]] == [".emea", ".emea"]


@pytest.mark.parametrize("count", [10, 1000])
def test_the_list_of_scopes_takes_the_same_queries_however_many_there_are(
    ada: Any, sign_in: Any, count: int, django_assert_max_num_queries: Any
) -> None:
    lead = sign_in("lea", "leads")
    give(ada, make_scope(ada, ".", "p"), "leads", "owner")
    with transactions.write():
        context = Context.objects.get(name=".")
        SubjectScope.objects.bulk_create(SubjectScope(context=context, prefix=f"p{n}") for n in range(count - 1))
        events.record(STAGE, events.Action.SCOPE_CREATED, kind="scope", ref="tests")

    with django_assert_max_num_queries(7):
        listed = lead.send("GET", "scopes").json()["items"]

    assert len(listed) == count


def test_a_context_is_deleted_by_who_manages_all_of_it_and_not_by_who_manages_a_prefix(
    api: Api, ada: Any, emea: None, owner: Member
) -> None:
    keeper, part, whole = (
        join("keeper", "owners", scopes=SCOPES),
        join("part", "parts", scopes=SCOPES),
        join("whole", "wholes", scopes=SCOPES),
    )
    for query in ("", "?permanent=true"):
        api.delete(f"/subjects/:.emea:orders-1{query}", as_=keeper)
    give(ada, make_scope(ada, ".emea", "o"), "parts", "owner")
    give(ada, make_scope(ada, ".emea", ""), "wholes", "owner")

    assert api.delete("/contexts/.emea", as_=keeper).status_code == 403
    assert api.delete("/contexts/.emea", as_=part).status_code == 403
    assert api.delete("/contexts/.emea", as_=whole).status_code == 204


def test_settings_of_a_context_are_changed_by_who_was_granted_the_whole_of_it(
    api: Api, ada: Any, owner: Member
) -> None:
    part, whole = join("part", "parts", scopes=SCOPES), join("whole", "wholes", scopes=SCOPES)
    give(ada, make_scope(ada, ".emea", "o"), "parts", "owner")
    give(ada, make_scope(ada, ".emea", ""), "wholes", "maintainer")

    for path, body in (("/config/:.emea:", {"compatibility": "FULL"}), ("/mode/:.emea:", {"mode": "READONLY"})):
        assert api.put(path, body, as_=part).status_code == 403
        assert api.put(path, body, as_=whole).status_code == 200
    assert api.put("/mode/:.emea:", {"mode": "IMPORT"}, as_=whole).status_code == 403


def test_creation_by_scope_looks_at_the_context(api: Api, ada: Any, outsider: Member, settings: Any) -> None:
    settings.CALLBOARD = {**settings.CALLBOARD, "SUBJECT_CREATION": "scoped"}
    give(ada, make_scope(ada, ".emea", "new-"), "strangers", "writer")

    assert api.post("/subjects/:.emea:new-1/versions", TEXT, as_=outsider).status_code == 200
    assert api.post("/subjects/new-1/versions", TEXT, as_=outsider).status_code == 403
    assert api.post("/subjects/:.apac:new-1/versions", TEXT, as_=outsider).status_code == 403


def test_a_subject_in_a_context_is_given_away_hidden_and_granted(
    api: Api, owner: Member, emea: None, outsider: Member, sign_in: Any
) -> None:
    maria, name = sign_in("maria", "owners"), ":.emea:orders-1"
    grant = {"subject": name, "group": "strangers", "role": "reader"}

    assert maria.send("PUT", "grants", grant).status_code == 200
    assert api.get("/subjects", as_=outsider).json() == [name]
    assert maria.send("GET", f"subjects/detail?subject={name}").json()["subject"] == name
    assert maria.send("DELETE", f"grants?subject={name}&group=strangers").status_code == 204
    assert maria.send("PUT", "subjects/owner", {"subject": name, "owner": "strangers"}).status_code == 200
    assert maria.send("GET", f"subjects/detail?subject={name}").status_code == 404
    assert api.get("/subjects", as_=outsider).json() == [name]


def test_a_policy_for_a_prefix_counts_in_the_context_of_its_scope(api: Api, ada: Any, owner: Member) -> None:
    make_scope(ada, ".emea", "orders-")
    policy = {"key": "initial_state", "value": "draft", "prefix": ":.emea:orders-"}

    assert ada.send("PUT", "policies", {**policy, "prefix": "orders-"}).status_code == 422
    assert ada.send("PUT", "policies", policy).json()["place"] == "prefix :.emea:orders-"
    for name in ("orders-1", ":.emea:orders-1"):
        api.post(f"/subjects/{name}/versions", TEXT, as_=owner)

    states = {
        name: ada.send("GET", f"subjects/detail?subject={name}").json()["versions"][0]["state"]
        for name in ("orders-1", ":.emea:orders-1")
    }
    assert states == {"orders-1": "approved", ":.emea:orders-1": "draft"}


def test_a_policy_for_a_context_is_for_one_that_subjects_can_be_in(ada: Any) -> None:
    policy = {"key": "initial_state", "value": "draft"}

    assert ada.send("PUT", "policies", {**policy, "context": "emea"}).json()["place"] == "context .emea"
    assert ada.send("PUT", "policies", {**policy, "context": ".a/b"}).status_code == 422
