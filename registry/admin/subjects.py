"""Subjects, versions, scopes and policies for administrators. Every change is a call of a service."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from audit.admin import ServiceAdmin, ServiceForm
from registry import access
from registry.errors import RegistryError
from registry.models import Policy, SchemaVersion, Subject, SubjectScope
from registry.models.subjects import Lifecycle, Visibility
from registry.names import DEFAULT_CONTEXT
from registry.permissions import ROLES
from registry.services import grants, lifecycle, ownership
from registry.services.grants import Holder
from registry.services.lifecycle import Move

_NOTHING = "nothing"


class GrantForm(ServiceForm):
    """Beside the thing itself: a role for a group, or its end."""

    grant_group = forms.ModelChoiceField(Group.objects.order_by("name"), required=False, label="Give to group")
    grant_role = forms.ChoiceField(
        choices=[("", "—"), *((role, role) for role in ROLES), (_NOTHING, "take back")], required=False, label="Role"
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if bool(cleaned.get("grant_group")) != bool(cleaned.get("grant_role")):
            raise forms.ValidationError("A grant needs a group and a role.")
        return cleaned


class SubjectForm(GrantForm):
    visibility = forms.ChoiceField(choices=Visibility.choices)
    lifecycle = forms.ChoiceField(choices=Lifecycle.choices)
    reason = forms.CharField(max_length=2000, required=False, help_text="Goes into the audit trail.")

    class Meta:
        model = Subject
        fields = ("owner", "visibility", "lifecycle")


class RegistryAdmin(ServiceAdmin):
    refusals = (RegistryError,)


class ChoiceFilter(admin.SimpleListFilter):
    """Django would look through the whole table for the values it holds."""

    choices_of: ClassVar[type[models.TextChoices]]

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return self.choices_of.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.parameter_name or "": self.value()}) if self.value() else queryset


class VisibilityFilter(ChoiceFilter):
    title = "visibility"
    parameter_name = "visibility"
    choices_of = Visibility


class LifecycleFilter(ChoiceFilter):
    title = "life cycle"
    parameter_name = "lifecycle"
    choices_of = Lifecycle


@admin.register(Subject)
class SubjectAdmin(RegistryAdmin):
    form = SubjectForm
    list_display = ("name", "context", "owner", "visibility", "lifecycle", "created_at")
    list_filter = (VisibilityFilter, LifecycleFilter, "context", ("owner", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("context", "owner")
    search_fields = ("name",)
    search_help_text = "Names that begin with this"
    ordering = ("name",)
    autocomplete_fields = ()
    readonly_fields = ("name", "context", "grants_held", "revision", "changed_seq", "created_at")
    fieldsets = (
        (None, {"fields": ("name", "context", "owner", "visibility", "lifecycle", "reason")}),
        ("Grants", {"fields": ("grants_held", "grant_group", "grant_role")}),
        ("Record", {"fields": ("revision", "changed_seq", "created_at")}),
    )

    def audit_ref(self, obj: Subject) -> str:
        return _name(obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A subject comes with its first schema."""
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By prefix, which an index answers however many subjects there are."""
        return (queryset.filter(access.in_prefix(search_term)) if search_term else queryset), False

    @admin.display(description="Held")
    def grants_held(self, subject: Subject) -> str:
        held = grants.held_on_subject(subject)
        return ", ".join(f"{grant.holder}: {grant.role}" for grant in held) or "Nobody but the owner group."

    def save_model(self, request: HttpRequest, obj: Subject, form: Any, change: bool) -> None:
        who: Any = {"principal": self.principal(request), "actor": self.actor(request), "subject_name": _name(obj)}
        given = form.cleaned_data
        if "visibility" in form.changed_data:
            ownership.set_visibility(**who, visibility=given["visibility"])
        if "lifecycle" in form.changed_data:
            lifecycle.change_subject_state(**who, move=Move(given["lifecycle"], given["reason"]))
        if given["grant_group"] and given["grant_role"] == _NOTHING:
            grants.revoke_on_subject(**who, holder=Holder(group=given["grant_group"].name))
        elif given["grant_group"]:
            grants.grant_on_subject(**who, holder=Holder(group=given["grant_group"].name), role=given["grant_role"])
        # Last: whoever gives a subject away may do nothing to it afterwards.
        if "owner" in form.changed_data:
            ownership.transfer(**who, group_name=given["owner"].name, reason=given["reason"])


class SchemaVersionForm(ServiceForm):
    lifecycle = forms.ChoiceField(choices=Lifecycle.choices)
    reason = forms.CharField(max_length=2000, required=False, help_text="Goes into the audit trail.")

    class Meta:
        model = SchemaVersion
        fields = ("lifecycle", "sunset_on")


@admin.register(SchemaVersion)
class SchemaVersionAdmin(RegistryAdmin):
    form = SchemaVersionForm
    list_display = ("subject", "version", "number", "lifecycle", "registered_at", "registered_by", "deleted_at")
    list_filter = (LifecycleFilter, "registered_at")
    list_select_related = ("subject", "schema_id")
    search_fields = ("subject__name",)
    search_help_text = "Subjects that begin with this"
    ordering = ("-pk",)
    readonly_fields = ("subject", "version", "number", "text", "registered_at", "registered_by", "deleted_at")
    fields = (*readonly_fields[:4], "lifecycle", "sunset_on", "reason", *readonly_fields[4:])

    def audit_ref(self, obj: SchemaVersion) -> str:
        return f"{_name(obj.subject)}:{obj.version}"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return (queryset.filter(access.in_prefix(search_term, path="subject__")) if search_term else queryset), False

    @admin.display(description="Schema id", ordering="schema_id__number")
    def number(self, version: SchemaVersion) -> int:
        return version.schema_id.number

    @admin.display(description="Schema")
    def text(self, version: SchemaVersion) -> str:
        return format_html("<pre>{}</pre>", version.schema_id.schema.text)

    def save_model(self, request: HttpRequest, obj: SchemaVersion, form: Any, change: bool) -> None:
        lifecycle.change_version_state(
            principal=self.principal(request),
            actor=self.actor(request),
            subject_name=_name(obj.subject),
            version=obj.version,
            move=Move(form.cleaned_data["lifecycle"], form.cleaned_data["reason"], form.cleaned_data.get("sunset_on")),
        )


class SubjectScopeForm(GrantForm):
    prefix = forms.CharField(  # type: ignore[assignment]  # a field, not Django's attribute
        max_length=512, required=False, strip=False, help_text="Literal: orders covers orders2 too, so end with - or ."
    )

    in_context = forms.CharField(
        max_length=256,
        required=False,
        initial=DEFAULT_CONTEXT,
        label="Context",
        help_text="The default one is . and others are .name",
    )

    class Meta:
        model = SubjectScope
        fields = ("prefix",)


@admin.register(SubjectScope)
class SubjectScopeAdmin(RegistryAdmin):
    form = SubjectScopeForm
    list_display = ("prefix_shown", "context")
    list_select_related = ("context",)
    ordering = ("prefix",)
    readonly_fields = ("grants_held",)

    def audit_ref(self, obj: SubjectScope) -> str:
        return f":{obj.context.name}:{obj.prefix}"

    @admin.display(description="Prefix", ordering="prefix")
    def prefix_shown(self, scope: SubjectScope) -> str:
        return f"{scope.prefix}…"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readonly_fields if obj is None else (*self.readonly_fields, "context", "prefix")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("in_context" if obj is None else "context", "prefix", "grants_held", "grant_group", "grant_role")

    @admin.display(description="Held")
    def grants_held(self, scope: SubjectScope) -> str:
        if scope.pk is None:
            return "Nothing yet."
        held = grants.held_on_scope(scope)
        return ", ".join(f"{grant.holder}: {grant.role}" for grant in held) or "Nothing yet."

    def save_model(self, request: HttpRequest, obj: SubjectScope, form: Any, change: bool) -> None:
        who: Any = {"principal": self.principal(request), "actor": self.actor(request)}
        given = form.cleaned_data
        if not change:
            made = grants.create_scope(**who, prefix=given["prefix"], context=given["in_context"])
            obj.pk, obj.context = made.pk, made.context
        if given["grant_group"] and given["grant_role"] == _NOTHING:
            grants.revoke_on_scope(**who, scope_id=obj.pk, holder=Holder(group=given["grant_group"].name))
        elif given["grant_group"]:
            holder = Holder(group=given["grant_group"].name)
            grants.grant_on_scope(**who, scope_id=obj.pk, holder=holder, role=given["grant_role"])

    def delete_model(self, request: HttpRequest, obj: SubjectScope) -> None:
        grants.delete_scope(principal=self.principal(request), actor=self.actor(request), scope_id=obj.pk)


@admin.register(Policy)
class PolicyAdmin(RegistryAdmin):
    """To read; they are set by the API, where a place is one word."""

    list_display = ("key", "kind", "context", "subject_scope", "subject", "value", "set_by", "set_at")
    list_filter = ("key", "kind")
    list_select_related = ("context", "subject_scope__context", "subject")
    ordering = ("key", "pk")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _name(subject: Subject) -> str:
    return f":{subject.context.name}:{subject.name}"
