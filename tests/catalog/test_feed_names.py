"""Names of entities: decided once, kept for ever, whoever asks and however many at once."""

import threading
from collections.abc import Callable

import pytest
from django.db import connections

from catalog import feed
from catalog.models import FeedName
from tests.cast import Api, Member, join
from tests.catalog.changes import delete_for_good, register, set_visibility
from tests.catalog.reading import page


def test_a_name_is_decided_once_and_survives_its_neighbour(api: Api, owner: Member, reader: Member) -> None:
    register(owner, "orders-value", "Orders-Value")
    before = {item["metadata"]["title"]: item["metadata"]["name"] for item in page(api, reader)["items"]}

    delete_for_good("orders-value")

    assert before == {"orders-value": "orders-value", "Orders-Value": "Orders-Value-590b83e3"}
    assert [item["metadata"]["name"] for item in page(api, reader)["items"]] == ["Orders-Value-590b83e3"]


def test_a_subject_that_comes_back_has_its_old_name(api: Api, owner: Member, reader: Member) -> None:
    register(owner, "Orders", "orders")
    name = page(api, reader)["items"][1]["metadata"]["name"]
    delete_for_good("orders")
    delete_for_good("Orders")

    register(owner, "orders")

    assert page(api, reader)["items"][0]["metadata"]["name"] == name != "orders"


def test_whoever_calls_a_subject_like_the_hash_of_another_takes_nothing(
    api: Api, owner: Member, reader: Member
) -> None:
    register(owner, "topic-value-ec6bc5cc", "topic/value")

    names = [item["metadata"]["name"] for item in page(api, reader)["items"]]

    assert names[0] == "topic-value-ec6bc5cc"
    assert names[1].startswith("topic-value-ec6bc5cc") and len(names[1]) == len("topic-value-") + 16


def test_a_name_does_not_depend_on_who_asks(api: Api, owner: Member, reader: Member) -> None:
    register(owner, "Orders", "orders")
    set_visibility(owner, "Orders", "restricted")

    assert page(api, reader)["items"][0]["metadata"]["name"] != "orders"


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_several_who_decide_at_once_agree() -> None:
    register(join("owner", "owners"), "orders", "Orders", "ORDERS", "topic/value", "topic-value-ec6bc5cc")

    at_once(*[feed.decide_names] * 4)

    names = dict(FeedName.objects.values_list("ref", "name"))
    assert len(names) == len({name.lower() for name in names.values()}) == 5
    before = dict(names)
    feed.decide_names()
    assert dict(FeedName.objects.values_list("ref", "name")) == before


def at_once(*calls: Callable[[], object]) -> None:
    start = threading.Barrier(len(calls))
    failures: list[BaseException] = []

    def run(call: Callable[[], object]) -> None:
        try:
            start.wait(timeout=10)
            call()
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert failures == []
