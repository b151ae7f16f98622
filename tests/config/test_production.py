"""The commands of docker-compose.yml, run by hand."""

from functools import partial

import pytest

from tests.audit.exports import wait_for
from tests.production import Production

pytestmark = pytest.mark.postgresql


@pytest.mark.timeout(120)
def test_every_service_starts_is_healthy_by_its_own_check_and_stops_when_asked(production: Production) -> None:
    for name in "web", "worker", "beat":
        wait_for(partial(production.is_healthy, name), seconds=60)

    first, second = production.web
    schema = {"schema": '"string"'}
    assert first.call("POST", "/subjects/anywhere/versions", schema).status == 200
    assert second.call("GET", "/subjects/anywhere/versions/1").status == 200
    assert production.stop() == {"worker": 0, "beat": 0}, str(production)


@pytest.mark.timeout(120)
def test_a_worker_without_its_broker_is_not_healthy(production: Production) -> None:
    wait_for(lambda: production.is_healthy("worker"), seconds=60)

    production.redis.stop()

    assert not production.is_healthy("worker")
    assert production.is_healthy("web")
