from collections.abc import Iterable

from django.apps import AppConfig

from audit.triggers import Audited


class AccountsConfig(AppConfig):
    name = "accounts"

    def audited_models(self) -> Iterable[Audited]:
        """Who exists, who belongs where and what opens the door: none of it changes without an event."""
        from django.contrib.auth.models import Group

        from accounts.models import ApiKey, ApiSecret, ExternalIdentity, LoginLink, ServiceAccount, User

        # Saying when a secret was last used is no change to it.
        stamps = {"last_used_at", "last_used_ip"}
        columns = [field.attname for field in ApiSecret._meta.concrete_fields if field.attname not in stamps]
        # A sign-in stamps the user, and brings name and address as the provider knows them: `auth.login` says that it
        # was. Whoever is signed in stands in the session tables, which are no record either.
        known = {"last_login", "first_name", "last_name", "email", "date_joined"}
        rights = [field.attname for field in User._meta.concrete_fields if field.attname not in known]
        return [
            Audited(User, update_columns=rights),
            Audited(ExternalIdentity),
            Audited(LoginLink),
            Audited(Group),
            Audited(Group.permissions.through),
            Audited(User.groups.through),
            Audited(User.user_permissions.through),
            Audited(ServiceAccount),
            Audited(ApiKey),
            Audited(ApiSecret, update_columns=columns),
        ]
