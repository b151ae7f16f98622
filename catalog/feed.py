"""The feed: which subjects Backstage hears of, in pages and in files, and how it knows that nothing has changed.

A subject is in the feed while it is approved or deprecated and has a live version that is; such a version stands for
it, an approved one before a deprecated one. Whoever reads gets what it may view.
"""

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.models import Group
from django.db.models import Exists, F, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Concat, Lower

from audit import transactions
from audit.models import AuditEvent
from catalog import entities
from catalog.entities import Entity, Row, Site, Unmappable
from catalog.models import FeedName
from registry import access
from registry.errors import MalformedRequest, RegistryError
from registry.models import Config, SchemaVersion, Subject
from registry.models.columns import NameField
from registry.models.settings import Scope
from registry.models.subjects import Lifecycle
from registry.names import SubjectName
from registry.permissions import MANAGE_GLOBAL
from registry.services import installation

log = structlog.get_logger("feed")

MOST_ENTITIES = 500


class EntityNotFound(RegistryError):
    """No such entity, or none that the caller may see."""

    error_code = 404

    def __init__(self, namespace: str, name: str) -> None:
        super().__init__(f"Entity api:{namespace}/{name} not found")


class InvalidCursor(MalformedRequest):
    def __init__(self) -> None:
        super().__init__("`cursor` is not one that this feed gave out")


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a reader of pages is: the last subject it was given, and from where it reads changes afterwards."""

    after: int
    changes: str

    def encode(self) -> str:
        return base64.urlsafe_b64encode(json.dumps([self.after, self.changes]).encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> "Cursor":
        """Raises InvalidCursor for what `encode` did not make."""
        try:
            padded = text + "=" * (-len(text) % 4)
            after, changes = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        except (ValueError, TypeError, RecursionError) as error:
            raise InvalidCursor from error
        if type(after) is not int or not 0 <= after < 2**63 or not isinstance(changes, str):
            raise InvalidCursor
        return cls(after, changes)


@dataclass(frozen=True, slots=True)
class Page:
    items: list[Entity]
    next_cursor: str | None
    changes_cursor: str
    total: int
    scope: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A subject that should be in the feed and is not."""

    subject: str
    reason: str


def page(*, principal: access.Principal, cursor: str, limit: int) -> Page:
    """Entities in the order in which their subjects were made. The first page fixes from where changes are read.

    Raises InvalidCursor.
    """
    at = Cursor.decode(cursor) if cursor else Cursor(0, _changes_cursor())
    visible = _visible(principal)
    rows = _rows(visible.filter(pk__gt=at.after), limit=limit + 1)
    shown, is_last = rows[:limit], len(rows) <= limit
    return Page(
        items=_entities(shown),
        next_cursor=None if is_last else Cursor(shown[-1].subject_pk, at.changes).encode(),
        changes_cursor=at.changes,
        total=visible.count(),
        scope=_scope(principal),
    )


def shard(*, principal: access.Principal, number: int) -> bytes:
    """The file of that number: a YAML document for each of its entities."""
    return b"".join(map(entities.document, _entities(_rows(_in_shard(_visible(principal), number)))))


def entry_point(numbers: list[int], *, query: str) -> bytes:
    """The document that leads to the files. `query` stands in their addresses, because a relative one drops it."""
    targets = [f"./shards/{number:02}.yaml{query}" for number in numbers]
    return entities.document(entities.location(settings.CALLBOARD["BACKSTAGE_ENTRY_NAME"], targets))


def entity(*, principal: access.Principal, namespace: str, name: str) -> Entity:
    """Raises EntityNotFound. As everywhere in Backstage, letter case makes no difference."""
    found = _entities(_rows(_named(_visible(principal), namespace, name)))
    if not found:
        raise EntityNotFound(namespace, name)
    return found[0]


def shards(*, principal: access.Principal) -> list[int]:
    """The numbers of the files that are not empty, in order."""
    numbers = _visible(principal).annotate(shard=_shard()).filter(shard__isnull=False)
    return sorted(set(numbers.values_list("shard", flat=True).distinct()))


def unmapped() -> list[LeftOut]:
    """The subjects of which no entity can be made, with the reasons: what a page about the server's health shows."""
    decide_names()
    return [made for made in map(_made, _all_rows()) if isinstance(made, LeftOut)]


# Which subjects.


