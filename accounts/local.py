"""Passwords kept here: the way in where there is no identity provider, or while it is broken."""

from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from accounts.models import User


def is_open() -> bool:
    return not settings.CALLBOARD["OIDC_ISSUER"] or is_breakglass()


def is_breakglass() -> bool:
    """Switched on although there is an identity provider."""
    return bool(settings.CALLBOARD["OIDC_ISSUER"] and settings.CALLBOARD["BREAKGLASS_LOCAL_LOGIN"])


class Backend(ModelBackend):
    """Closed, it lets nobody in and ends the sessions that began here."""

    # Without **kwargs, so that Django does not offer it the callback of the identity provider.
    def authenticate(  # type: ignore[override]
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None
    ) -> User | None:
        if not is_open():
            return None
        user: Any = super().authenticate(request, username=username, password=password)
        return user if isinstance(user, User) and not user.is_service else None

    def get_user(self, user_id: int) -> Any:
        return super().get_user(user_id) if is_open() else None
