"""What several families of endpoints begin with."""

import pytest

from accounts.services import SCOPES
from tests.cast import Api, Member, join


@pytest.fixture
def subject(api: Api, owner: Member) -> str:
    api.post("/subjects/a/versions", {"schema": '"string"'}, as_=owner)
    return "a"


@pytest.fixture
def keeper(owner: Member) -> Member:
    """In the group of the owner, with a key for everything."""
    return join("keeper", "owners", scopes=SCOPES)
