"""An alias is as good as the name of the subject it stands for, except where it is set."""

from typing import Any

import pytest

from tests.cast import Api, Member, join

STRING = '"string"'


def register(api: Api, who: Member, subject: str, text: str = STRING) -> Any:
    response = api.post(f"/subjects/{subject}/versions", {"schema": text}, as_=who)
    assert response.status_code == 200, response.content
    return response.json()


def get(api: Api, who: Member, path: str) -> Any:
    return api.get(path, as_=who).json()


def name_alias(api: Api, who: Member, alias: str, target: str) -> None:
    response = api.put(f"/config/{alias}", {"alias": target}, as_=who)
    assert response.status_code == 200, response.content


@pytest.mark.parametrize(
    ("alias", "target", "meant"),
    [
        ("al", "orders", "orders"),
        ("al%2Fias", "orders", "orders"),
        ("al", "or/ders", "or/ders"),
        ("al", ":.emea:orders", ":.emea:orders"),
        (":.emea:al", "orders", ":.emea:orders"),
        (":.emea:al", ":.:orders", "orders"),
        (":.emea:al", ":.apac:orders", ":.apac:orders"),
    ],
)
def test_an_alias_is_replaced_in_paths_and_parameters(
    api: Api, admin: Member, alias: str, target: str, meant: str
) -> None:
    register(api, admin, meant.replace("/", "%2F"))
    name_alias(api, admin, alias, target)

    assert get(api, admin, f"/subjects/{alias}/versions") == [1]
    assert get(api, admin, f"/subjects/{alias}/versions/latest")["subject"] == meant
    assert api.get(f"/subjects/{alias}/versions/1/schema", as_=admin).content == b'"string"'
    assert get(api, admin, f"/subjects/{alias}/versions/1/referencedby") == []
    assert get(api, admin, f"/subjects/{alias}/metadata")["message"] == "Schema not found"
    assert api.post(f"/subjects/{alias}", {"schema": STRING}, as_=admin).json()["subject"] == meant
    assert get(api, admin, f"/schemas/ids/1?subject={alias}")["subject"] == meant
    assert api.get(f"/schemas/ids/1/schema?subject={alias}", as_=admin).content == b'"string"'
    assert get(api, admin, f"/schemas/ids/1/subjects?subject={alias}") == [meant]


def test_an_alias_is_replaced_in_a_context(api: Api, admin: Member) -> None:
    register(api, admin, ":.emea:orders")
    name_alias(api, admin, ":.emea:al", "orders")

    assert get(api, admin, "/contexts/.emea/subjects/al/versions/1")["subject"] == ":.emea:orders"
    assert get(api, admin, "/contexts/.emea/schemas/ids/1?subject=al")["subject"] == ":.emea:orders"
    assert get(api, admin, "/subjects/:.apac:al/versions")["error_code"] == 40401


def test_an_alias_is_replaced_in_changes_too(api: Api, admin: Member, keeper: Member) -> None:
    register(api, keeper, "orders", '"int"')
    name_alias(api, admin, "al", "orders")

    check = api.post("/compatibility/subjects/al/versions/latest", {"schema": STRING}, as_=keeper).json()
    refused = api.post("/subjects/al/versions", {"schema": STRING}, as_=keeper).json()

    assert check == {"is_compatible": False}
    assert 'for subject "orders"' in refused["message"]
    assert register(api, keeper, "al", '"long"')["version"] == 2
    assert api.delete("/subjects/al/versions/1", as_=keeper).json() == 1
    assert get(api, keeper, "/subjects") == ["orders"]


def test_a_first_registration_under_an_alias_makes_the_target(api: Api, admin: Member) -> None:
    name_alias(api, admin, "al", "orders")

    register(api, admin, "al")

    assert get(api, admin, "/subjects") == ["orders"]


def test_config_and_mode_are_those_of_the_alias(api: Api, admin: Member) -> None:
    register(api, admin, "orders")
    api.put("/config/orders", {"compatibility": "NONE"}, as_=admin)
    name_alias(api, admin, "al", "orders")

    assert get(api, admin, "/config/al")["alias"] == "orders"
    assert get(api, admin, "/mode/al")["error_code"] == 40409
    api.put("/mode/al", {"mode": "READONLY"}, as_=admin)
    assert get(api, admin, "/mode/orders")["error_code"] == 40409


def test_an_alias_is_followed_for_one_hop(api: Api, admin: Member) -> None:
    register(api, admin, "orders")
    name_alias(api, admin, "al", "orders")
    name_alias(api, admin, "second", "al")
    name_alias(api, admin, "loop", "loop")

    assert get(api, admin, "/subjects/second/versions")["message"] == "Subject 'al' not found."
    assert get(api, admin, "/subjects/loop/versions")["message"] == "Subject 'loop' not found."


@pytest.mark.parametrize("path", ["/config", "/config/:.__GLOBAL:", "/config/:.:"])
def test_an_alias_at_the_top_counts_for_nothing(api: Api, admin: Member, path: str) -> None:
    register(api, admin, "orders")
    api.put(path, {"alias": "orders"}, as_=admin)

    assert get(api, admin, "/subjects/other/versions")["error_code"] == 40401


def test_an_alias_of_a_whole_context_counts_for_nothing(api: Api, admin: Member) -> None:
    register(api, admin, ":.emea:orders")
    api.put("/config/:.emea:", {"alias": "orders"}, as_=admin)

    assert get(api, admin, "/subjects/:.emea:/versions")["message"] == "Subject ':.emea:' not found."


