"""GET on subjects, versions, ids and guids."""

from typing import Any

import pytest

from tests.cast import Api, Member

GUID = "095d71cf-1255-6b9d-5e33-0ad575b3df5d"
STRING = '"string"'


def register(api: Api, who: Member, subject: str, *texts: str) -> None:
    for text in texts:
        response = api.post(f"/subjects/{subject}/versions?force=true", {"schema": text}, as_=who)
        assert response.status_code == 200, response.content


def get(api: Api, who: Member, path: str) -> Any:
    return api.get(path, as_=who).json()


@pytest.fixture
def stored(api: Api, owner: Member) -> None:
    """orders has string (id 1) and int (id 2); payments has string again."""
    register(api, owner, "orders", STRING, '"int"')
    register(api, owner, "payments", STRING)


def test_an_empty_registry_has_no_subjects(api: Api, owner: Member) -> None:
    assert get(api, owner, "/subjects") == []


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["orders", "payments"]),
        ("?subjectPrefix=", ["orders", "payments"]),
        ("?subjectPrefix=o", ["orders"]),
        ("?subjectPrefix=O", []),
        ("?subjectPrefix=:*:pay", ["payments"]),
        ("?subjectPrefix=:.:pay", ["payments"]),
        ("?subjectPrefix=:.other:", []),
        ("?subjectPrefix=%00", []),
        ("?subjectPrefix=_rders", []),
        ("?limit=1", ["orders"]),
        ("?offset=1", ["payments"]),
        ("?offset=2", []),
        ("?limit=0", ["orders", "payments"]),
        ("?limit=-5&offset=%2B01", ["payments"]),
        ("?limit=", ["orders", "payments"]),
        ("?limit=1&limit=2", ["orders"]),
        ("?deleted=true", ["orders", "payments"]),
        ("?deletedOnly=true", []),
    ],
)
def test_subjects_are_listed_in_order_by_prefix_and_page(
    api: Api, owner: Member, stored: None, query: str, names: list[str]
) -> None:
    assert get(api, owner, f"/subjects{query}") == names


@pytest.mark.parametrize("query", ["?offset=x", "?limit=1.5", "?offset=2147483648"])
def test_a_page_that_is_no_number_is_a_404(api: Api, owner: Member, query: str) -> None:
    assert get(api, owner, f"/subjects{query}") == {"error_code": 404, "message": "HTTP 404 Not Found"}


def test_a_negative_offset_is_a_422(api: Api, owner: Member) -> None:
    assert get(api, owner, "/subjects?offset=-1") == {"error_code": 422, "message": "offset must not be negative"}


def test_versions_of_a_subject(api: Api, owner: Member, stored: None) -> None:
    assert get(api, owner, "/subjects/orders/versions") == [1, 2]
    assert get(api, owner, "/subjects/orders/versions?limit=1&offset=1") == [2]
    assert get(api, owner, "/subjects/orders/versions?offset=5") == []
    assert get(api, owner, "/subjects/nothing/versions") == {
        "error_code": 40401,
        "message": "Subject 'nothing' not found.",
    }


@pytest.mark.parametrize("version", ["2", "latest", "LATEST", "-1", "%20latest%20", "02", "+2"])
def test_a_version_is_read_with_everything_about_it(api: Api, owner: Member, stored: None, version: str) -> None:
    body = get(api, owner, f"/subjects/orders/versions/{version}")

    assert isinstance(body.pop("ts"), int)
    assert body == {
        "subject": "orders",
        "version": 2,
        "id": 2,
        "guid": "ef524ea1-b91e-7317-3d93-8ade36c1db32",
        "schemaType": "AVRO",
        "schema": '"int"',
        "deleted": False,
    }


