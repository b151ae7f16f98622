"""Config and mode of subjects, contexts and the whole registry."""

import json
from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from audit.admin import ServiceAdmin, ServiceForm
from registry import access, names
from registry.errors import RegistryError
from registry.models import Config, Mode
from registry.models.settings import CompatibilityLevel, ModeName, Scope, ScopedSetting
from registry.services import config, mode, scopes

_UNSET = ("", "— not set here —")


def _choice(names: Iterable[str], **more: Any) -> forms.ChoiceField:
    """The words of the wire, as everybody writes them."""
    return forms.ChoiceField(choices=[_UNSET, *((name, name) for name in names)], required=False, **more)


def _switch() -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        choices=[_UNSET, ("True", "yes"), ("False", "no")],
        coerce=lambda given: given == "True",
        empty_value=None,
        required=False,
    )


class PlaceForm(ServiceForm):
    place = forms.CharField(
        required=False,
        strip=False,
        max_length=700,
        help_text="A subject, such as orders-value or :.test:orders-value; a context, such as :.test:; "
        ":.__GLOBAL: for all contexts; empty for the default context.",
    )


class ConfigForm(PlaceForm):
    compatibility_level = _choice(CompatibilityLevel)
    normalize = _switch()
    validate_fields = _switch()
    validate_new_schemas = _switch()
    validate_rules = _switch()
    compatibility_policy = _choice(config.POLICIES)
    compatibility_group = forms.CharField(
        required=False, help_text="The property of the metadata whose value tells versions apart that are compared."
    )
    alias = forms.CharField(required=False, help_text="The subject that this name stands for.")

    class Meta:
        model = Config
        fields = (
            "compatibility_level",
            "normalize",
            "validate_fields",
            "validate_new_schemas",
            "validate_rules",
            "alias",
            "compatibility_group",
            "compatibility_policy",
        )


class ModeForm(PlaceForm):
    mode = forms.ChoiceField(choices=[(name, name) for name in ModeName])
    force = forms.BooleanField(
        required=False, help_text="Import although there are subjects. It takes the right to manage, and is recorded."
    )

    class Meta:
        model = Mode
        fields = ("mode",)


class SettingAdmin(ServiceAdmin):
    refusals = (RegistryError,)
    list_filter: ClassVar[tuple[str, ...]] = ("kind", "context")
    list_select_related = ("context",)
    search_fields = ("subject_name",)
    search_help_text = "Subjects that begin with this"
    ordering = ("kind", "context__name", "subject_name")

    def audit_ref(self, obj: ScopedSetting) -> str:
        return f":{_context(obj)}:{obj.subject_name}"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return (queryset.filter(access.in_prefix(search_term, path="subject_")) if search_term else queryset), False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*(("place",) if obj is None else ("stands",)), *self.settable)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else ("stands",)

    settable: ClassVar[tuple[str, ...]]

    @admin.display(description="Where", ordering="subject_name")
    def stands(self, row: ScopedSetting) -> str:
        match row.kind:
            case Scope.SUBJECT:
                return str(names.SubjectName(_context(row), row.subject_name))
            case Scope.CONTEXT if _context(row) == names.DEFAULT_CONTEXT:
                return "the default context"
            case Scope.CONTEXT:
                return f"the context {_context(row)}"
        return "all contexts"

    def who(self, request: HttpRequest, obj: ScopedSetting, form: Any = None) -> Any:
        """What every service of settings wants to know first."""
        place = self.audit_ref(obj) if form is None or obj.pk else form.cleaned_data["place"]
        return {"principal": self.principal(request), "actor": self.actor(request), "subject_name": place or None}


@admin.register(Config)
class ConfigAdmin(SettingAdmin):
    form = ConfigForm
    list_display = ("stands", "compatibility_level", "normalize", "alias")
    settable = ConfigForm.Meta.fields

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_fields(request, obj)
        return fields if obj is None else (*fields, "merged")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else ("stands", "merged")

    @admin.display(description="Metadata and rules")
    def merged(self, row: Config) -> str:
        """To read: they are set by the REST API, which says what is wrong with a rule."""
        given = {
            "defaultMetadata": row.default_metadata,
            "overrideMetadata": row.override_metadata,
            "defaultRuleSet": row.default_rule_set,
            "overrideRuleSet": row.override_rule_set,
        }
        present = {member: value for member, value in given.items() if value is not None}
        if not present:
            return "None; they are set by the REST API."
        return format_html("<pre>{}</pre>", json.dumps(present, indent=2, ensure_ascii=False))

    def save_model(self, request: HttpRequest, obj: Config, form: Any, change: bool) -> None:
        given = form.cleaned_data
        changed = {field: _or_none(given[field]) for field in self.settable if field in form.changed_data}
        who = self.who(request, obj, form)
        config.set_config(**who, changes=changed)
        obj.pk = Config.objects.values_list("pk", flat=True).get(scopes.parse(who["subject_name"]).row)

    def delete_model(self, request: HttpRequest, obj: Config) -> None:
        config.clear_config(**self.who(request, obj))


@admin.register(Mode)
class ModeAdmin(SettingAdmin):
    form = ModeForm
    list_display = ("stands", "mode")
    list_filter = ("mode", *SettingAdmin.list_filter)
    settable = ("mode", "force")

    def save_model(self, request: HttpRequest, obj: Mode, form: Any, change: bool) -> None:
        given, who = form.cleaned_data, self.who(request, obj, form)
        mode.set_mode(**who, given=given["mode"], force=given["force"])
        obj.pk = Mode.objects.values_list("pk", flat=True).get(scopes.parse(who["subject_name"]).row)

    def delete_model(self, request: HttpRequest, obj: Mode) -> None:
        mode.clear_mode(**self.who(request, obj), recursive=False)


def _context(row: ScopedSetting) -> str:
    return names.GLOBAL_CONTEXT if row.context is None else row.context.name


def _or_none(value: Any) -> Any:
    return None if value == "" else value
