"""Names and paths, pure: contexts, subject names, what may be created, and the one table of routes.

The server hands us a path that is already decoded, so `a%2Fb` and `a/b` are the same. Routing is greedy on literal
tails: the subject is everything before the longest tail that fits. A name from which the router would strip a tail
could never be reached again and is therefore refused at creation.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from registry.errors import InvalidContext, InvalidSubject, InvalidVersion, NoSuchResource

DEFAULT_CONTEXT = "."
# A prefix that spans all contexts.
ALL_CONTEXTS = ":*:"
# Above all contexts. It has settings and no subjects.
GLOBAL_CONTEXT = ".__GLOBAL"
LATEST = -1
MAX_INTEGER = 2**31 - 1
MAX_NAME_CHARACTERS = 512
MAX_NAME_BYTES = 1024
MAX_CONTEXT_CHARACTERS = 255

_QUALIFIED = re.compile(r"(?s):(\.[^:]*)(?::(.*))?\Z")
_RESERVED_TAIL = re.compile(r"(?s).+/(?:metadata|versions(?:/[^/]+(?:/(?:schema|referencedby|tags))?)?)\Z")
# U+200B-200F and U+202A-202E, U+2060-2064, U+2066-2069, BOM: they make two names look alike.
_INVISIBLE = re.compile("[\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_INTEGER = re.compile(r"[+-]?\d+\Z")


@dataclass(frozen=True, slots=True)
class SubjectName:
    """A subject's place: its context (`.` or `.x`) and its name there."""

    context: str
    name: str

    def __str__(self) -> str:
        return self.name if self.context == DEFAULT_CONTEXT else f":{self.context}:{self.name}"

    @property
    def delimited_context(self) -> str:
        """As errors name it."""
        return context_in_errors(self.context)

    @property
    def is_default_context(self) -> bool:
        """`:.:` stands for the default context itself, which for settings is the top level."""
        return self.context == DEFAULT_CONTEXT and not self.name


def context_in_errors(context: str) -> str:
    """The default context is nothing."""
    return "" if context == DEFAULT_CONTEXT else f":{context}:"


def parse(text: str) -> SubjectName:
    """`:.ctx:name` or `name`; `:.:name` and `name` are the same subject."""
    if qualified := _QUALIFIED.match(text):
        return SubjectName(qualified[1], qualified[2] or "")
    return SubjectName(DEFAULT_CONTEXT, text)


def parse_within(context: str, text: str) -> SubjectName:
    """A name as it is meant in a context: the subject there, unless the name says otherwise."""
    return parse(text) if text.startswith(":.") else SubjectName(context, text)


def is_storable(subject: SubjectName) -> bool:
    """PostgreSQL refuses a NUL even in a question, so nobody may ask it for such a name."""
    return "\0" not in subject.context and "\0" not in subject.name


def check_creatable(text: str, *, reject_empty: bool, is_import: bool = False) -> SubjectName:
    """The subject that `text` names, for a registration. Raises InvalidSubject if none such may come into being.

    An import takes names that are merely hard to read, because they exist already where they come from.
    """
    subject = check_settable(text, is_import=is_import)
    if subject.is_default_context or subject.context == GLOBAL_CONTEXT:
        raise InvalidSubject(text)
    if reject_empty and subject.name in {"", "*"}:
        raise InvalidSubject(text)
    return subject


def check_settable(text: str, *, is_import: bool = False) -> SubjectName:
    """The same for a config or a mode, which a whole context and `:.__GLOBAL:` may have too. Raises InvalidSubject."""
    subject = parse(text)
    if _CONTROL.search(text) or subject.name in {"__GLOBAL", "__EMPTY"} or text.startswith(ALL_CONTEXTS):
        raise InvalidSubject(text)
    if reason := _unreachable(text, subject) or ("" if is_import else _unreadable(text, subject)):
        raise InvalidSubject(text, reason)
    return subject


def _unreachable(text: str, subject: SubjectName) -> str:
    if parse(str(subject)) != subject or str(subject).startswith(ALL_CONTEXTS):
        return "It would read as a name in another context."
    if "/" in subject.context:
        return "The name of a context can't have a slash."
    if text.endswith("/") or _RESERVED_TAIL.match(text):
        return "It ends like a path of the API, so nobody could reach it; choose another ending."
    if len(subject.name) > MAX_NAME_CHARACTERS or len(subject.name.encode(errors="replace")) > MAX_NAME_BYTES:
        return f"It is longer than {MAX_NAME_CHARACTERS} characters or {MAX_NAME_BYTES} bytes."
    if len(subject.context) > MAX_CONTEXT_CHARACTERS:
        return f"The name of its context is longer than {MAX_CONTEXT_CHARACTERS} characters."
    return "It holds half a character." if _SURROGATE.search(text) else ""


def _unreadable(text: str, subject: SubjectName) -> str:
    if subject.name in {".", ".."}:
        return "It reads as a relative path."
    if _INVISIBLE.search(text):
        return "It holds characters that can't be seen."
    if not unicodedata.is_normalized("NFC", text):
        return "It is not in Unicode normalization form C."
    return ""


def check_context(given: str) -> str:
    """The name of a context that subjects may be in: `.x`, also given as `x` or `:.x:`.

    Raises InvalidContext, InvalidSubject.
    """
    prefix = _context_prefix(given)
    subject = check_settable(prefix)
    if subject.context == GLOBAL_CONTEXT:
        raise InvalidSubject(prefix)
    return subject.context


def check_prefix(prefix: str) -> None:
    """Raises InvalidSubject for a prefix with which no subject could begin."""
    if _CONTROL.search(prefix) or _SURROGATE.search(prefix) or len(prefix) > MAX_NAME_CHARACTERS:
        raise InvalidSubject(prefix, "No subject can begin like this.")


