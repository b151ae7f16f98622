"""/schemas: list, types, by id, by guid."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from registry import bodies, names, schemas, shapes
from registry.api import parameters, requests
from registry.api.base import RegistryView
from registry.bodies import StoredVersion
from registry.errors import NoSuchResource, SchemaNotFound, UnprocessableRequest
from registry.services import aliases, contents, listing
from registry.services.listing import Filter

_MAX_SCHEMAS = 1000
_ASSOCIATION_FILTERS = ("resourceType", "associationType", "lifecycle")


class SchemasView(RegistryView):
    route = "schemas"

    @extend_schema(
        summary="List schemas with their subjects",
        parameters=[*parameters.LIST_SCHEMAS],
        responses={200: list[shapes.ExtendedSchema], 404: [NoSuchResource], 422: [UnprocessableRequest]},
    )
    def get(self, request: Request) -> HttpResponse:
        page = requests.page(self.query, most=_MAX_SCHEMAS)
        if self._asks_for_associations():
            return self.answer([])
        found = listing.list_schemas(principal=self.principal, wanted=self._filter(), page=page)
        return self.answer([bodies.extended_schema(stored, aliases) for stored, aliases in found])

    def _filter(self) -> Filter:
        return Filter(
            prefix=requests.text(self.query, "subjectPrefix"),
            with_aliases=requests.flag(self.query, "aliases"),
            include_deleted=requests.flag(self.query, "deleted"),
            only_latest=requests.flag(self.query, "latestOnly"),
            rule_type=requests.text(self.query, "ruleType"),
        )

    def _asks_for_associations(self) -> bool:
        """There are none in this registry, so only `lifecycle=NONE` leaves anything."""
        lifecycles = self.query.getlist("lifecycle")
        if not set(lifecycles) <= {"STRONG", "WEAK", "NONE"}:
            raise NoSuchResource
        return any(name in self.query for name in _ASSOCIATION_FILTERS) and "NONE" not in lifecycles


class SchemaTypesView(RegistryView):
    route = "schema_types"

    @extend_schema(summary="List the types of schemas", responses={200: list[str]})
    def get(self, request: Request) -> HttpResponse:
        return self.answer(list(schemas.TYPES))


class _IdView(RegistryView):
    """What an id stands for depends on the context, and that on the subject; an alias is as good as its target."""

    @property
    def subject_name(self) -> str:
        return aliases.target(requests.text(self.query, "subject"))

    def found(self, schema_id: str) -> StoredVersion:
        return contents.get_by_id(
            principal=self.principal,
            schema_id=names.parse_integer(schema_id),
            subject_name=self.subject_name,
            form=requests.form(self.query),
        )

    def bindings(self, schema_id: str) -> list[tuple[names.SubjectName, int]]:
        return contents.list_bindings(
            principal=self.principal,
            schema_id=names.parse_integer(schema_id),
            subject_name=self.subject_name,
            include_deleted=requests.flag(self.query, "deleted"),
            page=requests.page(self.query),
        )


class SchemaIdView(_IdView):
    route = "schema_id"

    @extend_schema(
        summary="Get a schema by its id",
        parameters=[
            parameters.IN_SUBJECT,
            parameters.FORMAT,
            parameters.REFERENCE_FORMAT,
            parameters.FIND_TAGS,
            parameters.MAX_ID,
        ],
        responses={200: shapes.SchemaString, 404: [SchemaNotFound, NoSuchResource]},
    )
    def get(self, request: Request, schema_id: str) -> HttpResponse:
        stored = self.found(schema_id)
        is_asked = requests.flag(self.query, "fetchMaxId")
        highest_id = contents.highest_id(stored.subject.context) if is_asked else None
        return self.answer(bodies.schema_string(stored, highest_id))


class SchemaIdSchemaView(_IdView):
    route = "schema_id_schema"

    @extend_schema(
        summary="Get the text of a schema by its id, as it is",
        parameters=[parameters.IN_SUBJECT, parameters.FORMAT],
        responses={200: Any, 404: [SchemaNotFound, NoSuchResource]},
    )
    def get(self, request: Request, schema_id: str) -> HttpResponse:
        return self.answer_text(self.found(schema_id).text)


class SchemaIdSubjectsView(_IdView):
    route = "schema_id_subjects"

    @extend_schema(
        summary="List the subjects that have an id",
        parameters=[parameters.IN_SUBJECT, parameters.DELETED, *parameters.PAGE],
        responses={200: list[str], 404: [SchemaNotFound, NoSuchResource], 422: [UnprocessableRequest]},
    )
    def get(self, request: Request, schema_id: str) -> HttpResponse:
        return self.answer([str(subject) for subject, _ in self.bindings(schema_id)])


class SchemaIdVersionsView(_IdView):
    route = "schema_id_versions"

    @extend_schema(
        summary="List the versions that have an id",
        parameters=[parameters.IN_SUBJECT, parameters.DELETED, *parameters.PAGE],
        responses={
            200: list[shapes.SubjectVersion],
            404: [SchemaNotFound, NoSuchResource],
            422: [UnprocessableRequest],
        },
    )
    def get(self, request: Request, schema_id: str) -> HttpResponse:
        return self.answer(bodies.subject_versions(self.bindings(schema_id)))


class SchemaGuidView(RegistryView):
    route = "schema_guid"

    @extend_schema(
        summary="Get a schema by its guid",
        parameters=[parameters.FORMAT],
        responses={200: shapes.SchemaStringOfContent, 404: [SchemaNotFound]},
    )
    def get(self, request: Request, guid: str) -> HttpResponse:
        stored = contents.get_by_guid(principal=self.principal, guid=guid, form=requests.form(self.query))
        return self.answer(bodies.schema_string_of_content(stored))


class SchemaGuidIdsView(RegistryView):
    route = "schema_guid_ids"

    @extend_schema(summary="List the ids of a guid", responses={200: list[shapes.ContextId]})
    def get(self, request: Request, guid: str) -> HttpResponse:
        found = contents.list_ids(principal=self.principal, guid=guid)
        return self.answer([{"context": context, "id": number} for context, number in found])
