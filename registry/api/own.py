"""Our own API under /api/v1/: owner, visibility, life cycle, grants, scopes and policies.

Subject names stand in the query or the body, never in the path. Unknown members are refused, unlike in the protocol of
the registry, which wants them ignored.
"""

from typing import Any, ClassVar, cast

from django.http import QueryDict
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.actors import Actor
from registry import bodies, names, permissions, shapes
from registry.access import Principal
from registry.errors import (
    AccessDenied,
    InvalidContext,
    InvalidMove,
    InvalidSubject,
    InvalidVersion,
    NoSuchGrant,
    NoSuchPolicy,
    NoSuchScope,
    NotForThisCaller,
    ScopeExists,
    SubjectNotFound,
    VersionNotFound,
)
from registry.models import SubjectScope
from registry.names import parse_version
from registry.services import catalogue, grants, lifecycle, ownership, policies
from registry.services.grants import Grant, Holder
from registry.services.lifecycle import Move
from registry.services.policies import Place


class OwnView(APIView):
    """One resource. Its permission stands in `permissions.OWN_TABLE`; a method without an entry there is refused."""

    route: ClassVar[str]
    request: Request

    @property
    def principal(self) -> Principal:
        return cast(Principal, self.request.user)

    @property
    def actor(self) -> Actor:
        return self.principal.actor(getattr(self.request._request, "request_id", None))

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        method = "GET" if request.method == "HEAD" else request.method or ""
        if method == "OPTIONS" or not hasattr(self, method.lower()):
            return
        rule = permissions.OWN_TABLE[self.route, method]
        if rule.people_only and self.principal.auth != "session":
            raise NotForThisCaller("This is for people: sign in, a key can't do it")
        if rule.scope is not None and rule.scope not in self.principal.scopes:
            raise NotForThisCaller(f"The key lacks the scope {rule.scope}")

    def given(self, shape: type[serializers.Serializer[Any]]) -> dict[str, Any]:
        """The body, of a GET or DELETE the query, as the shape wants it. Raises ValidationError."""
        data = _asked(self.request.query_params) if self.request.method in {"GET", "DELETE"} else self.request.data
        if not isinstance(data, dict):
            raise ValidationError({"body": ["Expected a JSON object."]})
        form = shape(data=data)
        unknown = {name: ["There is no such member."] for name in data if name not in form.fields}
        if unknown:
            raise ValidationError(unknown)
        form.is_valid(raise_exception=True)
        return cast(dict[str, Any], form.validated_data)


def _asked(query: QueryDict) -> dict[str, Any]:
    """A parameter that comes twice is a list, which no shape wants there."""
    return {name: values if len(values) > 1 else values[0] for name, values in query.lists()}


class NothingShape(serializers.Serializer[Any]):
    pass


class SubjectShape(serializers.Serializer[Any]):
    subject = serializers.CharField(max_length=1024, trim_whitespace=False)


class PageShape(serializers.Serializer[Any]):
    prefix = serializers.CharField(default="", allow_blank=True, trim_whitespace=False)
    after = serializers.CharField(default="", allow_blank=True, trim_whitespace=False)
    limit = serializers.IntegerField(default=100, min_value=1, max_value=1000)


class MoveShape(SubjectShape):
    version = serializers.CharField(required=False)
    to = serializers.ChoiceField(list(lifecycle.MOVES))
    reason = serializers.CharField(max_length=2000, default="", allow_blank=True)
    sunset_on = serializers.DateField(required=False, allow_null=True)


class OwnerShape(SubjectShape):
    owner = serializers.CharField(max_length=150)
    reason = serializers.CharField(max_length=2000, default="", allow_blank=True)


class VisibilityShape(SubjectShape):
    visibility = serializers.CharField(max_length=16)


