"""Soft and permanent deletion of versions and subjects: what is left, what may come back, what holds it up."""

from typing import Any

import pytest

from accounts.services import SCOPES
from audit.models import AuditEvent
from registry.models import Config, Schema, SchemaId, Subject, SubjectGroupPermission
from registry.services import grants
from tests.cast import STAGE, Api, Member, join

INT, LONG, STRING = '"int"', '"long"', '"string"'
RECORD = '{"type":"record","name":"Order","fields":[{"name":"id","type":"int"}]}'
LINE = '{"type":"record","name":"Line","fields":[{"name":"order","type":"Order"}]}'
REFERENCE = {"name": "Order", "subject": "orders", "version": 1}


@pytest.fixture
def register(api: Api, owner: Member) -> Any:
    def register(subject: str, text: str, *references: Any, expected: int = 200) -> Any:
        body = {"schema": text, "references": list(references)}
        answer = api.post(f"/subjects/{subject}/versions?force=true", body, as_=owner)
        assert answer.status_code == expected, answer.content
        return answer.json()

    return register


@pytest.fixture
def delete(api: Api, keeper: Member) -> Any:
    def delete(path: str, *, permanent: bool = False, as_: Member = keeper) -> tuple[int, Any]:
        answer = api.send("DELETE", f"/subjects/{path}{'?permanent=true' if permanent else ''}", None, as_=as_)
        body = answer.json()
        return answer.status_code, body if answer.status_code == 200 else (body["error_code"], body["message"])

    return delete


@pytest.fixture
def grant(owner: Member) -> Any:
    def grant(subject: str, group: str, role: str) -> None:
        holder = grants.Holder(group=group)
        grants.grant_on_subject(principal=owner.principal, actor=STAGE, subject_name=subject, holder=holder, role=role)

    return grant


@pytest.fixture
def read(api: Api, owner: Member) -> Any:
    def read(path: str) -> Any:
        answer = api.get(path, as_=owner)
        return answer.json() if answer.status_code == 200 else answer.json()["error_code"]

    return read


def test_a_deleted_version_is_hidden_and_still_there(register: Any, delete: Any, read: Any) -> None:
    for text in (INT, LONG):
        register("orders", text)

    assert delete("orders/versions/2") == (200, 2)

    assert read("/subjects/orders/versions") == [1]
    assert read("/subjects/orders/versions?deleted=true") == [1, 2]
    assert read("/subjects/orders/versions?deletedOnly=true") == [2]
    assert read("/subjects/orders/versions/2") == 40402
    assert read("/subjects/orders/versions/2?deleted=true")["deleted"] is True
    assert read("/subjects/orders/versions/latest")["version"] == 1
    assert read("/schemas/ids/2")["schema"] == LONG


def test_a_version_is_deleted_softly_once_and_for_good_after_that(register: Any, delete: Any, read: Any) -> None:
    for text in (INT, LONG):
        register("orders", text)

    assert delete("orders/versions/2", permanent=True) == (
        404,
        (40407, "Subject 'orders' Version 2 was not deleted first before being permanently deleted"),
    )
    assert delete("orders/versions/2") == (200, 2)
    assert delete("orders/versions/2") == (
        404,
        (40406, "Subject 'orders' Version 2 was soft deleted.Set permanent=true to delete permanently"),
    )
    assert delete("orders/versions/2", permanent=True) == (200, 2)
    assert delete("orders/versions/2", permanent=True) == (404, (40402, "Version 2 not found."))
    assert read("/subjects/orders/versions?deleted=true") == [1]
    assert read("/schemas/ids/2") == 40403


def test_latest_is_the_real_number_and_walks_down(register: Any, delete: Any, read: Any) -> None:
    for text in (INT, LONG):
        register("orders", text)

    assert delete("orders/versions/latest") == (200, 2)
    assert delete("orders/versions/-1") == (200, 1)
    assert delete("orders/versions/latest") == (404, (40402, "Version -1 not found."))
    assert read("/subjects/orders/versions/latest") == 40401


def test_what_is_not_there_can_not_be_deleted(register: Any, delete: Any) -> None:
    register("orders", INT)

    assert delete("nothing") == (404, (40401, "Subject 'nothing' not found."))
    assert delete("nothing", permanent=True) == (404, (40401, "Subject 'nothing' not found."))
    assert delete("nothing/versions/1") == (404, (40401, "Subject 'nothing' not found."))
    assert delete("orders/versions/2") == (404, (40402, "Version 2 not found."))
    assert delete("orders/versions/0")[1][0] == 42202


def test_a_subject_is_deleted_softly_once_and_for_good_after_that(register: Any, delete: Any, read: Any) -> None:
    for text in (INT, LONG):
        register("orders", text)
    delete("orders/versions/1")

    assert delete("orders", permanent=True) == (
        404,
        (40405, "Subject 'orders' was not deleted first before being permanently deleted"),
    )
    assert delete("orders") == (200, [2])
    assert delete("orders") == (
        404,
        (40404, "Subject 'orders' was soft deleted.Set permanent=true to delete permanently"),
    )
    assert read("/subjects") == [] and read("/subjects?deleted=true") == ["orders"]
    assert delete("orders", permanent=True) == (200, [1, 2])
    assert read("/subjects?deleted=true") == []
    assert not Schema.objects.exists() and not SchemaId.objects.exists()


def test_content_that_comes_back_keeps_its_id_and_gets_the_next_version(register: Any, delete: Any, read: Any) -> None:
    register("orders", INT)
    register("orders", LONG)
    delete("orders")

    again = register("orders", INT)

    assert (again["id"], again["version"]) == (1, 3)
    assert read("/subjects/orders/versions/1") == 40402


