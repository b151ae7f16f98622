"""Our own API: who I am, groups, service accounts and their keys."""

from typing import Annotated, Any, Literal, TypedDict, cast

from django.contrib.auth.models import Group
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import services
from accounts.models import ApiKey, ServiceAccount
from accounts.principals import Principal
from audit.actors import Actor


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
        if self.people_only and self.principal.kind != "person":
            raise PermissionDenied("This is for people: sign in, a key can't do it")

    def given(self, shape: type[serializers.Serializer[Any]]) -> dict[str, Any]:
        data = self.request.data
        if not isinstance(data, dict):
            raise ValidationError({"body": ["Expected a JSON object."]})
        form = shape(data=data)
        if unknown := {name: ["There is no such member."] for name in data if name not in form.fields}:
            raise ValidationError(unknown)
        form.is_valid(raise_exception=True)
        return cast(dict[str, Any], form.validated_data)


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


class KeyRow(TypedDict):
    id: str
    service_account: str
    label: str
    scopes: list[str]
    prefixes: list[str]
    cidrs: list[str]
    state: Literal["live", "expired", "revoked"]
    expires_at: Moment | None
    last_used_at: Moment | None


class KeyRows(TypedDict):
    items: list[KeyRow]


class IssuedKey(KeyRow):
    """With the key itself, which nothing else ever shows."""

    key: str


class MeView(AccountsView):
    people_only = False

    @extend_schema(summary="Who am I", responses={200: Me})
    def get(self, request: Request) -> Response:
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
        groups = Group.objects.all() if self.may_manage_all else Group.objects.filter(pk__in=self.principal.groups)
        return Response({"items": [{"name": name} for name in groups.order_by("name").values_list("name", flat=True)]})

    @extend_schema(summary="Make a group", request=GroupShape, responses={201: GroupRow, 409: [services.NameTaken]})
    def post(self, request: Request) -> Response:
        if not self.may_manage_all:
            raise PermissionDenied("Groups are made by who manages the registry")
        group = services.create_group(actor=self.actor, name=self.given(GroupShape)["name"])
        return Response({"name": group.name}, status=201)


class ServiceAccountsView(AccountsView):
    @extend_schema(summary="List service accounts", responses={200: ServiceAccountRows})
    def get(self, request: Request) -> Response:
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

    def _mine(self) -> Any:
        accounts = ServiceAccount.objects.select_related("owner_group")
        return accounts if self.may_manage_all else accounts.filter(owner_group__in=self.principal.groups)


class ServiceAccountView(ServiceAccountsView):
    http_method_names = ("delete", "options")

    @extend_schema(summary="Disable a service account", responses={204: None, 404: [NotFound]})
    def delete(self, request: Request, name: str) -> Response:
        """Disables it; what it did stays in the log under its reference."""
        account = self._mine().filter(name=name).first()
        if account is None:
            raise NotFound(f"There is no service account '{name}'")
        services.disable_service_account(actor=self.actor, account=account)
        return Response(status=204)


class KeysView(ServiceAccountsView):
    @extend_schema(summary="List keys", responses={200: KeyRows})
    def get(self, request: Request) -> Response:
        keys = ApiKey.objects.filter(user__service_account__in=self._mine()).select_related("user__service_account")
        return Response({"items": [_key(key) for key in keys.order_by("user__service_account__name", "pk")]})

    @extend_schema(summary="Issue a key", request=KeyShape, responses={201: IssuedKey})
    def post(self, request: Request) -> Response:
        """The answer holds the key, and nothing else ever will."""
        asked = self.given(KeyShape)
        account = self._mine().filter(name=asked.pop("service_account")).first()
        if account is None:
            raise ValidationError({"service_account": ["There is no such service account of yours."]})
        issued = services.issue_key(actor=self.actor, account=account, **asked)
        body: IssuedKey = {**_key(issued.key), "key": issued.token}
        return Response(body, status=201, headers={"Cache-Control": "no-store"})


class KeyView(KeysView):
    http_method_names = ("delete", "options")

    @extend_schema(
        summary="Revoke a key",
        parameters=[OpenApiParameter("reason", str, description="Why, for the audit log.")],
        responses={204: None, 404: [NotFound], 422: [services.InvalidValue]},
    )
    def delete(self, request: Request, id12: str) -> Response:
        key = ApiKey.objects.filter(id12=id12, user__service_account__in=self._mine()).first()
        if key is None:
            raise NotFound(f"There is no key '{id12}'")
        reason = request.query_params.get("reason", "")
        services.revoke_key(actor=self.actor, key=key, reason=reason)
        return Response(status=204)


def _account(account: ServiceAccount) -> ServiceAccountRow:
    return {
        "name": account.name,
        "ref": account.ref,
        "owner_group": account.owner_group.name,
        "description": account.description,
        "disabled_at": account.disabled_at.isoformat() if account.disabled_at else None,
    }


def _key(key: ApiKey) -> KeyRow:
    newest = key.secrets.order_by("-n").first()
    is_over = newest is not None and newest.expires_at < timezone.now()
    return {
        "id": key.id12,
        "service_account": key.user.service_account.name,
        "label": key.label,
        "scopes": key.scopes,
        "prefixes": key.subject_prefixes,
        "cidrs": key.cidrs,
        "state": "revoked" if key.revoked_at else "expired" if is_over else "live",
        "expires_at": newest.expires_at.isoformat() if newest else None,
        "last_used_at": newest.last_used_at.isoformat() if newest and newest.last_used_at else None,
    }
