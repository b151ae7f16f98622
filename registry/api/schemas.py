"""/schemas: list, types, by id, by guid."""

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from registry import bodies, names, schemas
from registry.api import requests
from registry.api.base import RegistryView
from registry.bodies import StoredVersion
from registry.errors import NoSuchResource
from registry.services import aliases, contents, listing
from registry.services.listing import Filter

_MAX_SCHEMAS = 1000
_ASSOCIATION_FILTERS = ("resourceType", "associationType", "lifecycle")


class SchemasView(RegistryView):
    route = "schemas"

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

    def get(self, request: Request, schema_id: str) -> HttpResponse:
        stored = self.found(schema_id)
        body: dict[str, Any] = bodies.schema_string(stored)
        if requests.flag(self.query, "fetchMaxId"):
            body["maxId"] = contents.highest_id(stored.subject.context)
        return self.answer(body)


class SchemaIdSchemaView(_IdView):
    route = "schema_id_schema"

    def get(self, request: Request, schema_id: str) -> HttpResponse:
        return self.answer_text(self.found(schema_id).text)


class SchemaIdSubjectsView(_IdView):
    route = "schema_id_subjects"

    def get(self, request: Request, schema_id: str) -> HttpResponse:
        return self.answer([str(subject) for subject, _ in self.bindings(schema_id)])


class SchemaIdVersionsView(_IdView):
    route = "schema_id_versions"

    def get(self, request: Request, schema_id: str) -> HttpResponse:
        return self.answer(bodies.subject_versions(self.bindings(schema_id)))


class SchemaGuidView(RegistryView):
    route = "schema_guid"

    def get(self, request: Request, guid: str) -> HttpResponse:
        stored = contents.get_by_guid(principal=self.principal, guid=guid, form=requests.form(self.query))
        return self.answer(bodies.schema_string_of_content(stored))


class SchemaGuidIdsView(RegistryView):
    route = "schema_guid_ids"

    def get(self, request: Request, guid: str) -> HttpResponse:
        found = contents.list_ids(principal=self.principal, guid=guid)
        return self.answer([{"context": context, "id": number} for context, number in found])
