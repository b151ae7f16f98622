"""Mounts the apps; nothing else. The registry comes last, because it answers for every path that is left."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path, re_path

from config import api, health
from config.openapi.views import DocumentView

urlpatterns = [
    re_path(r"\Ahealthz/?\Z", health.alive, name="alive"),
    re_path(r"\Areadyz/?\Z", health.ready, name="ready"),
    path("backstage/v1/", include("catalog.feed_urls")),
    path("ui/audit", include("audit.urls")),
    path("", include("accounts.urls")),
    path("", include("catalog.urls")),
    path(f"{settings.CALLBOARD['ADMIN_PATH'].strip('/')}/", admin.site.urls),
    path("api/openapi.json", DocumentView.as_view(), name="own_document"),
    path("api/v1/audit/", include("audit.api_urls")),
    path("api/v1/", include("accounts.api_urls")),
    path("api/v1/", include("registry.api.own_urls")),
    re_path(r"\A(?:api|backstage)/[\s\S]*\Z", api.not_found),
    path("", include("registry.api.urls")),
]

# Errors outside of any view: pages for people, JSON for everybody else.
handler400 = "registry.api.base.bad_request"
handler404 = "catalog.views.page_not_found"
handler500 = "catalog.views.server_error"
