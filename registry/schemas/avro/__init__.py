"""Avro, by the rules of Java Avro 1.12 as the Confluent registry applies them. Pure Python: text in, value out."""

from collections.abc import Sequence
from typing import ClassVar, Final

from registry.schemas.avro import compatibility, equality, fingerprints, normalizing, parsing, printing, tags, text
from registry.schemas.avro.limits import DEFAULT, Limits
from registry.schemas.avro.nodes import Node, Record
from registry.schemas.base import Comparison, Incompatibility, Mode, ParsedSchema, SchemaTags

__all__ = ["AVRO", "DEFAULT", "AvroSchema", "AvroType", "Limits"]


class AvroSchema:
    """A parsed Avro text. Safe to share between threads: what it keeps is the same whoever computes it."""

    __slots__ = ("_canonical", "_limits", "_mode", "_parsed", "_parsing_form", "_resolved")

    schema_type: ClassVar[str] = "AVRO"

    def __init__(self, parsed: parsing.Parsed, mode: Mode, limits: Limits) -> None:
        self._parsed = parsed
        self._mode = mode
        self._limits = limits
        self._canonical: str | None = None
        self._resolved: str | None = None
        self._parsing_form: str | None = None
        if not parsed.is_plain:
            # Definitions may move inwards, to their first use: what is stored has to parse again.
            text.check_depth(self.canonical, limits)

    @property
    def root(self) -> Node:
        return self._parsed.root

    @property
    def mode(self) -> Mode:
        return self._mode

    @property
    def canonical(self) -> str:
        if self._canonical is None:
            self._canonical = printing.canonical(self._parsed.root, self._parsed.known)
        return self._canonical

    @property
    def resolved(self) -> str:
        if not self._parsed.known:
            return self.canonical
        if self._resolved is None:
            self._resolved = printing.canonical(self._parsed.root)
        return self._resolved

    @property
    def field_names(self) -> tuple[str, ...]:
        root = self._parsed.root
        return tuple(root.index) if isinstance(root, Record) else ()

    @property
    def parsing_canonical_form(self) -> str:
        if self._parsing_form is None:
            self._parsing_form = printing.parsing_canonical_form(self._parsed.root)
        return self._parsing_form

    @property
    def crc64(self) -> str:
        return fingerprints.crc64(self.parsing_canonical_form)

    @property
    def md5(self) -> str:
        return fingerprints.md5(self.parsing_canonical_form)

    @property
    def sha256(self) -> str:
        return fingerprints.sha256(self.parsing_canonical_form)

    @property
    def fingerprint(self) -> str:
        return self.sha256

    @property
    def tags(self) -> tuple[SchemaTags, ...]:
        return tags.find(self.root)

    def equivalent(self, other: ParsedSchema) -> bool:
        return isinstance(other, AvroSchema) and equality.equivalent(self.root, other.root)

    def normalized(self) -> "AvroSchema":
        value = normalizing.raw_form(self._parsed.root, self._parsed.known)
        parsed = parsing.parse_again(value, self._parsed, self._mode, self._limits)
        return AvroSchema(parsed, self._mode, self._limits)

    def tagged(
        self, *, add: Sequence[SchemaTags], remove: Sequence[SchemaTags], inherit: Sequence[SchemaTags] = ()
    ) -> "AvroSchema":
        value = text.read(self.canonical, self._limits)
        tags.changed(value, add=add, remove=remove, inherit=inherit)
        return AvroSchema(parsing.parse_again(value, self._parsed, self._mode, self._limits), self._mode, self._limits)

    def compare(self, writer: ParsedSchema) -> Comparison:
        if not isinstance(writer, AvroSchema):
            raise TypeError(f"An Avro schema cannot read {writer.schema_type}")
        return compatibility.compare(self.root, writer.root, self._limits)

    def describe(self, incompatibility: Incompatibility, reader: str, writer: str) -> str:
        return compatibility.describe(incompatibility, reader, writer)


class AvroType:
    """The format itself."""

    name: ClassVar[str] = "AVRO"

    def parse(self, text: str, references: Sequence[str], mode: Mode, limits: Limits) -> AvroSchema:
        return AvroSchema(parsing.parse(text, references, mode, limits), mode, limits)


AVRO: Final = AvroType()
