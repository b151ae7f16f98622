"""/subjects: list, look up, register, read versions."""

from django.http import HttpResponse
from rest_framework.request import Request

from registry import bodies, names
from registry.api import definitions, requests
from registry.api.base import RegistryView
from registry.services import deletion, lookup, reading, registration
from registry.services.reading import Deletion

_MAX_REFERRERS = 1000


def _deletion(view: RegistryView) -> Deletion:
    return Deletion(requests.flag(view.query, "deleted"), requests.flag(view.query, "deletedOnly"))


class SubjectsView(RegistryView):
    route = "subjects"

    def get(self, request: Request) -> HttpResponse:
        found = reading.list_subjects(
            principal=self.principal,
            prefix=(self.query.getlist("subjectPrefix") or [reading.ALL_CONTEXTS])[0],
            deletion=_deletion(self),
            page=requests.page(self.query),
        )
        return self.answer(found)


class SubjectView(RegistryView):
    route = "subject"

    def post(self, request: Request, subject: str) -> HttpResponse:
        body = requests.required_object(self.read_body(), "lookUpSchemaUnderSubject")
        found = lookup.look_up(
            principal=self.principal,
            subject_name=subject,
            definition=definitions.definition(body),
            normalize=requests.flag(self.query, "normalize"),
            include_deleted=requests.flag(self.query, "deleted"),
        )
        return self.answer(bodies.exact_schema(found.stored) if found.is_exact else bodies.schema(found.stored))

    def delete(self, request: Request, subject: str) -> HttpResponse:
        delete = deletion.delete_subject if requests.flag(self.query, "permanent") else deletion.soft_delete_subject
        return self.answer(delete(principal=self.principal, actor=self.actor, subject_name=subject))


class VersionsView(RegistryView):
    route = "versions"

    def get(self, request: Request, subject: str) -> HttpResponse:
        found = reading.list_versions(
            principal=self.principal,
            subject_name=subject,
            deletion=_deletion(self),
            page=requests.page(self.query),
        )
        return self.answer(found)

    def post(self, request: Request, subject: str) -> HttpResponse:
        body = requests.required_object(self.read_body(), "register")
        found = registration.register_version(
            principal=self.principal,
            actor=self.actor,
            subject_name=subject,
            definition=definitions.definition(body),
            normalize=requests.flag(self.query, "normalize"),
            force=requests.flag(self.query, "force"),
        )
        return self.answer(bodies.registered(found.stored, shown_as_stored=not found.is_exact))


class VersionView(RegistryView):
    route = "version"

    def get(self, request: Request, subject: str, version: str) -> HttpResponse:
        found = reading.get_version(
            principal=self.principal,
            subject_name=subject,
            version=names.parse_version(version),
            include_deleted=requests.flag(self.query, "deleted"),
        )
        return self.answer(bodies.schema(found))

    def delete(self, request: Request, subject: str, version: str) -> HttpResponse:
        number = names.parse_version(version)
        delete = deletion.delete_version if requests.flag(self.query, "permanent") else deletion.soft_delete_version
        return self.answer(delete(principal=self.principal, actor=self.actor, subject_name=subject, version=number))


class VersionSchemaView(RegistryView):
    route = "version_schema"

    def get(self, request: Request, subject: str, version: str) -> HttpResponse:
        found = reading.get_version(
            principal=self.principal,
            subject_name=subject,
            version=names.parse_version(version),
            include_deleted=requests.flag(self.query, "deleted"),
        )
        return self.answer_text(found.text)


class ReferencedByView(RegistryView):
    route = "version_referencedby"

    def get(self, request: Request, subject: str, version: str) -> HttpResponse:
        found = reading.list_referenced_by(
            principal=self.principal,
            subject_name=subject,
            version=names.parse_version(version),
            include_deleted=requests.flag(self.query, "deleted"),
            page=requests.page(self.query, most=_MAX_REFERRERS),
        )
        return self.answer(found)
