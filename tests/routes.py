"""All that the server answers to, read off the URLconf."""

import inspect
from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, get_resolver
from django.views.generic import RedirectView

from config import api

ANYTHING = {"GET", "POST"}


def routes() -> Iterator[tuple[URLPattern, str]]:
    """Each with its whole path; not the registry's, which has a table of its own, the admin's, and the last resort."""

    def walk(patterns: Any, prefix: str) -> Iterator[tuple[URLPattern, str]]:
        for each in patterns:
            if isinstance(each, URLPattern):
                if each.callback is not api.not_found:
                    yield each, prefix + str(each.pattern)
            elif each.app_name != "admin":
                yield from walk(each.url_patterns, prefix + str(each.pattern))

    return walk(get_resolver().url_patterns, "")


def methods(view: Any) -> set[str]:
    """What a view answers to, without HEAD and OPTIONS. A function that does not say what it takes takes anything."""
    if cls := getattr(view, "cls", None) or getattr(view, "view_class", None):
        if issubclass(cls, RedirectView):
            return {"GET"}
        return {name.upper() for name in cls.http_method_names if hasattr(cls, name)} - {"HEAD", "OPTIONS"}
    step = view
    while step is not None:
        if "request_method_list" in step.__code__.co_freevars:
            return set(inspect.getclosurevars(step).nonlocals["request_method_list"]) - {"HEAD", "OPTIONS"}
        step = getattr(step, "__wrapped__", None)
    return ANYTHING
