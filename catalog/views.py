"""The portal: server-rendered, complete without script."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.template import loader
from django.urls import resolve, reverse
from django.utils.http import urlencode
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from accounts import login
from accounts.login import PageRequest
from catalog import condition, pages
from catalog.forms import MoveForm
from registry.api import base as registry_api
from registry.errors import AccessDenied, RegistryError
from registry.services import lifecycle
from registry.services.lifecycle import Move

_FOR_PEOPLE = ("/ui/", "/login", "/logout", "/oidc/")


@require_safe
@login.page
def home(request: PageRequest) -> HttpResponse:
    principal, query = request.principal, request.GET
    prefix, only_mine = query.get("prefix", ""), query.get("show") == "mine"
    listed = pages.list_subjects(principal=principal, prefix=prefix, after=query.get("after", ""), only_mine=only_mine)
    is_plain = not (prefix or only_mine or query.get("after"))
    mine = pages.list_subjects(principal=principal, only_mine=True, limit=pages.FEW) if is_plain else None
    kept = {"prefix": prefix, "show": "mine" if only_mine else ""}
    context = {
        "groups": pages.group_names(principal),
        "mine": mine,
        "listed": listed,
        "prefix": prefix,
        "only_mine": only_mine,
        "is_plain": is_plain,
        "next_url": _with_query("home", kept | {"after": listed.after}) if listed.after else "",
        "first_url": _with_query("home", kept) if query.get("after") else "",
        "base_url": settings.BASE_URL,
    }
    return render(request, "catalog/home.html", context)


@require_safe
@login.page
def subject(request: PageRequest) -> HttpResponse:
    return _subject_page(request, request.GET.get("name", ""), version=request.GET.get("version", ""))


def _subject_page(request: PageRequest, name: str, *, version: str, status: int = 200, **context: Any) -> HttpResponse:
    try:
        found = pages.get_subject(
            principal=request.principal, subject_name=name, version=version, before=request.GET.get("before", "")
        )
    except RegistryError as error:
        raise Http404 from error
    return render(request, "catalog/subject.html", {"subject": found, **context}, status=status)


@require_POST
@login.page
def subject_lifecycle(request: PageRequest) -> HttpResponse:
    form = MoveForm(request.POST)
    name, version = request.POST.get("name", ""), request.POST.get("version", "")
    if not form.is_valid():
        problem = "; ".join(f"{field}: {error}" for field, errors in form.errors.items() for error in errors)
        return _subject_page(request, name, version=version, status=422, problem=problem, typed=request.POST)
    try:
        _move(request, form.cleaned_data)
    except RegistryError as error:
        if error.status == 404:
            raise Http404 from error
        problem = "This needs the right change_lifecycle." if isinstance(error, AccessDenied) else error.message
        return _subject_page(request, name, version=version, status=error.status, problem=problem, typed=request.POST)
    return redirect(_with_query("subject_page", {"name": name, "version": version}))


def _move(request: PageRequest, given: dict[str, Any]) -> None:
    principal = request.principal
    actor = principal.actor(login.request_id(request))
    move = Move(to=given["to"], reason=given["reason"], sunset_on=given["sunset_on"])
    if given["version"] is None:
        lifecycle.change_subject_state(principal=principal, actor=actor, subject_name=given["name"], move=move)
        return
    lifecycle.change_version_state(
        principal=principal, actor=actor, subject_name=given["name"], version=given["version"], move=move
    )


@require_safe
@login.page
def health(request: PageRequest) -> HttpResponse:
    return render(request, "catalog/health.html", {"findings": condition.findings(request.principal)})


@login.page
def unknown(request: PageRequest) -> HttpResponse:
    raise Http404


@csrf_exempt
def root(request: HttpRequest) -> HttpResponseBase:
    """Clients of the registry knock at `/`; a browser that goes there is looking for the portal."""
    is_browser = request.headers.get("Sec-Fetch-Mode") == "navigate" and "Authorization" not in request.headers
    if is_browser and request.method in {"GET", "HEAD"}:
        return redirect("home")
    answer: HttpResponseBase = resolve(request.path_info, "registry.api.urls").func(request)
    return answer


def _with_query(name: str, query: dict[str, str]) -> str:
    given = {key: value for key, value in query.items() if value}
    return f"{reverse(name)}?{urlencode(given)}" if given else reverse(name)


# Errors outside of any view: pages for people, JSON for everybody else.


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return login.not_found(request) if _is_for_people(request) else registry_api.not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    if not _is_for_people(request):
        return registry_api.server_error(request)
    # Without the request: whatever failed might fail again in a context processor.
    return HttpResponse(loader.render_to_string("500.html"), status=500)


def _is_for_people(request: HttpRequest) -> bool:
    return request.path_info.startswith((*_FOR_PEOPLE, f"/{settings.CALLBOARD['ADMIN_PATH'].strip('/')}/"))
