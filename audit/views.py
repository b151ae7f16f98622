"""The page of exports: ask for one, see how it goes, download it. Complete without script."""

import functools
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.http import urlencode
from django.utils.module_loading import import_string
from django.views.decorators.http import require_http_methods

from audit import services
from audit.events import Action
from audit.models import Filters
from audit.services import AuditError, ExportNotFound, NotAllowed, Principal

LONGEST_REF = 2000
SHOWN = 20
_TEMPLATES = {403: "403.html", 404: "404.html"}


class FiltersForm(forms.Form):
    since = forms.DateTimeField(required=False, label="From", widget=forms.DateTimeInput({"type": "datetime-local"}))
    until = forms.DateTimeField(required=False, label="Until", widget=forms.DateTimeInput({"type": "datetime-local"}))
    action = forms.ChoiceField(required=False, choices=[("", "any"), *((each.value, each.value) for each in Action)])
    actor = forms.CharField(required=False, max_length=LONGEST_REF, label="Who", help_text="person:7, service:3")
    object_kind = forms.CharField(required=False, max_length=100, label="Kind of object", help_text="subject")
    object_ref = forms.CharField(required=False, max_length=LONGEST_REF, label="Object", help_text=":.:orders-value")
    object_prefix = forms.CharField(
        required=False, max_length=LONGEST_REF, label="Objects that begin with", help_text=":.:orders-"
    )

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        since, until = given.get("since"), given.get("until")
        if since and until and since >= until:
            self.add_error("until", "The period ends before it begins.")
        return given


Page = Callable[[HttpRequest, Principal], HttpResponseBase]


def for_people(view: Page) -> Callable[[HttpRequest], HttpResponseBase]:
    """Strangers are sent to sign in and come back, errors are pages, and nothing is kept by caches."""

    @functools.wraps(view)
    def shown(request: HttpRequest) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path() if request.method == "GET" else reverse("audit"))
        principal: Principal = import_string(settings.SESSION_PRINCIPAL)(request.user)
        # For the template that all pages share.
        request.principal = principal  # type: ignore[attr-defined]
        try:
            response = view(request, principal)
        except (NotAllowed, ExportNotFound) as error:
            response = render(request, _TEMPLATES[error.status], {"message": error.message}, status=error.status)
        except AuditError as error:
            response = _page(request, principal, problem=error.message, status=error.status)
        add_never_cache_headers(response)
        return response

    return shown


@require_http_methods(["GET", "HEAD", "POST"])
@for_people
def page(request: HttpRequest, principal: Principal) -> HttpResponse:
    """The exports of whoever asks; POST asks for another one."""
    if request.method != "POST":
        return _page(request, principal)
    form = FiltersForm(request.POST)
    if not form.is_valid():
        return _page(request, principal, form=form, status=422)
    services.request_export(
        principal=principal, filters=Filters(**form.cleaned_data), request_id=getattr(request, "request_id", None)
    )
    messages.success(request, "The export is under way.")
    return redirect("audit")


@require_http_methods(["GET", "POST"])
@for_people
def download(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """POST makes a link of one's own export and goes there; GET is the link."""
    if request.method == "POST":
        token = services.make_link(principal=principal, export_id=_id(request.POST.get("export", "")))
        return redirect(f"{reverse('audit_download')}?{urlencode({'token': token})}")
    found = services.open_download(
        principal=principal, token=request.GET.get("token", ""), request_id=getattr(request, "request_id", None)
    )
    response = FileResponse(found.file, as_attachment=True, filename=found.name, content_type="application/zip")
    # As it is: compressed on the way it would lose its length.
    response["Content-Encoding"] = "identity"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _page(request: HttpRequest, principal: Principal, *, status: int = 200, **context: Any) -> HttpResponse:
    exports = services.list_exports(principal=principal, before=_number(request.GET.get("before", "")), limit=SHOWN)
    older = f"{reverse('audit')}?before={exports[-1].through_seq}" if len(exports) == SHOWN else ""
    context = {
        "form": FiltersForm(),
        "exports": exports,
        "next_url": older,
        "public_key": services.public_key(),
        "columns": services.columns(),
        "checkpoint": services.last_delivered(),
    } | context
    return render(request, "audit/exports.html", context, status=status)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise ExportNotFound from error


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
