"""/subjects: list, look up, register, read versions."""

from django.http import HttpResponse
from rest_framework.request import Request

from registry import bodies, names
from registry.api import definitions, requests
from registry.api.base import RegistryView
from registry.names import ALL_CONTEXTS
from registry.services import deletion, listing, lookup, reading, registration, tagging
from registry.services.reading import Deletion

_MAX_REFERRERS = 1000


def _deletion(view: RegistryView) -> Deletion:
    return Deletion(
        include_deleted=requests.flag(view.query, "deleted"),
        only_deleted=requests.flag(view.query, "deletedOnly"),
        as_negative=requests.flag(view.query, "deletedAsNegative"),
    )


class SubjectsView(RegistryView):
    route = "subjects"

    def get(self, request: Request) -> HttpResponse:
        found = listing.list_subjects(
            principal=self.principal,
            prefix=requests.text(self.query, "subjectPrefix") if "subjectPrefix" in self.query else ALL_CONTEXTS,
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
            form=requests.form(self.query),
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
            form=requests.form(self.query),
        )
        return self.answer(bodies.registered(found.stored, shown_as_stored=not found.is_exact))


class SubjectMetadataView(RegistryView):
    route = "subject_metadata"

    def get(self, request: Request, subject: str) -> HttpResponse:
        found = reading.find_by_metadata(
            principal=self.principal,
            subject_name=subject,
            # By position; a key without a value at its place is passed over.
            properties=list(zip(self.query.getlist("key"), self.query.getlist("value"), strict=False)),
            include_deleted=requests.flag(self.query, "deleted"),
            form=requests.form(self.query),
        )
        return self.answer(bodies.schema(found))


class VersionView(RegistryView):
    route = "version"

    def get(self, request: Request, subject: str, version: str) -> HttpResponse:
        found = reading.get_version(
            principal=self.principal,
            subject_name=subject,
            version=names.parse_version(version),
            include_deleted=requests.flag(self.query, "deleted"),
            form=requests.form(self.query),
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
            form=requests.form(self.query),
        )
        return self.answer_text(found.text)


class VersionTagsView(RegistryView):
    route = "version_tags"

    def post(self, request: Request, subject: str, version: str) -> HttpResponse:
        number = names.parse_version(version)
        body = requests.required_object(self.read_body(), "modifyTags")
        found = tagging.change_version(
            principal=self.principal,
            actor=self.actor,
            subject_name=subject,
            version=number,
            change=definitions.change(body),
        )
        return self.answer(bodies.registered(found.stored, shown_as_stored=not found.is_exact))


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
