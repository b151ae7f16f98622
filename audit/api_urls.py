"""Routes of our own API that concern the audit log."""

from django.urls import path

from audit import api

urlpatterns = [
    path("events", api.EventsView.as_view(), name="audit_events"),
    path("exports", api.ExportsView.as_view(), name="audit_exports"),
    path("exports/<uuid:export_id>", api.ExportView.as_view(), name="audit_export"),
    path("exports/<uuid:export_id>/link", api.LinkView.as_view(), name="audit_link"),
]
