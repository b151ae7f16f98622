from collections.abc import Callable

import pytest

from audit import events, transactions
from registry.models import Subject
from tests import cast
from tests.cast import STAGE, Person

Hide = Callable[[str], None]
SignIn = Callable[..., Person]


@pytest.fixture
def hide(db: None) -> Hide:
    """Makes a subject visible to its owners only. No service does so yet; the database wants an event all the same."""

    def restrict(name: str) -> None:
        with transactions.write():
            Subject.objects.filter(name=name).update(visibility="restricted")
            events.record(STAGE, events.Action.CONFIG_CHANGED, kind="subject", ref=f":.:{name}")

    return restrict


@pytest.fixture
def sign_in(db: None) -> SignIn:
    return cast.sign_in
