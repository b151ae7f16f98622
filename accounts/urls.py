"""The ways in and out."""

from django.conf import settings
from django.urls import path
from django.views.generic import RedirectView

from accounts import backchannel, oidc, views

ADMIN = settings.CALLBOARD["ADMIN_PATH"].strip("/")

# The names of the two that the library looks up are its own.
urlpatterns = [
    path("login", views.LoginView.as_view(), name="login"),
    path("login/link", views.login_link, name="login_link"),
    path("login-failed", views.login_failed, name="login_failed"),
    path("logout", views.logout, name="logout"),
    path("oidc/authenticate/", oidc.AuthenticateView.as_view(), name="oidc_authentication_init"),
    path("oidc/callback/", oidc.CallbackView.as_view(), name="oidc_authentication_callback"),
    path("oidc/backchannel-logout/", backchannel.logout, name="backchannel_logout"),
    path("oidc/signed-out/", views.signed_out, name="signed_out"),
    path(f"{ADMIN}/login/", views.admin_login, name="admin_login"),
    path(f"{ADMIN}/logout/", views.logout, name="admin_logout"),
    # A password is set by a link, which leaves an event.
    path(f"{ADMIN}/password_change/", RedirectView.as_view(pattern_name="home"), name="admin_password"),
]
