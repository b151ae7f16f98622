from registry.models.schemas import Context, ReferenceLink, Schema, SchemaId
from registry.models.settings import Config, Mode
from registry.models.subjects import SchemaVersion, Subject

__all__ = ["Config", "Context", "Mode", "ReferenceLink", "Schema", "SchemaId", "SchemaVersion", "Subject"]
