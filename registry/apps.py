from collections.abc import Iterable

from django.apps import AppConfig

from audit.triggers import Audited


class RegistryConfig(AppConfig):
    name = "registry"

    def audited_models(self) -> Iterable[Audited]:
        """Every table here is the registry's state: none changes without an event."""
        return [Audited(model) for model in self.get_models()]
