"""The page of the audit log."""

from django.urls import path

from audit import views

urlpatterns = [
    path("", views.page, name="audit"),
    path("/download", views.download, name="audit_download"),
]
