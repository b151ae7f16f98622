from collections.abc import Iterable

from django.apps import AppConfig

from audit.triggers import Audited, Moving


class RegistryConfig(AppConfig):
    name = "registry"

    def audited_models(self) -> Iterable[Audited]:
        """Every table here is the registry's state: none changes without an event."""
        return [Audited(model) for model in self.get_models()]

    def moving_models(self) -> Iterable[Moving]:
        """Grants; and of what exists, what decides whether it may be seen. What is new takes nothing away."""
        from registry.models import (
            SchemaVersion,
            ScopeGroupPermission,
            ScopeUserPermission,
            Subject,
            SubjectGroupPermission,
            SubjectScope,
            SubjectUserPermission,
        )

        for model in SubjectUserPermission, SubjectGroupPermission, ScopeUserPermission, ScopeGroupPermission:
            yield Moving(model, [field.attname for field in model._meta.concrete_fields])
        yield Moving(SubjectScope, ["context_id", "prefix"], inserts=False)
        yield Moving(Subject, ["owner_id", "visibility"], inserts=False)
        yield Moving(SchemaVersion, ["deleted_at"], inserts=False)
