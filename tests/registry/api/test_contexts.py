"""Named contexts: their paths, their list, what is found in them from outside, and how they end."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from accounts.services import SCOPES
from audit.models import AuditEvent
from registry.services import grants
from tests.cast import STAGE, Api, Member, join
from tests.unchanged import nothing_changes

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


@pytest.fixture
def three(api: Api, owner: Member) -> None:
    """`.tower`, `.tour` and `.home` have a subject each, the default context none."""
    for context in (".tower", ".tour", ".home"):
        register(api, owner, f":{context}:tickets")


@pytest.mark.parametrize(
    ("query", "listed"),
    [
        ("", [".", ".home", ".tour", ".tower"]),
        ("?contextPrefix=", [".", ".home", ".tour", ".tower"]),
        ("?contextPrefix=.", [".", ".home", ".tour", ".tower"]),
        ("?contextPrefix=.to", [".tour", ".tower"]),
        ("?contextPrefix=.tour", [".tour"]),
        ("?contextPrefix=.T", []),
        ("?contextPrefix=x", []),
        ("?contextPrefix=%00", []),
        ("?limit=1", ["."]),
        ("?limit=0", [".", ".home", ".tour", ".tower"]),
        ("?offset=1&limit=2", [".home", ".tour"]),
        ("?contextPrefix=.to&offset=1", [".tower"]),
        ("?offset=9", []),
    ],
)
def test_contexts_are_listed_by_prefix_and_page(
    api: Api, owner: Member, three: None, query: str, listed: list[str]
) -> None:
    assert get(api, owner, f"/contexts{query}") == listed
    assert get(api, owner, f"/contexts/.tour/contexts/{query}") == listed


def test_an_empty_registry_has_the_default_context(api: Api, owner: Member) -> None:
    assert get(api, owner, "/contexts") == ["."]
    assert get(api, owner, "/contexts?limit=1&offset=1") == []


def test_a_context_is_listed_only_once_something_was_registered_in_it(api: Api, admin: Member) -> None:
    api.put("/config/:.a:", {"compatibility": "NONE"}, as_=admin)
    api.put("/mode/:.b:s", {"mode": "READWRITE"}, as_=admin)
    api.post("/subjects/:.c:s", {"schema": STRING}, as_=admin)
    api.post("/subjects/:.d:s/versions", {"schema": "no"}, as_=admin)
    assert get(api, admin, "/contexts") == ["."]

    register(api, admin, ":.a:s")

    assert get(api, admin, "/contexts") == [".", ".a"]


def test_a_context_is_known_to_those_who_may_view_something_in_it(
    api: Api, owner: Member, outsider: Member, admin: Member, three: None, hide: Any
) -> None:
    hide("tickets")
    register(api, owner, ":.tour:passes")

    assert get(api, outsider, "/contexts") == [".", ".tour"]
    assert get(api, owner, "/contexts") == get(api, admin, "/contexts") == [".", ".home", ".tour", ".tower"]


def test_a_key_with_prefixes_knows_the_contexts_of_its_subjects(api: Api, three: None) -> None:
    narrow = join("narrow", "owners", prefixes=[":.tour:tick", "tick"])

    assert get(api, narrow, "/contexts") == [".", ".tour"]
    assert get(api, narrow, "/subjects") == [":.tour:tickets"]


def test_an_empty_context_is_known_to_those_who_may_view_the_whole_of_it(
    api: Api, owner: Member, outsider: Member, admin: Member, three: None
) -> None:
    empty(api, admin, ":.tour:tickets")
    assert get(api, outsider, "/contexts") == [".", ".home", ".tower"]

    scope = grants.create_scope(principal=admin.principal, actor=STAGE, prefix="", context=".tour")
    holder = grants.Holder(group="strangers")
    grants.grant_on_scope(principal=admin.principal, actor=STAGE, scope_id=scope.pk, holder=holder, role="reader")

    assert get(api, outsider, "/contexts") == get(api, admin, "/contexts") == [".", ".home", ".tour", ".tower"]


def empty(api: Api, who: Member, subject: str) -> None:
    assert api.delete(f"/subjects/{subject}", as_=who).status_code == 200
    assert api.delete(f"/subjects/{subject}?permanent=true", as_=who).status_code == 200


@pytest.mark.parametrize("path", [".tour", "tour", ":.tour:", ".tour/", "%3A.tour%3A"])
def test_an_empty_context_is_deleted(api: Api, admin: Member, three: None, path: str) -> None:
    empty(api, admin, ":.tour:tickets")

    response = api.delete(f"/contexts/{path}", as_=admin)

    assert (response.status_code, response.content) == (204, b"")
    assert "Content-Type" not in response
    assert get(api, admin, "/contexts") == [".", ".home", ".tower"]
    event = json.loads(AuditEvent.objects.latest("seq").payload)
    assert (event["action"], event["object"]) == ("context.deleted", {"kind": "context", "ref": ":.tour:"})


def test_a_context_with_subjects_is_not_deleted_even_if_they_are(api: Api, admin: Member, three: None) -> None:
    api.delete("/subjects/:.tour:tickets", as_=admin)

    with nothing_changes():
        for context in ("tour", "home"):
            assert api.delete(f"/contexts/{context}", as_=admin).json() == {
                "error_code": 42211,
                "message": f"The specified context ':.{context}:' is not empty.",
            }


@pytest.mark.parametrize("context", [".", ":.:", ":"])
def test_the_default_context_is_not_deleted(api: Api, admin: Member, context: str) -> None:
    response = api.delete(f"/contexts/{context}", as_=admin)

    assert response.status_code == 405
    assert response.json() == {"error_code": 405, "message": "HTTP 405 Method Not Allowed"}


@pytest.mark.parametrize("context", ["none", ".__GLOBAL", "%00", "a%20b"])
def test_a_context_that_is_not_there_is_as_good_as_deleted(api: Api, admin: Member, context: str) -> None:
    with nothing_changes():
        assert api.delete(f"/contexts/{context}", as_=admin).status_code == 204


def test_the_settings_and_the_counter_of_a_context_outlive_it(api: Api, admin: Member, three: None) -> None:
    api.put("/config/:.tour:", {"compatibility": "FULL"}, as_=admin)
    empty(api, admin, ":.tour:tickets")
    api.delete("/contexts/.tour", as_=admin)

    assert get(api, admin, "/config/:.tour:") == {"compatibilityLevel": "FULL"}
    assert register(api, admin, ":.tour:tickets")["id"] == 2
    assert get(api, admin, "/contexts?contextPrefix=.t") == [".tour", ".tower"]
    empty(api, admin, ":.tour:tickets")
    assert get(api, admin, "/contexts?contextPrefix=.t") == [".tour", ".tower"]


def test_a_context_is_deleted_by_those_who_manage_the_whole_of_it(
    api: Api, owner: Member, admin: Member, three: None
) -> None:
    stranger = join("stranger", "strangers", scopes=SCOPES)
    empty(api, admin, ":.tour:tickets")
    refused = api.delete("/contexts/.tour", as_=stranger)
    assert (refused.status_code, refused.json()["error_code"]) == (403, 40301)
    assert api.delete("/contexts/.none", as_=stranger).content == refused.content.replace(b"tour", b"none")

    scope = grants.create_scope(principal=admin.principal, actor=STAGE, prefix="", context=".tour")
    holder = grants.Holder(group="strangers")
    grants.grant_on_scope(principal=admin.principal, actor=STAGE, scope_id=scope.pk, holder=holder, role="owner")

    assert api.delete("/contexts/.tour", as_=stranger).status_code == 204
    assert api.delete("/contexts/.home", as_=stranger).status_code == 403


@pytest.fixture
def scattered(api: Api, owner: Member) -> None:
    """`s` has int in `.b` and string in `.a`, there `t` has long; the default context has neither."""
    register(api, owner, ":.b:s", '"int"')
    register(api, owner, ":.a:s")
    register(api, owner, ":.a:t", '"long"')


@pytest.mark.parametrize("version", ["1", "latest", "-1"])
def test_a_version_of_a_name_without_context_is_found_in_the_first_that_has_it(
    api: Api, owner: Member, scattered: None, version: str
) -> None:
    assert get(api, owner, f"/subjects/s/versions/{version}")["subject"] == ":.a:s"
    assert api.get(f"/subjects/s/versions/{version}/schema", as_=owner).content == b'"string"'
    assert get(api, owner, f"/subjects/:.:s/versions/{version}")["subject"] == ":.a:s"
    assert get(api, owner, f"/subjects/s/versions/{version}/referencedby") == []


def test_a_later_context_is_asked_for_a_version_that_the_first_does_not_have(
    api: Api, owner: Member, scattered: None
) -> None:
    register(api, owner, ":.b:s", '"long"')

    assert get(api, owner, "/subjects/s/versions/2")["subject"] == ":.b:s"
    assert get(api, owner, "/subjects/s/versions/3")["message"] == "Subject 's' not found."
    assert get(api, owner, "/subjects/:.a:s/versions/2")["message"] == "Version 2 not found."


def test_the_default_context_comes_first(api: Api, owner: Member, scattered: None) -> None:
    register(api, owner, "s", '"double"')

    assert get(api, owner, "/subjects/s/versions/1")["subject"] == "s"
    assert get(api, owner, "/subjects/s/versions/2")["message"] == "Version 2 not found."


def test_a_lookup_without_context_finds_the_schema_in_any(api: Api, owner: Member, scattered: None) -> None:
    def found(subject: str, text: str) -> Any:
        return api.post(f"/subjects/{subject}", {"schema": text}, as_=owner).json()

    assert found("s", '"int"')["subject"] == ":.b:s"
    assert found("s", STRING)["subject"] == found(":.:s", STRING)["subject"] == ":.a:s"
    assert found("s", '"float"')["message"] == "Subject 's' not found."
    assert found(":.a:s", '"int"')["message"] == "Schema not found"

    register(api, owner, "s", '"double"')
    assert found("s", '"int"')["subject"] == ":.b:s"
    assert found("s", '"float"')["message"] == "Schema not found"


def test_a_lookup_passes_over_what_does_not_resolve_elsewhere(api: Api, owner: Member, scattered: None) -> None:
    register(api, owner, "s", '"double"')
    register(api, owner, "part", RECORD)
    body = {"schema": '{"type":"array","items":"R"}', "references": [{"name": "R", "subject": "part", "version": 1}]}

    assert api.post("/subjects/s", body, as_=owner).json()["error_code"] == 40403
    body["references"] = [{"name": "R", "subject": "none", "version": 1}]
    assert api.post("/subjects/s", body, as_=owner).json()["error_code"] == 42201


def test_nothing_else_looks_for_a_name_in_other_contexts(
    api: Api, owner: Member, keeper: Member, scattered: None
) -> None:
    for path in ("/subjects/s/versions", "/subjects/s/metadata"):
        assert get(api, owner, path)["error_code"] == 40401
    assert get(api, owner, "/config/s")["error_code"] == 40408
    assert api.delete("/subjects/s", as_=keeper).json()["error_code"] == 40401
    check = api.post("/compatibility/subjects/s/versions/1", {"schema": STRING}, as_=owner).json()
    assert check["message"] == "Version 1 not found."


def test_what_is_hidden_is_not_found_in_other_contexts_either(
    api: Api, outsider: Member, scattered: None, hide: Any
) -> None:
    hide("s")

    assert get(api, outsider, "/subjects/s/versions/1")["error_code"] == 40401
    assert api.post("/subjects/s", {"schema": STRING}, as_=outsider).json()["error_code"] == 40401
    assert get(api, outsider, "/schemas/ids/1?subject=s")["error_code"] == 40403


@pytest.mark.parametrize(
    ("query", "subject"),
    [
        ("/1", None),
        ("/1?subject=s", ":.a:s"),
        ("/1?subject=:.:s", ":.a:s"),
        ("/2?subject=t", ":.a:t"),
        ("/1?subject=t", None),
        ("/1?subject=:.b:s", ":.b:s"),
        ("/2?subject=:.a:", ":.a:t"),
        ("/2?subject=:.a", ":.a:t"),
        ("/1?subject=:.a:t", None),
        ("/1?subject=:.none:", None),
        ("/1?subject=%00", None),
        ("/1?subject=:.%00:s", None),
    ],
)
def test_the_subject_says_in_which_context_an_id_is_meant(
    api: Api, owner: Member, scattered: None, query: str, subject: str | None
) -> None:
    found = get(api, owner, f"/schemas/ids{query}")

    assert found.get("subject") == subject
    assert subject or found["message"] == f"Schema {query[1]} not found"


def test_an_id_of_the_default_context_is_the_last_resort_of_a_name(api: Api, owner: Member, scattered: None) -> None:
    register(api, owner, "x", '"double"')

    assert get(api, owner, "/schemas/ids/1")["subject"] == "x"
    assert get(api, owner, "/schemas/ids/1?subject=none")["subject"] == "x"
    assert get(api, owner, "/schemas/ids/1?subject=t")["subject"] == "x"
    assert get(api, owner, "/schemas/ids/1?subject=s")["subject"] == ":.a:s"
    assert get(api, owner, "/contexts/./schemas/ids/2")["error_code"] == 40403


def test_the_subjects_of_an_id_are_those_of_its_context(api: Api, owner: Member, scattered: None) -> None:
    register(api, owner, ":.a:copy")
    register(api, owner, "x", '"double"')

    def subjects(query: str) -> Any:
        return get(api, owner, f"/schemas/ids/1/subjects{query}")

    assert subjects("") == ["x"]
    assert subjects("?subject=:.a:") == subjects("?subject=s") == subjects("?subject=:.a:s") == [":.a:copy", ":.a:s"]
    assert get(api, owner, "/contexts/.a/schemas/ids/1/versions?offset=1") == [{"subject": ":.a:s", "version": 1}]
    assert subjects("?subject=:.a:t") == {"error_code": 40403, "message": "Schema not found"}


def test_the_highest_id_is_that_of_the_context(api: Api, owner: Member, scattered: None, hide: Any) -> None:
    hide("t")

    assert get(api, owner, "/schemas/ids/1?subject=:.a:&fetchMaxId=true")["maxId"] == 2
    assert get(api, owner, "/contexts/b/schemas/ids/1?fetchMaxId=true")["maxId"] == 1


def test_a_guid_is_the_same_in_every_context(api: Api, owner: Member, outsider: Member, hide: Any) -> None:
    register(api, owner, "x")
    register(api, owner, ":.a:y", '"int"')
    guid = register(api, owner, ":.a:s")["guid"]

    assert get(api, owner, f"/schemas/guids/{guid}/ids") == [{"context": ".", "id": 1}, {"context": ".a", "id": 2}]
    hide("x")
    assert get(api, outsider, f"/schemas/guids/{guid}/ids") == [{"context": ".a", "id": 2}]


def test_subjects_are_listed_by_their_qualified_names(api: Api, owner: Member) -> None:
    odd = [".a:s", ":. :s", ":..:s", ":.A:s", ":.a b:s", ":.a.b:s", ":.a:", ":.a::s", ":.é:s", "::.a:b", ":a:s", "s"]
    for name in reversed(odd):
        register(api, owner, quote(name))

    assert get(api, owner, "/subjects") == odd
    assert get(api, owner, "/subjects?subjectPrefix=:*:s&offset=1&limit=2") == [":..:s", ":.A:s"]
    assert get(api, owner, "/subjects?subjectPrefix=") == [".a:s", "::.a:b", ":a:s", "s"]
    assert get(api, owner, "/subjects?subjectPrefix=:.a:") == [":.a:", ":.a::s"]
    assert [row["subject"] for row in get(api, owner, "/schemas?subjectPrefix=:*:")] == odd
    assert [row["subject"] for row in get(api, owner, "/schemas?subjectPrefix=:*:s&latestOnly=true")][:2] == odd[1:3]
    assert [row["subject"] for row in get(api, owner, "/schemas")] == [".a:s", "::.a:b", ":a:s", "s"]


def test_a_prefix_of_a_key_is_meant_in_one_context_or_in_all(api: Api, owner: Member) -> None:
    for name in ("ord_1", ":.a:ord_1", ":.b:ord_1", ":.a:x"):
        register(api, owner, name)

    def seen(*prefixes: str) -> Any:
        return get(api, join(f"narrow{len(prefixes)}{prefixes[0]}", "owners", prefixes=prefixes), "/subjects")

    assert seen("ord_") == ["ord_1"]
    assert seen(":.a:ord_") == [":.a:ord_1"]
    assert seen(":.a:") == [":.a:ord_1", ":.a:x"]
    assert seen(":*:ord_") == [":.a:ord_1", ":.b:ord_1", "ord_1"]
    assert seen("ord_", ":.b:") == [":.b:ord_1", "ord_1"]


def test_a_key_with_a_prefix_makes_nothing_in_another_context(api: Api, owner: Member) -> None:
    narrow = join("narrow", "owners", prefixes=["ord_"])

    assert api.post("/subjects/:.a:ord_1/versions", {"schema": STRING}, as_=narrow).json()["error_code"] == 40301
    assert api.post("/subjects/ord_1/versions", {"schema": STRING}, as_=narrow).status_code == 200
    assert api.put("/config/:.a:ord_1", {"compatibility": "NONE"}, as_=narrow).json()["error_code"] == 40301


RECORD = '{"type":"record","name":"R","fields":[]}'


@pytest.mark.parametrize(
    ("referrer", "target", "given"),
    [
        (":.a:whole", ":.a:part", "part"),
        (":.a:whole", ":.a:part", ":.a:part"),
        (":.a:whole", "part", ":.:part"),
        (":.a:whole", ":.b:part", ":.b:part"),
        ("whole", ":.a:part", ":.a:part"),
    ],
)
def test_a_reference_is_meant_in_the_context_of_the_referrer_unless_it_says_another(
    api: Api, owner: Member, referrer: str, target: str, given: str
) -> None:
    register(api, owner, target, RECORD)
    body = {"schema": '{"type":"array","items":"R"}', "references": [{"name": "R", "subject": given, "version": -1}]}

    response = api.post(f"/subjects/{referrer}/versions", body, as_=owner)

    assert response.status_code == 200, response.content
    stored = get(api, owner, f"/subjects/{referrer}/versions/1")
    assert stored["references"] == [{"name": "R", "subject": given, "version": 1}]
    assert get(api, owner, f"/subjects/{target}/versions/1/referencedby") == [response.json()["id"]]
    assert api.post(f"/subjects/{referrer}", body, as_=owner).json()["version"] == 1


def test_a_reference_without_context_is_not_meant_in_the_default_one(api: Api, owner: Member) -> None:
    register(api, owner, "part", RECORD)
    body = {"schema": '{"type":"array","items":"R"}', "references": [{"name": "R", "subject": "part", "version": 1}]}

    assert api.post("/subjects/:.a:whole/versions", body, as_=owner).json()["error_code"] == 42201