@pytest.mark.parametrize(
    ("path", "code", "message"),
    [
        ("/subjects/nothing/versions/1", 40401, "Subject 'nothing' not found."),
        ("/subjects/nothing/versions/latest", 40401, "Subject 'nothing' not found."),
        ("/subjects/orders/versions/3", 40402, "Version 3 not found."),
        (
            "/subjects/orders/versions/0",
            42202,
            "The specified version '0' is not a valid version id. "
            'Allowed values are between [1, 2^31-1] and the string "latest"',
        ),
        ("/schemas/ids/9", 40403, "Schema 9 not found"),
        ("/schemas/ids/9/schema", 40403, "Schema 9 not found"),
        ("/schemas/ids/9/subjects", 40403, "Schema not found"),
        ("/schemas/ids/9/versions", 40403, "Schema not found"),
        ("/schemas/ids/abc", 404, "HTTP 404 Not Found"),
        ("/schemas/ids/%201", 404, "HTTP 404 Not Found"),
        ("/schemas/ids/2147483648", 404, "HTTP 404 Not Found"),
        ("/schemas/guids/xyz", 40403, "Schema xyz not found"),
        (f"/schemas/guids/{GUID[:-1]}e", 40403, f"Schema {GUID[:-1]}e not found"),
    ],
)
def test_what_is_not_there(api: Api, owner: Member, stored: None, path: str, code: int, message: str) -> None:
    response = api.get(path, as_=owner)

    assert response.status_code == (code // 100 if code > 999 else code)
    assert response.json() == {"error_code": code, "message": message}


def test_the_text_alone_is_no_json_string(api: Api, owner: Member, stored: None) -> None:
    response = api.get("/subjects/orders/versions/latest/schema", as_=owner)

    assert response.content == b'"int"'
    assert response["Content-Type"] == "application/vnd.schemaregistry.v1+json"
    assert api.get("/schemas/ids/2/schema", as_=owner).content == b'"int"'


@pytest.mark.parametrize("query", ["format=bad", "format=", "referenceFormat=bad", "format=logical"])
def test_an_unknown_format_is_ignored(api: Api, owner: Member, stored: None, query: str) -> None:
    for path in ("/schemas/ids/1", "/subjects/orders/versions/1", f"/schemas/guids/{GUID}"):
        assert get(api, owner, f"{path}?{query}") == get(api, owner, path)


def test_an_id_shows_its_oldest_binding_or_that_of_the_subject(api: Api, owner: Member, stored: None) -> None:
    body = get(api, owner, "/schemas/ids/1")

    assert (body["subject"], body["version"], body["deleted"]) == ("orders", 1, False)
    assert "id" not in body
    assert "maxId" not in body
    assert get(api, owner, "/schemas/ids/1?subject=payments")["subject"] == "payments"
    assert get(api, owner, "/schemas/ids/1?subject=other")["subject"] == "orders"
    assert get(api, owner, "/schemas/ids/1?fetchMaxId=true")["maxId"] == 2


def test_an_id_lists_its_subjects_and_versions(api: Api, owner: Member, stored: None) -> None:
    assert get(api, owner, "/schemas/ids/1/subjects") == ["orders", "payments"]
    assert get(api, owner, "/schemas/ids/1/subjects?offset=1") == ["payments"]
    assert get(api, owner, "/schemas/ids/1/versions") == [
        {"subject": "orders", "version": 1},
        {"subject": "payments", "version": 1},
    ]


@pytest.mark.parametrize("form", [GUID, GUID.replace("-", ""), GUID.upper()])
def test_a_guid_may_be_written_in_three_ways(api: Api, owner: Member, stored: None, form: str) -> None:
    body = get(api, owner, f"/schemas/guids/{form}")

    assert (body["guid"], body["schema"]) == (GUID, STRING)
    assert not {"subject", "version", "id"} & set(body)
    assert get(api, owner, f"/schemas/guids/{form}/ids") == [{"context": ".", "id": 1}]


def test_an_unknown_guid_has_no_ids(api: Api, owner: Member) -> None:
    assert get(api, owner, "/schemas/guids/xyz/ids") == []


def test_schemas_are_listed_by_subject_and_version(api: Api, owner: Member, stored: None) -> None:
    def rows(query: str) -> list[tuple[str, int]]:
        return [(row["subject"], row["version"]) for row in get(api, owner, f"/schemas{query}")]

    assert rows("") == [("orders", 1), ("orders", 2), ("payments", 1)]
    assert rows("?latestOnly=true") == [("orders", 2), ("payments", 1)]
    assert rows("?subjectPrefix=pay") == [("payments", 1)]
    assert rows("?offset=1&limit=1") == [("orders", 2)]
    assert rows("?ruleType=CEL") == []
    assert rows("?lifecycle=STRONG") == []
    assert rows("?lifecycle=NONE&lifecycle=WEAK") == [("orders", 1), ("orders", 2), ("payments", 1)]
    assert api.get("/schemas?lifecycle=bad", as_=owner).status_code == 404


def test_types_are_those_that_work(api: Api, owner: Member) -> None:
    assert get(api, owner, "/schemas/types") == ["AVRO"]


def test_the_server_says_what_it_is(api: Api, owner: Member) -> None:
    clusters = get(api, owner, "/v1/metadata/id")["scope"]["clusters"]

    assert clusters["schema-registry-cluster"] == "schema-registry"
    assert clusters == get(api, owner, "/v1/metadata/id")["scope"]["clusters"]
    assert len(clusters["kafka-cluster"]) == 22
    assert get(api, owner, "/v1/metadata/version")["version"].startswith("8.")
    assert get(api, owner, "/v1/metadata/deployment") == {"attributes": []}


@pytest.mark.parametrize("body", ["", "null", {}, {"a": 1}])
def test_the_root_answers_whoever_knocks(api: Api, owner: Member, body: Any) -> None:
    assert get(api, owner, "/") == {}
    assert api.post("/", body, as_=owner).json() == {}


@pytest.mark.parametrize("body", [[], "[1]", '"x"', {"x": {"y": 1}}])
def test_the_root_wants_a_map_of_scalars(api: Api, owner: Member, body: Any) -> None:
    assert api.post("/", body, as_=owner).status_code == 400


@pytest.mark.parametrize("count", [10, 100])
def test_lists_take_the_same_number_of_queries_whatever_their_length(
    api: Api, owner: Member, count: int, django_assert_max_num_queries: Any
) -> None:
    register(api, owner, "s", *(f'{{"type":"fixed","name":"F","size":{n}}}' for n in range(count)))

    for path in ("/subjects", "/subjects/s/versions", "/schemas", "/subjects/s/versions/latest"):
        with django_assert_max_num_queries(6):
            assert api.get(path, as_=owner).status_code == 200
