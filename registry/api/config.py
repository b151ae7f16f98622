"""/config: the level and its companions, at the top and for a context or a subject.

Set under `compatibility`, shown under `compatibilityLevel`.
"""

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from registry import shapes
from registry.api import parameters, requests, settings
from registry.api.base import RegistryView
from registry.bodies import Body
from registry.errors import (
    ConfigNotFound,
    InvalidCompatibilityLevel,
    InvalidRuleSet,
    InvalidSchema,
    InvalidSubject,
    OperationNotPermitted,
    SubjectNotFound,
    UnprocessableRequest,
)
from registry.services import config
from registry.services.config import Values

_SHOWN = {
    "alias": "alias",
    "alias_for_deks": "aliasForDeks",
    "normalize": "normalize",
    "validate_fields": "validateFields",
    "validate_new_schemas": "validateNewSchemas",
    "validate_rules": "validateRules",
    "compatibility_level": "compatibilityLevel",
    "compatibility_policy": "compatibilityPolicy",
    "compatibility_group": "compatibilityGroup",
    "default_metadata": "defaultMetadata",
    "override_metadata": "overrideMetadata",
    "default_rule_set": "defaultRuleSet",
    "override_rule_set": "overrideRuleSet",
}


def _shown(values: Values) -> Body:
    """Config: an empty text is left out, as everywhere."""
    return {member: values[field] for field, member in _SHOWN.items() if values.get(field, "") != ""}


def _updated(values: Values) -> Body:
    """ConfigUpdate: all that is set."""
    members = {**_SHOWN, "compatibility_level": "compatibility"}
    return {member: values[field] for field, member in members.items() if field in values}


class SubjectConfigView(RegistryView):
    route = "subject_config"
    update_method = "updateSubjectLevelConfig"

    @extend_schema(
        summary="Get the config",
        parameters=[parameters.DEFAULT_TO_GLOBAL],
        responses={200: shapes.Config, 404: [ConfigNotFound]},
    )
    def get(self, request: Request, subject: str | None = None) -> HttpResponse:
        values = config.get_config(
            principal=self.principal,
            subject_name=subject,
            default_to_global=requests.flag(self.query, "defaultToGlobal"),
        )
        return self.answer(_shown(values))

    @extend_schema(
        summary="Set the config",
        request=shapes.ConfigUpdateRequest,
        responses={
            200: shapes.ConfigUpdate,
            422: [
                InvalidCompatibilityLevel,
                OperationNotPermitted,
                InvalidSubject,
                InvalidSchema,
                InvalidRuleSet,
                UnprocessableRequest,
            ],
        },
    )
    def put(self, request: Request, subject: str | None = None) -> HttpResponse:
        body = requests.required_object(self.read_body(), self.update_method)
        values = config.set_config(
            principal=self.principal,
            actor=self.actor,
            subject_name=subject,
            changes=settings.config_changes(body),
        )
        return self.answer(_updated(values))

    @extend_schema(
        summary="Clear the config; the answer is what it was",
        responses={200: shapes.Config, 404: [SubjectNotFound], 422: [OperationNotPermitted]},
    )
    def delete(self, request: Request, subject: str | None = None) -> HttpResponse:
        values = config.clear_config(principal=self.principal, actor=self.actor, subject_name=subject)
        return self.answer(_shown(values))


class ConfigView(SubjectConfigView):
    route = "config"
    update_method = "updateTopLevelConfig"