def _published() -> "QuerySet[Subject]":
    version = SchemaVersion.objects.published().filter(subject=OuterRef("pk"))
    return Subject.objects.filter(Exists(version), lifecycle__in=[Lifecycle.APPROVED, Lifecycle.DEPRECATED])


def _visible(principal: access.Principal) -> "QuerySet[Subject]":
    return _published().filter(access.filter_all(principal))


def _scope(principal: access.Principal) -> str:
    """`partial` for a caller that does not see all of the feed: Backstage would delete what it was not told of."""
    if MANAGE_GLOBAL in principal.rights and not principal.prefixes:
        return "all"
    return "partial" if _published().exclude(pk__in=_visible(principal).values("pk")).exists() else "all"


def _in_shard(subjects: "QuerySet[Subject]", number: int) -> "QuerySet[Subject]":
    return subjects.annotate(shard=_shard()).filter(shard=number)


def _shard() -> Subquery:
    return Subquery(
        _name_of("context__name", "name").values(number=F("bucket") % settings.CALLBOARD["BACKSTAGE_SHARDS"])
    )


def _named(subjects: "QuerySet[Subject]", namespace: str, name: str) -> "QuerySet[Subject]":
    """At most one."""
    if namespace.lower() != settings.CALLBOARD["BACKSTAGE_NAMESPACE"] or not entities.is_name(name):
        return subjects.none()
    known = FeedName.objects.annotate(lowered=Lower("name")).filter(lowered=name.lower())
    return subjects.annotate(ref=_ref("context__name", "name")).filter(ref__in=known.values("ref"))


def _name_of(context: str, name: str) -> "QuerySet[FeedName]":
    """For a query in which these columns hold the context and the name of a subject."""
    return FeedName.objects.filter(ref=_ref(OuterRef(context), OuterRef(name)))


def _ref(context: str | OuterRef, name: str | OuterRef) -> Concat:
    return Concat(Value(":"), context, Value(":"), name, output_field=NameField())


# Names.


def decide_names() -> None:
    """Gives every subject that has come into the feed its name. Not only what the caller sees: whose turn it is must
    not depend on who asks.
    """
    unnamed = _published().filter(~Exists(_name_of("context__name", "name"))).order_by("pk")
    while some := list(unnamed.values_list("context__name", "name")[:MOST_ENTITIES]):
        _decide_names([SubjectName(context, name) for context, name in some])


def _decide_names(subjects: list[SubjectName]) -> None:
    """Several may be at it at once, and the unique columns decide: a row is inserted or it is not. A subject without
    one afterwards had its name taken and tries the next; one that somebody else has named meanwhile is done.
    """
    candidates = {f":{subject.context}:{subject.name}": entities.names_for(str(subject)) for subject in subjects}
    buckets = {ref: entities.bucket(str(subject)) for ref, subject in zip(candidates, subjects, strict=True)}
    while candidates:
        made = [FeedName(ref=ref, name=next(names), bucket=buckets[ref]) for ref, names in candidates.items()]
        # No event: names are no state of the registry. For the place in the queue of writers.
        with transactions.write():
            FeedName.objects.bulk_create(made, ignore_conflicts=True)
        for ref in FeedName.objects.filter(ref__in=candidates).values_list("ref", flat=True):
            del candidates[ref]


# Rows and entities.

_COLUMNS = (
    "subject_id",
    "subject__context__name",
    "subject__name",
    "entity_name",
    "subject__lifecycle",
    "lifecycle",
    "subject__owner__name",
    "version",
    "schema_id__number",
    "schema_id__schema__text",
    "schema_id__schema__references",
    "schema_id__schema__fingerprint",
    "own_level",
)


def _rows(subjects: "QuerySet[Subject]", *, limit: int | None = None) -> list[Row]:
    """One query, whatever the number of subjects; one that was not given its name yet is not in the feed yet."""
    newest = SchemaVersion.objects.filter(subject=OuterRef("pk")).latest_first().values("pk")[:1]
    named = subjects.filter(Exists(_name_of("context__name", "name")))
    chosen = named.annotate(newest=Subquery(newest)).order_by("pk").values("newest")[:limit]
    versions = SchemaVersion.objects.filter(pk__in=chosen).annotate(
        entity_name=Subquery(_name_of("subject__context__name", "subject__name").values("name")),
        own_level=Subquery(_own_level()),
    )
    levels = _levels_of_scopes()
    return [_row(values, levels) for values in versions.order_by("subject_id").values_list(*_COLUMNS)]


