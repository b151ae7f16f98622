"""Routes of the registry: `names.ROUTES` has the paths, this the views behind them."""

from django.urls import re_path

from registry.api import base, compatibility, config, contexts, metadata, mode, schemas, subjects

VIEWS: tuple[type[base.RegistryView], ...] = (
    metadata.RootView,
    metadata.MetadataIdView,
    metadata.MetadataVersionView,
    metadata.MetadataDeploymentView,
    subjects.SubjectsView,
    subjects.SubjectView,
    subjects.VersionsView,
    subjects.SubjectMetadataView,
    subjects.VersionView,
    subjects.VersionSchemaView,
    subjects.ReferencedByView,
    subjects.VersionTagsView,
    compatibility.CompatibilityView,
    compatibility.CompatibilityVersionView,
    schemas.SchemasView,
    schemas.SchemaTypesView,
    schemas.SchemaIdView,
    schemas.SchemaIdSchemaView,
    schemas.SchemaIdSubjectsView,
    schemas.SchemaIdVersionsView,
    schemas.SchemaGuidView,
    schemas.SchemaGuidIdsView,
    contexts.ContextsView,
    contexts.ContextView,
    config.ConfigView,
    config.SubjectConfigView,
    mode.ModeView,
    mode.SubjectModeView,
)

urlpatterns = [re_path(r"[\s\S]*\Z", base.dispatcher({view.route: view.as_view() for view in VIEWS}), name="registry")]
