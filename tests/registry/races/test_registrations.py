"""Two registrations at once, in two processes."""

import pytest

from registry.models import Schema, SchemaId, Subject
from tests.cast import Api, Member
from tests.contract.calls import field, record
from tests.registry.races.racing import ROUNDS, Race, assert_whole, register, versions

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def text(number: int, of: str = "int", default: object = 0) -> str:
    """Compatible with each text of another number; with that of the same number only if the type is the same."""
    return record("Order", field(f"f{number}", of, default=default))


def test_two_equal_registrations_make_one_version_and_both_get_it(race: Race, owner: Member) -> None:
    for n in range(ROUNDS):
        same = register(owner, "orders", text(n))

        one, other = race.run(same, same, number=n)

        assert one == other
        assert (one.body["id"], one.body["version"]) == (n + 1, n + 1)
    assert versions() == {("orders", n + 1): (n + 1, text(n)) for n in range(ROUNDS)}
    assert_whole()


def test_two_different_registrations_become_neighbours(race: Race, owner: Member) -> None:
    acknowledged = {}
    for n in range(ROUNDS):
        texts = text(2 * n), text(2 * n + 1)

        answers = race.run(*(register(owner, "orders", each) for each in texts), number=n)

        assert sorted(answer.body["version"] for answer in answers) == [2 * n + 1, 2 * n + 2]
        for answer, sent in zip(answers, texts, strict=True):
            acknowledged["orders", answer.body["version"]] = (answer.body["id"], sent)
    assert versions() == acknowledged
    assert sorted(SchemaId.objects.values_list("number", flat=True)) == list(range(1, 2 * ROUNDS + 1))
    assert_whole()


def test_of_two_that_do_not_fit_together_one_is_refused(race: Race, owner: Member) -> None:
    accepted = {}
    for n in range(ROUNDS):
        texts = text(n), text(n, "string", "")

        answers = race.run(*(register(owner, "orders", each) for each in texts), number=n)

        assert sorted(answer.code for answer in answers) == [200, 40901]
        accepted["orders", n + 1] = (n + 1, texts[answers[0].code == 40901])
    assert versions() == accepted
    assert_whole()


def test_the_first_version_of_a_subject_is_made_once(race: Race, owner: Member, teammate: Member) -> None:
    """Turn by turn of equal texts, of such that fit together, and of such that do not."""
    for n in range(ROUNDS):
        of = ["int", "long", "string"][n % 3]
        texts = text(n), text(n, of, "" if of == "string" else 0)

        one, other = race.run(register(owner, f"s{n}", texts[0]), register(teammate, f"s{n}", texts[1]), number=n)

        if of == "int":
            assert one == other and one.body["version"] == 1
        else:
            first, second = sorted((one, other), key=lambda answer: answer.body.get("version", 2))
            assert first.body["version"] == 1
            # An int is read as a long, but not the other way round.
            assert second.code in ([200, 40901] if of == "long" else [40901])
            assert (second.code == 200) == (of == "long" and first is one)
    assert Subject.objects.count() == ROUNDS
    assert_whole()


def test_the_same_content_in_two_subjects_has_one_id(race: Race, owner: Member) -> None:
    for n in range(ROUNDS):
        one, other = race.run(register(owner, "orders", text(n)), register(owner, "invoices", text(n)), number=n)

        assert (one.body["id"], one.body["guid"]) == (other.body["id"], other.body["guid"])
        assert one.body["version"] == other.body["version"] == one.body["id"] == n + 1
    assert Schema.objects.count() == SchemaId.objects.count() == ROUNDS
    assert_whole()


def test_content_of_another_context_has_one_id_in_two_subjects(race: Race, owner: Member, api: Api) -> None:
    """Where the content is stored already, nothing but the counter tells the two apart."""
    for n in range(ROUNDS):
        api.post("/subjects/orders/versions", {"schema": text(n)}, as_=owner)

        one, other = race.run(
            register(owner, ":.shop:orders", text(n)), register(owner, ":.shop:invoices", text(n)), number=n
        )

        assert one.body["id"] == other.body["id"] == n + 1
    assert SchemaId.objects.count() == 2 * ROUNDS
    assert_whole()


def test_new_content_and_known_content_do_not_wait_for_each_other(race: Race, owner: Member) -> None:
    """They take different locks: the counter of ids is asked for new content alone."""
    race.run(register(owner, "news", text(0)), register(owner, "others", text(0)), number=0)
    for n in range(1, ROUNDS):
        new, known = race.run(register(owner, "news", text(n)), register(owner, "olds", text(n - 1)), number=n)

        assert (new.code, new.body["id"]) == (200, n + 1)
        assert (known.code, known.body["id"]) == (200, n)
    assert_whole()