def _row(values: tuple[Any, ...], levels: dict[str, str]) -> Row:
    pk, context, name, entity_name, state, version_state, owner, *content, own_level = values
    version, schema_id, text, references, fingerprint = content
    return Row(
        subject_pk=pk,
        subject=SubjectName(context, name),
        entity_name=entity_name,
        is_deprecated=Lifecycle.DEPRECATED in {state, version_state},
        owner=owner,
        version=version,
        schema_id=schema_id,
        text=text,
        references=references,
        fingerprint=fingerprint,
        compatibility=own_level or levels.get(context) or levels.get("") or settings.CALLBOARD["COMPATIBILITY"],
    )


def _own_level() -> "QuerySet[Config, Any]":
    """Nothing where the subject has no config; with one that names no level, the server's default counts."""
    own = Config.objects.filter(
        kind=Scope.SUBJECT, context=OuterRef("subject__context"), subject_name=OuterRef("subject__name")
    )
    return own.values(level=Coalesce("compatibility_level", Value(settings.CALLBOARD["COMPATIBILITY"])))


def _levels_of_scopes() -> dict[str, str]:
    """Of the contexts that have a config, by name, and of the global config, by the empty name."""
    rows = Config.objects.exclude(kind=Scope.SUBJECT).order_by("context__name")
    default = settings.CALLBOARD["COMPATIBILITY"]
    return {
        context or "": level or default for context, level in rows.values_list("context__name", "compatibility_level")
    }


def _all_rows() -> Iterator[Row]:
    after = 0
    while rows := _rows(_published().filter(pk__gt=after), limit=MOST_ENTITIES):
        yield from rows
        after = rows[-1].subject_pk


def _entities(rows: list[Row]) -> list[Entity]:
    made = [_made(row) for row in rows]
    left_out = [each for each in made if isinstance(each, LeftOut)]
    if left_out:
        log.warning("left out of the feed", subjects=len(left_out), first=left_out[0].subject, why=left_out[0].reason)
    return [each for each in made if not isinstance(each, LeftOut)]


def _made(row: Row) -> Entity | LeftOut:
    """One that can't be made must not take the others with it."""
    try:
        return entities.build(row, _site())
    except Unmappable as problem:
        return LeftOut(str(row.subject), str(problem))


def _site() -> Site:
    own = settings.CALLBOARD
    return Site(settings.BASE_URL, own["BACKSTAGE_NAMESPACE"], own["BACKSTAGE_OWNERS"])


# What a reader remembers, in order to be told that nothing has changed. No text is read for any of these.


def page_tag(*, principal: access.Principal, cursor: str, limit: int) -> str:
    """Moves with every event, because a page says up to which one it knows."""
    caller = _digest([principal.user_id, *principal.prefixes, limit, cursor])
    return f"{_render()}-{_head()}-{caller}"


def shard_tag(*, principal: access.Principal, number: int) -> str:
    return _tag(_in_shard(_visible(principal), number))


def entity_tag(*, principal: access.Principal, namespace: str, name: str) -> str:
    return _tag(_named(_visible(principal), namespace, name))


def entry_tag(numbers: list[int]) -> str:
    return f"{_render()}-{_digest(numbers)}"


def _tag(subjects: "QuerySet[Subject]") -> str:
    """`<render>-<highest change number>-<who is there>`.

    The last part is for what raises no number among those that stay: a subject retired or deleted for good, or one that
    the caller may see no longer.
    """
    members = list(subjects.order_by("pk").values_list("pk", "changed_seq"))
    highest = max((seq for _, seq in members), default=0)
    return f"{_render()}-{highest}-{_digest(members)}"


def _changes_cursor() -> str:
    """The numbers of the audit log are those of the changes: without gaps, and in the order of the commits."""
    return f"{_render()}-{_head()}"


def _head() -> int:
    return AuditEvent.objects.order_by("-seq").values_list("seq", flat=True).first() or 0


def _render() -> str:
    """Changes with everything that alters entities without a change of their subjects."""
    own = settings.CALLBOARD
    return _digest(
        [
            installation.VERSION,
            installation.commit_id(),
            settings.BASE_URL,
            *(own[f"BACKSTAGE_{name}"] for name in ("ENTRY_NAME", "NAMESPACE", "SHARDS", "OWNERS")),
            own["COMPATIBILITY"],
            _levels_of_scopes(),
            list(Group.objects.order_by("pk").values_list("pk", "name")),
        ]
    )


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]
