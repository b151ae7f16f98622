"""Two servers on one database are one registry: what one has acknowledged, the other answers at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import pytest

from tests import servers
from tests.contract.calls import INT, STRING, field, record
from tests.servers import Server

TURNS = 10


@dataclass(frozen=True)
class Replica:
    server: Server

    def says(self, method: str, path: str, body: Any = None) -> Any:
        """The answer, or the error code."""
        answer = self.server.call(method, path, body).json()
        return answer["error_code"] if isinstance(answer, dict) and "error_code" in answer else answer

    def get(self, path: str) -> Any:
        return self.says("GET", path)

    def delete(self, path: str) -> Any:
        return self.says("DELETE", path)

    def registers(self, subject: str, text: str) -> Any:
        return self.says("POST", f"/subjects/{subject}/versions", {"schema": text})

    def finds(self, subject: str, text: str) -> Any:
        return self.says("POST", f"/subjects/{subject}", {"schema": text})

    def sets(self, path: str, **body: str) -> Any:
        return self.says("PUT", path, body)


Replicas = tuple[Replica, Replica]


@pytest.fixture(scope="module")
def replicas(server: Server) -> Iterator[Replicas]:
    """The server of all tests, and another one beside it; each test takes subjects of its own names."""
    other = servers.start(server.home)
    other.key = server.key
    yield Replica(server), Replica(other)
    other.kill()


def turns(replicas: Replicas) -> Iterator[tuple[int, Replica, Replica]]:
    """Who acts, and who is asked: each in turn."""
    one, other = replicas
    for turn, (acting, asked) in zip(range(TURNS), cycle([(one, other), (other, one)]), strict=False):
        yield turn, acting, asked


def text(number: int) -> str:
    return record("Seat", field(f"f{number}", default=""))


def test_what_one_registers_the_other_finds_everywhere(replicas: Replicas) -> None:
    for turn, acting, asked in turns(replicas):
        made = acting.registers("seats", text(turn))

        assert made["version"] == turn + 1
        assert asked.get("/subjects/seats/versions") == list(range(1, turn + 2))
        assert asked.get("/subjects/seats/versions/latest") == asked.get(f"/subjects/seats/versions/{turn + 1}")
        assert asked.get("/subjects/seats/versions/latest")["schema"] == text(turn)
        assert asked.get(f"/schemas/ids/{made['id']}")["schema"] == text(turn)
        assert asked.get(f"/schemas/guids/{made['guid']}")["schema"] == text(turn)
        assert asked.finds("seats", text(turn))["version"] == turn + 1
        assert asked.registers("seats", text(turn)) == made


def test_a_subject_is_listed_once_the_other_has_it(replicas: Replicas) -> None:
    for turn, acting, asked in turns(replicas):
        assert asked.finds(f"listed-{turn}", STRING) == 40401
        acting.registers(f"listed-{turn}", STRING)

        assert f"listed-{turn}" in asked.get("/subjects")
        assert asked.finds(f"listed-{turn}", STRING)["version"] == 1


def test_ids_are_counted_together(replicas: Replicas) -> None:
    ids = [acting.registers(":.counted:s", text(turn))["id"] for turn, acting, _ in turns(replicas)]

    assert ids == list(range(1, TURNS + 1))


def test_both_delete_with_the_same_answers_and_see_what_the_other_deleted(replicas: Replicas) -> None:
    for turn, acting, asked in turns(replicas):
        subject = f"/subjects/gone-{turn}"
        for number in range(2):
            assert acting.registers(f"gone-{turn}", text(number))["version"] == number + 1

        assert asked.delete("/subjects/never") == 40401
        assert asked.delete("/subjects/never/versions/1") == 40401
        assert asked.delete(f"{subject}/versions/9") == 40402
        assert asked.delete(f"{subject}/versions/latest?permanent=true") == 40407
        assert asked.delete(f"{subject}/versions/latest") == 2
        assert acting.get(f"{subject}/versions") == [1]
        assert acting.get(f"{subject}/versions/latest")["version"] == 1
        assert acting.finds(f"gone-{turn}", text(1)) == 40403
        assert acting.delete(f"{subject}/versions/2") == 40406
        assert acting.delete(f"{subject}/versions/2?permanent=true") == 2
        assert asked.get(f"{subject}/versions/2?deleted=true") == 40402
        assert asked.delete(f"{subject}?permanent=true") == 40405
        assert asked.delete(subject) == [1]
        assert acting.delete(subject) == 40404
        assert f"gone-{turn}" not in acting.get("/subjects")
        assert f"gone-{turn}" in acting.get("/subjects?deleted=true")
        assert acting.delete(f"{subject}?permanent=true") == [1]
        assert asked.get(f"{subject}/versions") == asked.finds(f"gone-{turn}", text(0)) == 40401
        assert f"gone-{turn}" not in asked.get("/subjects?deleted=true")


def test_an_id_whose_content_the_other_deleted_for_good_is_unknown(replicas: Replicas) -> None:
    """Although this one had it in its hands a moment ago."""
    for turn, acting, asked in turns(replicas):
        unique = record(f"Unique{turn}")
        made = acting.registers(f"unique-{turn}", unique)
        assert asked.get(f"/schemas/ids/{made['id']}")["schema"] == unique
        acting.delete(f"/subjects/unique-{turn}")
        acting.delete(f"/subjects/unique-{turn}?permanent=true")

        assert asked.get(f"/schemas/ids/{made['id']}") == 40403


def test_the_level_that_one_sets_binds_a_registration_at_the_other(replicas: Replicas) -> None:
    for turn, acting, asked in turns(replicas):
        subject = f"strict-{turn}"
        acting.registers(subject, INT)
        assert asked.registers(subject, STRING) == 40901

        acting.sets(f"/config/{subject}", compatibility="NONE")

        assert asked.get(f"/config/{subject}")["compatibilityLevel"] == "NONE"
        assert asked.registers(subject, STRING)["version"] == 2
        acting.delete(f"/config/{subject}")
        assert asked.get(f"/config/{subject}") == 40408
        assert asked.registers(subject, '"boolean"') == 40901


def test_the_level_of_the_whole_registry_is_the_same_on_both(replicas: Replicas) -> None:
    for turn, acting, asked in turns(replicas):
        level = ["FULL", "NONE"][turn % 2]

        acting.sets("/config", compatibility=level)

        assert asked.get("/config")["compatibilityLevel"] == level
    replicas[0].delete("/config")
    assert replicas[1].get("/config")["compatibilityLevel"] == "BACKWARD"


def test_the_mode_that_one_sets_stops_a_registration_at_the_other(replicas: Replicas) -> None:
    for turn, acting, asked in turns(replicas):
        subject = f"closed-{turn}"

        acting.sets(f"/mode/{subject}", mode="READONLY")

        assert asked.get(f"/mode/{subject}")["mode"] == "READONLY"
        assert asked.registers(subject, INT) == 42205
        acting.delete(f"/mode/{subject}")
        assert asked.registers(subject, INT)["version"] == 1


def test_an_alias_that_one_sets_leads_the_other(replicas: Replicas) -> None:
    for turn, acting, asked in turns(replicas):
        acting.registers(f"real-{turn}", text(turn))
        acting.sets(f"/config/nick-{turn}", alias=f"real-{turn}")

        assert asked.get(f"/subjects/nick-{turn}/versions/latest")["schema"] == text(turn)


def test_a_context_comes_and_goes_on_both(replicas: Replicas) -> None:
    for turn, acting, asked in turns(replicas):
        subject = f":.shop{turn}:orders"
        acting.registers(subject, INT)
        assert f".shop{turn}" in asked.get("/contexts")
        assert asked.get(f"/contexts/.shop{turn}/subjects") == [subject]

        acting.delete(f"/subjects/{subject}")
        acting.delete(f"/subjects/{subject}?permanent=true")
        assert asked.server.call("DELETE", f"/contexts/.shop{turn}").status == 204

        assert f".shop{turn}" not in acting.get("/contexts")


def test_a_check_sees_the_version_that_the_other_registered(replicas: Replicas) -> None:
    for turn, acting, asked in turns(replicas):
        path = f"/compatibility/subjects/checked-{turn}/versions/latest"
        acting.registers(f"checked-{turn}", INT)
        assert asked.says("POST", path, {"schema": '"boolean"'}) == {"is_compatible": False}

        acting.registers(f"checked-{turn}", '"long"')
        assert asked.says("POST", path, {"schema": '"float"'}) == {"is_compatible": True}
        assert asked.says("POST", path, {"schema": INT}) == {"is_compatible": False}
