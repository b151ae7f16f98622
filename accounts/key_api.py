"""Our own API: keys."""

from datetime import datetime
from typing import Any, Literal, TypedDict

from django.db.models import Q
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import keys, services
from accounts.api import AccountsView, Moment, NothingShape, OwnersView
from accounts.models import ApiKey, User


class ReasonShape(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=2000, default="", allow_blank=True)


class KeyShape(serializers.Serializer[Any]):
    service_account = serializers.CharField(max_length=64)
    # `label` is an attribute of every DRF field.
    label = serializers.CharField(max_length=100)  # type: ignore[assignment]
    scopes = serializers.ListField(child=serializers.CharField(), default=list(services.DEFAULT_SCOPES))
    days = serializers.IntegerField(default=services.DEFAULT_DAYS, min_value=1, max_value=services.MOST_DAYS)
    prefixes = serializers.ListField(child=serializers.CharField(), default=list)
    cidrs = serializers.ListField(child=serializers.CharField(), default=list)


class LimitsShape(serializers.Serializer[Any]):
    scopes = serializers.ListField(child=serializers.CharField(), default=list(services.DEFAULT_SCOPES))
    prefixes = serializers.ListField(child=serializers.CharField(), default=list)
    cidrs = serializers.ListField(child=serializers.CharField(), default=list)


class ShortKeyShape(LimitsShape):
    label = serializers.CharField(max_length=100)  # type: ignore[assignment]
    minutes = serializers.IntegerField(
        default=keys.SHORT_MINUTES, min_value=keys.LEAST_MINUTES, max_value=keys.MOST_MINUTES
    )


class RotationShape(serializers.Serializer[Any]):
    days = serializers.IntegerField(default=services.DEFAULT_DAYS, min_value=1, max_value=services.MOST_DAYS)
    overlap_hours = serializers.IntegerField(default=keys.OVERLAP_HOURS, min_value=0, max_value=keys.MOST_OVERLAP_HOURS)


