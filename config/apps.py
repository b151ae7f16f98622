from django.apps import AppConfig
from django.conf import settings


class ConfigConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        # Registers the system checks.
        from config import checks  # noqa: F401

        if settings.CALLBOARD["BROKER_URL"]:
            # Tells the tasks of our apps where their broker is.
            from config import celery  # noqa: F401
