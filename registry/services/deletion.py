"""Deleting versions and subjects: softly, which hides them, and for good, which takes the content along.

An id is never given out again, whatever becomes of its content. What somebody refers to stays: a soft delete looks at
live referrers, a permanent one at all that are stored.
"""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import F, Q
from django.utils import timezone

from audit import events, transactions
from audit.actors import Actor
from registry import access, names
from registry.errors import (
    OperationNotPermitted,
    ReferenceExists,
    SubjectNotFound,
    SubjectNotSoftDeleted,
    SubjectSoftDeleted,
    VersionNotFound,
    VersionNotSoftDeleted,
    VersionSoftDeleted,
)
from registry.models import Config, Mode, ReferenceLink, Schema, SchemaId, SchemaVersion, Subject
from registry.models.settings import Scope
from registry.names import LATEST, SubjectName
from registry.permissions import Permission
from registry.querysets import SchemaVersionQuerySet
from registry.services import config, governing, scopes
from registry.services.scopes import SettingScope


@dataclass(frozen=True, slots=True)
class _Deleting:
    """One deletion: the subject, locked, and all its versions, locked."""

    actor: Actor
    name: SubjectName
    subject: Subject
    versions: dict[int, SchemaVersion]

    @property
    def live(self) -> list[SchemaVersion]:
        return [version for version in self.versions.values() if version.deleted_at is None]

    def record(
        self, action: events.Action, versions: Collection[SchemaVersion], *, is_gone: bool = False, **gone: list[int]
    ) -> None:
        """`gone` is what no row can tell any more."""
        detail = {"versions": sorted(version.version for version in versions), **gone}
        stamp = None if is_gone else self.subject
        events.record(self.actor, action, kind="subject", ref=governing.ref(self.name), detail=detail, stamp=stamp)


def soft_delete_version(*, principal: access.Principal, actor: Actor, subject_name: str, version: int) -> int:
    """The number of the version, which `latest` and lists no longer show.

    Raises SubjectNotFound, VersionNotFound, VersionSoftDeleted, AccessDenied, OperationNotPermitted, ReferenceExists.
    """
    with transactions.write():
        scopes.share_lock()
        deleting = _hold(principal, actor, subject_name, [Permission.DELETE])
        chosen = _version(deleting, version)
        if chosen.deleted_at is not None:
            raise VersionSoftDeleted(str(deleting.name), chosen.version)
        _refuse_in_read_only_mode(deleting.name)
        _refuse_referenced(deleting.name, [chosen], SchemaVersion.objects.live())
        _hide([chosen])
        deleting.record(events.Action.VERSION_SOFT_DELETED, [chosen])
    return chosen.version


def delete_version(*, principal: access.Principal, actor: Actor, subject_name: str, version: int) -> int:
    """The number of the version, which is no more. It must have been soft-deleted before.

    Raises SubjectNotFound, VersionNotFound, AccessDenied, OperationNotPermitted, ReferenceExists,
    VersionNotSoftDeleted.
    """
    with transactions.write():
        scopes.take_lock()
        deleting = _hold(principal, actor, subject_name, [Permission.DELETE, Permission.MANAGE])
        chosen = _version(deleting, version)
        _refuse_in_read_only_mode(deleting.name)
        _refuse_referenced(deleting.name, [chosen], SchemaVersion.objects.all())
        if chosen.deleted_at is None:
            raise VersionNotSoftDeleted(str(deleting.name), chosen.version)
        ids = _ids([chosen])
        remove([chosen])
        is_gone = len(deleting.versions) == 1
        if is_gone:
            _forget(deleting)
        else:
            _move([chosen])
        deleting.record(events.Action.VERSION_HARD_DELETED, [chosen], is_gone=is_gone, ids=ids)
    return chosen.version


def soft_delete_subject(*, principal: access.Principal, actor: Actor, subject_name: str) -> list[int]:
    """The numbers of the versions that were live, ascending.

    Raises SubjectNotFound, SubjectSoftDeleted, AccessDenied, OperationNotPermitted, ReferenceExists.
    """
    with transactions.write():
        scopes.share_lock()
        deleting = _hold(principal, actor, subject_name, [Permission.DELETE])
        chosen = deleting.live
        if not chosen:
            raise SubjectSoftDeleted(str(deleting.name))
        _refuse_in_read_only_mode(deleting.name)
        _refuse_referenced(deleting.name, chosen, SchemaVersion.objects.live().exclude(subject=deleting.subject))
        _hide(chosen)
        deleting.record(events.Action.SUBJECT_SOFT_DELETED, chosen)
    return [version.version for version in chosen]


def delete_subject(*, principal: access.Principal, actor: Actor, subject_name: str) -> list[int]:
    """The numbers of all its versions, ascending. Its settings, grants and policies go with it; whoever makes it anew
    starts from nothing.

    Raises SubjectNotFound, AccessDenied, OperationNotPermitted, ReferenceExists, SubjectNotSoftDeleted.
    """
    with transactions.write():
        scopes.take_lock()
        deleting = _hold(principal, actor, subject_name, [Permission.DELETE, Permission.MANAGE])
        chosen = list(deleting.versions.values())
        _refuse_in_read_only_mode(deleting.name)
        _refuse_referenced(deleting.name, chosen, SchemaVersion.objects.exclude(subject=deleting.subject))
        if deleting.live:
            raise SubjectNotSoftDeleted(str(deleting.name))
        ids = _ids(chosen)
        remove(chosen)
        _forget(deleting)
        deleting.record(events.Action.SUBJECT_HARD_DELETED, chosen, is_gone=True, ids=ids)
    return [version.version for version in chosen]


