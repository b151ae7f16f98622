"""Whatever is asked, no answer is a 5xx, each is one that the document promises, and what is refused leaves nothing."""

import pytest

from tests.openapi import asking
from tests.openapi.asking import OPERATIONS, Caller, Pools

pytestmark = pytest.mark.django_db
EXAMPLES = 15


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_a_lived_in_registry_answers_as_described(name: str, callers: dict[str, Caller], lived_in: Pools) -> None:
    for caller in callers.values():
        asking.ask(OPERATIONS[name], caller, lived_in, examples=EXAMPLES)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_an_empty_registry_answers_as_described(name: str, callers: dict[str, Caller], empty: Pools) -> None:
    for caller in (callers["admin"], callers["root"]):
        asking.ask(OPERATIONS[name], caller, empty, examples=5)
