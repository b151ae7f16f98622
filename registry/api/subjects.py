"""/subjects: list, look up, register, read versions."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from registry import bodies, names, shapes
from registry.api import definitions, parameters, requests
from registry.api.base import RegistryView
from registry.errors import (
    IncompatibleSchema,
    InvalidRuleSet,
    InvalidSchema,
    InvalidSubject,
    InvalidVersion,
    NoSuchResource,
    OperationNotPermitted,
    ReferenceExists,
    SchemaNotFound,
    SchemaTooLarge,
    SubjectNotFound,
    SubjectNotSoftDeleted,
    SubjectSoftDeleted,
    UnprocessableRequest,
    VersionNotFound,
    VersionNotSoftDeleted,
    VersionSoftDeleted,
)
from registry.names import ALL_CONTEXTS
from registry.services import deletion, listing, lookup, reading, registration, tagging
from registry.services.reading import Deletion

_MAX_REFERRERS = 1000
_REFUSED: list[type[Exception]] = [
    InvalidSchema,
    OperationNotPermitted,
    InvalidSubject,
    SchemaTooLarge,
    InvalidRuleSet,
    UnprocessableRequest,
]


def _deletion(view: RegistryView) -> Deletion:
    return Deletion(
        include_deleted=requests.flag(view.query, "deleted"),
        only_deleted=requests.flag(view.query, "deletedOnly"),
        as_negative=requests.flag(view.query, "deletedAsNegative"),
    )


class SubjectsView(RegistryView):
    route = "subjects"

    @extend_schema(
        summary="List subjects",
        parameters=[
            parameters.PREFIX_EVERYWHERE,
            parameters.DELETED,
            parameters.DELETED_ONLY,
            *parameters.PAGE,
        ],
        responses={200: list[str], 404: [NoSuchResource], 422: [UnprocessableRequest]},
    )
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

    @extend_schema(
        summary="Look a schema up under a subject",
        parameters=[parameters.NORMALIZE, parameters.FORMAT, parameters.DELETED],
        request=shapes.RegisterSchemaRequest,
        responses={
            200: shapes.ExactSchema | shapes.Schema,
            404: [SubjectNotFound, SchemaNotFound],
            422: [InvalidSchema, SchemaTooLarge],
        },
    )
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

    @extend_schema(
        summary="Delete a subject with all its versions",
        parameters=[parameters.PERMANENT],
        responses={
            200: list[int],
            404: [SubjectNotFound, SubjectSoftDeleted, SubjectNotSoftDeleted],
            422: [OperationNotPermitted, ReferenceExists],
        },
    )
    def delete(self, request: Request, subject: str) -> HttpResponse:
        delete = deletion.delete_subject if requests.flag(self.query, "permanent") else deletion.soft_delete_subject
        return self.answer(delete(principal=self.principal, actor=self.actor, subject_name=subject))


class VersionsView(RegistryView):
    route = "versions"

    @extend_schema(
        summary="List the versions of a subject",
        parameters=[
            parameters.DELETED,
            parameters.DELETED_ONLY,
            parameters.DELETED_AS_NEGATIVE,
            *parameters.PAGE,
        ],
        responses={200: list[int], 404: [SubjectNotFound, NoSuchResource], 422: [UnprocessableRequest]},
    )
    def get(self, request: Request, subject: str) -> HttpResponse:
        found = reading.list_versions(
            principal=self.principal,
            subject_name=subject,
            deletion=_deletion(self),
            page=requests.page(self.query),
        )
        return self.answer(found)

    @extend_schema(
        summary="Register a schema",
        parameters=[parameters.NORMALIZE, parameters.FORMAT, parameters.FORCE_COMPATIBLE],
        request=shapes.RegisterSchemaRequest,
        responses={200: shapes.RegisterSchemaResponse, 409: [IncompatibleSchema], 422: _REFUSED},
    )
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

    @extend_schema(
        summary="Get the newest version with these properties",
        parameters=[*parameters.KEYS, parameters.FORMAT, parameters.DELETED],
        responses={200: shapes.Schema, 404: [SubjectNotFound, SchemaNotFound]},
    )
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

    @extend_schema(
        summary="Get a version",
        parameters=[parameters.FORMAT, parameters.REFERENCE_FORMAT, parameters.DELETED, parameters.FIND_TAGS],
        responses={200: shapes.Schema, 404: [SubjectNotFound, VersionNotFound], 422: [InvalidVersion]},
    )
    def get(self, request: Request, subject: str, version: str) -> HttpResponse:
        found = reading.get_version(
            principal=self.principal,
            subject_name=subject,
            version=names.parse_version(version),
            include_deleted=requests.flag(self.query, "deleted"),
            form=requests.form(self.query),
        )
        return self.answer(bodies.schema(found))

    @extend_schema(
        summary="Delete a version",
        parameters=[parameters.PERMANENT],
        responses={
            200: int,
            404: [SubjectNotFound, VersionNotFound, VersionSoftDeleted, VersionNotSoftDeleted],
            422: [InvalidVersion, OperationNotPermitted, ReferenceExists],
        },
    )
    def delete(self, request: Request, subject: str, version: str) -> HttpResponse:
        number = names.parse_version(version)
        delete = deletion.delete_version if requests.flag(self.query, "permanent") else deletion.soft_delete_version
        return self.answer(delete(principal=self.principal, actor=self.actor, subject_name=subject, version=number))


class VersionSchemaView(RegistryView):
    route = "version_schema"

    @extend_schema(
        summary="Get the text of a version, as it is",
        parameters=[parameters.FORMAT, parameters.DELETED],
        responses={200: Any, 404: [SubjectNotFound, VersionNotFound], 422: [InvalidVersion]},
    )
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

    @extend_schema(
        summary="Make a new version with other tags, metadata or rules",
        request=shapes.TagSchemaRequest,
        responses={
            200: shapes.RegisterSchemaResponse,
            404: [SubjectNotFound, VersionNotFound],
            409: [IncompatibleSchema],
            422: [InvalidVersion, *_REFUSED],
        },
    )
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

    @extend_schema(
        summary="List the ids of the schemas that refer to a version",
        parameters=[parameters.DELETED, *parameters.PAGE],
        responses={
            200: list[int],
            404: [SubjectNotFound, VersionNotFound, NoSuchResource],
            422: [InvalidVersion, UnprocessableRequest],
        },
    )
    def get(self, request: Request, subject: str, version: str) -> HttpResponse:
        found = reading.list_referenced_by(
            principal=self.principal,
            subject_name=subject,
            version=names.parse_version(version),
            include_deleted=requests.flag(self.query, "deleted"),
            page=requests.page(self.query, most=_MAX_REFERRERS),
        )
        return self.answer(found)
