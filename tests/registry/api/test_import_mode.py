"""IMPORT: what has to be gone before, what is taken out of the store, and what `force` passes over."""

from tests.cast import Api, Member, last_event

LIVE_SUBJECTS = {"error_code": 42205, "message": "Cannot import since found existing subjects"}


def test_import_wants_a_subject_without_live_versions(api: Api, owner: Member, subject: str) -> None:
    assert api.put("/mode/a", {"mode": "IMPORT"}, as_=owner).json() == LIVE_SUBJECTS
    assert api.put("/mode/new", {"mode": "READWRITE"}, as_=owner).status_code == 403
    assert api.put("/mode/a?force=TRUE", {"mode": "Import"}, as_=owner).json() == {"mode": "Import"}
    assert api.put("/mode/a", {"mode": "IMPORT"}, as_=owner).json() == {"mode": "IMPORT"}


def test_import_takes_what_is_deleted_out_of_the_store(api: Api, owner: Member, admin: Member, subject: str) -> None:
    api.delete("/subjects/a", as_=admin)

    assert api.put("/mode/a", {"mode": "IMPORT"}, as_=owner).json() == {"mode": "IMPORT"}

    assert api.get("/subjects/a/versions?deleted=true", as_=owner).json()["error_code"] == 40401
    assert api.get("/schemas/ids/1", as_=owner).json()["error_code"] == 40403
    assert last_event()["detail"] == {"before": None, "after": "IMPORT", "removed": ["a"]}


def test_force_leaves_what_is_deleted_in_the_store(api: Api, owner: Member, admin: Member, subject: str) -> None:
    api.delete("/subjects/a", as_=admin)

    api.put("/mode/a?force=true", {"mode": "IMPORT"}, as_=owner)

    assert api.get("/subjects/a/versions?deleted=true", as_=owner).json() == [1]


def test_import_at_the_top_takes_out_what_is_deleted_anywhere(api: Api, admin: Member) -> None:
    for name in ("a", ":.emea:a", ":.emea:b"):
        api.post(f"/subjects/{name}/versions", {"schema": '"string"'}, as_=admin)
        api.delete(f"/subjects/{name}", as_=admin)

    assert api.put("/mode", {"mode": "IMPORT"}, as_=admin).status_code == 200

    assert api.get("/subjects?deleted=true", as_=admin).json() == []
    assert last_event()["detail"]["removed"] == [":.emea:a", ":.emea:b", "a"]


def test_import_into_one_context_leaves_the_others_alone(api: Api, admin: Member, subject: str) -> None:
    api.post("/subjects/:.emea:a/versions", {"schema": '"string"'}, as_=admin)
    api.post("/subjects/:.apac:a/versions", {"schema": '"string"'}, as_=admin)
    assert api.put("/mode/:.emea:", {"mode": "IMPORT"}, as_=admin).json() == LIVE_SUBJECTS
    api.delete("/subjects/:.emea:a", as_=admin)
    api.delete("/subjects/:.apac:a", as_=admin)

    assert api.put("/mode/:.emea:", {"mode": "IMPORT"}, as_=admin).json() == {"mode": "IMPORT"}

    assert api.get("/subjects?deleted=true", as_=admin).json() == [":.apac:a", "a"]


def test_import_is_refused_while_something_elsewhere_refers_to_what_would_go(api: Api, admin: Member) -> None:
    inner = {"schema": '{"type":"record","name":"Address","fields":[]}'}
    outer = {
        "schema": '{"type":"record","name":"Customer","fields":[{"name":"home","type":"Address"}]}',
        "references": [{"name": "Address", "subject": "address", "version": 1}],
    }
    for name, body in (("address", inner), ("customer", outer)):
        assert api.post(f"/subjects/{name}/versions", body, as_=admin).status_code == 200
    for name in ("customer", "address"):
        assert api.delete(f"/subjects/{name}", as_=admin).status_code == 200

    refused = api.put("/mode/address", {"mode": "IMPORT"}, as_=admin).json()

    assert refused == {
        "error_code": 42206,
        "message": "One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=address,version=1}.",
    }
    assert api.get("/mode/address", as_=admin).json()["error_code"] == 40409
    assert api.put("/mode", {"mode": "IMPORT"}, as_=admin).status_code == 200


def test_import_at_the_top_wants_no_live_version_anywhere(api: Api, admin: Member, subject: str) -> None:
    assert api.put("/mode", {"mode": "IMPORT"}, as_=admin).json() == LIVE_SUBJECTS
    assert api.put("/mode/:.__GLOBAL:", {"mode": "IMPORT"}, as_=admin).json() == LIVE_SUBJECTS
    assert api.put("/mode?force=true", {"mode": "IMPORT"}, as_=admin).json() == {"mode": "IMPORT"}
