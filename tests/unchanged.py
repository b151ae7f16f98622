"""A request that is refused leaves everything as it was."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.db.models import Model

APPS = ("registry", "audit", "accounts", "auth")
# Refusals are counted here, to slow guessing down.
COUNTERS = {"KeyFailure"}


def models() -> list[type[Model]]:
    """Of the registry, of the audit log, and of who may do what."""
    found = [model for app in APPS for model in apps.get_app_config(app).get_models()]
    return [model for model in found if model.__name__ not in COUNTERS]


def stored() -> dict[str, list[Any]]:
    """Every row, but for secrets, which know when they were last used."""
    kept = [model for model in models() if model.__name__ != "ApiSecret"]
    return {model.__name__: list(model._default_manager.order_by("pk").values_list()) for model in kept}


@contextmanager
def nothing_changes() -> Iterator[None]:
    before = stored()
    yield
    assert stored() == before
