"""Our own API: who I am, groups and service accounts."""

from typing import Annotated, Any, Literal, TypedDict, cast

from django.contrib.auth.models import Group
from django.http import QueryDict
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import services, sessions
from accounts.models import ServiceAccount
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


class GroupShape(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=140)


class AccountShape(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=64)
    owner_group = serializers.CharField(max_length=150)
    description = serializers.CharField(max_length=10_000, default="", allow_blank=True)


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

    def mine(self) -> Any:
        accounts = ServiceAccount.objects.select_related("owner_group")
        return accounts if self.may_manage_all else accounts.filter(owner_group__in=self.principal.groups)


class ServiceAccountsView(OwnersView):
    @extend_schema(summary="List service accounts", responses={200: ServiceAccountRows})
    def get(self, request: Request) -> Response:
        self.given(NothingShape)
        return Response({"items": [_account(account) for account in self.mine().order_by("name")]})

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
        account = self.mine().filter(name=name).first()
        if account is None:
            raise NotFound(f"There is no service account '{name}'")
        services.disable_service_account(actor=self.actor, account=account)
        return Response(status=204)


def _account(account: ServiceAccount) -> ServiceAccountRow:
    return {
        "name": account.name,
        "ref": account.ref,
        "owner_group": account.owner_group.name,
        "description": account.description,
        "disabled_at": account.disabled_at.isoformat() if account.disabled_at else None,
    }
