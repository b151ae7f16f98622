"""Sign-in with a password kept here, the link that sets it, and the pages at which a sign-in ends."""

from typing import Any

from django.conf import settings
from django.contrib.auth import views as auth_views
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import local, login, people
from accounts.forms import LoginForm, NewPasswordForm
from accounts.models import User
from accounts.people import LinkRefused
from accounts.throttle import Throttle

REASONS = {
    "groups": "The identity provider names more groups, or longer ones, than Callboard takes over. Part of a list "
    "would be a wrong list, so nothing was taken over. Configure a filter of groups for this application there.",
    "provider": "The identity provider can't be reached, or is not the one that Callboard was told of.",
    "ended": "Your session at the identity provider has ended, and with it the one here. Sign in again.",
    "other": "You were signed in here as one person, and the identity provider answered for another. "
    "That session has ended; sign in again as whoever you want to be.",
}
# Of one name from one address, and of one address. A wrong password costs us a quarter of a second of computing.
wrong_passwords = Throttle(limit=10, seconds=300)
tries = Throttle(limit=60, seconds=300)


class LoginView(auth_views.LoginView):
    template_name = "accounts/login.html"
    authentication_form = LoginForm

    @method_decorator(sensitive_post_parameters())
    @method_decorator(never_cache)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not local.is_open():
            return redirect(_with_next(request, "oidc_authentication_init"))
        if request.user.is_authenticated:
            return redirect(self.get_success_url())
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        address = request.META.get("REMOTE_ADDR", "")
        name = f"{address} {request.POST.get('username', '').lower()[:150]}"
        if tries.is_exhausted(address) or wrong_passwords.is_exhausted(name):
            return login.too_many_tries(request, wrong_passwords)
        tries.count(address)
        form = self.get_form()
        if not form.is_valid():
            wrong_passwords.count(name)
            return self.form_invalid(form)
        user = form.get_user()
        assert isinstance(user, User)  # noqa: S101  # for the type checker: the only user model there is
        login.sign_in(request, user, "password")
        return redirect(self.get_success_url())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        provider_url = _with_next(self.request, "oidc_authentication_init") if settings.CALLBOARD["OIDC_ISSUER"] else ""
        return super().get_context_data(provider_url=provider_url, **kwargs)


def _with_next(request: HttpRequest, name: str) -> str:
    wanted = request.GET.get("next")
    return f"{reverse(name)}?{urlencode({'next': wanted})}" if wanted else reverse(name)


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def login_link(request: HttpRequest) -> HttpResponse:
    """The token stands in the query, which no log has, and then in the form. Looking at the page does not use it up."""
    token = request.POST.get("token") or request.GET.get("token", "")
    try:
        if not local.is_open():
            raise LinkRefused("passwords are kept at the identity provider")
        link = people.find_link(token)
        form = NewPasswordForm(link.user, request.POST or None)
        if not form.is_valid():
            return render(request, "accounts/set_password.html", {"form": form, "token": token, "person": link.user})
        password = form.cleaned_data["new_password1"]
        user = people.set_password_by_link(token=token, password=password, request_id=login.request_id(request))
    except LinkRefused:
        return render(request, "accounts/link_refused.html", status=403)
    login.sign_in(request, user, "login_link")
    return redirect(settings.LOGIN_REDIRECT_URL)


@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    address = login.logout_address(request)
    login.sign_out(request)
    return redirect(address)


@never_cache
@require_safe
def signed_out(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/signed_out.html")


@never_cache
@require_safe
def login_failed(request: HttpRequest) -> HttpResponse:
    """Open to all, and it leads nowhere by itself."""
    context = {"reason": REASONS.get(request.GET.get("reason", ""), "")}
    return render(request, "accounts/login_failed.html", context, status=403)


@never_cache
def admin_login(request: HttpRequest) -> HttpResponse:
    """The admin has no door of its own. Whoever is signed in and comes here lacks the right to enter it."""
    if request.user.is_authenticated:
        return login.forbidden(request, "The admin is for staff.")
    return redirect(f"{reverse('login')}?{urlencode({'next': request.GET.get('next', '')})}")
