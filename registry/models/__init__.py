from registry.models.grants import (
    ScopeGroupPermission,
    ScopeUserPermission,
    SubjectGroupPermission,
    SubjectScope,
    SubjectUserPermission,
)
from registry.models.policies import Policy
from registry.models.schemas import Context, ReferenceLink, Schema, SchemaId
from registry.models.settings import Config, Mode
from registry.models.subjects import SchemaVersion, Subject

__all__ = [
    "Config",
    "Context",
    "Mode",
    "Policy",
    "ReferenceLink",
    "Schema",
    "SchemaId",
    "SchemaVersion",
    "ScopeGroupPermission",
    "ScopeUserPermission",
    "Subject",
    "SubjectGroupPermission",
    "SubjectScope",
    "SubjectUserPermission",
]
