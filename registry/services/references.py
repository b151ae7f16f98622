"""References: what they stand for in a context, everything they lead to, and who refers to a version."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from django.conf import settings
from django.db.models import Max, Q

from registry import access, names
from registry.bodies import StoredVersion
from registry.errors import InvalidSchema
from registry.models import ReferenceLink, SchemaVersion
from registry.names import LATEST, SubjectName
from registry.querysets import SchemaVersionQuerySet
from registry.schemas.base import Reference

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Closure:
    """References with `latest` made a number, the versions they name, and all texts in the order to parse them."""

    references: tuple[Reference, ...] = ()
    targets: tuple[int, ...] = ()
    texts: tuple[str, ...] = ()


def resolve(
    *, context: str, references: Sequence[Reference], principal: access.Principal, include_deleted: bool
) -> Closure:
    """The closure of what a client sent. One query a depth, plus one where `latest` is asked for.

    Raises InvalidSchema for a reference that names no version, or none that the caller may view; a deleted one counts
    only where a schema is looked up.
    """
    if not references:
        return Closure()
    _check_count(len(references))
    named = [(reference, names.parse_within(context, reference.subject)) for reference in references]
    visible = SchemaVersion.objects.visible_to(principal)
    if not include_deleted:
        visible = visible.live()
    numbers = _latest_numbers(visible, named)
    wanted = [
        (reference, subject, numbers.get(subject, LATEST) if reference.version == LATEST else reference.version)
        for reference, subject in named
    ]
    found = _versions(visible, [(subject, version) for _, subject, version in wanted])
    for reference, subject, version in wanted:
        if (subject, version) not in found:
            raise InvalidSchema(_missing(subject, reference.version))
    targets = [found[subject, version] for _, subject, version in wanted]
    roots = [(reference.name, target) for (reference, _, _), target in zip(wanted, targets, strict=True)]
    return Closure(
        references=tuple(Reference(reference.name, reference.subject, version) for reference, _, version in wanted),
        targets=tuple(target.pk for target in targets),
        texts=_texts(roots),
    )


def texts_of(stored: StoredVersion) -> tuple[str, ...]:
    """The texts that a stored version refers to, in the order to parse them."""
    if not stored.references:
        return ()
    return _texts(_children([stored])[stored.schema_id_pk])


def may_view_all(principal: access.Principal, roots: Sequence[StoredVersion]) -> bool:
    """Whether the caller may view everything that these versions refer to, however far away."""
    targets = {target.pk for children in _descendants(roots).values() for _, target in children}
    return SchemaVersion.objects.visible_to(principal).filter(pk__in=targets).count() == len(targets)


def referenced_by(
    *, principal: access.Principal, target: StoredVersion, include_deleted: bool, offset: int, limit: int
) -> list[int]:
    """Ids of the contents that refer to this version, of versions that the caller may view."""
    versions = SchemaVersion.objects.all_visible_to(principal)
    if not include_deleted:
        versions = versions.live()
    ids = versions.filter(schema_id__reference_links__target=target.pk).values_list("schema_id__number", flat=True)
    return list(ids.order_by("schema_id__context__name", "schema_id__number").distinct()[offset : offset + limit])


def _missing(subject: SubjectName, version: int) -> str:
    return f'No schema reference found for subject "{subject}" and version {version}'


def _latest_numbers(
    visible: SchemaVersionQuerySet, named: Iterable[tuple[Reference, SubjectName]]
) -> dict[SubjectName, int]:
    subjects = {subject for reference, subject in named if reference.version == LATEST}
    if not subjects:
        return {}
    return {
        SubjectName(context, name): version
        for some in _batched(subjects)
        # An approved version comes after a deprecated one and so takes its place.
        for context, name, _, version in visible.published()
        .filter(_any_of(map(_of, some)))
        .values_list("subject__context__name", "subject__name", "lifecycle")
        .annotate(Max("version"))
        .order_by("-lifecycle")
    }


def _versions(
    visible: SchemaVersionQuerySet, wanted: Iterable[tuple[SubjectName, int]]
) -> dict[tuple[SubjectName, int], StoredVersion]:
    return {
        (stored.subject, stored.version): stored
        for some in _batched(dict.fromkeys(wanted))
        for stored in visible.filter(_any_of(_of(subject) & Q(version=version) for subject, version in some)).stored()
    }


def _batched(items: Iterable[T]) -> Iterator[tuple[T, ...]]:
    """SQLite takes a thousand terms of an OR at most, and each of ours is two."""
    rest = iter(items)
    while some := tuple(islice(rest, 200)):
        yield some


def _of(subject: SubjectName) -> Q:
    return Q(subject__context__name=subject.context, subject__name=subject.name)


def _any_of(conditions: Iterable[Q]) -> Q:
    combined = Q()
    for condition in conditions:
        combined |= condition
    return combined


@dataclass(slots=True)
class _Walk:
    """Depth first, by name, the first of a name wins; every text after those it needs."""

    children: dict[int, list[tuple[str, StoredVersion]]]
    chosen: dict[str, StoredVersion] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)

    def visit(self, roots: Iterable[tuple[str, StoredVersion]]) -> None:
        # A stack instead of recursion: a chain of references may be a thousand long.
        stack = [iter([(name, target, False) for name, target in roots])]
        while stack:
            entry = next(stack[-1], None)
            if entry is None:
                stack.pop()
                continue
            name, target, is_complete = entry
            if is_complete:
                self.texts.append(target.text)
            elif self._choose(name, target):
                below = [(*child, False) for child in self.children.get(target.schema_id_pk, [])]
                stack.append(iter([*below, (name, target, True)]))

    def _choose(self, name: str, target: StoredVersion) -> bool:
        first = self.chosen.get(name)
        if first is None:
            self.chosen[name] = target
            return True
        if settings.CALLBOARD["STRICT_REFERENCE_VERSIONS"] and first.pk != target.pk:
            raise InvalidSchema(
                f'Conflicting reference versions for "{name}": version {first.version} and version {target.version}'
            )
        return False


def _texts(roots: Sequence[tuple[str, StoredVersion]]) -> tuple[str, ...]:
    children = _descendants([target for _, target in roots])
    walk = _Walk(children)
    walk.visit(roots)
    return tuple(walk.texts)


def _descendants(roots: Sequence[StoredVersion]) -> dict[int, list[tuple[str, StoredVersion]]]:
    """By primary key of a schema id, what it refers to, for everything that can be reached. One query a depth."""
    reached: dict[int, list[tuple[str, StoredVersion]]] = {}
    sizes = {root.schema_id_pk: len(root.text.encode()) for root in roots}
    _check_caps(sizes)
    level = [root for root in roots if root.references]
    while level:
        below = _children(level)
        reached.update(below)
        level = []
        for _, target in (child for children in below.values() for child in children):
            if target.schema_id_pk not in sizes:
                sizes[target.schema_id_pk] = len(target.text.encode())
                _check_caps(sizes)
                if target.references:
                    level.append(target)
    return reached


def _check_caps(sizes: dict[int, int]) -> None:
    _check_count(len(sizes))
    limit = settings.CALLBOARD["LIMIT_REFERENCE_BYTES"]
    if sum(sizes.values()) > limit:
        raise InvalidSchema(f"The referenced schemas are larger than {limit} bytes (LIMIT_REFERENCE_BYTES)")


def _check_count(count: int) -> None:
    limit = settings.CALLBOARD["LIMIT_REFERENCES"]
    if count > limit:
        raise InvalidSchema(f"The schema refers to more than {limit} schemas (LIMIT_REFERENCES)")


def _children(level: Sequence[StoredVersion]) -> dict[int, list[tuple[str, StoredVersion]]]:
    """Of each, the name and target of its references, in their order."""
    referrers = {stored.schema_id_pk: stored for stored in level}
    links = list(
        ReferenceLink.objects.filter(referrer__in=referrers)
        .order_by("referrer", "position")
        .values_list("referrer", "position", "target")
    )
    targets = {stored.pk: stored for stored in SchemaVersion.objects.filter(pk__in={pk for _, _, pk in links}).stored()}
    children: dict[int, list[tuple[str, StoredVersion]]] = {pk: [] for pk in referrers}
    for referrer, position, target in links:
        name = referrers[referrer].references[position]["name"]
        children[referrer].append((name, targets[target]))
    return children
