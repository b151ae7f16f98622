"""Our own API: who I am, groups, service accounts and their keys."""

import logging
from datetime import datetime
from typing import Annotated, Any, Literal, TypedDict, cast

from django.contrib.auth.models import Group
from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.parsers import FormParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import exchange, keys, services, sessions
from accounts.authentication import ProviderAway, count_failure
from accounts.exchange import NotExchanged
from accounts.jwks import KeysUnavailable
from accounts.models import ApiKey, ServiceAccount, User
from accounts.principals import Principal
from audit.actors import Actor

logger = logging.getLogger(__name__)


class AccountsView(APIView):
    """For people: a key can't make another one. `GET /me` is for everybody."""

    people_only = True

    @property
    def principal(self) -> Principal:
        return cast(Principal, self.request.user)

    @property
    def actor(self) -> Actor:
        return self.principal.actor(getattr(self.request._request, "request_id", None))

    @property
    def may_manage_all(self) -> bool:
        return services.MANAGE_GLOBAL in self.principal.rights

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.people_only and self.principal.auth != "session":
            raise PermissionDenied("This is for people: sign in, a key can't do it")

    def require_fresh_sign_in(self) -> None:
        """Whoever finds a session open should not leave with a key."""
        if not sessions.is_fresh(self.request._request.session):
            raise PermissionDenied("Keys are made within 15 minutes of signing in: sign out and in again")

    def given(self, shape: type[serializers.Serializer[Any]]) -> dict[str, Any]:
        """The body, of a GET or DELETE the query, as the shape wants it. Raises ValidationError."""
        data = _asked(self.request.query_params) if self.request.method in {"GET", "DELETE"} else self.request.data
        if not isinstance(data, dict):
            raise ValidationError({"body": ["Expected a JSON object."]})
        form = shape(data=data)
        if unknown := {name: ["There is no such member."] for name in data if name not in form.fields}:
            raise ValidationError(unknown)
        form.is_valid(raise_exception=True)
        return cast(dict[str, Any], form.validated_data)


def _asked(query: QueryDict) -> dict[str, Any]:
    """A parameter that comes twice is a list, which no shape wants there."""
    return {name: values if len(values) > 1 else values[0] for name, values in query.lists()}


class NothingShape(serializers.Serializer[Any]):
    pass


class ReasonShape(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=2000, default="", allow_blank=True)


class GroupShape(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=140)


class AccountShape(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=64)
    owner_group = serializers.CharField(max_length=150)
    description = serializers.CharField(max_length=10_000, default="", allow_blank=True)


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


Moment = Annotated[str, "format", "date-time"]


class Me(TypedDict):
    ref: str
    name: str
    kind: Literal["person", "service"]
    groups: list[str]
    scopes: list[str]
    rights: list[str]


class GroupRow(TypedDict):
    name: str


class GroupRows(TypedDict):
    items: list[GroupRow]


class ServiceAccountRow(TypedDict):
    name: str
    ref: str
    owner_group: str
    description: str
    disabled_at: Moment | None


class ServiceAccountRows(TypedDict):
    items: list[ServiceAccountRow]


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


class MeView(AccountsView):
    people_only = False

    @extend_schema(summary="Who am I", responses={200: Me})
    def get(self, request: Request) -> Response:
        self.given(NothingShape)
        me = self.principal
        body: Me = {
            "ref": me.ref,
            "name": me.name,
            "kind": me.kind,
            "groups": sorted(Group.objects.filter(pk__in=me.groups).values_list("name", flat=True)),
            "scopes": sorted(me.scopes),
            "rights": sorted(me.rights) if me.kind == "service" else sorted(set(me.rights) & _WORTH_SHOWING),
        }
        return Response(body)


_WORTH_SHOWING = {services.MANAGE_GLOBAL, "audit.view_auditevent", "audit.export_auditevent"}


class GroupsView(AccountsView):
    @extend_schema(summary="List groups", responses={200: GroupRows})
    def get(self, request: Request) -> Response:
        """All of them for who manages everything, else the caller's own."""
        self.given(NothingShape)
        groups = Group.objects.all() if self.may_manage_all else Group.objects.filter(pk__in=self.principal.groups)
        return Response({"items": [{"name": name} for name in groups.order_by("name").values_list("name", flat=True)]})

    @extend_schema(summary="Make a group", request=GroupShape, responses={201: GroupRow, 409: [services.NameTaken]})
    def post(self, request: Request) -> Response:
        if not self.may_manage_all:
            raise PermissionDenied("Groups are made by who manages the registry")
        group = services.create_group(actor=self.actor, name=self.given(GroupShape)["name"])
        return Response({"name": group.name}, status=201)


