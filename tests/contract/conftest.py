"""The registry as the rows of the contract find it: empty, with the server's level that their section names."""

from typing import Any

import pytest

from tests.cast import Api, Member
from tests.contract.calls import Registry


@pytest.fixture
def registry(api: Api, admin: Member) -> Registry:
    return Registry(api, admin)


@pytest.fixture
def none(settings: Any) -> None:
    server_level(settings, "NONE")


@pytest.fixture
def backward_transitive(settings: Any) -> None:
    server_level(settings, "BACKWARD_TRANSITIVE")


def server_level(settings: Any, level: str) -> None:
    settings.CALLBOARD = {**settings.CALLBOARD, "COMPATIBILITY": level}
