"""The JSON objects of the wire as types, pure: what the answers are made of, and what requests may hold.

`bodies` builds the answers, so a type checker knows that they are like this; the OpenAPI document shows the same.
"""

from typing import Annotated, Any, Literal, NotRequired, TypedDict

# A keyword of JSON Schema and its value.
Moment = Annotated[str, "format", "date-time"]
Date = Annotated[str, "format", "date"]
Int32 = Annotated[int, "format", "int32"]
Guid = Annotated[str, "format", "uuid"]
State = Annotated[str, "enum", ("draft", "approved", "deprecated", "retired")]
Visibility = Annotated[str, "enum", ("internal", "restricted")]
Level = Literal["NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE"]
ModeWord = Literal["READWRITE", "READONLY", "READONLY_OVERRIDE", "IMPORT", "FORWARD"]


class SchemaReference(TypedDict):
    name: str
    subject: str
    version: Int32


class Metadata(TypedDict, total=False):
    """What stands beside a schema and belongs to it. Empty is not the same as absent."""

    tags: dict[str, list[str]]
    properties: dict[str, str]
    sensitive: list[str]


class Rule(TypedDict):
    name: str
    doc: NotRequired[str]
    kind: Literal["CONDITION", "TRANSFORM"]
    mode: Literal["UPGRADE", "DOWNGRADE", "UPDOWN", "WRITE", "READ", "WRITEREAD"]
    type: NotRequired[str]
    tags: NotRequired[list[str]]
    params: NotRequired[dict[str, str]]
    expr: NotRequired[str]
    onSuccess: NotRequired[str]
    onFailure: NotRequired[str]
    disabled: bool


class RuleSet(TypedDict, total=False):
    migrationRules: list[Rule]
    domainRules: list[Rule]
    encodingRules: list[Rule]
    enableAt: Literal["ALL", "CLIENT", "GATEWAY", "SERVER", "NONE"]


class SchemaEntity(TypedDict):
    entityPath: str
    entityType: Literal["sr_record", "sr_field"]


class SchemaTags(TypedDict):
    """Tags of one record or field."""

    schemaEntity: SchemaEntity
    tags: list[str]


class BesideTheText(TypedDict, total=False):
    references: list[SchemaReference]
    metadata: Metadata
    ruleSet: RuleSet


class Tags(TypedDict, total=False):
    schemaTags: list[SchemaTags]


class Times(TypedDict, total=False):
    ts: int
    deleted: bool


class Content(BesideTheText):
    guid: Guid
    schemaType: str
    schema: str


class RegisterSchemaResponse(Content, Times):
    """`ts` and `deleted` are shown only of a version that was found, not made or known."""

    id: Int32
    version: Int32


class ExactSchema(Content):
    """As answered to a lookup of exactly this content: without times."""

    subject: str
    version: Int32
    id: Int32


class Schema(ExactSchema, Tags, Times):
    """A version with everything about it."""


class Aliases(TypedDict, total=False):
    aliases: list[str]


class ExtendedSchema(Schema, Aliases):
    """With the names that stand for its subject."""


class SchemaStringOfContent(Content, Tags, Times):
    """As answered by guid: without subject and version."""


class HighestId(TypedDict, total=False):
    maxId: Int32


class SchemaString(SchemaStringOfContent, HighestId):
    """As answered by id: with the version that the caller may see, without the id."""

    subject: str
    version: Int32


class SubjectVersion(TypedDict):
    subject: str
    version: Int32


class ContextId(TypedDict):
    context: str
    id: Int32


class CompatibilityCheckResponse(TypedDict):
    is_compatible: bool
    messages: NotRequired[list[str]]


class _ConfigValues(TypedDict, total=False):
    alias: str | None
    aliasForDeks: str | None
    normalize: bool | None
    validateFields: bool | None
    validateNewSchemas: bool | None
    validateRules: bool | None
    compatibilityPolicy: str | None
    compatibilityGroup: str | None
    defaultMetadata: Metadata | None
    overrideMetadata: Metadata | None
    defaultRuleSet: RuleSet | None
    overrideRuleSet: RuleSet | None


class Config(_ConfigValues, total=False):
    """What is set or in force; a member that is absent is set nowhere."""

    compatibilityLevel: Level | None


class ConfigUpdate(_ConfigValues, total=False):
    """The same under the names by which it is set. Null clears a member."""

    compatibility: Level | None


class Mode(TypedDict, total=False):
    mode: ModeWord | None


class Clusters(TypedDict("_Clusters", {"kafka-cluster": str, "schema-registry-cluster": str})):
    pass


