"""A request asks the database as often among a thousand as among ten, for who owns it all and for who is let see it."""

from typing import Any

import pytest
from django.db import connection

from audit import events, transactions
from registry.models import (
    Config,
    Context,
    Policy,
    ReferenceLink,
    SchemaId,
    SchemaVersion,
    Subject,
    SubjectScope,
)
from registry.services import grants
from registry.services.grants import Holder
from tests.cast import STAGE, Api, Member, join, sign_in

FEW, MANY = 10, 1000
# By path: how often a key of the owners asks, and one of others, who were granted a view of the names that begin so.
# One of each is for who it is that asks.
REGISTRY = {
    "/subjects": (3, 3),
    "/schemas?subjectPrefix=:*:": (3, 3),
    "/schemas?latestOnly=true&aliases=true": (4, 4),
    "/contexts": (4, 4),
    "/schemas/ids/1": (2, 3),
    "/schemas/ids/1/subjects": (4, 5),
    "/schemas/ids/1/versions": (4, 5),
    "/schemas/guids/{guid}": (3, 3),
    "/schemas/guids/{guid}/ids": (2, 2),
    "/subjects/s0001/versions": (3, 3),
    "/subjects/s0001/versions/latest": (3, 4),
    "/subjects/s0001/versions/1": (3, 4),
    "/subjects/s0001/versions/1/schema": (3, 4),
    "/subjects/s0001/versions/1/referencedby": (5, 6),
    "/subjects/nothing/versions/latest": (5, 5),
    "/config/s0001?defaultToGlobal=true": (3, 4),
    "/mode/s0001?defaultToGlobal=true": (4, 5),
}
OWN = {
    "/api/v1/subjects?prefix=s&limit=5": (4, 4),
    "/api/v1/subjects/detail?subject=s0001": (5, 6),
    "/api/v1/policies": (3, 3),
}
FEED = {
    "/backstage/v1/catalog.yaml": (6, 6),
    "/backstage/v1/entities": (14, 14),
}


@pytest.fixture
def reader(admin: Member, hide: Any) -> Member:
    """Sees what begins with `s`, because of a scope."""
    member = join("reader", "readers", scopes=["subjects:read", "catalog:read"])
    who: Any = {"principal": admin.principal, "actor": admin.actor}
    scope = grants.create_scope(**who, prefix="s")
    grants.grant_on_scope(**who, scope_id=scope.pk, holder=Holder(group="readers"), role="reader")
    return member


@pytest.fixture
def keeper(owner: Member) -> Member:
    return join("keeper", "owners", scopes=["subjects:read", "catalog:read"])


@pytest.fixture
def guid(api: Api, owner: Member, reader: Member) -> str:
    """Of a content that all subjects carry; the first has a version more, to which all but one content refer."""
    assert api.post("/subjects/s0001/versions", {"schema": '"int"'}, as_=owner).status_code == 200
    shown: str = api.get("/schemas/ids/1", as_=owner).json()["guid"]
    return shown


def add(owner: Member, first: int, last: int) -> None:
    """Hidden subjects, each with a context of its own name too, a policy, a config with an alias, and a grant."""
    numbers = range(first, last + 1)
    content = SchemaId.objects.get(number=1, context__name=".")
    with transactions.write():
        home = Context.objects.get(name=".")
        Context.objects.bulk_create(Context(name=f".c{number:04}") for number in numbers)
        contexts = Context.objects.filter(name__in=[f".c{number:04}" for number in numbers])
        made = Subject.objects.bulk_create(
            Subject(context=context, name=name, owner=owner.group)
            for context, name in [
                *((home, f"s{number:04}") for number in numbers),
                *((context, "s") for context in contexts),
            ]
        )
        SchemaVersion.objects.bulk_create(
            SchemaVersion(subject=subject, version=1, schema_id=content, registered_by="tests") for subject in made
        )
        oldest = Subject.objects.get(name="s0001", context=home)
        versions = SchemaVersion.objects.bulk_create(
            SchemaVersion(subject=oldest, version=number, schema_id=content, registered_by="tests")
            for number in numbers
        )
        ids = SchemaId.objects.bulk_create(
            SchemaId(context=home, number=number, schema=content.schema) for number in numbers
        )
        for version, schema_id in zip(versions, ids, strict=True):
            version.schema_id = schema_id
        SchemaVersion.objects.bulk_update(versions, ["schema_id"], batch_size=200)
        target = SchemaVersion.objects.get(subject=oldest, version=1)
        ReferenceLink.objects.bulk_create(ReferenceLink(referrer=each, position=0, target=target) for each in ids)
        Config.objects.bulk_create(
            Config(kind="subject", context=home, subject_name=f"alias{number}", alias=f"s{number:04}")
            for number in numbers
        )
        Policy.objects.bulk_create(
            Policy(key="initial_state", kind="subject", subject=subject, value="draft", set_by="tests")
            for subject in made
        )
        SubjectScope.objects.bulk_create(SubjectScope(context=home, prefix=f"t{number}") for number in numbers)
        Subject.objects.update(visibility="restricted")
        events.record(STAGE, events.Action.SUBJECT_REGISTERED, kind="subject", ref="tests")


def counted(api: Api, guid: str, member: Member) -> dict[str, int]:
    """Of the second request each: the first one may have to find out who it is and what entities are called."""
    found = {}
    for path in [*REGISTRY, *OWN, *FEED]:
        asked = path.format(guid=guid)
        api.get(asked, as_=member)
        found[path] = queries(lambda asked=asked: api.get(asked, as_=member))
    return found


def queries(step: Any) -> int:
    count = 0

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal count
        count += 1
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        answer = step()
    assert answer.status_code in {200, 404}, answer.content
    return count


def test_a_request_asks_as_often_among_a_thousand_as_among_ten(
    api: Api, guid: str, owner: Member, keeper: Member, reader: Member, settings: Any
) -> None:
    # Who is known is asked each time, and not every half second.
    settings.CALLBOARD = {**settings.CALLBOARD, "STRICT_COHERENCE": True}
    add(owner, 2, FEW)
    few = counted(api, guid, keeper), counted(api, guid, reader)
    add(owner, FEW + 1, MANY)
    many = counted(api, guid, keeper), counted(api, guid, reader)

    assert few == many
    assert {path: (few[0][path], few[1][path]) for path in few[0]} == REGISTRY | OWN | FEED


def test_a_page_asks_no_more_often_among_a_thousand_than_among_ten(guid: str, owner: Member) -> None:
    person = sign_in("maria", "owners")
    paths = ("/ui/", "/ui/?prefix=s", "/ui/subject?name=s0001", "/api/v1/grants?subject=s0001", "/api/v1/scopes")

    def pages() -> dict[str, int]:
        for path in paths:
            assert person.client.get(path).status_code == 200
        return {path: queries(lambda path=path: person.client.get(path)) for path in paths}

    add(owner, 2, FEW)
    few = pages()
    add(owner, FEW + 1, MANY)

    many = pages()
    assert {path: count for path, count in many.items() if count > few[path]} == {}
