"""What every schema format shares: the values that travel, and what a parsed schema can do whatever its format."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any, Protocol, TypeVar

from registry.errors import InvalidSchema


class Mode(Enum):
    """How much a text has to satisfy: a new schema everything, a stored one only what reading it needs."""

    REGISTRATION = "registration"
    STORED = "stored"


class EmptySchema(InvalidSchema):
    """A blank text, which is not the same as one that fails to parse."""

    def __init__(self) -> None:
        super().__init__("Empty schema")


class UnknownSchemaType(InvalidSchema):
    """A format that this registry does not read."""

    def __init__(self, schema_type: str) -> None:
        super().__init__(f"Invalid schema type {schema_type}")


@dataclass(frozen=True, slots=True)
class Reference:
    """The name under which a text uses a version of another subject."""

    name: str
    subject: str
    version: int


class EntityType(StrEnum):
    """What in a schema can have tags, as it is called on the wire."""

    RECORD = "sr_record"
    FIELD = "sr_field"


@dataclass(frozen=True, slots=True)
class SchemaEntity:
    """A record or a field of a schema. A dot in front of the path means nothing."""

    path: str
    type: EntityType

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", self.path.removeprefix("."))


@dataclass(frozen=True, slots=True)
class SchemaTags:
    """The tags of one entity, in their order, each once."""

    entity: SchemaEntity
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Incompatibility:
    """One reason why a reader cannot read what a writer wrote, and where in the reader it shows."""

    type: str
    message: str
    location: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a reader makes of a writer: empty when it reads everything.

    `left_out` counts incompatibilities beyond the caps of a report. `failure` stands instead of a list where the
    check itself gives up, which counts as incompatible.
    """

    incompatibilities: tuple[Incompatibility, ...] = ()
    left_out: int = 0
    failure: str | None = None

    @property
    def is_compatible(self) -> bool:
        return not self.incompatibilities and not self.left_out and self.failure is None


class ParsedSchema(Protocol):
    """A schema text that parsed. Its texts are computed when first asked for and kept."""

    @property
    def schema_type(self) -> str: ...

    @property
    def canonical(self) -> str:
        """The text that is stored, hashed and returned; references stay names."""

    @property
    def resolved(self) -> str:
        """The canonical text with the types of all references inlined."""

    @property
    def fingerprint(self) -> str:
        """64 hex digits, the same for any two schemas that are equivalent or have the same resolved text."""

    @property
    def field_names(self) -> tuple[str, ...]:
        """The fields at the top level, none if the schema is no record."""

    @property
    def tags(self) -> tuple[SchemaTags, ...]:
        """Every record and field that has tags, in the order of the text, a record before its fields."""

    def equivalent(self, other: "ParsedSchema") -> bool:
        """Would the other be the same version inside a subject?"""

    def normalized(self) -> "ParsedSchema":
        """The normal form, parsed in the same mode with the same references."""

    def tagged(
        self, *, add: Sequence[SchemaTags], remove: Sequence[SchemaTags], inherit: Sequence[SchemaTags] = ()
    ) -> "ParsedSchema":
        """With other tags, parsed in the same mode with the same references; removal comes after all additions.

        Of the inherited tags those are left out whose entity is not there any more. Raises InvalidSchema for a path
        to add to or remove from that leads nowhere.
        """

    def compare(self, writer: "ParsedSchema") -> Comparison:
        """Can data written with the writer's schema be read with this one?"""

    def describe(self, incompatibility: Incompatibility, reader: str, writer: str) -> str:
        """The finished line of a report; `reader` and `writer` are what the two are called in it."""


FormatLimits = TypeVar("FormatLimits", contravariant=True)


class SchemaType(Protocol[FormatLimits]):
    """A schema format: its name on the wire and its parser."""

    @property
    def name(self) -> str: ...

    def parse(self, text: str, references: Sequence[str], mode: Mode, limits: FormatLimits) -> ParsedSchema: ...


AnySchemaType = SchemaType[Any]
