"""Two at once, with real threads and real transactions: whatever the order, the registry is as if they came in turn."""

import json
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import pytest
from django.db import connections

from accounts.principals import Principal
from audit.models import AuditEvent
from registry.bodies import Definition
from registry.errors import IncompatibleSchema, RegistryError
from registry.models import Schema, SchemaId, SchemaVersion, Subject
from registry.services import config, registration
from tests.cast import join, join_as_administrator

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
ROUNDS = 10
T = TypeVar("T")


def record(*fields: str) -> str:
    made = [{"name": name, "type": "string", "default": ""} for name in fields]
    return json.dumps({"type": "record", "name": "R", "fields": made})


def at_once(*calls: Callable[[], T]) -> list[T | RegistryError]:
    """Runs the calls in threads that start together; an error of ours is a result like any other."""
    start = threading.Barrier(len(calls))
    results: list[Any] = [None] * len(calls)

    def run(position: int, call: Callable[[], T]) -> None:
        try:
            start.wait(timeout=10)
            results[position] = call()
        except RegistryError as error:
            results[position] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=item) for item in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return results


@pytest.fixture
def principal() -> Principal:
    return join("owner", "owners").principal


def register(principal: Principal, subject: str, text: str) -> tuple[int, int]:
    """Id and version."""
    found = registration.register_version(
        principal=principal,
        actor=principal.actor(None),
        subject_name=subject,
        definition=Definition(text),
        normalize=False,
        force=False,
    )
    return found.stored.schema_id, found.stored.version


def set_level(principal: Principal, subject: str | None, level: str) -> Any:
    return config.set_config(
        principal=principal,
        actor=principal.actor(None),
        subject_name=subject,
        changes={"compatibility_level": level},
    )


def test_two_equal_registrations_make_one_version_and_one_id(principal: Principal) -> None:
    for n in range(ROUNDS):
        text = record(f"f{n}")
        one, other = at_once(*[partial(register, principal, f"s{n}", text)] * 2)

        assert one == other == (n + 1, 1)
    assert SchemaVersion.objects.count() == ROUNDS


def test_two_different_registrations_become_neighbours(principal: Principal) -> None:
    for n in range(ROUNDS):
        results = at_once(
            partial(register, principal, f"s{n}", record("a")),
            partial(register, principal, f"s{n}", record("a", "b")),
        )

        versions = [result[1] for result in results if not isinstance(result, RegistryError)]
        assert sorted(versions) == [1, 2]


def test_the_second_of_two_is_checked_against_the_first(principal: Principal) -> None:
    for n in range(ROUNDS):
        results = at_once(
            partial(register, principal, f"s{n}", '"int"'),
            partial(register, principal, f"s{n}", '"bytes"'),
        )

        refused = [result for result in results if isinstance(result, IncompatibleSchema)]
        assert len(refused) == 1
        assert SchemaVersion.objects.filter(subject__name=f"s{n}").count() == 1


def test_the_same_content_in_two_subjects_at_once_has_one_id(principal: Principal) -> None:
    for n in range(ROUNDS):
        one, other = at_once(
            partial(register, principal, f"a{n}", record(f"f{n}")),
            partial(register, principal, f"b{n}", record(f"f{n}")),
        )

        assert one == other
    assert Schema.objects.count() == SchemaId.objects.count() == ROUNDS


def test_a_level_change_is_wholly_before_or_wholly_after_a_registration(principal: Principal) -> None:
    """The chain tells the order: a registration after the change must have been judged by the new level."""
    admin = join_as_administrator("admin", "administrators").principal
    for n in range(ROUNDS):
        subject = f"s{n}"
        set_level(admin, None, "BACKWARD")
        register(principal, subject, '"int"')

        at_once(
            partial(register, principal, subject, '"long"'),
            partial(set_level, admin, None, "FULL"),
        )

        level = "BACKWARD"
        for event in AuditEvent.objects.order_by("seq"):
            payload = json.loads(event.payload)
            if payload["object"]["kind"] == "context":
                level = payload["detail"]["after"]["compatibility_level"]
            elif payload["action"] == "subject.registered":
                assert payload["detail"]["level"] == level


def test_a_level_change_of_the_subject_is_wholly_before_or_after(principal: Principal) -> None:
    for n in range(ROUNDS):
        subject = f"s{n}"
        register(principal, subject, '"int"')

        registered, _ = at_once(
            partial(register, principal, subject, '"long"'),
            partial(set_level, principal, subject, "FULL"),
        )

        events = [
            json.loads(event.payload)["action"]
            for event in AuditEvent.objects.filter(object_ref=f":.:{subject}").order_by("seq")
        ]
        if isinstance(registered, IncompatibleSchema):
            assert events == ["subject.registered", "compatibility.changed"]
        else:
            assert events == ["subject.registered", "subject.registered", "compatibility.changed"]


def test_eight_writers_leave_no_gap_no_duplicate_and_a_whole_chain(principal: Principal) -> None:
    def write(writer: int) -> list[tuple[int, int]]:
        return [register(principal, f"s{n % 3}", record(*(f"w{writer}f{i}" for i in range(n + 1)))) for n in range(6)]

    results = at_once(*[partial(write, writer) for writer in range(8)])

    acknowledged = [pair for result in results if not isinstance(result, RegistryError) for pair in result]
    ids = sorted(SchemaId.objects.values_list("number", flat=True))
    assert len({i for i, _ in acknowledged}) == len(ids) == 48
    for subject in Subject.objects.all():
        versions = list(subject.versions.order_by("version").values_list("version", flat=True))
        assert versions == list(range(1, len(versions) + 1))
        assert subject.changed_seq > 0
    seqs = list(AuditEvent.objects.order_by("seq").values_list("seq", flat=True))
    assert seqs == list(range(1, len(seqs) + 1))