def parse_version(text: str) -> int:
    """A version in a path: 1 to 2^31-1, or LATEST for `latest` in any letter case and for -1."""
    stripped = text.strip()
    if stripped.lower() == "latest":
        return LATEST
    if not _INTEGER.match(stripped) or len(stripped) > 20:
        raise InvalidVersion(text)
    number = int(stripped)
    if number != LATEST and not 1 <= number <= MAX_INTEGER:
        raise InvalidVersion(str(number))
    return number


def parse_integer(text: str) -> int:
    """An integer of 32 bits in a path or query; anything else is a resource that can't exist."""
    if not _INTEGER.match(text) or len(text) > 20 or not -MAX_INTEGER - 1 <= int(text) <= MAX_INTEGER:
        raise NoSuchResource
    return int(text)


# Longest tail first. `{subject}` takes anything, newlines and slashes included; other braces take one segment.
ROUTES = {
    "root": "",
    "subjects": "subjects",
    "version_schema": "subjects/{subject}/versions/{version}/schema",
    "version_referencedby": "subjects/{subject}/versions/{version}/referencedby",
    "version_tags": "subjects/{subject}/versions/{version}/tags",
    "version": "subjects/{subject}/versions/{version}",
    "versions": "subjects/{subject}/versions",
    "subject_metadata": "subjects/{subject}/metadata",
    "subject": "subjects/{subject}",
    "compatibility_version": "compatibility/subjects/{subject}/versions/{version}",
    "compatibility": "compatibility/subjects/{subject}/versions",
    "schemas": "schemas",
    "schema_types": "schemas/types",
    "schema_id_schema": "schemas/ids/{schema_id}/schema",
    "schema_id_subjects": "schemas/ids/{schema_id}/subjects",
    "schema_id_versions": "schemas/ids/{schema_id}/versions",
    "schema_id": "schemas/ids/{schema_id}",
    "schema_guid_ids": "schemas/guids/{guid}/ids",
    "schema_guid": "schemas/guids/{guid}",
    "contexts": "contexts",
    "context": "contexts/{context}",
    "config": "config",
    "subject_config": "config/{subject}",
    "mode": "mode",
    "subject_mode": "mode/{subject}",
    "metadata_id": "v1/metadata/id",
    "metadata_version": "v1/metadata/version",
    "metadata_deployment": "v1/metadata/deployment",
}


def pattern(template: str) -> str:
    """A regular expression for the decoded path after its first slash; one trailing slash is allowed."""
    body = re.escape(template).replace(r"\{subject\}", r"(?P<subject>(?s:.+?))")
    segments = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", body)
    return rf"\A{segments}/?\Z" if template else r"\A\Z"


_COMPILED = [(name, re.compile(pattern(template))) for name, template in ROUTES.items()]


@dataclass(frozen=True, slots=True)
class Route:
    name: str
    arguments: dict[str, str]


def split(path: str) -> Route | None:
    """The route of a decoded path such as `/subjects/a/b/versions/1`, or none."""
    rest = path.removeprefix("/")
    for name, compiled in _COMPILED:
        if match := compiled.match(rest):
            return Route(name, match.groupdict())
    return None


_IN_A_CONTEXT = re.compile(r"(?s)/contexts/([^/]+)(?:/(.*))?\Z")
_AHEAD_OF_A_SUBJECT = re.compile(r"(?s)((?:compatibility/)?subjects|config|mode)/(.+)\Z")
_IDS = re.compile(r"(?s)schemas/ids(?:/.*)?\Z")


@dataclass(frozen=True, slots=True)
class Target:
    """What a path stands for; `parameters` take the place of those of the query."""

    path: str
    parameters: dict[str, str] = field(default_factory=dict)


def in_context(path: str, query: Mapping[str, Sequence[str]]) -> Target:
    """`/contexts/.x/subjects/s` is `/subjects/:.x:s`, and so on: the decoded path and its query as `split` wants them.

    Names that are qualified already stay as they are, and of nested contexts the last one counts. A path outside of
    `/contexts/` stands for itself. Raises InvalidContext.
    """
    prefix = ""
    while nested := _IN_A_CONTEXT.match(path):
        prefix, path = _context_prefix(nested[1]), f"/{nested[2] or ''}"
    return _prefixed(prefix, path.removeprefix("/"), query) if prefix else Target(path)


def _context_prefix(given: str) -> str:
    """`.x`, `x`, `:.x:` and `:.x` are all the context `.x`."""
    name = given.removeprefix(":").removesuffix(":")
    if ":" in name:
        raise InvalidContext(name)
    return f":{name}:" if name.startswith(DEFAULT_CONTEXT) else f":.{name}:"


def _prefixed(prefix: str, rest: str, query: Mapping[str, Sequence[str]]) -> Target:
    bare = rest.removesuffix("/")
    if bare == "":
        return Target(f"/contexts/{prefix}")
    if bare in {"config", "mode"}:
        return Target(f"/{bare}/{prefix}")
    if bare in {"schemas", "subjects"}:
        return Target(f"/{rest}", {"subjectPrefix": _qualified(prefix, _first(query, "subjectPrefix"))})
    if _IDS.match(rest):
        return Target(f"/{rest}", {"subject": _qualified(prefix, _first(query, "subject"))})
    if named := _AHEAD_OF_A_SUBJECT.match(rest):
        return Target(f"/{named[1]}/{_qualified(prefix, named[2])}")
    return Target(f"/{rest}")


def _qualified(prefix: str, name: str) -> str:
    return name if name.startswith((":.", ALL_CONTEXTS)) else prefix + name


def _first(query: Mapping[str, Sequence[str]], name: str) -> str:
    return (query.get(name) or [""])[0]
