from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from catalog import entities

_SHORTEST_TOKEN = 32


class CatalogConfig(AppConfig):
    name = "catalog"

    def ready(self) -> None:
        register(backstage_takes_the_settings)


def backstage_takes_the_settings(**kwargs: Any) -> list[CheckMessage]:
    """With one of them wrong it would take no entity at all, and delete those that it has."""
    own = settings.CALLBOARD
    problems: list[CheckMessage] = []
    if not entities.is_name(own["BACKSTAGE_ENTRY_NAME"]):
        problems.append(Error("CALLBOARD_BACKSTAGE_ENTRY_NAME is no name of an entity.", id="callboard.E010"))
    if not entities.is_namespace(own["BACKSTAGE_NAMESPACE"]):
        problems.append(Error("CALLBOARD_BACKSTAGE_NAMESPACE is no namespace: a-z, 0-9 and `-`.", id="callboard.E011"))
    for group, ref in own["BACKSTAGE_OWNERS"].items():
        if not entities.is_ref(ref):
            hint = "Name it in full: group:default/team-payments"
            problems.append(
                Error(f"CALLBOARD_BACKSTAGE_OWNERS: {group} has no entity {ref!r}.", hint=hint, id="callboard.E012")
            )
    if len(own["BACKSTAGE_FEED_TOKEN"] or "x" * _SHORTEST_TOKEN) < _SHORTEST_TOKEN:
        problems.append(
            Error(f"CALLBOARD_BACKSTAGE_FEED_TOKEN is shorter than {_SHORTEST_TOKEN} characters.", id="callboard.E013")
        )
    return problems
