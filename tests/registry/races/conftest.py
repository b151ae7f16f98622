from collections.abc import Iterator

import pytest

from tests.registry.races import racing
from tests.registry.races.racing import Race


@pytest.fixture(scope="session")
def started_race(django_db_setup: None) -> Iterator[Race]:
    with racing.start() as race:
        yield race


@pytest.fixture
def race(started_race: Race, db: None) -> Race:
    for racer in started_race.racers:
        racer.forget()
    return started_race
