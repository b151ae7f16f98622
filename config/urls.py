"""Mounts the apps; nothing else. The registry comes last, because it answers for every path that is left."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path, re_path

from config import health

urlpatterns = [
    re_path(r"\Ahealthz/?\Z", health.alive),
    re_path(r"\Areadyz/?\Z", health.ready),
    path(f"{settings.CALLBOARD['ADMIN_PATH'].strip('/')}/", admin.site.urls),
    re_path(r"\Aapi/v1/", include("accounts.api_urls")),
    re_path(r"\Aapi/v1/", include("registry.api.own_urls")),
    re_path(r"\A", include("registry.api.urls")),
]

# Errors outside of any view, in the shape of all others.
handler400 = "registry.api.base.bad_request"
handler404 = "registry.api.base.not_found"
handler500 = "registry.api.base.server_error"