def _ids(versions: Collection[SchemaVersion]) -> list[int]:
    """As clients know them. The registrations say what their content was."""
    found = SchemaId.objects.filter(pk__in={version.schema_id_id for version in versions})
    return sorted(found.values_list("number", flat=True))


def remove(versions: Collection[SchemaVersion]) -> None:
    """Takes versions out of the store, then ids without versions, then contents without ids; never the id counter.

    The caller has locked the versions and made sure that nobody else refers to them. A registration that takes up one
    of the ids meanwhile fails at its commit, for want of what it refers to, and starts again.
    """
    gone = [version.pk for version in versions]
    ids = {version.schema_id_id for version in versions}
    kept = SchemaVersion.objects.filter(schema_id__in=ids).exclude(pk__in=gone).values_list("schema_id", flat=True)
    orphans = ids - set(kept)
    # First what the orphans refer to: it may be among the versions themselves.
    ReferenceLink.objects.filter(referrer__in=orphans).delete()
    SchemaVersion.objects.filter(pk__in=gone).delete()
    contents = set(SchemaId.objects.filter(pk__in=orphans).values_list("schema", flat=True))
    SchemaId.objects.filter(pk__in=orphans).delete()
    Schema.objects.filter(pk__in=contents, schema_ids__isnull=True).delete()


def clear(within: Q) -> list[str]:
    """Removes all versions that fit, and returns the names of their subjects, which stay: what is to come has an owner.

    Raises ReferenceExists if anything else, deleted or not, refers to one of them.
    """
    found = SchemaVersion.objects.filter(within).order_by("subject", "version")
    versions = list(found.select_related("subject__context").select_for_update(of=("self",), no_key=True))
    others = SchemaVersion.objects.exclude(pk__in=[version.pk for version in versions])
    subjects: dict[SubjectName, list[SchemaVersion]] = {}
    for version in versions:
        name = SubjectName(version.subject.context.name, version.subject.name)
        subjects.setdefault(name, []).append(version)
    for name, own in subjects.items():
        _refuse_referenced(name, own, others)
    if versions:
        remove(versions)
        _move(versions)
    return sorted(map(str, subjects))


def _hold(
    principal: access.Principal, actor: Actor, subject_name: str, permissions: Collection[Permission]
) -> _Deleting:
    """Locks the subject and its versions, so that nobody comes to refer to one of them meanwhile.

    After the lock of the settings, so that a mode that is being changed is wholly before or wholly after.
    """
    name = names.parse(subject_name)
    first, *others = permissions
    subject = governing.lock(principal, name, first)
    for permission in others:
        access.require(principal, permission, name, subject)
    stored = SchemaVersion.objects.filter(subject=subject).order_by("version")
    locked = stored.select_for_update(of=("self",), no_key=True)
    versions = {version.version: version for version in locked}
    if not versions:
        raise SubjectNotFound(str(name))
    return _Deleting(actor, name, subject, versions)


def _version(deleting: _Deleting, number: int) -> SchemaVersion:
    if number == LATEST:
        latest = SchemaVersion.objects.filter(subject=deleting.subject).latest_first().first()
        if latest is None:
            raise VersionNotFound(LATEST)
        return deleting.versions[latest.version]
    if number not in deleting.versions:
        raise VersionNotFound(number)
    return deleting.versions[number]


def _refuse_in_read_only_mode(name: SubjectName) -> None:
    if config.in_force(name).is_read_only:
        raise OperationNotPermitted.read_only(str(name), name.delimited_context)


def _refuse_referenced(
    name: SubjectName, versions: Collection[SchemaVersion], referrers: SchemaVersionQuerySet
) -> None:
    """The first version, in order, that one of the referrers refers to is named."""
    links = ReferenceLink.objects.filter(target__in=[version.pk for version in versions])
    referenced = set(links.filter(referrer__versions__in=referrers).values_list("target", flat=True))
    for version in versions:
        if version.pk in referenced:
            raise ReferenceExists(str(name), version.version)


def _hide(versions: Collection[SchemaVersion]) -> None:
    SchemaVersion.objects.filter(pk__in=[version.pk for version in versions]).update(deleted_at=timezone.now())
    _move(versions)


def _move(versions: Collection[SchemaVersion]) -> None:
    """A registration under way starts again."""
    Subject.objects.filter(pk__in={version.subject_id for version in versions}).update(revision=F("revision") + 1)


def _forget(deleting: _Deleting) -> None:
    """The subject itself. A name that comes back is a new subject: its owner is whoever makes it."""
    settings = SettingScope(Scope.SUBJECT, deleting.name)
    Config.objects.filter(settings.row).delete()
    Mode.objects.filter(settings.row).delete()
    deleting.subject.delete()
