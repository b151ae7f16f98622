"""A request that is refused leaves everything as it was."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps


def stored() -> dict[str, list[Any]]:
    """Every row of the registry and of the audit log."""
    models = [model for app in ("registry", "audit") for model in apps.get_app_config(app).get_models()]
    return {model.__name__: list(model._default_manager.order_by("pk").values_list()) for model in models}


@contextmanager
def nothing_changes() -> Iterator[None]:
    before = stored()
    yield
    assert stored() == before
