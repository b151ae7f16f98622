"""Life cycle of versions and subjects: draft → approved ↔ deprecated ↔ retired."""

from dataclasses import dataclass
from datetime import date

from django.db.models import F

from audit import events, transactions
from audit.actors import Actor
from registry import access, names
from registry.bodies import StoredVersion
from registry.errors import InvalidMove, VersionNotFound
from registry.models import SchemaVersion, Subject
from registry.models.subjects import Lifecycle
from registry.names import LATEST, SubjectName
from registry.permissions import Permission
from registry.services import governing

# From a state, where a version may go. From approved to retired only with a recorded exception, which is yet to come.
MOVES: dict[str, frozenset[str]] = {
    Lifecycle.DRAFT: frozenset({Lifecycle.APPROVED, Lifecycle.RETIRED}),
    Lifecycle.APPROVED: frozenset({Lifecycle.DEPRECATED}),
    Lifecycle.DEPRECATED: frozenset({Lifecycle.APPROVED, Lifecycle.RETIRED}),
    Lifecycle.RETIRED: frozenset({Lifecycle.DEPRECATED}),
}


@dataclass(frozen=True, slots=True)
class Move:
    """Where to, why, and for a deprecation the day after which nobody should rely on the version."""

    to: str
    reason: str = ""
    sunset_on: date | None = None


def change_version_state(
    *, principal: access.Principal, actor: Actor, subject_name: str, version: int, move: Move
) -> StoredVersion:
    """Moves one version; LATEST names the one that clients get. Asking for the state it is in changes nothing.

    Raises SubjectNotFound, VersionNotFound, AccessDenied, InvalidMove.
    """
    name = names.parse(subject_name)
    with transactions.write():
        subject = governing.lock(principal, name, Permission.CHANGE_LIFECYCLE)
        versions = SchemaVersion.objects.filter(subject=subject).live()
        wanted = versions.latest_first() if version == LATEST else versions.filter(version=version)
        row = wanted.first()
        if row is None:
            raise VersionNotFound(version)
        if (before := row.lifecycle) == move.to and row.sunset_on == move.sunset_on:
            return versions.filter(pk=row.pk).stored()[0]
        if before != move.to:
            _check(move, before, f"version {row.version} of subject '{name}'")
        row.lifecycle = move.to
        row.sunset_on = move.sunset_on if move.to == Lifecycle.DEPRECATED else None
        row.save(update_fields=["lifecycle", "sunset_on"])
        _moved(actor, subject, name, before=before, move=move, version=row.version)
        return versions.filter(pk=row.pk).stored()[0]


def change_subject_state(*, principal: access.Principal, actor: Actor, subject_name: str, move: Move) -> None:
    """Moves the subject; retiring it retires all its versions, and none of them may be approved then.

    Raises SubjectNotFound, AccessDenied, InvalidMove.
    """
    name = names.parse(subject_name)
    with transactions.write():
        subject = governing.lock(principal, name, Permission.CHANGE_LIFECYCLE)
        if (before := subject.lifecycle) == move.to:
            return
        _check(move, before, f"subject '{name}'")
        if move.to == Lifecycle.RETIRED:
            _retire_versions(subject, name)
        subject.lifecycle = move.to
        subject.save(update_fields=["lifecycle"])
        _moved(actor, subject, name, before=before, move=move)


def _retire_versions(subject: Subject, name: SubjectName) -> None:
    versions = SchemaVersion.objects.filter(subject=subject).live()
    if approved := versions.filter(lifecycle=Lifecycle.APPROVED).order_by("version").first():
        raise InvalidMove(
            f"Subject '{name}' can't be retired while version {approved.version} is approved; deprecate it first"
        )
    versions.update(lifecycle=Lifecycle.RETIRED, sunset_on=None)


def _check(move: Move, before: str, what: str) -> None:
    if move.to in MOVES[before]:
        return
    allowed = ", ".join(state for state in Lifecycle.values if state in MOVES[before])
    raise InvalidMove(f"The state of {what} is {before}: it can become {allowed}, not {move.to}")


def _moved(
    actor: Actor, subject: Subject, name: SubjectName, *, before: str, move: Move, version: int | None = None
) -> None:
    Subject.objects.filter(pk=subject.pk).update(revision=F("revision") + 1)
    events.record(
        actor,
        events.Action.LIFECYCLE_CHANGED,
        kind="subject" if version is None else "version",
        ref=governing.ref(name) if version is None else f"{governing.ref(name)}:{version}",
        detail={
            "before": before,
            "after": move.to,
            **({"sunset_on": move.sunset_on.isoformat()} if move.sunset_on else {}),
        },
        reason=move.reason or None,
        stamp=subject,
    )


def moves_from(state: str) -> list[str]:
    """Where a version or subject in this state may go, in the order of the life cycle."""
    return [to for to in Lifecycle.values if to in MOVES[state]]
