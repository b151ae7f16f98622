"""A deletion and a registration that cannot both stay what they were, in two processes."""

import pytest

from registry.models import Schema, SchemaId
from tests.cast import Api, Member
from tests.contract.calls import field, record, reference
from tests.registry.races.racing import ROUNDS, Race, assert_whole, delete, register, versions

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

REFERRED_TO = 42206
NO_SUCH_REFERENCE = 42201
NOT_SOFT_DELETED = 40405
NO_SUCH_VERSION = 40402


def text(number: int) -> str:
    """Each fits each."""
    return record("Order", field(f"f{number}", default=""))


def stored(api: Api, who: Member, subject: str, schema: str) -> int:
    """The id."""
    return int(api.post(f"/subjects/{subject}/versions", {"schema": schema}, as_=who).json()["id"])


def assert_nothing_is_left_over() -> None:
    assert not SchemaId.objects.filter(versions__isnull=True).exists()
    assert not Schema.objects.filter(schema_ids__isnull=True).exists()


@pytest.mark.parametrize("is_known", [True, False])
def test_the_last_version_goes_for_good_before_a_registration_or_after_it(
    race: Race, api: Api, admin: Member, is_known: bool
) -> None:
    """The subject goes with its last version, so a registration finds it or makes it anew. By turns of the version
    alone and of the whole subject, of content that it had and of other content.
    """
    texts: dict[int, str] = {}
    acknowledged = {}
    for n in range(ROUNDS // 2):
        old, new = text(n), text(n) if is_known else text(ROUNDS + n)
        texts[stored(api, admin, f"s{n}", old)] = old
        api.delete(f"/subjects/s{n}", as_=admin)
        path = [f"/subjects/s{n}?permanent=true", f"/subjects/s{n}/versions/1?permanent=true"][n % 2]

        registered, deleted = race.run(register(admin, f"s{n}", new), delete(admin, path), number=n)

        version, schema_id = registered.body["version"], registered.body["id"]
        after = NOT_SOFT_DELETED if n % 2 == 0 else NO_SUCH_VERSION if is_known else 200
        assert deleted.code == {1: 200, 2: after}[version]
        assert texts.setdefault(schema_id, new) == new
        acknowledged[f"s{n}", version] = (schema_id, new)
    assert versions() == acknowledged
    assert_nothing_is_left_over()
    assert_whole()


def test_content_that_goes_for_good_is_registered_elsewhere_all_the_same(race: Race, api: Api, admin: Member) -> None:
    """Content and id are shared, and who deletes the last version of them takes them along."""
    texts = {stored(api, admin, "old", text(n)): text(n) for n in range(ROUNDS)}
    api.delete("/subjects/old", as_=admin)
    acknowledged = {}
    for n in range(ROUNDS):
        path = f"/subjects/old/versions/{n + 1}?permanent=true"

        registered, deleted = race.run(register(admin, "new", text(n)), delete(admin, path), number=n)

        assert (registered.code, deleted.code) == (200, 200)
        assert texts.setdefault(registered.body["id"], text(n)) == text(n)
        acknowledged["new", n + 1] = (registered.body["id"], text(n))
    assert versions() == acknowledged
    assert_nothing_is_left_over()
    assert_whole()


def test_a_version_is_either_deleted_or_referred_to(race: Race, api: Api, admin: Member) -> None:
    """By turns of the version alone and of the whole subject."""
    for n in range(ROUNDS):
        stored(api, admin, f"target{n}", text(n))
        path = [f"/subjects/target{n}", f"/subjects/target{n}/versions/1"][n % 2]
        holder = record("Holder", field("order", "Order"))

        registered, deleted = race.run(
            register(admin, f"holder{n}", holder, references=[reference("Order", f"target{n}")]),
            delete(admin, path),
            number=n,
            head_start=0.012,
        )

        assert (registered.code, deleted.code) in [(200, REFERRED_TO), (NO_SUCH_REFERENCE, 200)]
    assert_whole()
