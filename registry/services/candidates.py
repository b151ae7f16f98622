"""A schema that somebody sent, made ready: references resolved, text parsed, canonical text and guid known."""

import json
from dataclasses import dataclass, replace

from django.conf import settings

from registry import access, schemas
from registry.bodies import Body, Definition, StoredVersion
from registry.errors import InvalidSchema, RegistryError, SchemaTooLarge
from registry.names import SubjectName
from registry.schemas import Mode, identity, rules
from registry.schemas.base import EmptySchema, ParsedSchema, Reference, UnknownSchemaType
from registry.services import references
from registry.services.config import InForce
from registry.services.parsed import limits
from registry.services.references import Closure

# A text quoted in an error: enough to recognise it.
_SHOWN_CHARACTERS = 10_240


@dataclass(frozen=True, slots=True)
class Candidate:
    parsed: ParsedSchema
    closure: Closure
    metadata: Body | None
    rule_set: Body | None
    # Why it may not be registered anew; a text that is already known is answered all the same.
    refusal: RegistryError | None = None

    @property
    def guid(self) -> str:
        return identity.guid(self.parsed.canonical, self.closure.references, self.metadata, self.rule_set)


def prepare(
    *,
    principal: access.Principal,
    subject: SubjectName,
    definition: Definition,
    normalize: bool,
    validate: bool,
    include_deleted: bool = False,
) -> Candidate:
    """Parses by the rules for new schemas; what fails them is parsed by those for stored ones, only to be looked up.

    With `include_deleted` it may refer to deleted versions. Raises InvalidSchema, SchemaTooLarge.
    """
    check_size(definition.text)
    try:
        closure = references.resolve(
            context=subject.context,
            references=definition.references,
            principal=principal,
            include_deleted=include_deleted,
        )
        parsed, refusal = _parse(definition, closure, validate=validate)
        if normalize:
            parsed = schemas.normalize(parsed)
            closure = _sorted(closure)
    except (EmptySchema, UnknownSchemaType):
        raise
    except InvalidSchema as error:
        raise explained(error, subject, definition) from error
    if refusal is not None:
        refusal = explained(refusal, subject, definition)
    return Candidate(parsed, closure, definition.metadata, definition.rule_set, refusal)


def completed(candidate: Candidate, in_force: InForce, latest: StoredVersion | None) -> Candidate:
    """With what the config adds to metadata and rules, and with those of the version before where none are given."""
    inherited = (None, None) if latest is None else (latest.metadata, latest.rule_set)
    metadata = inherited[0] if candidate.metadata is None else candidate.metadata
    rule_set = inherited[1] if candidate.rule_set is None else candidate.rule_set
    metadata = rules.merge_metadata(in_force.default_metadata, metadata)
    rule_set = rules.merge_rule_sets(in_force.default_rule_set, rule_set)
    return replace(
        candidate,
        metadata=rules.merge_metadata(metadata, in_force.override_metadata),
        rule_set=rules.merge_rule_sets(rule_set, in_force.override_rule_set),
    )


def check_size(text: str) -> None:
    limit = settings.CALLBOARD["LIMIT_SCHEMA_BYTES"]
    # Each character has a byte at least, so most texts need not be encoded to know.
    if len(text) > limit or len(text.encode(errors="surrogatepass")) > limit:
        raise SchemaTooLarge(
            f"Register operation failed because schema is too large: more than {limit} bytes (LIMIT_SCHEMA_BYTES)"
        )


def explained(error: RegistryError, subject: SubjectName, definition: Definition) -> InvalidSchema:
    """The error in the words of the Confluent registry: the whole request, then what the parser says."""
    given = ", ".join(f"{{name='{r.name}', subject='{r.subject}', version={r.version}}}" for r in definition.references)
    text = definition.text
    shown = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
    guid = identity.guid(text, definition.references, definition.metadata, definition.rule_set)
    return InvalidSchema(
        f"Invalid schema of type {definition.schema_type}, details: Invalid schema {{subject={subject},version=null,"
        f"id=null,guid={guid},schemaType={definition.schema_type},"
        f"references=[{given}],metadata={_shown(definition.metadata)},ruleSet={_shown(definition.rule_set)},"
        f"schema={shown},schemaTags=null,ts=null,deleted=null}} "
        f"with refs [{given}] of type {definition.schema_type}, details: {error.message}"
    )


def _shown(given: Body | None) -> str:
    return "null" if given is None else json.dumps(given, ensure_ascii=False)


def _parse(definition: Definition, closure: Closure, *, validate: bool) -> tuple[ParsedSchema, RegistryError | None]:
    if not validate:
        return _parse_as(Mode.STORED, definition, closure), None
    try:
        return _parse_as(Mode.REGISTRATION, definition, closure), None
    except (EmptySchema, UnknownSchemaType):
        raise
    except InvalidSchema as error:
        return _parse_as(Mode.STORED, definition, closure), error


def _parse_as(mode: Mode, definition: Definition, closure: Closure) -> ParsedSchema:
    return schemas.parse(definition.schema_type, definition.text, closure.texts, mode=mode, limits=limits())


def _sorted(closure: Closure) -> Closure:
    """Normalizing sorts the references by subject and version, and drops what stands twice."""
    pairs: dict[Reference, int] = dict(zip(closure.references, closure.targets, strict=True))
    order = sorted(pairs, key=lambda reference: (rules.utf16(reference.subject), reference.version))
    return Closure(tuple(order), tuple(pairs[reference] for reference in order), closure.texts)
