"""Our own API of the audit log: list events, ask for an export, see how it goes, get a link to it."""

import json
from datetime import datetime
from typing import Annotated, Any, TypedDict, cast
from uuid import UUID

from django.http import QueryDict
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit import services
from audit.chain import time_text
from audit.events import Action
from audit.models import AuditEvent, AuditExport, Filters
from audit.services import Principal

LONGEST_REF = 2000
Shape = serializers.Serializer[Any]


class NothingShape(serializers.Serializer[Any]):
    pass


class FiltersShape(serializers.Serializer[Any]):
    action = serializers.ChoiceField(choices=[action.value for action in Action], default="")
    actor = serializers.CharField(max_length=LONGEST_REF, default="")
    object_kind = serializers.CharField(max_length=100, default="")
    object_ref = serializers.CharField(max_length=LONGEST_REF, default="")
    object_prefix = serializers.CharField(max_length=LONGEST_REF, default="")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # `from` is no name in Python.
        times = {name: serializers.DateTimeField(default=None) for name in ("from", "to")}
        return {**times, **super().get_fields()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["from"] and attrs["to"] and attrs["from"] >= attrs["to"]:
            raise ValidationError({"to": ["The period ends before it begins."]})
        return attrs


class PageShape(serializers.Serializer[Any]):
    before = serializers.IntegerField(min_value=1, default=None)
    limit = serializers.IntegerField(min_value=1, max_value=services.MOST_LISTED, default=50)


class EventsShape(FiltersShape, PageShape):
    pass


class ExportShape(serializers.Serializer[Any]):
    filters = FiltersShape(default=dict)


Moment = Annotated[str, "format", "date-time"]


class EventRow(TypedDict):
    seq: int
    hash: str
    payload: dict[str, Any]


class EventRows(TypedDict):
    """`before` is that of the following page."""

    events: list[EventRow]
    before: int | None


class ExportRow(TypedDict):
    id: Annotated[str, "format", "uuid"]
    state: Annotated[str, "enum", ("queued", "running", "done", "failed", "expired")]
    filters: dict[str, Any]
    through_seq: int
    progress: int
    total: int | None
    tries: int
    size: int | None
    sha256: str | None
    error: str | None
    created_at: Moment | None
    started_at: Moment | None
    finished_at: Moment | None
    expires_at: Moment | None


class ExportRows(TypedDict):
    """`before` is that of the following page."""

    exports: list[ExportRow]
    before: int | None


class ExportLink(TypedDict):
    """Good for one download, for so many seconds."""

    url: str
    expires_in: int


class AuditView(APIView):
    @property
    def principal(self) -> Principal:
        return cast(Principal, self.request.user)

    def given(self, shape: type[Shape]) -> dict[str, Any]:
        """The body, of a GET the query, as the shape wants it. Raises ValidationError."""
        data = _asked(self.request.query_params) if self.request.method == "GET" else self.request.data
        form = shape(data=data)
        _refuse_unknown(form, data)
        form.is_valid(raise_exception=True)
        return cast(dict[str, Any], form.validated_data)


class EventsView(AuditView):
    @extend_schema(
        summary="List events, the newest first",
        description="Takes the right `audit.view_auditevent` and, with a key, the scope `audit:read`.",
        parameters=[EventsShape],
        responses={200: EventRows},
    )
    def get(self, request: Request) -> Response:
        asked = self.given(EventsShape)
        found = services.list_events(
            principal=self.principal, filters=_filters(asked), before=asked["before"], limit=asked["limit"]
        )
        following = found[-1].seq if len(found) == asked["limit"] else None
        body: EventRows = {"events": [_event(event) for event in found], "before": following}
        return Response(body)


class ExportsView(AuditView):
    @extend_schema(summary="List exports, the newest first", parameters=[PageShape], responses={200: ExportRows})
    def get(self, request: Request) -> Response:
        asked = self.given(PageShape)
        found = services.list_exports(principal=self.principal, before=asked["before"], limit=asked["limit"])
        following = found[-1].through_seq if len(found) == asked["limit"] else None
        body: ExportRows = {"exports": [_export(export) for export in found], "before": following}
        return Response(body)

    @extend_schema(
        summary="Ask for an export",
        request=ExportShape,
        responses={202: ExportRow, 409: [services.ExportUnfinished], 422: [services.TooManyEvents]},
    )
    def post(self, request: Request) -> Response:
        asked = self.given(ExportShape)
        export = services.request_export(
            principal=self.principal,
            filters=_filters(asked["filters"]),
            request_id=getattr(request._request, "request_id", None),
        )
        where = reverse("audit_export", kwargs={"export_id": export.pk})
        return Response(_export(export), status=202, headers={"Location": where})


class ExportView(AuditView):
    @extend_schema(summary="See how an export goes", responses={200: ExportRow, 404: [services.ExportNotFound]})
    def get(self, request: Request, export_id: UUID) -> Response:
        self.given(NothingShape)
        return Response(_export(services.get_export(principal=self.principal, export_id=export_id)))


class LinkView(AuditView):
    @extend_schema(
        summary="Get a link to a finished export",
        request=None,
        responses={
            200: ExportLink,
            404: [services.ExportNotFound],
            409: [services.NothingToDownload],
            503: [services.FileAway],
        },
    )
    def post(self, request: Request, export_id: UUID) -> Response:
        self.given(NothingShape)
        token = services.make_link(principal=self.principal, export_id=export_id)
        url = f"{reverse('audit_download')}?token={token}"
        body: ExportLink = {"url": url, "expires_in": services.LINK_SECONDS}
        return Response(body)


def _asked(query: QueryDict) -> dict[str, Any]:
    """A parameter that comes twice is a list, which no shape wants there."""
    return {name: values if len(values) > 1 else values[0] for name, values in query.lists()}


def _refuse_unknown(form: Shape, data: Any) -> None:
    """A filter with a slip in its name would export more than was meant."""
    if not isinstance(data, dict):
        raise ValidationError({"body": ["Expected a JSON object."]})
    if unknown := {name: ["There is no such member."] for name in data if name not in form.fields}:
        raise ValidationError(unknown)
    for name, field in form.fields.items():
        if isinstance(field, serializers.Serializer) and name in data:
            _refuse_unknown(field, data[name])


def _filters(asked: dict[str, Any]) -> Filters:
    texts = ("action", "actor", "object_kind", "object_ref", "object_prefix")
    return Filters(asked.get("from"), asked.get("to"), *(asked.get(name, "") for name in texts))


def _event(event: AuditEvent) -> EventRow:
    """The payload is shown as an object; whoever wants its bytes exports it."""
    return {"seq": event.seq, "hash": bytes(event.hash).hex(), "payload": json.loads(event.payload)}


def _export(export: AuditExport) -> ExportRow:
    return {
        "id": str(export.pk),
        "state": export.state,
        "filters": export.filters,
        "through_seq": export.through_seq,
        "progress": export.progress,
        "total": export.total,
        "tries": export.tries,
        "size": export.size,
        "sha256": export.sha256 or None,
        "error": export.error or None,
        "created_at": _time(export.created_at),
        "started_at": _time(export.started_at),
        "finished_at": _time(export.finished_at),
        "expires_at": _time(export.expires_at),
    }


def _time(at: datetime | None) -> str | None:
    return time_text(at) if at else None
