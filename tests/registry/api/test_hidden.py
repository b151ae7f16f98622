"""Rules about what is hidden that are easily got wrong: who may make what, and through what else it might show."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from accounts import services
from accounts.services import SCOPES
from registry.bodies import Definition
from registry.errors import AccessDenied
from registry.models import Subject
from registry.services import grants, registration
from registry.services.grants import Holder
from tests.cast import STAGE, Api, Member, join, sign_in

INT, LONG = {"schema": '"int"'}, {"schema": '"long"'}
RECORD = json.dumps({"type": "record", "name": "Secret", "fields": []})
HOLDER = json.dumps({"type": "record", "name": "Mine", "fields": [{"name": "s", "type": "Secret"}]})


def referring(subject: str) -> dict[str, Any]:
    return {"schema": HOLDER, "references": [{"name": "Secret", "subject": subject, "version": 1}]}


@pytest.fixture
def secret(api: Api, owner: Member, hide: Any) -> None:
    assert api.post("/subjects/secret/versions", {"schema": RECORD}, as_=owner).status_code == 200
    hide("secret")


@pytest.fixture
def able(db: None) -> Member:
    """An outsider whose key is good for everything."""
    return join("able", "strangers", scopes=SCOPES)


def error(response: Any) -> tuple[int, int]:
    return response.status_code, response.json()["error_code"]


# Who may make a subject, and whose it is.


def owner_of(name: str) -> str:
    return Subject.objects.get(name=name).owner.name


def register_as_a_person(name: str, *groups: str) -> None:
    person = sign_in("pia", *groups)
    registration.register_version(
        principal=person.principal,
        actor=STAGE,
        subject_name=name,
        definition=Definition('"int"'),
        normalize=False,
        force=False,
    )


def test_a_new_subject_belongs_to_the_group_that_owns_the_key(api: Api, outsider: Member) -> None:
    api.post("/subjects/new/versions", INT, as_=outsider)

    assert owner_of("new") == "strangers"


def test_a_new_subject_of_a_person_in_one_group_belongs_to_it(db: None) -> None:
    register_as_a_person("new", "leads")

    assert owner_of("new") == "leads"


@pytest.mark.parametrize("groups", [(), ("leads", "owners")])
def test_else_it_belongs_to_the_default_group(db: None, groups: tuple[str, ...]) -> None:
    services.create_group(actor=STAGE, name="default")

    register_as_a_person("new", *groups)

    assert owner_of("new") == "default"


def test_and_without_a_default_group_it_is_refused(db: None) -> None:
    with pytest.raises(AccessDenied):
        register_as_a_person("new")


def test_to_register_under_a_hidden_subject_is_refused_like_a_creation(
    api: Api, secret: None, outsider: Member, settings: Any
) -> None:
    taken = api.post("/subjects/secret/versions", INT, as_=outsider)
    settings.CALLBOARD = {**settings.CALLBOARD, "SUBJECT_CREATION": "scoped"}
    refused = api.post("/subjects/nothing/versions", INT, as_=outsider)

    assert error(taken) == (403, 40301)
    assert taken.content == refused.content.replace(b"nothing", b"secret")


def test_a_soft_deleted_name_stays_reserved_to_its_owner(api: Api, owner: Member, able: Member) -> None:
    keeper = join("keeper", "owners", scopes=SCOPES)
    api.post("/subjects/orders/versions", INT, as_=owner)
    api.delete("/subjects/orders", as_=keeper)

    assert error(api.post("/subjects/orders/versions", LONG, as_=able)) == (403, 40301)
    assert error(api.put("/config/orders", {"compatibility": "NONE"}, as_=able)) == (403, 40301)
    assert api.post("/subjects/orders/versions", LONG, as_=owner).json()["version"] == 2


def test_deleting_and_making_a_subject_again_leaves_no_grant(
    api: Api, owner: Member, outsider: Member, hide: Any
) -> None:
    keeper = join("keeper", "owners", scopes=SCOPES)
    who: Any = {"principal": keeper.principal, "actor": keeper.actor, "subject_name": "orders"}
    api.post("/subjects/orders/versions", INT, as_=owner)
    for holder in (Holder(group="strangers"), Holder(user=outsider.account.user.username)):
        grants.grant_on_subject(**who, holder=holder, role="owner")
    for query in ("", "?permanent=true"):
        assert api.delete(f"/subjects/orders{query}", as_=keeper).status_code == 200

    api.post("/subjects/orders/versions", INT, as_=owner)
    hide("orders")

    assert api.get("/subjects/orders/versions", as_=outsider).status_code == 404
    with connection.cursor() as cursor:
        for table in ("registry_subjectuserpermission", "registry_subjectgrouppermission"):
            cursor.execute(f"SELECT count(*) FROM {table}")
            assert cursor.fetchone() == (0,)


# By what else it might show.


def test_an_id_opens_with_a_soft_deleted_binding_too_and_only_with_one_that_may_be_seen(
    api: Api, owner: Member, outsider: Member, hide: Any
) -> None:
    keeper = join("keeper", "owners", scopes=SCOPES)
    for name in ("hidden", "gone"):
        api.post(f"/subjects/{name}/versions", INT, as_=owner)
    api.delete("/subjects/gone", as_=keeper)
    hide("hidden")

    guid = api.get("/schemas/ids/1", as_=owner).json()["guid"]
    assert api.get("/schemas/ids/1", as_=outsider).json()["subject"] == "gone"
    assert api.get(f"/schemas/guids/{guid}", as_=outsider).status_code == 200
    hide("gone")
    assert api.get("/schemas/ids/1", as_=outsider).content == api.get("/schemas/ids/9", as_=outsider).content.replace(
        b"9", b"1"
    )
    assert api.get(f"/schemas/guids/{guid}/ids", as_=outsider).json() == []


@pytest.mark.parametrize("path", ["/subjects/mine/versions", "/subjects/mine", "/compatibility/subjects/mine/versions"])
def test_a_reference_to_it_fails_like_one_to_nothing(api: Api, secret: None, outsider: Member, path: str) -> None:
    api.post("/subjects/mine/versions", INT, as_=outsider)

    hidden = api.post(path, referring("secret"), as_=outsider)
    missing = api.post(path, referring("nothin"), as_=outsider)

    assert error(hidden) == (422, 42201)
    texts = [json.loads(each.content)["message"].partition("guid=") for each in (hidden, missing)]
    rest = [(before, after[36:]) for before, _, after in texts]
    assert rest[0] == tuple(part.replace("nothin", "secret") for part in rest[1])


def test_a_resolved_text_shows_no_type_of_a_subject_that_may_not_be_seen(
    api: Api, owner: Member, outsider: Member, secret: None
) -> None:
    api.post("/subjects/pub/versions", referring("secret"), as_=owner)
    version = "/subjects/pub/versions/1"
    schema_id = api.get(version, as_=owner).json()["id"]

    for path in (f"{version}?format=resolved", f"/schemas/ids/{schema_id}?format=resolved"):
        assert error(api.get(path, as_=outsider)) == (403, 40301)
        assert api.get(path, as_=owner).status_code == 200
    assert api.get(version, as_=outsider).status_code == 200


def test_a_check_against_it_answers_as_for_an_unknown_subject(api: Api, secret: None, outsider: Member) -> None:
    check = "/compatibility/subjects/secret/versions"

    assert api.post(f"{check}/latest", INT, as_=outsider).json() == {"is_compatible": True}
    assert api.post(check, INT, as_=outsider).json() == {"is_compatible": True}
    assert error(api.post(f"{check}/1", INT, as_=outsider)) == (404, 40402)


def test_who_refers_to_a_version_is_told_as_far_as_it_may_be_seen(
    api: Api, owner: Member, outsider: Member, hide: Any
) -> None:
    api.post("/subjects/base/versions", {"schema": RECORD}, as_=owner)
    for name in ("seen", "unseen"):
        body = referring("base")
        api.post(f"/subjects/{name}/versions", {**body, "schema": HOLDER.replace("Mine", name)}, as_=owner)
    hide("unseen")

    assert api.get("/subjects/base/versions/1/referencedby", as_=outsider).json() == [2]
    assert api.get("/subjects/base/versions/1/referencedby", as_=owner).json() == [2, 3]


def test_a_text_that_is_known_elsewhere_has_its_id(api: Api, secret: None, outsider: Member) -> None:
    """That a text exists can be learned by registering it; where it is can not."""
    mine = api.post("/subjects/mine/versions", {"schema": RECORD}, as_=outsider).json()

    assert mine["id"] == 1
    assert api.get("/schemas/ids/1/subjects", as_=outsider).json() == ["mine"]


# What takes more than the right to write.


Give = Callable[[str], None]


@pytest.fixture
def give(api: Api, owner: Member) -> Give:
    """A role on `orders` to the writers, in the place of what they have."""
    api.post("/subjects/orders/versions", INT, as_=owner)
    who: Any = {"principal": owner.principal, "actor": STAGE, "subject_name": "orders"}

    def grant(role: str) -> None:
        grants.grant_on_subject(**who, holder=Holder(group="writers"), role=role)

    return grant


@pytest.fixture
def writer(give: Give) -> Member:
    """May view and register on `orders`."""
    member = join("writer", "writers", scopes=SCOPES)
    give("writer")
    return member


@pytest.mark.parametrize(
    ("method", "path", "body", "role"),
    [
        ("POST", "/subjects/orders/versions?force=true", {"schema": '"string"'}, "maintainer"),
        ("PUT", "/config/orders", {"compatibility": "NONE"}, "maintainer"),
        ("PUT", "/mode/orders", {"mode": "READONLY"}, "maintainer"),
        ("DELETE", "/subjects/orders", None, "maintainer"),
        ("PUT", "/mode/orders", {"mode": "IMPORT"}, "owner"),
        ("PUT", "/mode/orders", {"mode": "forward"}, "owner"),
        ("PUT", "/mode/orders?force=true", {"mode": "READONLY"}, "owner"),
    ],
)
def test_more_than_to_register_takes_more_than_the_right_to_register(
    api: Api, writer: Member, give: Give, method: str, path: str, body: Any, role: str
) -> None:
    refused = api.send(method, path, body, as_=writer)
    give("maintainer")
    second = api.send(method, path, body, as_=writer)

    assert error(refused) == (403, 40301)
    assert (second.status_code == 403) == (role == "owner")
    if role == "owner":
        give("owner")
        assert api.send(method, path, body, as_=writer).status_code in {200, 422}


def test_a_given_id_takes_the_right_to_manage(api: Api, writer: Member) -> None:
    body = {**LONG, "id": 77, "version": 2}

    assert error(api.post("/subjects/orders/versions", body, as_=writer)) == (403, 40301)


def test_deleting_for_good_takes_the_right_to_manage_besides(api: Api, writer: Member, give: Give) -> None:
    give("maintainer")

    assert api.delete("/subjects/orders", as_=writer).json() == [1]
    assert error(api.delete("/subjects/orders?permanent=true", as_=writer)) == (403, 40301)
    give("owner")
    assert api.delete("/subjects/orders?permanent=true", as_=writer).json() == [1]
