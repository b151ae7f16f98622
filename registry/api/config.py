"""/config: the level and its companions, at the top and for a subject.

Set under `compatibility`, shown under `compatibilityLevel`.
"""

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from registry.api import requests
from registry.api.base import RegistryView
from registry.services import config
from registry.services.config import Values

_SHOWN = {"normalize": "normalize", "validate_new_schemas": "validateNewSchemas"}


def _body(values: Values, level_member: str) -> dict[str, Any]:
    body = {member: values[field] for field, member in _SHOWN.items() if field in values}
    if "compatibility_level" in values:
        body[level_member] = values["compatibility_level"]
    return body


class SubjectConfigView(RegistryView):
    route = "subject_config"
    update_method = "updateSubjectLevelConfig"

    def get(self, request: Request, subject: str | None = None) -> HttpResponse:
        values = config.get_config(
            principal=self.principal,
            subject_name=subject,
            default_to_global=requests.flag(self.query, "defaultToGlobal"),
        )
        return self.answer(_body(values, "compatibilityLevel"))

    def put(self, request: Request, subject: str | None = None) -> HttpResponse:
        body = requests.required_object(self.read_body(), self.update_method)
        values = config.set_config(
            principal=self.principal,
            actor=self.actor,
            subject_name=subject,
            changes=requests.config_changes(body),
        )
        return self.answer(_body(values, "compatibility"))

    def delete(self, request: Request, subject: str | None = None) -> HttpResponse:
        values = config.clear_config(principal=self.principal, actor=self.actor, subject_name=subject)
        return self.answer(_body(values, "compatibilityLevel"))


class ConfigView(SubjectConfigView):
    route = "config"
    update_method = "updateTopLevelConfig"
