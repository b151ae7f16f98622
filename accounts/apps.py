from collections.abc import Iterable

from django.apps import AppConfig
from django.db.models import Model

from audit.triggers import Audited, Moving, Trigger

# Saying when something was last used is no change to it.
STAMPS = {"last_used_at", "last_used_ip", "stale_noted_at"}


class AccountsConfig(AppConfig):
    name = "accounts"

    def audited_models(self) -> Iterable[Audited]:
        """Who exists, who belongs where and what opens the door: none of it changes without an event."""
        from django.contrib.auth.models import Group

        from accounts.models import (
            ApiKey,
            ApiSecret,
            CiTrust,
            ExternalIdentity,
            JwtTrust,
            LoginLink,
            ServiceAccount,
            User,
        )

        columns = [field.attname for field in ApiSecret._meta.concrete_fields if field.attname not in STAMPS]
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
            Audited(JwtTrust),
            Audited(CiTrust),
            Audited(ApiKey),
            Audited(ApiSecret, update_columns=columns),
        ]

    def moving_models(self) -> Iterable[Moving]:
        """What a principal is made of. A sign-in stamps the user, a request its secret: neither may move the epoch."""
        from django.contrib.auth.models import Group

        from accounts.models import ApiKey, ApiSecret, JwtTrust, ServiceAccount, User

        rights = [Group.permissions.through, User.groups.through, User.user_permissions.through]
        whole: list[type[Model]] = [*rights, ApiKey, ApiSecret, ServiceAccount, JwtTrust]
        yield from (Moving(model, _columns(model)) for model in whole)
        yield Moving(User, ["is_active", "is_staff", "is_superuser"], inserts=False)

    def triggers(self, vendor: str) -> Iterable[Trigger]:
        from accounts import epoch

        return epoch.triggers(vendor)

    def trigger_preparation(self, vendor: str) -> Iterable[str]:
        from accounts import epoch

        return epoch.preparation(vendor)


def _columns(model: type[Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields if field.attname not in STAMPS]