def test_ids_are_never_given_out_again(register: Any, delete: Any) -> None:
    register("orders", INT)
    register("orders", LONG)
    delete("orders")
    delete("orders", permanent=True)

    assert [register("orders", text)["id"] for text in (LONG, INT)] == [3, 4]
    assert register("orders", STRING)["version"] == 3


def test_the_number_of_a_version_that_is_gone_is_given_out_again(register: Any, delete: Any) -> None:
    register("orders", INT)
    register("orders", LONG)
    delete("orders/versions/2")
    delete("orders/versions/2", permanent=True)

    assert register("orders", STRING)["version"] == 2


def test_content_that_another_subject_holds_stays(register: Any, delete: Any, read: Any) -> None:
    register("orders", INT)
    register("payments", INT)
    delete("orders")
    delete("orders", permanent=True)

    assert read("/schemas/ids/1/subjects") == ["payments"]
    assert register("orders", INT)["id"] == 1


@pytest.mark.parametrize("path", ["orders/versions/1", "orders"])
def test_what_is_referred_to_stays_while_its_referrer_is_live(register: Any, delete: Any, read: Any, path: str) -> None:
    register("orders", RECORD)
    register("lines", LINE, REFERENCE)
    refusal = "One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=orders,version=1}."

    assert delete(path) == (422, (42206, refusal))
    assert delete(path, permanent=True) == (422, (42206, refusal))

    assert delete("lines") == (200, [1])
    assert read("/subjects/orders/versions/1/referencedby") == []
    assert read("/subjects/orders/versions/1/referencedby?deleted=true") == [2]
    assert delete(path)[0] == 200
    assert delete(path, permanent=True) == (422, (42206, refusal))
    assert delete("lines", permanent=True) == (200, [1])
    assert delete(path, permanent=True)[0] == 200


def test_a_subject_that_refers_to_itself_can_be_deleted(register: Any, delete: Any) -> None:
    register("orders", RECORD)
    register("orders", LINE, REFERENCE)

    assert delete("orders") == (200, [1, 2])
    assert delete("orders", permanent=True) == (200, [1, 2])


def test_a_referrer_does_not_come_back_while_its_target_is_deleted(register: Any, delete: Any) -> None:
    register("orders", RECORD)
    register("lines", LINE, REFERENCE)
    delete("lines")
    delete("orders")

    assert register("lines", LINE, REFERENCE, expected=422)["error_code"] == 42201


def test_settings_survive_a_soft_delete_and_go_with_the_subject(
    api: Api, owner: Member, register: Any, delete: Any
) -> None:
    register("orders", INT)
    api.put("/config/orders", {"compatibility": "FULL"}, as_=owner)
    delete("orders")
    assert api.get("/config/orders", as_=owner).status_code == 200

    delete("orders", permanent=True)

    assert api.get("/config/orders", as_=owner).status_code == 404
    assert not Config.objects.exists()


def test_whoever_makes_a_subject_anew_owns_it_and_old_grants_are_gone(
    api: Api, register: Any, delete: Any, grant: Any, outsider: Member
) -> None:
    register("orders", INT)
    grant("orders", "strangers", "writer")
    delete("orders")
    delete("orders/versions/1", permanent=True)

    assert not Subject.objects.exists() and not SubjectGroupPermission.objects.exists()
    assert api.post("/subjects/orders/versions", {"schema": INT}, as_=outsider).status_code == 200
    assert Subject.objects.get().owner == outsider.group


def test_in_read_only_mode_nothing_is_deleted(api: Api, admin: Member, register: Any, delete: Any) -> None:
    register("orders", INT)
    api.put("/mode/orders", {"mode": "READONLY"}, as_=admin)
    refusal = "Subject orders in context  is in read-only mode"

    assert delete("orders") == (422, (42205, refusal))
    assert delete("orders/versions/1") == (422, (42205, refusal))


def test_each_deletion_is_one_event(register: Any, delete: Any) -> None:
    for text in (INT, LONG):
        register("orders", text)
    before = AuditEvent.objects.count()

    for path, permanent in (("orders/versions/2", False), ("orders/versions/2", True), ("orders", False)):
        delete(path, permanent=permanent)
    delete("orders", permanent=True)
    delete("orders")

    actions = list(AuditEvent.objects.order_by("seq").values_list("action", "object_ref")[before:])
    assert actions == [
        ("version.soft_deleted", ":.:orders"),
        ("version.hard_deleted", ":.:orders"),
        ("subject.soft_deleted", ":.:orders"),
        ("subject.hard_deleted", ":.:orders"),
    ]


def test_deleting_takes_its_own_right_and_for_good_the_right_to_manage(register: Any, delete: Any, grant: Any) -> None:
    outsider = join("outsider", "strangers", scopes=SCOPES)
    register("orders", INT)
    denied = (403, (40301, "User is denied operation Write on Subject: orders"))

    assert delete("orders", as_=outsider) == denied
    grant("orders", "strangers", "maintainer")
    maintainer = join("maintainer", "strangers", scopes=SCOPES)
    assert delete("orders", as_=maintainer) == (200, [1])
    assert delete("orders", permanent=True, as_=maintainer) == denied
    assert delete("orders/versions/1", permanent=True, as_=maintainer) == denied


def test_the_compatibility_check_forgets_a_deleted_version(api: Api, owner: Member, delete: Any) -> None:
    for text in (RECORD, RECORD.replace('"int"', '"long"')):
        assert api.post("/subjects/orders/versions", {"schema": text}, as_=owner).status_code == 200
    narrower = {"schema": RECORD.replace('"int"', '"int","default":1')}
    assert api.post("/subjects/orders/versions", narrower, as_=owner).status_code == 409

    delete("orders/versions/2")

    assert api.post("/subjects/orders/versions", narrower, as_=owner).json()["version"] == 3
