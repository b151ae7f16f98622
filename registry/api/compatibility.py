"""/compatibility: would this schema break anybody?"""

from collections.abc import Callable

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from registry import names, shapes
from registry.api import definitions, parameters, requests
from registry.api.base import RegistryView
from registry.errors import InvalidSchema, InvalidVersion, SchemaTooLarge, VersionNotFound
from registry.services import compatibility


class _CompatibilityView(RegistryView):
    def verdict(self, check: Callable[[], list[str]]) -> HttpResponse:
        """With `verbose` the findings are shown, and a text that is no schema is a finding instead of an error."""
        if not requests.flag(self.query, "verbose"):
            return self.answer({"is_compatible": not check()})
        try:
            messages = check()
        except InvalidSchema as error:
            messages = [error.message]
        return self.answer({"is_compatible": not messages, "messages": messages})


class CompatibilityView(_CompatibilityView):
    route = "compatibility"

    @extend_schema(
        summary="Check a schema against all versions that count",
        parameters=[parameters.NORMALIZE, parameters.VERBOSE],
        request=shapes.RegisterSchemaRequest,
        responses={200: shapes.CompatibilityCheckResponse, 422: [InvalidSchema, SchemaTooLarge]},
    )
    def post(self, request: Request, subject: str) -> HttpResponse:
        body = requests.required_object(self.read_body(), "testCompatibilityForSubject")
        definition = definitions.definition(body)
        return self.verdict(
            lambda: compatibility.check_all(
                principal=self.principal,
                subject_name=subject,
                definition=definition,
                normalize=requests.flag(self.query, "normalize"),
            )
        )


class CompatibilityVersionView(_CompatibilityView):
    route = "compatibility_version"

    @extend_schema(
        summary="Check a schema against one version",
        parameters=[parameters.NORMALIZE, parameters.VERBOSE],
        request=shapes.RegisterSchemaRequest,
        responses={
            200: shapes.CompatibilityCheckResponse,
            404: [VersionNotFound],
            422: [InvalidSchema, InvalidVersion, SchemaTooLarge],
        },
    )
    def post(self, request: Request, subject: str, version: str) -> HttpResponse:
        body = requests.required_object(self.read_body(), "testCompatibilityBySubjectName")
        definition = definitions.definition(body)
        number = names.parse_version(version)
        return self.verdict(
            lambda: compatibility.check_one(
                principal=self.principal,
                subject_name=subject,
                version=number,
                definition=definition,
                normalize=requests.flag(self.query, "normalize"),
            )
        )