class ClusterScope(TypedDict):
    path: list[str]
    clusters: Clusters


class ServerClusterId(TypedDict):
    scope: ClusterScope


class ServerVersion(TypedDict):
    version: str
    commitId: str


class ServerDeployment(TypedDict):
    attributes: list[str]


class Nothing(TypedDict):
    """An object without members."""


# What requests may hold. Members that are unknown count for nothing; of those that are known, none is dropped.


class AskedReference(TypedDict):
    name: str
    subject: str
    version: Int32


class AskedRule(TypedDict, total=False):
    name: str
    doc: str | None
    kind: Literal["CONDITION", "TRANSFORM"]
    mode: Literal["UPGRADE", "DOWNGRADE", "UPDOWN", "WRITE", "READ", "WRITEREAD"]
    type: str | None
    tags: list[str] | None
    params: dict[str, str] | None
    expr: str | None
    onSuccess: str | None
    onFailure: str | None
    disabled: bool | None


class AskedRuleSet(TypedDict, total=False):
    migrationRules: list[AskedRule] | None
    domainRules: list[AskedRule] | None
    encodingRules: list[AskedRule] | None
    enableAt: Literal["ALL", "CLIENT", "GATEWAY", "SERVER", "NONE"] | None


class RegisterSchemaRequest(TypedDict):
    """A schema with what stands beside it. `version` and `id` are for imports."""

    schema: str
    schemaType: NotRequired[str | None]
    references: NotRequired[list[AskedReference] | None]
    metadata: NotRequired[Metadata | None]
    ruleSet: NotRequired[AskedRuleSet | None]
    version: NotRequired[Int32 | None]
    id: NotRequired[Int32 | None]
    schemaTagsToAdd: NotRequired[list[SchemaTags] | None]
    schemaTagsToRemove: NotRequired[list[SchemaTags] | None]
    propagateSchemaTags: NotRequired[bool | None]


class TagSchemaRequest(TypedDict, total=False):
    newVersion: Int32 | None
    tagsToAdd: list[SchemaTags] | None
    tagsToRemove: list[SchemaTags] | None
    metadata: Metadata | None
    ruleSet: AskedRuleSet | None
    rulesToMerge: AskedRuleSet | None
    rulesToRemove: list[str] | None


class ConfigUpdateRequest(TypedDict, total=False):
    """Null clears a member, and one that is absent stays as it is."""

    alias: str | None
    aliasForDeks: str | None
    normalize: bool | None
    validateFields: bool | None
    validateNewSchemas: bool | None
    validateRules: bool | None
    compatibility: str | None
    compatibilityPolicy: str | None
    compatibilityGroup: str | None
    defaultMetadata: Metadata | None
    overrideMetadata: Metadata | None
    defaultRuleSet: AskedRuleSet | None
    overrideRuleSet: AskedRuleSet | None


class ModeUpdateRequest(TypedDict):
    """Null clears the mode."""

    mode: str | None


# Our own API.


class AboutSubject(TypedDict):
    subject: str
    owner: str
    visibility: Visibility
    state: State


class SubjectRow(AboutSubject):
    """A subject as people list it."""

    versions: int
    newest: int | None


class SubjectRows(TypedDict):
    """`next` is the `after` of the following page."""

    items: list[SubjectRow]
    next: str | None


class VersionRow(TypedDict):
    version: int
    id: int
    state: State
    sunset_on: Date | None
    registered_at: Moment
    registered_by: str


class SubjectDetail(AboutSubject):
    """A subject with the level in force, what the caller may do to it, and its versions, newest first."""

    newest: int | None
    compatibility: str
    permissions: list[str]
    versions: list[VersionRow]


class SubjectState(TypedDict):
    subject: str
    version: NotRequired[int]
    state: State


class SubjectOwner(TypedDict):
    subject: str
    owner: str


class SubjectVisibility(TypedDict):
    subject: str
    visibility: Visibility


class Grant(TypedDict):
    group: NotRequired[str]
    user: NotRequired[str]
    role: str
    permissions: list[str]


class Grants(TypedDict):
    items: list[Grant]


class Scope(TypedDict):
    """A prefix of subject names, in a context, on which grants are given."""

    id: int
    context: str
    prefix: str


class Scopes(TypedDict):
    items: list[Scope]


class Policy(TypedDict):
    key: str
    value: Any
    place: str
    set_by: str
    set_at: Moment
    reason: str


class Policies(TypedDict):
    items: list[Policy]
