"""What the pages show: read for one person, who sees no more than the registry would tell them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import Group
from django.db.models import Count, Exists, Max, OuterRef

from accounts import people
from accounts.principals import Principal
from catalog import schema_text
from registry import access, names
from registry.errors import SubjectNotFound, VersionNotFound
from registry.models import SchemaVersion, Subject
from registry.names import LATEST, SubjectName
from registry.permissions import Permission
from registry.services import config, ladder, lifecycle

LINES = 50
FEW = 8
MOST_GROUPS = 200

IN_WORDS = {
    "NONE": "nothing is checked",
    "BACKWARD": "new readers can read what the version before wrote",
    "BACKWARD_TRANSITIVE": "new readers can read what any version before wrote",
    "FORWARD": "readers of the version before can read what the new one writes",
    "FORWARD_TRANSITIVE": "readers of any version before can read what the new one writes",
    "FULL": "old and new can read each other, one version back",
    "FULL_TRANSITIVE": "old and new can read each other, all versions back",
}


@dataclass(frozen=True)
class SubjectLine:
    name: str
    state: str
    owner: str
    versions: int
    newest: int


@dataclass(frozen=True)
class SubjectList:
    """`after` is where the next page begins, or empty."""

    lines: list[SubjectLine]
    after: str


@dataclass(frozen=True)
class VersionLine:
    version: int
    state: str
    sunset_on: date | None
    schema_id: int
    registered_at: datetime
    registered_by: str


@dataclass(frozen=True)
class ReferenceLine:
    name: str
    subject: str
    version: int


@dataclass(frozen=True)
class Level:
    name: str
    words: str
    source: str


@dataclass(frozen=True)
class Chosen:
    """The version whose text is shown."""

    line: VersionLine
    guid: UUID
    schema_type: str
    text: list[schema_text.Token]
    references: list[ReferenceLine]
    moves: list[str]
    is_latest: bool


@dataclass(frozen=True)
class SubjectPage:
    name: str
    owner: str
    visibility: str
    state: str
    created_at: datetime
    level: Level
    versions: list[VersionLine]
    older: int | None
    is_first_page: bool
    chosen: Chosen
    moves: list[str]
    may_change_lifecycle: bool


def group_names(principal: Principal) -> list[str]:
    groups = Group.objects.filter(pk__in=principal.groups).order_by("name")
    return list(groups.values_list("name", flat=True)[:MOST_GROUPS])


def list_subjects(
    *, principal: Principal, prefix: str = "", after: str = "", only_mine: bool = False, limit: int = LINES
) -> SubjectList:
    """Subjects with a live version, in order of their names."""
    live = SchemaVersion.objects.live().filter(subject=OuterRef("pk"))
    subjects = Subject.objects.all_visible_to(principal).filter(Exists(live))
    if only_mine:
        subjects = subjects.filter(owner__in=principal.groups)
    rows = subjects.page(prefix=prefix, after=after, limit=limit + 1)
    shown = rows[:limit]
    counts = _live_versions(row.pk for row in shown)
    lines = [SubjectLine(_qualified(row), row.lifecycle, row.owner.name, *counts.get(row.pk, (0, 0))) for row in shown]
    return SubjectList(lines, after=lines[-1].name if len(rows) > limit else "")


def _live_versions(subjects: Iterable[int]) -> dict[int, tuple[int, int]]:
    """Of each, how many there are and the number of the newest."""
    rows = SchemaVersion.objects.live().filter(subject__in=list(subjects)).values_list("subject")
    found = rows.annotate(count=Count("pk"), newest=Max("version")).order_by()
    return {subject: (count, newest) for subject, count, newest in found}


def _qualified(subject: Subject) -> str:
    return str(SubjectName(subject.context.name, subject.name))


def get_subject(*, principal: Principal, subject_name: str, version: str = "", before: str = "") -> SubjectPage:
    """Raises SubjectNotFound, VersionNotFound and InvalidVersion."""
    name = names.parse(subject_name)
    subject = Subject.objects.visible_to(principal).named(name).select_related("owner").first()
    if subject is None:
        raise SubjectNotFound(subject_name)
    live = SchemaVersion.objects.filter(subject=subject).live()
    latest = live.latest_first().values_list("version", flat=True).first()
    row = _chosen(live, version, latest)
    upper = names.parse_version(before) if before else None
    newest_first = live.newest_first() if upper is None else live.filter(version__lt=upper).newest_first()
    rows = list(newest_first.select_related("schema_id")[: LINES + 1])
    called = people.names_of({each.registered_by for each in [*rows, row]})
    lines = [_line(each, called) for each in rows[:LINES]]
    return SubjectPage(
        name=str(name),
        owner=subject.owner.name,
        visibility=subject.visibility,
        state=subject.lifecycle,
        created_at=subject.created_at,
        level=_level(name),
        versions=lines,
        older=lines[-1].version if len(rows) > LINES else None,
        is_first_page=upper is None,
        chosen=Chosen(
            line=_line(row, called),
            guid=row.schema_id.schema.guid,
            schema_type=row.schema_id.schema.schema_type,
            text=schema_text.pretty(row.schema_id.schema.text),
            references=[
                ReferenceLine(each["name"], str(names.parse_within(name.context, each["subject"])), each["version"])
                for each in row.schema_id.schema.references
            ],
            moves=lifecycle.moves_from(row.lifecycle),
            is_latest=row.version == latest,
        ),
        moves=lifecycle.moves_from(subject.lifecycle),
        may_change_lifecycle=Permission.CHANGE_LIFECYCLE in access.effective(principal, name, subject),
    )


def _chosen(live: Any, version: str, latest: int | None) -> SchemaVersion:
    """As asked for; else what clients get; else, with nothing but drafts and the retired, the newest."""
    wanted = names.parse_version(version) if version else (latest or 0)
    if wanted == LATEST:
        wanted = latest or 0
    rows = live.select_related("schema_id__schema")
    found: SchemaVersion | None = rows.filter(version=wanted).first()
    if found is None and not version:
        found = rows.newest_first().first()
    if found is None:
        raise VersionNotFound(wanted)
    return found


def _line(row: SchemaVersion, called: dict[str, str]) -> VersionLine:
    return VersionLine(
        version=row.version,
        state=row.lifecycle,
        sunset_on=row.sunset_on,
        schema_id=row.schema_id.number,
        registered_at=row.registered_at,
        registered_by=called.get(row.registered_by, row.registered_by),
    )


def _level(name: SubjectName) -> Level:
    level = str(config.in_force(name).level)
    return Level(level, IN_WORDS[level], _source(name))


def _source(name: SubjectName) -> str:
    """Where the level stands, on the ladder of `config.in_force`: a subject's config without one skips the others."""
    rows = ladder.read(name).configs
    words = "set on this subject", "set for the context", "set globally"
    for place, where in zip(ladder.places(name), words, strict=True):
        if place in rows:
            return where if "compatibility_level" in rows[place] else "the server's default"
    return "the server's default"
