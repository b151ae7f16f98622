from collections.abc import Iterable

from django.apps import AppConfig

from audit.triggers import Audited


class AccountsConfig(AppConfig):
    name = "accounts"

    def audited_models(self) -> Iterable[Audited]:
        """Who exists, who belongs where and what opens the door: none of it changes without an event."""
        from django.contrib.auth.models import Group

        from accounts.models import ApiKey, ApiSecret, ServiceAccount, User

        # Saying when a secret was last used is no change to it.
        stamps = {"last_used_at", "last_used_ip"}
        columns = [field.attname for field in ApiSecret._meta.concrete_fields if field.attname not in stamps]
        return [
            Audited(Group),
            Audited(Group.permissions.through),
            Audited(User.groups.through),
            Audited(User.user_permissions.through),
            Audited(ServiceAccount),
            Audited(ApiKey),
            Audited(ApiSecret, update_columns=columns),
        ]
