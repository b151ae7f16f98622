"""/schemas: list, types, by id, by guid."""

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from registry import bodies, names, schemas
from registry.api import requests
from registry.api.base import RegistryView
from registry.errors import NoSuchResource
from registry.services import reading

_MAX_SCHEMAS = 1000
_ASSOCIATION_FILTERS = ("resourceType", "associationType", "lifecycle")


class SchemasView(RegistryView):
    route = "schemas"

    def get(self, request: Request) -> HttpResponse:
        page = requests.page(self.query, most=_MAX_SCHEMAS)
        if self._asks_for_what_no_schema_has():
            return self.answer([])
        found = reading.list_schemas(
            principal=self.principal,
            prefix=self.query.get("subjectPrefix", ""),
            include_deleted=requests.flag(self.query, "deleted"),
            only_latest=requests.flag(self.query, "latestOnly"),
            page=page,
        )
        return self.answer([bodies.schema(stored) for stored in found])

    def _asks_for_what_no_schema_has(self) -> bool:
        """Rules, or associations: there are none in this registry, so only `lifecycle=NONE` leaves anything."""
        lifecycles = self.query.getlist("lifecycle")
        if not set(lifecycles) <= {"STRONG", "WEAK", "NONE"}:
            raise NoSuchResource
        if self.query.get("ruleType"):
            return True
        return any(name in self.query for name in _ASSOCIATION_FILTERS) and "NONE" not in lifecycles


class SchemaTypesView(RegistryView):
    route = "schema_types"

    def get(self, request: Request) -> HttpResponse:
        return self.answer(list(schemas.TYPES))


class SchemaIdView(RegistryView):
    route = "schema_id"

    def get(self, request: Request, schema_id: str) -> HttpResponse:
        stored = reading.get_by_id(
            principal=self.principal,
            schema_id=names.parse_integer(schema_id),
            subject_name=self.query.get("subject", ""),
        )
        body: dict[str, Any] = bodies.schema_string(stored)
        if requests.flag(self.query, "fetchMaxId"):
            body["maxId"] = reading.highest_id()
        return self.answer(body)


class SchemaIdSchemaView(RegistryView):
    route = "schema_id_schema"

    def get(self, request: Request, schema_id: str) -> HttpResponse:
        stored = reading.get_by_id(
            principal=self.principal,
            schema_id=names.parse_integer(schema_id),
            subject_name=self.query.get("subject", ""),
        )
        return self.answer_text(stored.text)


class _BindingsView(RegistryView):
    def bindings(self, schema_id: str) -> list[tuple[names.SubjectName, int]]:
        return reading.list_bindings(
            principal=self.principal,
            schema_id=names.parse_integer(schema_id),
            include_deleted=requests.flag(self.query, "deleted"),
            page=requests.page(self.query),
        )


class SchemaIdSubjectsView(_BindingsView):
    route = "schema_id_subjects"

    def get(self, request: Request, schema_id: str) -> HttpResponse:
        return self.answer([str(subject) for subject, _ in self.bindings(schema_id)])


class SchemaIdVersionsView(_BindingsView):
    route = "schema_id_versions"

    def get(self, request: Request, schema_id: str) -> HttpResponse:
        return self.answer(bodies.subject_versions(self.bindings(schema_id)))


class SchemaGuidView(RegistryView):
    route = "schema_guid"

    def get(self, request: Request, guid: str) -> HttpResponse:
        stored = reading.get_by_guid(principal=self.principal, guid=guid)
        return self.answer(bodies.schema_string_of_content(stored))


class SchemaGuidIdsView(RegistryView):
    route = "schema_guid_ids"

    def get(self, request: Request, guid: str) -> HttpResponse:
        found = reading.list_ids(principal=self.principal, guid=guid)
        return self.answer([{"context": context, "id": number} for context, number in found])