class OwnersView(AccountsView):
    """What is not the caller's own is not there."""

    def _mine(self) -> Any:
        accounts = ServiceAccount.objects.select_related("owner_group")
        return accounts if self.may_manage_all else accounts.filter(owner_group__in=self.principal.groups)

    def _keys(self) -> Any:
        """Those of the caller's service accounts, and the caller's own."""
        own = Q(user=self.principal.user_id)
        return ApiKey.objects.filter(own | Q(user__service_account__in=self._mine()))

    def _key(self, id12: str) -> ApiKey:
        key: ApiKey | None = self._keys().filter(id12=id12).first()
        if key is None:
            raise NotFound(f"There is no key '{id12}'")
        return key


class ServiceAccountsView(OwnersView):
    @extend_schema(summary="List service accounts", responses={200: ServiceAccountRows})
    def get(self, request: Request) -> Response:
        self.given(NothingShape)
        return Response({"items": [_account(account) for account in self._mine().order_by("name")]})

    @extend_schema(
        summary="Make a service account",
        request=AccountShape,
        responses={201: ServiceAccountRow, 409: [services.NameTaken]},
    )
    def post(self, request: Request) -> Response:
        asked = self.given(AccountShape)
        account = services.create_service_account(
            actor=self.actor,
            name=asked["name"],
            owner_group=self._group(asked["owner_group"]),
            description=asked["description"],
        )
        return Response(_account(account), status=201)

    def _group(self, name: str) -> Group:
        """A group of which the caller is no member is not there."""
        group = Group.objects.filter(name=name).first()
        if group is None or not (self.may_manage_all or group.pk in self.principal.groups):
            raise ValidationError({"owner_group": [f"There is no group '{name}' of yours."]})
        return group


class ServiceAccountView(ServiceAccountsView):
    http_method_names = ("delete", "options")

    @extend_schema(summary="Disable a service account", responses={204: None, 404: [NotFound]})
    def delete(self, request: Request, name: str) -> Response:
        """Disables it; what it did stays in the log under its reference."""
        self.given(NothingShape)
        account = self._mine().filter(name=name).first()
        if account is None:
            raise NotFound(f"There is no service account '{name}'")
        services.disable_service_account(actor=self.actor, account=account)
        return Response(status=204)


class KeysView(OwnersView):
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
        account = self._mine().filter(name=asked.pop("service_account")).first()
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


class KeyRotationView(OwnersView):
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


class KeyView(OwnersView):
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


class ExchangeShape(serializers.Serializer[Any]):
    grant_type = serializers.ChoiceField(["urn:ietf:params:oauth:grant-type:token-exchange"])
    subject_token_type = serializers.ChoiceField(["urn:ietf:params:oauth:token-type:jwt"])
    subject_token = serializers.CharField(max_length=8192)


class Exchanged(TypedDict):
    access_token: str
    issued_token_type: str
    token_type: Literal["Bearer"]
    expires_in: int
    scope: str


class NotExchangedBody(TypedDict):
    """As OAuth has it."""

    error: Literal["invalid_request", "invalid_grant"]


class TokenExchangeView(APIView):
    """For pipelines, which prove themselves by the token that is sent. Errors are those of OAuth."""

    authentication_classes = ()
    parser_classes = (FormParser,)
    consumed = ("application/x-www-form-urlencoded",)

    @extend_schema(
        summary="Exchange a pipeline's token for a short key",
        request=ExchangeShape,
        responses={200: Exchanged, 400: NotExchangedBody},
    )
    def post(self, request: Request) -> Response:
        """By RFC 8693. What is wrong with a token stands in the log, and is told to nobody."""
        form = ExchangeShape(data=request.data)
        if not form.is_valid():
            return _oauth_error("invalid_request")
        request_id = getattr(request._request, "request_id", None)
        address = request.META.get("REMOTE_ADDR", "")
        try:
            issued = exchange.exchange(token=form.validated_data["subject_token"], request_id=request_id)
        except NotExchanged as error:
            logger.info("token of a pipeline refused: %s, from %s", error, address)
            count_failure("ci-exchange", address)
            return _oauth_error("invalid_grant")
        except KeysUnavailable as error:
            logger.warning("keys of %s are not available", error)
            raise ProviderAway from None
        body: Exchanged = {
            "access_token": issued.token,
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "token_type": "Bearer",
            "expires_in": int((issued.expires_at - timezone.now()).total_seconds()),
            "scope": " ".join(issued.key.scopes),
        }
        return Response(body, headers={"Cache-Control": "no-store"})


def _oauth_error(error: str) -> Response:
    return Response({"error": error}, status=400, headers={"Cache-Control": "no-store"})


def _shown_once(issued: services.IssuedKey) -> Response:
    body: IssuedKey = {**_key(issued.key), "key": issued.token}
    return Response(body, status=201, headers={"Cache-Control": "no-store"})


def _account(account: ServiceAccount) -> ServiceAccountRow:
    return {
        "name": account.name,
        "ref": account.ref,
        "owner_group": account.owner_group.name,
        "description": account.description,
        "disabled_at": account.disabled_at.isoformat() if account.disabled_at else None,
    }


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
