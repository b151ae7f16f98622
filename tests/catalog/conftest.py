from typing import Any

import pytest

from tests.cast import Member, join
from tests.catalog.reading import configure


@pytest.fixture
def reader(db: None) -> Member:
    """What Backstage would be given: a key that reads the catalog, of a group that owns nothing."""
    return join("backstage", "readers", scopes=["catalog:read"])


@pytest.fixture(autouse=True)
def one_file(settings: Any) -> None:
    """Few subjects, one file."""
    configure(settings, BACKSTAGE_SHARDS=1)
