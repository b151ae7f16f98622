"""/mode: what may be done to the subjects of a scope."""

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from registry import shapes
from registry.api import parameters, requests, settings
from registry.api.base import RegistryView
from registry.errors import InvalidMode, InvalidSubject, ModeNotFound, OperationNotPermitted, SubjectNotFound
from registry.services import mode


class SubjectModeView(RegistryView):
    route = "subject_mode"
    update_method = "updateMode"

    @extend_schema(
        summary="Get the mode",
        parameters=[parameters.DEFAULT_TO_GLOBAL],
        responses={200: shapes.Mode, 404: [ModeNotFound]},
    )
    def get(self, request: Request, subject: str | None = None) -> HttpResponse:
        found = mode.get_mode(
            principal=self.principal,
            subject_name=subject,
            default_to_global=requests.flag(self.query, "defaultToGlobal"),
        )
        return self.answer({"mode": found})

    @extend_schema(
        summary="Set the mode",
        parameters=[parameters.FORCE_MODE],
        request=shapes.ModeUpdateRequest,
        responses={200: shapes.ModeUpdateRequest, 422: [InvalidMode, OperationNotPermitted, InvalidSubject]},
    )
    def put(self, request: Request, subject: str | None = None) -> HttpResponse:
        given = settings.given_mode(requests.required_object(self.read_body(), self.update_method))
        mode.set_mode(
            principal=self.principal,
            actor=self.actor,
            subject_name=subject,
            given=given,
            force=requests.flag(self.query, "force"),
        )
        return self.answer({"mode": given})

    @extend_schema(
        summary="Clear the mode; the answer is what it was",
        parameters=[parameters.RECURSIVE],
        responses={200: shapes.Mode, 404: [SubjectNotFound], 422: [OperationNotPermitted]},
    )
    def delete(self, request: Request, subject: str | None = None) -> HttpResponse:
        cleared = mode.clear_mode(
            principal=self.principal,
            actor=self.actor,
            subject_name=subject,
            recursive=requests.flag(self.query, "recursive"),
        )
        return self.answer({} if cleared is None else {"mode": cleared})


class ModeView(SubjectModeView):
    route = "mode"
    update_method = "updateTopLevelMode"
