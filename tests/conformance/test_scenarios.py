"""Our own scenarios, each step of them against a live server."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance import recordings
from tests.conformance.recordings import Scenario
from tests.conformance.replaying import Outcome, Stage, stage

FOLDER = Path(__file__).parent / "scenarios"
SCENARIOS = [scenario for scenarios in recordings.read(FOLDER).values() for scenario in scenarios]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("conformance")) as made:
        yield made


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_every_step_is_answered_as_recorded(servers: Stage, scenario: Scenario) -> None:
    outcomes = servers.replay(scenario)

    assert [str(outcome) for outcome in outcomes if outcome.is_unexplained] == []


@pytest.mark.parametrize(("found", "may", "is_allowed"), [((), (1,), False), (("x",), (1,), True), (("x",), (), False)])
def test_only_a_step_that_may_differ_is_allowed_to(
    found: tuple[str, ...], may: tuple[int, ...], is_allowed: bool
) -> None:
    step = dataclasses.replace(SCENARIOS[0].steps[0], differs=may)

    outcome = Outcome("wire", 0, step, found, is_after=False)

    assert outcome.is_allowed is is_allowed
    assert outcome.is_unexplained is (bool(found) and not is_allowed)
