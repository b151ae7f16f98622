from collections.abc import Iterable

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate

from audit import triggers
from audit.triggers import Audited


class AuditConfig(AppConfig):
    name = "audit"

    def ready(self) -> None:
        # With a sender, so once a run of migrate; the first post_migrate comes after the last migration of all apps.
        pre_migrate.connect(triggers.before_migrate, sender=self)
        post_migrate.connect(triggers.after_migrate, sender=self)

    def audited_models(self) -> Iterable[Audited]:
        """Personal data is erasable, but not in silence."""
        return [Audited(self.get_model("AuditPii"))]
