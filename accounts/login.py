"""Signing in and out, and what a page needs to know of whoever asks for it."""

import functools
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import cast
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers

from accounts import local, people, principals, provider, sessions
from accounts.models import User, person_ref
from accounts.people import Proof
from accounts.principals import Principal
from accounts.provider import ProviderUnavailable
from accounts.throttle import Throttle

logger = logging.getLogger(__name__)

BREAKGLASS_LIFE = timedelta(hours=1)
LOCAL_BACKEND = "accounts.local.Backend"


class PageRequest(HttpRequest):
    """A request of somebody who is signed in."""

    user: User
    principal: Principal


Page = Callable[[PageRequest], HttpResponseBase]


def page(view: Page) -> Callable[[HttpRequest], HttpResponseBase]:
    """A page for people: strangers are sent to sign in and come back, and errors are pages too."""

    @functools.wraps(view)
    def shown(request: HttpRequest) -> HttpResponseBase:
        if not request.user.is_authenticated:
            # A form that was posted can't be posted again from an address.
            return redirect_to_login(request.get_full_path() if request.method in {"GET", "HEAD"} else "/ui/")
        asked = cast(PageRequest, request)
        asked.principal = principals.of_session(asked.user)
        try:
            response = view(asked)
        except Http404:
            response = not_found(request)
        except PermissionDenied as error:
            response = forbidden(request, str(error))
        # What one person sees is nobody else's, nor the next one's at the same browser.
        add_never_cache_headers(response)
        return response

    return shown


def not_found(request: HttpRequest) -> HttpResponse:
    """One and the same for what is hidden and what is not there, whatever it was asked by."""
    return render(request, "404.html", status=404)


def forbidden(request: HttpRequest, message: str) -> HttpResponse:
    return render(request, "403.html", {"message": message}, status=403)


def failure(reason: str = "") -> HttpResponse:
    """To the page that says so. It needs no sign-in and leads nowhere by itself, so nothing can go round in circles."""
    return redirect(f"{reverse('login_failed')}?{urlencode({'reason': reason})}" if reason else "login_failed")


def too_many_tries(request: HttpRequest, throttle: Throttle) -> HttpResponse:
    response = render(request, "accounts/too_many_tries.html", status=429)
    response["Retry-After"] = str(int(throttle.seconds))
    return response


def request_id(request: HttpRequest) -> str | None:
    return getattr(request, "request_id", None)


def sign_in(request: HttpRequest, user: User, proof: Proof) -> None:
    """With a password kept here. The event comes first: nobody gets in unseen. Break-glass is also an alarm."""
    is_breakglass = local.is_breakglass()
    people.record_login(user=user, proof=proof, request_id=request_id(request), is_breakglass=is_breakglass)
    auth.login(request, user, backend=LOCAL_BACKEND)
    sessions.stamp(request.session)
    if is_breakglass:
        # The end, whatever is done until then; a number of seconds would begin anew with every change of the session.
        request.session.set_expiry(timezone.now() + BREAKGLASS_LIFE)
        address = request.META.get("REMOTE_ADDR", "")
        logger.critical("break-glass: %s signed in with a local password, from %s", person_ref(user.pk), address)


def logout_address(request: HttpRequest) -> str:
    """Where to go on to after signing out: to the provider, if it was asked to sign them in and is told of the end."""
    id_token = request.session.get("oidc_id_token")
    if not id_token:
        return settings.LOGOUT_REDIRECT_URL
    back = reverse("signed_out")
    try:
        end_session = provider.current().end_session
    except ProviderUnavailable:
        return back
    if not end_session:
        return back
    query = {
        "id_token_hint": id_token,
        "client_id": settings.OIDC_RP_CLIENT_ID,
        "post_logout_redirect_uri": request.build_absolute_uri(back),
    }
    return f"{end_session}{'&' if '?' in end_session else '?'}{urlencode(query)}"


def sign_out(request: HttpRequest) -> None:
    user = request.user
    if isinstance(user, User):
        people.record_logout(user=user, session_key=request.session.session_key, request_id=request_id(request))
    auth.logout(request)
