"""Where the routes of the registry come from: Django sees one pattern for all of them, `names.ROUTES` knows each."""

from collections.abc import Callable
from typing import Any

from registry import names

Endpoint = tuple[str, str, str, Callable[..., Any]]
_METHODS = ("GET", "POST", "PUT", "DELETE")


def add_registry(endpoints: list[Endpoint]) -> list[Endpoint]:
    """A preprocessing hook of drf-spectacular."""
    # Views are described while they are imported, so this module must not need them before.
    from registry.api.urls import VIEWS

    return [*endpoints, *(endpoint for view in VIEWS for endpoint in _of_view(view))]


def _of_view(view: Any) -> list[Endpoint]:
    path = "/" + names.ROUTES[view.route]
    return [(path, path, method, view.as_view()) for method in _METHODS if hasattr(view, method.lower())]