def test_an_alias_that_is_empty_or_was_cleared_stands_for_itself(api: Api, admin: Member) -> None:
    register(api, admin, "al")
    name_alias(api, admin, "al", "")
    assert get(api, admin, "/subjects/al/versions") == [1]

    name_alias(api, admin, "al", "orders")
    assert get(api, admin, "/subjects/al/versions")["message"] == "Subject 'orders' not found."
    api.put("/config/al", {"alias": None}, as_=admin)
    assert get(api, admin, "/subjects/al/versions") == [1]


@pytest.mark.parametrize("name", ["none", "%00", ":.%00:al", "al%00"])
def test_what_is_no_alias_stands_for_itself(api: Api, admin: Member, name: str) -> None:
    name_alias(api, admin, "al", "orders")

    assert get(api, admin, f"/subjects/{name}/versions")["error_code"] == 40401


def test_access_is_judged_on_the_target(api: Api, owner: Member, outsider: Member, admin: Member, hide: Any) -> None:
    register(api, owner, "orders")
    name_alias(api, admin, "al", "orders")
    assert get(api, outsider, "/subjects/al/versions") == [1]

    hide("orders")

    assert get(api, outsider, "/subjects/al/versions")["message"] == "Subject 'orders' not found."
    assert api.post("/subjects/al/versions", {"schema": '"int"'}, as_=outsider).json()["error_code"] == 40301
    assert get(api, outsider, "/schemas/ids/1?subject=al")["error_code"] == 40403


def test_a_key_with_prefixes_gets_nowhere_by_an_alias(api: Api, owner: Member, admin: Member) -> None:
    register(api, owner, "orders")
    name_alias(api, admin, "al_orders", "orders")
    narrow = join("narrow", "owners", prefixes=["al_"])

    assert get(api, narrow, "/subjects/al_orders/versions")["error_code"] == 40401
    assert api.post("/subjects/al_orders/versions", {"schema": STRING}, as_=narrow).json()["error_code"] == 40301


@pytest.fixture
def named(api: Api, admin: Member) -> None:
    """topic1 with two aliases, topic2 with none; in `.emea` topic3 with one there and one in the default context."""
    register(api, admin, "topic1")
    register(api, admin, "topic2", '"int"')
    register(api, admin, ":.emea:topic3", '"long"')
    name_alias(api, admin, "talias2", "topic1")
    name_alias(api, admin, "talias1", "topic1")
    name_alias(api, admin, ":.emea:talias3", "topic3")
    name_alias(api, admin, "other", ":.emea:topic3")


ALL = [
    (":.emea:topic3", [":.emea:talias3", "other"]),
    ("topic1", ["talias1", "talias2"]),
    ("topic2", None),
]


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("subjectPrefix=talias&aliases=true", [("topic1", ["talias1", "talias2"])]),
        ("subjectPrefix=talias1&aliases=true", [("topic1", ["talias1"])]),
        ("subjectPrefix=talias", []),
        ("subjectPrefix=t&aliases=TRUE", ALL[1:]),
        ("aliases=true", [(":.emea:topic3", ["other"]), *ALL[1:]]),
        ("subjectPrefix=topic", [("topic1", None), ("topic2", None)]),
        ("subjectPrefix=other&aliases=true", [(":.emea:topic3", ["other"])]),
        ("subjectPrefix=:.emea:&aliases=true", [(":.emea:topic3", [":.emea:talias3"])]),
        ("subjectPrefix=:*:&aliases=true", ALL),
        ("subjectPrefix=:*:talias&aliases=true&limit=1", [(":.emea:topic3", [":.emea:talias3"])]),
        ("subjectPrefix=none&aliases=true", []),
        ("subjectPrefix=%00&aliases=true", []),
    ],
)
def test_the_target_of_an_alias_is_listed_by_the_name_of_the_alias(
    api: Api, admin: Member, named: None, query: str, rows: list[Any]
) -> None:
    assert [(row["subject"], row.get("aliases")) for row in get(api, admin, f"/schemas?{query}")] == rows


def test_an_alias_that_is_the_name_of_a_hidden_subject_is_not_told(
    api: Api, owner: Member, outsider: Member, admin: Member, hide: Any
) -> None:
    register(api, owner, "secret")
    register(api, owner, "orders")
    name_alias(api, admin, "secret", "orders")
    hide("secret")

    assert get(api, outsider, "/schemas?subjectPrefix=s&aliases=true") == []
    rows = get(api, owner, "/schemas?subjectPrefix=s&aliases=true")
    assert [(row["subject"], row.get("aliases")) for row in rows] == [("orders", ["secret"]), ("secret", None)]


def test_a_hidden_target_is_not_listed_by_its_alias(api: Api, outsider: Member, named: None, hide: Any) -> None:
    hide("topic1")

    assert get(api, outsider, "/schemas?subjectPrefix=talias&aliases=true") == []


def test_a_key_with_prefixes_is_told_no_alias_outside_of_them(api: Api, named: None) -> None:
    narrow = join("narrow", "owners", prefixes=["topic", "talias2"])

    rows = get(api, narrow, "/schemas?subjectPrefix=t&aliases=true")

    assert [(row["subject"], row.get("aliases")) for row in rows] == [("topic1", ["talias2"]), ("topic2", None)]
