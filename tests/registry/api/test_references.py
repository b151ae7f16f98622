"""References on registration, lookup and reading."""

from typing import Any

import pytest

from tests.cast import Api, Member

ADDRESS = '{"type":"record","name":"Address","namespace":"n","fields":[{"name":"street","type":"string"}]}'
CUSTOMER = '{"type":"record","name":"Customer","namespace":"n","fields":[{"name":"home","type":"n.Address"}]}'
ORDER = '{"type":"record","name":"Order","namespace":"n","fields":[{"name":"by","type":"n.Customer"}]}'


def reference(name: str, subject: str, version: int = 1) -> dict[str, Any]:
    return {"name": name, "subject": subject, "version": version}


TO_ADDRESS = reference("n.Address", "address")
TO_CUSTOMER = reference("n.Customer", "customer")


def post(api: Api, who: Member, subject: str, text: str, *references: Any) -> Any:
    return api.post(f"/subjects/{subject}/versions", {"schema": text, "references": list(references)}, as_=who)


@pytest.fixture
def chain(api: Api, owner: Member) -> None:
    """order → customer → address."""
    assert post(api, owner, "address", ADDRESS).status_code == 200
    assert post(api, owner, "customer", CUSTOMER, TO_ADDRESS).status_code == 200
    assert post(api, owner, "order", ORDER, TO_CUSTOMER).status_code == 200


def test_a_schema_may_use_the_types_of_another_subject(api: Api, owner: Member, chain: None) -> None:
    stored = api.get("/subjects/customer/versions/1", as_=owner).json()

    assert stored["references"] == [TO_ADDRESS]
    assert '"n.Address"' in stored["schema"] or '"Address"' in stored["schema"]


def test_references_are_followed_to_the_end(api: Api, owner: Member, chain: None) -> None:
    assert api.get("/schemas/ids/3", as_=owner).json()["references"] == [TO_CUSTOMER]


def test_latest_is_stored_as_a_number(api: Api, owner: Member, chain: None) -> None:
    second = '{"type":"record","name":"Address","namespace":"n","fields":[]}'
    assert post(api, owner, "address", second).json()["version"] == 2

    response = post(api, owner, "parcel", CUSTOMER, reference("n.Address", "address", -1))

    assert response.json()["references"] == [reference("n.Address", "address", 2)]


def test_referencedby_names_the_ids_that_use_a_version(api: Api, owner: Member, chain: None) -> None:
    assert api.get("/subjects/address/versions/1/referencedby", as_=owner).json() == [2]
    assert api.get("/subjects/customer/versions/latest/referencedby", as_=owner).json() == [3]
    assert api.get("/subjects/order/versions/1/referencedby", as_=owner).json() == []


def test_the_whole_schema_without_references_is_found_as_the_referrer(api: Api, owner: Member, chain: None) -> None:
    whole = CUSTOMER.replace('"n.Address"', ADDRESS)

    found = api.post("/subjects/customer", {"schema": whole}, as_=owner)

    assert (found.status_code, found.json()["version"]) == (200, 1)


def test_a_referrer_is_checked_against_its_earlier_version(api: Api, owner: Member, chain: None) -> None:
    changed = CUSTOMER.replace('"home"', '"work"')

    response = post(api, owner, "customer", changed, TO_ADDRESS)

    assert response.json()["error_code"] == 40901


@pytest.mark.parametrize("wrong", [reference("n.Address", "nowhere"), reference("n.Address", "address", 9)])
def test_a_reference_that_leads_nowhere_names_subject_and_version(
    api: Api, owner: Member, chain: None, wrong: dict[str, Any]
) -> None:
    response = post(api, owner, "parcel", CUSTOMER, wrong)

    assert response.json()["error_code"] == 42201
    expected = f'No schema reference found for subject "{wrong["subject"]}" and version {wrong["version"]}'
    assert expected in response.json()["message"]


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        {"name": None, "subject": "address", "version": 1},
        {"name": "n.Address", "version": 1},
        {"name": "n.Address", "subject": "address"},
    ],
)
def test_a_reference_with_a_hole_is_refused(api: Api, owner: Member, chain: None, wrong: Any) -> None:
    response = post(api, owner, "parcel", CUSTOMER, wrong)

    assert response.json()["error_code"] == 42201
    assert "Invalid reference" in response.json()["message"]


def test_a_type_that_no_reference_brings_is_undefined(api: Api, owner: Member, chain: None) -> None:
    assert "Undefined schema: n.Address" in post(api, owner, "parcel", CUSTOMER).json()["message"]


def test_a_hidden_reference_fails_like_a_missing_one(
    api: Api, owner: Member, outsider: Member, chain: None, hide: Any
) -> None:
    missing = post(api, outsider, "parcel", CUSTOMER, reference("n.Address", "address", 7)).json()["message"]
    hide("address")

    hidden = post(api, outsider, "parcel", CUSTOMER, TO_ADDRESS).json()["message"]

    assert hidden.rpartition("details: ")[2] == missing.rpartition("details: ")[2].replace("version 7", "version 1")


def test_normalizing_sorts_and_dedupes_references(api: Api, owner: Member, chain: None) -> None:
    fields = '[{"name":"a","type":"n.Customer"},{"name":"b","type":"n.Address"}]'
    text = f'{{"type":"record","name":"Both","namespace":"n","fields":{fields}}}'
    body = {"schema": text, "references": [TO_CUSTOMER, TO_ADDRESS, TO_CUSTOMER]}

    response = api.post("/subjects/both/versions?normalize=true", body, as_=owner)

    assert response.json()["references"] == [TO_ADDRESS, TO_CUSTOMER]


def test_one_reference_name_with_two_versions_is_refused_where_the_operator_wants_it(
    api: Api, owner: Member, chain: None, settings: Any
) -> None:
    post(api, owner, "address", '{"type":"record","name":"Address","namespace":"n","fields":[]}')
    references = (TO_CUSTOMER, reference("n.Address", "address", 2))
    text = '{"type":"record","name":"Both","namespace":"n","fields":[{"name":"a","type":"n.Customer"}]}'
    assert post(api, owner, "lax", text, *references).status_code == 200

    settings.CALLBOARD = {**settings.CALLBOARD, "STRICT_REFERENCE_VERSIONS": True}
    response = post(api, owner, "strict", text, *references)

    assert 'Conflicting reference versions for "n.Address": version 1 and version 2' in response.json()["message"]


def test_a_closure_over_the_limit_is_refused_by_its_name(api: Api, owner: Member, chain: None, settings: Any) -> None:
    settings.CALLBOARD = {**settings.CALLBOARD, "LIMIT_REFERENCES": 1}

    assert post(api, owner, "customer2", CUSTOMER, TO_ADDRESS).status_code == 200
    response = post(api, owner, "order2", ORDER, TO_CUSTOMER)
    assert "LIMIT_REFERENCES" in response.json()["message"]


def test_a_closure_over_the_limit_of_bytes_is_refused(api: Api, owner: Member, chain: None, settings: Any) -> None:
    settings.CALLBOARD = {**settings.CALLBOARD, "LIMIT_REFERENCE_BYTES": len(ADDRESS)}

    assert post(api, owner, "customer2", CUSTOMER, TO_ADDRESS).status_code == 200
    assert "LIMIT_REFERENCE_BYTES" in post(api, owner, "order2", ORDER, TO_CUSTOMER).json()["message"]
