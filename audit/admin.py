"""What all pages of the admin share: a change goes through a service, and the log of changes is the audit trail."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.module_loading import import_string

from audit.actors import Actor
from audit.models import AuditEvent

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    ServiceForm = forms.ModelForm[Any]
else:
    ModelAdmin = admin.ModelAdmin
    ServiceForm = forms.ModelForm


class ServiceAdmin(ModelAdmin):
    """No bulk actions, no deletion, no log of its own, and no transaction around the service's own one."""

    actions = None
    # Django puts a style into the page where a list has no actions, which the content policy refuses.
    actions_on_top = True
    list_per_page = 50
    show_full_result_count = False
    # Errors of our services, told apart by what they carry.
    refusals: tuple[type[Exception], ...] = ()

    def principal(self, request: HttpRequest) -> Any:
        return import_string(settings.SESSION_PRINCIPAL)(request.user)

    def actor(self, request: HttpRequest) -> Actor:
        actor: Actor = self.principal(request).actor(getattr(request, "request_id", None))
        return actor

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Without Django's transaction: the service opens the one that ends with the event."""
        try:
            response: HttpResponse = self._changeform_view(  # type: ignore[attr-defined]  # Django's, unwrapped
                request, object_id, form_url, extra_context
            )
        except self.refusals as error:
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        return response

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        try:
            response: HttpResponse = self._delete_view(  # type: ignore[attr-defined]  # Django's, unwrapped
                request, object_id, extra_context
            )
        except self.refusals as error:
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect("../change/")
        return response

    def audit_ref(self, obj: Any) -> str:
        """How the audit trail names this object."""
        return str(obj.pk)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """What the audit trail has about it."""
        obj = self.get_object(request, object_id)
        if obj is None or not self.has_view_permission(request, obj):
            raise PermissionDenied
        query = urlencode({"q": f'"{self.audit_ref(obj)}"'})
        return HttpResponseRedirect(f"{reverse('admin:audit_auditevent_changelist')}?{query}")

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing beside what the service saved."""

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """The audit trail has it."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """The audit trail has it."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """The audit trail has it."""


@admin.register(AuditEvent)
class AuditEventAdmin(ServiceAdmin):
    """The log, to read."""

    list_display = ("seq", "at", "action", "object_kind", "object_ref", "actor_ref")
    list_filter = ("action", "object_kind", "actor_kind")
    search_fields = ("=object_ref", "=actor_ref", "=request_id")
    ordering = ("-seq",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
