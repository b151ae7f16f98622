"""Section 5.9: what an operator can set, and several servers at once."""

from typing import Any

import pytest

from tests.contract.calls import INT, Registry, field, record, reference
from tests.contract.marking import row

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
