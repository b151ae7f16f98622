"""The portal. Names of subjects stand in the query: a path would not survive every browser and proxy."""

from django.urls import path, re_path
from django.views.generic import RedirectView

from catalog import views

urlpatterns = [
    re_path(r"\A\Z", views.root, name="front_door"),
    path("ui", RedirectView.as_view(pattern_name="home"), name="portal"),
    path("ui/", views.home, name="home"),
    path("ui/subject", views.subject, name="subject_page"),
    path("ui/subject/lifecycle", views.subject_lifecycle, name="subject_lifecycle"),
    path("ui/health", views.health, name="health"),
    re_path(r"\Aui/[\s\S]*\Z", views.unknown, name="no_such_page"),
]