class HolderShape(serializers.Serializer[Any]):
    group = serializers.CharField(max_length=150, required=False)
    user = serializers.CharField(max_length=150, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("group" in attrs) == ("user" in attrs):
            raise ValidationError({"group": ["Name a group or a user, and not both."]})
        holder = Holder(attrs.pop("group", None), attrs.pop("user", None))
        return {**attrs, "holder": holder}


class GrantShape(HolderShape):
    role = serializers.ChoiceField(list(permissions.ROLES))


class SubjectGrantShape(GrantShape, SubjectShape):
    pass


class SubjectHolderShape(HolderShape, SubjectShape):
    pass


class ScopeShape(serializers.Serializer[Any]):
    prefix = serializers.CharField(max_length=512, allow_blank=True, trim_whitespace=False)
    context = serializers.CharField(max_length=256, default=names.DEFAULT_CONTEXT)  # type: ignore[assignment]  # a field, not DRF's attribute


class PlaceShape(serializers.Serializer[Any]):
    key = serializers.CharField(max_length=32)
    context = serializers.CharField(required=False)  # type: ignore[assignment]  # a field, not DRF's attribute
    prefix = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)
    subject = serializers.CharField(required=False, trim_whitespace=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = {name: attrs.pop(name) for name in ("context", "prefix", "subject") if name in attrs}
        if len(given) > 1:
            raise ValidationError({"key": ["A policy is set at one place: a context, a prefix or a subject."]})
        return {**attrs, "place": Place(**given)}


class PolicyShape(PlaceShape):
    value = serializers.JSONField()
    reason = serializers.CharField(max_length=2000, default="", allow_blank=True)


def _grant(grant: Grant) -> shapes.Grant:
    held: shapes.Grant = {"role": grant.role, "permissions": list(grant.permissions)}
    if grant.holder.group is not None:
        return {"group": grant.holder.group, **held}
    return {"user": grant.holder.user or "", **held}


class SubjectsView(OwnView):
    route = "own_subjects"

    @extend_schema(summary="List subjects", parameters=[PageShape], responses={200: shapes.SubjectRows})
    def get(self, request: Request) -> Response:
        asked = self.given(PageShape)
        rows = catalogue.list_subjects(principal=self.principal, **asked)
        return Response({"items": [bodies.subject_summary(row) for row in rows], "next": _next(rows, asked["limit"])})


def _next(rows: list[bodies.SubjectSummary], limit: int) -> str | None:
    return str(rows[-1].subject) if len(rows) == limit else None


class SubjectView(OwnView):
    route = "own_subject"

    @extend_schema(
        summary="Get a subject",
        parameters=[SubjectShape],
        responses={200: shapes.SubjectDetail, 404: [SubjectNotFound]},
    )
    def get(self, request: Request) -> Response:
        found = catalogue.get_subject(principal=self.principal, subject_name=self.given(SubjectShape)["subject"])
        return Response(bodies.subject_detail(found))


class LifecycleView(OwnView):
    route = "own_lifecycle"

    @extend_schema(
        summary="Move a subject, or one of its versions, to another state",
        request=MoveShape,
        responses={
            200: shapes.SubjectState,
            403: [AccessDenied],
            404: [SubjectNotFound, VersionNotFound],
            409: [InvalidMove],
            422: [InvalidVersion],
        },
    )
    def post(self, request: Request) -> Response:
        asked = self.given(MoveShape)
        move = Move(asked["to"], asked["reason"], asked.get("sunset_on"))
        if "version" not in asked:
            lifecycle.change_subject_state(
                principal=self.principal, actor=self.actor, subject_name=asked["subject"], move=move
            )
            return Response({"subject": asked["subject"], "state": move.to})
        stored = lifecycle.change_version_state(
            principal=self.principal,
            actor=self.actor,
            subject_name=asked["subject"],
            version=parse_version(asked["version"]),
            move=move,
        )
        return Response({"subject": str(stored.subject), "version": stored.version, "state": move.to})


class OwnerView(OwnView):
    route = "own_owner"

    @extend_schema(
        summary="Give a subject to another group",
        request=OwnerShape,
        responses={200: shapes.SubjectOwner, 403: [AccessDenied], 404: [SubjectNotFound]},
    )
    def put(self, request: Request) -> Response:
        asked = self.given(OwnerShape)
        ownership.transfer(
            principal=self.principal,
            actor=self.actor,
            subject_name=asked["subject"],
            group_name=asked["owner"],
            reason=asked["reason"],
        )
        return Response({"subject": asked["subject"], "owner": asked["owner"]})


class VisibilityView(OwnView):
    route = "own_visibility"

    @extend_schema(
        summary="Hide a subject, or show it",
        request=VisibilityShape,
        responses={200: shapes.SubjectVisibility, 403: [AccessDenied], 404: [SubjectNotFound]},
    )
    def put(self, request: Request) -> Response:
        asked = self.given(VisibilityShape)
        ownership.set_visibility(
            principal=self.principal,
            actor=self.actor,
            subject_name=asked["subject"],
            visibility=asked["visibility"],
        )
        return Response(asked)


class GrantsView(OwnView):
    route = "own_grants"

    @extend_schema(
        summary="List the grants on a subject",
        parameters=[SubjectShape],
        responses={200: shapes.Grants, 403: [AccessDenied], 404: [SubjectNotFound]},
    )
    def get(self, request: Request) -> Response:
        found = grants.list_grants(principal=self.principal, subject_name=self.given(SubjectShape)["subject"])
        return Response({"items": [_grant(grant) for grant in found]})

    @extend_schema(
        summary="Give a role on a subject, in the place of what is given",
        request=SubjectGrantShape,
        responses={200: shapes.Grant, 403: [AccessDenied], 404: [SubjectNotFound]},
    )
    def put(self, request: Request) -> Response:
        asked = self.given(SubjectGrantShape)
        given = grants.grant_on_subject(
            principal=self.principal,
            actor=self.actor,
            subject_name=asked["subject"],
            holder=asked["holder"],
            role=asked["role"],
        )
        return Response(_grant(given))

    @extend_schema(
        summary="Take back what is given on a subject",
        parameters=[SubjectHolderShape],
        responses={204: None, 403: [AccessDenied], 404: [SubjectNotFound, NoSuchGrant]},
    )
    def delete(self, request: Request) -> Response:
        asked = self.given(SubjectHolderShape)
        grants.revoke_on_subject(
            principal=self.principal, actor=self.actor, subject_name=asked["subject"], holder=asked["holder"]
        )
        return Response(status=204)


class ScopesView(OwnView):
    route = "own_scopes"

    @extend_schema(summary="List scopes", responses={200: shapes.Scopes})
    def get(self, request: Request) -> Response:
        self.given(NothingShape)
        found = grants.list_scopes(principal=self.principal)
        return Response({"items": [_scope(scope) for scope in found]})

    @extend_schema(
        summary="Make a scope",
        request=ScopeShape,
        responses={
            201: shapes.Scope,
            400: [InvalidContext],
            403: [AccessDenied],
            409: [ScopeExists],
            422: [InvalidSubject],
        },
    )
    def post(self, request: Request) -> Response:
        scope = grants.create_scope(principal=self.principal, actor=self.actor, **self.given(ScopeShape))
        return Response(_scope(scope), status=201)


def _scope(scope: SubjectScope) -> shapes.Scope:
    return {"id": scope.pk, "context": scope.context.name, "prefix": scope.prefix}


class ScopeView(OwnView):
    route = "own_scope"

    @extend_schema(
        summary="Delete a scope with its grants",
        responses={204: None, 403: [AccessDenied], 404: [NoSuchScope]},
    )
    def delete(self, request: Request, scope_id: int) -> Response:
        self.given(NothingShape)
        grants.delete_scope(principal=self.principal, actor=self.actor, scope_id=scope_id)
        return Response(status=204)


class ScopeGrantsView(OwnView):
    route = "own_scope_grants"

    @extend_schema(
        summary="List the grants on a scope",
        responses={200: shapes.Grants, 403: [AccessDenied], 404: [NoSuchScope]},
    )
    def get(self, request: Request, scope_id: int) -> Response:
        self.given(NothingShape)
        found = grants.list_scope_grants(principal=self.principal, scope_id=scope_id)
        return Response({"items": [_grant(grant) for grant in found]})

    @extend_schema(
        summary="Give a role on a scope, in the place of what is given",
        request=GrantShape,
        responses={200: shapes.Grant, 403: [AccessDenied], 404: [NoSuchScope]},
    )
    def put(self, request: Request, scope_id: int) -> Response:
        asked = self.given(GrantShape)
        given = grants.grant_on_scope(principal=self.principal, actor=self.actor, scope_id=scope_id, **asked)
        return Response(_grant(given))

    @extend_schema(
        summary="Take back what is given on a scope",
        parameters=[HolderShape],
        responses={204: None, 403: [AccessDenied], 404: [NoSuchScope, NoSuchGrant]},
    )
    def delete(self, request: Request, scope_id: int) -> Response:
        holder = self.given(HolderShape)["holder"]
        grants.revoke_on_scope(principal=self.principal, actor=self.actor, scope_id=scope_id, holder=holder)
        return Response(status=204)


class PoliciesView(OwnView):
    route = "own_policies"

    @extend_schema(summary="List policies", responses={200: shapes.Policies})
    def get(self, request: Request) -> Response:
        self.given(NothingShape)
        rows = policies.list_policies(principal=self.principal)
        return Response({"items": [policies.described(row) for row in rows]})

    @extend_schema(
        summary="Set a policy",
        request=PolicyShape,
        responses={200: shapes.Policy, 403: [AccessDenied], 404: [SubjectNotFound], 422: [InvalidSubject]},
    )
    def put(self, request: Request) -> Response:
        row = policies.set_policy(principal=self.principal, actor=self.actor, **self.given(PolicyShape))
        return Response(policies.described(row))

    @extend_schema(
        summary="Clear a policy",
        parameters=[PlaceShape],
        responses={204: None, 403: [AccessDenied], 404: [SubjectNotFound, NoSuchPolicy], 422: [InvalidSubject]},
    )
    def delete(self, request: Request) -> Response:
        policies.clear_policy(principal=self.principal, actor=self.actor, **self.given(PlaceShape))
        return Response(status=204)
