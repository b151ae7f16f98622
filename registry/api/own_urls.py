"""Routes of our own API that concern subjects."""

from django.urls import path

from registry.api import own

ROUTES: dict[str, type[own.OwnView]] = {
    "subjects": own.SubjectsView,
    "subjects/detail": own.SubjectView,
    "subjects/lifecycle": own.LifecycleView,
    "subjects/owner": own.OwnerView,
    "subjects/visibility": own.VisibilityView,
    "grants": own.GrantsView,
    "scopes": own.ScopesView,
    "scopes/<int:scope_id>": own.ScopeView,
    "scopes/<int:scope_id>/grants": own.ScopeGrantsView,
    "policies": own.PoliciesView,
}

urlpatterns = [path(route, view.as_view(), name=view.route) for route, view in ROUTES.items()]