class ChangedLimitsShape(LimitsShape):
    """Only what is to change."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        for field in fields.values():
            field.default, field.required = serializers.empty, False
        return fields


class SecretRow(TypedDict):
    """One of the secrets of a key that still open it: the newest, and for a while the one before."""

    n: int
    expires_at: Moment
    last_used_at: Moment | None
    last_used_from: str | None


class KeyRow(TypedDict):
    """`service_account` is null for a short key of a person."""

    id: str
    service_account: str | None
    label: str
    scopes: list[str]
    prefixes: list[str]
    cidrs: list[str]
    state: Literal["live", "expired", "revoked"]
    expires_at: Moment | None
    last_used_at: Moment | None
    secrets: list[SecretRow]


class KeyRows(TypedDict):
    items: list[KeyRow]


class IssuedKey(KeyRow):
    """With the key itself, which nothing else ever shows."""

    key: str


class OwnedKeysView(OwnersView):
    def _keys(self) -> Any:
        """Those of the caller's service accounts, and the caller's own."""
        own = Q(user=self.principal.user_id)
        return ApiKey.objects.filter(own | Q(user__service_account__in=self.mine()))

    def _key(self, id12: str) -> ApiKey:
        key: ApiKey | None = self._keys().filter(id12=id12).first()
        if key is None:
            raise NotFound(f"There is no key '{id12}'")
        return key


class KeysView(OwnedKeysView):
    @extend_schema(summary="List keys", responses={200: KeyRows})
    def get(self, request: Request) -> Response:
        self.given(NothingShape)
        found = self._keys().select_related("user__service_account").prefetch_related("secrets")
        return Response({"items": [_key(key) for key in found.order_by("user__service_account__name", "pk")]})

    @extend_schema(summary="Issue a key", request=KeyShape, responses={201: IssuedKey})
    def post(self, request: Request) -> Response:
        """The answer holds the key, and nothing else ever will."""
        self.require_fresh_sign_in()
        asked = self.given(KeyShape)
        account = self.mine().filter(name=asked.pop("service_account")).first()
        if account is None:
            raise ValidationError({"service_account": ["There is no such service account of yours."]})
        issued = services.issue_key(actor=self.actor, account=account, **asked)
        return _shown_once(issued)


class OwnKeysView(AccountsView):
    @extend_schema(summary="Issue a short key for myself", request=ShortKeyShape, responses={201: IssuedKey})
    def post(self, request: Request) -> Response:
        """For work at a terminal. The answer holds the key, and nothing else ever will."""
        self.require_fresh_sign_in()
        asked = self.given(ShortKeyShape)
        label, minutes = asked.pop("label"), asked.pop("minutes")
        user = User.objects.get(pk=self.principal.user_id)
        issued = keys.issue_short_key(
            actor=self.actor, user=user, label=label, minutes=minutes, limits=keys.Limits(**asked)
        )
        return _shown_once(issued)


class KeyRotationView(OwnedKeysView):
    people_only = False

    @extend_schema(
        summary="Give a key a new secret",
        request=RotationShape,
        responses={
            201: IssuedKey,
            404: [NotFound],
            409: [keys.TooManySecrets, keys.KeyIsOver],
            422: [keys.KeyIsShort],
        },
    )
    def post(self, request: Request, id12: str) -> Response:
        """By a person of the group that owns it, or by the key itself, for which nothing else of this kind is open.

        The old secret lives on for `overlap_hours`, and no longer than it would have.
        """
        asked = self.given(RotationShape)
        me = self.principal
        if me.auth == "api_key" and me.credential == id12:
            return _shown_once(keys.rotate_own_key(actor=self.actor, id12=id12, **asked))
        if me.auth != "session":
            raise PermissionDenied("A key rotates itself and no other")
        self.require_fresh_sign_in()
        return _shown_once(keys.rotate_key(actor=self.actor, key=self._key(id12), **asked))


class KeyView(OwnedKeysView):
    @extend_schema(
        summary="Change what a key is limited to",
        request=ChangedLimitsShape,
        responses={200: KeyRow, 404: [NotFound], 409: [keys.KeyIsOver], 422: [services.InvalidValue]},
    )
    def patch(self, request: Request, id12: str) -> Response:
        """Counts for all its secrets at once."""
        self.require_fresh_sign_in()
        asked = self.given(ChangedLimitsShape)
        key = self._key(id12)
        before = {"scopes": key.scopes, "prefixes": key.subject_prefixes, "cidrs": key.cidrs}
        limits = keys.Limits(**{**before, **asked})
        return Response(_key(keys.change_limits(actor=self.actor, key=key, limits=limits)))

    @extend_schema(
        summary="Revoke a key",
        parameters=[ReasonShape],
        responses={204: None, 404: [NotFound], 422: [services.InvalidValue]},
    )
    def delete(self, request: Request, id12: str) -> Response:
        reason = self.given(ReasonShape)["reason"]
        services.revoke_key(actor=self.actor, key=self._key(id12), reason=reason)
        return Response(status=204)


def _shown_once(issued: services.IssuedKey) -> Response:
    body: IssuedKey = {**_key(issued.key), "key": issued.token}
    return Response(body, status=201, headers={"Cache-Control": "no-store"})


def _key(key: ApiKey) -> KeyRow:
    secrets, now = sorted(key.secrets.all(), key=lambda secret: -secret.n), timezone.now()
    newest = secrets[0] if secrets else None
    live = [secret for secret in secrets if secret.expires_at > now and not (secret.revoked_at or key.revoked_at)]
    account = getattr(key.user, "service_account", None)
    return {
        "id": key.id12,
        "service_account": account.name if account else None,
        "label": key.label,
        "scopes": key.scopes,
        "prefixes": key.subject_prefixes,
        "cidrs": key.cidrs,
        "state": "revoked" if key.revoked_at else "live" if live else "expired",
        "expires_at": newest.expires_at.isoformat() if newest else None,
        "last_used_at": max((_moment(secret.last_used_at) for secret in secrets if secret.last_used_at), default=None),
        "secrets": [
            {
                "n": secret.n,
                "expires_at": _moment(secret.expires_at),
                "last_used_at": _moment(secret.last_used_at) if secret.last_used_at else None,
                "last_used_from": secret.last_used_ip,
            }
            for secret in live
        ],
    }


def _moment(at: datetime) -> Moment:
    return at.isoformat()
