"""Section 5.9: what an operator can set, and several servers at once."""

import json
from typing import Any

import pytest

from tests.contract.calls import INT, Registry, field, record, reference
from tests.contract.marking import row
from tests.servers import Factory, Server

SEAT = record("Seat", field("place"), namespace="hall")
OLD_SEAT = record("Seat", namespace="hall")
CHAIR = record("Chair", field("seat", "Seat"), namespace="hall")
ROW = record("Row", field("chair", "Chair"), field("seat", "Seat"), namespace="hall")


@row("5.9", "strict reference versions")
def test_two_versions_under_one_name_are_refused_where_that_is_set(registry: Registry, settings: Any) -> None:
    settings.CALLBOARD = {**settings.CALLBOARD, "STRICT_REFERENCE_VERSIONS": True}
    registry.register("seats", OLD_SEAT)
    registry.level("NONE", "seats")
    registry.register("seats", SEAT)
    registry.register("chairs", CHAIR, references=[reference("hall.Seat", "seats", 1)])

    def references(version: int) -> list[Any]:
        return [reference("hall.Chair", "chairs"), reference("hall.Seat", "seats", version)]

    refusal = registry.refusal("POST", "/subjects/rows/versions", {"schema": ROW, "references": references(2)})
    assert refusal["error_code"] == 42201
    assert "Conflicting reference versions" in refusal["message"]
    assert registry.registered("rows", ROW, references=references(1))["version"] == 1


@row("5.9", "reject empty subject")
@pytest.mark.parametrize("subject", [":.:", "*"])
def test_empty_names_are_refused_where_that_is_set(registry: Registry, settings: Any, subject: str) -> None:
    settings.CALLBOARD = {**settings.CALLBOARD, "REJECT_EMPTY_SUBJECT": True}

    refusal = registry.refusal("POST", f"/subjects/{subject}/versions", {"schema": INT})

    assert refusal["error_code"] == 42208
    assert subject in refusal["message"]
    assert registry.register("tickets", INT) == 1


@pytest.fixture
def replicas(start_server: Factory) -> tuple[Server, Server]:
    """Two servers on one database."""
    one = start_server()
    other = start_server()
    other.key = one.key
    return one, other


def said(server: Server, method: str, path: str, body: Any = None) -> Any:
    """The answer, or the error code."""
    answer = server.call(method, path, body).json()
    return answer["error_code"] if isinstance(answer, dict) and "error_code" in answer else answer


@row("5.9", "two replicas")
def test_every_server_deletes_and_sees_what_another_one_did(replicas: tuple[Server, Server]) -> None:
    one, other = replicas
    for text in (OLD_SEAT, record("Seat", field("place", default=""), namespace="hall")):
        assert one.call("POST", "/subjects/seats/versions", {"schema": text}).status == 200
    assert said(other, "GET", "/subjects/seats/versions") == [1, 2]

    assert said(other, "DELETE", "/subjects/passes") == 40401
    assert said(other, "DELETE", "/subjects/passes/versions/1") == 40401
    assert said(other, "DELETE", "/subjects/seats/versions/9") == 40402
    assert said(other, "DELETE", "/subjects/seats/versions/latest?permanent=true") == 40407
    assert said(other, "DELETE", "/subjects/seats/versions/latest") == 2
    assert said(one, "GET", "/subjects/seats/versions") == [1]
    assert said(one, "DELETE", "/subjects/seats/versions/2") == 40406
    assert said(one, "DELETE", "/subjects/seats/versions/2?permanent=true") == 2
    assert said(other, "GET", "/subjects/seats/versions/2?deleted=true") == 40402
    assert said(other, "DELETE", "/subjects/seats?permanent=true") == 40405
    assert said(other, "DELETE", "/subjects/seats") == [1]
    assert said(one, "DELETE", "/subjects/seats") == 40404
    assert said(one, "DELETE", "/subjects/seats?permanent=true") == [1]
    assert said(other, "GET", "/subjects/seats/versions") == 40401
    assert said(other, "POST", "/subjects/seats", {"schema": json.dumps("int")}) == 40401
