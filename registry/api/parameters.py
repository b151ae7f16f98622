"""Parameters in the query of the registry API, for its document."""

from drf_spectacular.utils import OpenApiParameter


def _flag(name: str, description: str) -> OpenApiParameter:
    return OpenApiParameter(name, bool, description=description, default=False)


def _text(name: str, description: str) -> OpenApiParameter:
    return OpenApiParameter(name, str, description=description)


def _texts(name: str, description: str) -> OpenApiParameter:
    return OpenApiParameter(name, str, many=True, description=description)


def _number(name: str, description: str, default: int) -> OpenApiParameter:
    return OpenApiParameter(name, {"type": "integer", "format": "int32"}, description=description, default=default)


PAGE = (
    _number("offset", "How many to pass over.", 0),
    _number("limit", "At most so many; what is not above 0 stands for as many as there may be.", -1),
)
DELETED = _flag("deleted", "Show what is soft-deleted too.")
DELETED_ONLY = _flag("deletedOnly", "Show only what is soft-deleted.")
DELETED_AS_NEGATIVE = _flag("deletedAsNegative", "Show versions that are soft-deleted with a minus before them.")
PERMANENT = _flag("permanent", "Delete for good what is soft-deleted already.")
NORMALIZE = _flag("normalize", "Compare and store the normal form of the schema.")
FORCE_COMPATIBLE = _flag("force", "Register without asking whether it is compatible.")
FORCE_MODE = _flag("force", "Set the mode although there are subjects.")
RECURSIVE = _flag("recursive", "Clear the modes of all subjects in the context too.")
VERBOSE = _flag("verbose", "Say what is not compatible.")
FORMAT = _text("format", "`resolved`: with the types of the references in the text; unknown words count for nothing.")
REFERENCE_FORMAT = _text("referenceFormat", "`qualified`: references name their subjects with the context.")
FIND_TAGS = _texts("findTags", "Show where these tags are; `*` for all.")
PREFIX_EVERYWHERE = _text("subjectPrefix", "Begin of the names; by default all names in all contexts.")
PREFIX = _text("subjectPrefix", "Begin of the names; by default all names in the default context, `:*:` for all.")
IN_SUBJECT = _text("subject", "A subject that has the id; its context counts.")
DEFAULT_TO_GLOBAL = _flag("defaultToGlobal", "What is in force, where nothing is set here.")
KEYS = (
    _texts("key", "A property of the metadata."),
    _texts("value", "What it has to be, by position."),
)
LIST_SCHEMAS = (
    PREFIX,
    _flag("aliases", "Show the names that stand for the subject, and under these too."),
    DELETED,
    _flag("latestOnly", "Only the latest version of each subject."),
    _text("ruleType", "Only with a rule of this type."),
    _text("resourceType", "There are no associations in this registry, so this leaves nothing."),
    _texts("associationType", "Likewise."),
    OpenApiParameter(
        "lifecycle", str, many=True, enum=["STRONG", "WEAK", "NONE"], description="Likewise, but for `NONE`."
    ),
    *PAGE,
)
MAX_ID = _flag("fetchMaxId", "Show the highest id of the context as `maxId`.")
CONTEXT_PREFIX = _text("contextPrefix", "Begin of the names.")
