"""The request side of exports, and reading the log: who may do it, and the event that says that it was done."""

import logging
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, ClassVar, Protocol
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now

from audit import bundles, checkpoints, deliveries, events, exporter, tasks, transactions
from audit.actors import Actor
from audit.events import Action
from audit.models import AuditEvent, AuditExport, Checkpoint, Filters

logger = logging.getLogger(__name__)

VIEW = "audit.view_auditevent"
EXPORT = "audit.export_auditevent"
READ_SCOPE = "audit:read"
LINK_SECONDS = 300
MOST_LISTED = 500
_SIGNER = TimestampSigner(salt="audit.export")
_UNFINISHED = Q(state__in=[AuditExport.State.QUEUED, AuditExport.State.RUNNING])


class Principal(Protocol):
    """What the audit log has to know of whoever asks."""

    @property
    def ref(self) -> str: ...
    @property
    def auth(self) -> str: ...
    @property
    def scopes(self) -> frozenset[str]: ...
    @property
    def rights(self) -> frozenset[str]: ...
    def actor(self, request_id: str | None) -> Actor: ...


class AuditError(Exception):
    """Something the caller can do something about."""

    error_code: ClassVar[int]

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def status(self) -> int:
        return self.error_code


class NotAllowed(AuditError):
    error_code = 403


class ExportNotFound(AuditError):
    """There is none, or it is somebody else's."""

    error_code = 404

    def __init__(self) -> None:
        super().__init__("There is no such export")


class ExportUnfinished(AuditError):
    error_code = 409

    def __init__(self) -> None:
        super().__init__("Another export of yours is not finished yet; one at a time")


class NothingToDownload(AuditError):
    error_code = 409

    def __init__(self, state: str) -> None:
        super().__init__(f"There is no file to download: the export is {state}")


class FileAway(AuditError):
    error_code = 503

    def __init__(self) -> None:
        super().__init__("The file is not on this server. All servers and workers have to share one data folder")


class TooManyEvents(AuditError):
    error_code = 422

    def __init__(self, number: int, limit: int) -> None:
        super().__init__(f"The period holds {number} events, an export at most {limit}: ask for a shorter one")


class LinkRefused(AuditError):
    """Made up, too old, used, or somebody else's: which of these is for our own log."""

    error_code = 403

    def __init__(self) -> None:
        super().__init__("This link is not valid, or no longer: each is good for one download within five minutes")


@dataclass(frozen=True)
class Link:
    """What the token of a link says. `number` is how many downloads there were before it."""

    export_id: UUID
    user: str
    number: int


@dataclass(frozen=True)
class Download:
    file: BinaryIO
    name: str


def may_export(principal: Principal) -> bool:
    return principal.auth == "session" and EXPORT in principal.rights


def list_events(
    *, principal: Principal, filters: Filters, before: int | None = None, limit: int = 100
) -> list[AuditEvent]:
    """The newest first, without the personal data that is kept beside them."""
    if READ_SCOPE not in principal.scopes or VIEW not in principal.rights:
        raise NotAllowed(f"Reading the audit log takes the right {VIEW} and, with a key, the scope {READ_SCOPE}")
    found = AuditEvent.objects.filter(filters.condition)
    if before is not None:
        found = found.filter(seq__lt=before)
    return list(found.order_by("-seq")[: min(limit, MOST_LISTED)])


def request_export(*, principal: Principal, filters: Filters, request_id: str | None) -> AuditExport:
    """Stores what is asked for; a worker makes it. The event of the request is the last one that it can hold."""
    _check_may_export(principal)
    _check_size(filters)
    try:
        with transactions.write():
            export = AuditExport.objects.create(filters=filters.as_json(), requested_by=principal.ref)
            export.through_seq = events.record(
                principal.actor(request_id),
                Action.AUDIT_EXPORT_REQUESTED,
                kind="audit_export",
                ref=str(export.pk),
                detail={"filters": export.filters},
            )
            # After the event, for it is the event's number. These tables owe none.
            export.save(update_fields=["through_seq"])
            checkpoints.sign_head()
            transaction.on_commit(partial(tasks.dispatch, export.pk))
    except IntegrityError as error:
        if AuditExport.objects.filter(_UNFINISHED, requested_by=principal.ref).exists():
            raise ExportUnfinished from error
        raise
    return export


def list_exports(*, principal: Principal, before: int | None = None, limit: int = 50) -> list[AuditExport]:
    """One's own, the newest first. `before` is the `through_seq` of the last one that was seen."""
    _check_may_export(principal)
    found = AuditExport.objects.filter(requested_by=principal.ref)
    if before is not None:
        found = found.filter(through_seq__lt=before)
    return list(found.order_by("-through_seq")[: min(limit, MOST_LISTED)])


def get_export(*, principal: Principal, export_id: UUID) -> AuditExport:
    _check_may_export(principal)
    export = AuditExport.objects.filter(pk=export_id, requested_by=principal.ref).first()
    if export is None:
        raise ExportNotFound
    return export


def make_link(*, principal: Principal, export_id: UUID) -> str:
    """The token of a link, good for one download within LINK_SECONDS, and for nobody else."""
    export = get_export(principal=principal, export_id=export_id)
    if export.state != AuditExport.State.DONE:
        raise NothingToDownload(export.state)
    return _SIGNER.sign_object({"export": str(export.pk), "user": principal.ref, "n": export.downloads})


def open_download(*, principal: Principal, token: str, request_id: str | None) -> Download:
    """The file behind a link, once. Signing in and the right to export are asked for again, whatever the link says."""
    _check_may_export(principal)
    link = _read_link(principal, token)
    export = get_export(principal=principal, export_id=link.export_id)
    if export.state != AuditExport.State.DONE:
        raise NothingToDownload(export.state)
    # Before it is recorded: a file that can't be opened was not downloaded.
    try:
        file = (exporter.folder() / export.file).open("rb")
    except FileNotFoundError as error:
        logger.error("export %s: no file %s here", export.pk, export.file)
        raise FileAway from error
    try:
        _record_download(principal, export, link.number, request_id)
    except BaseException:
        file.close()
        raise
    return Download(file, f"callboard-audit-{export.through_seq}.zip")


def columns() -> dict[str, str]:
    """Of the table in a report, each with what it holds."""
    return bundles.MEANINGS


def public_key() -> str:
    """What reports are checked against, 64 hex digits."""
    return checkpoints.signing_key().public


def last_delivered() -> Checkpoint | None:
    """The newest checkpoint that has left the server."""
    return deliveries.last_delivered()


def _record_download(principal: Principal, export: AuditExport, number: int, request_id: str | None) -> None:
    unused = AuditExport.objects.filter(
        pk=export.pk, state=AuditExport.State.DONE, downloads=number, expires_at__gt=Now()
    )
    with transactions.write():
        if not unused.update(downloads=number + 1):
            raise _refused(principal, "used or expired")
        events.record(
            principal.actor(request_id),
            Action.AUDIT_DOWNLOADED,
            kind="audit_export",
            ref=str(export.pk),
            detail={"sha256": export.sha256},
        )


def _read_link(principal: Principal, token: str) -> Link:
    try:
        said = _SIGNER.unsign_object(token, max_age=LINK_SECONDS)
    except BadSignature as error:
        # An expired one is a bad one to Django as well.
        raise _refused(principal, type(error).__name__) from error
    link = Link(UUID(said["export"]), said["user"], said["n"])
    if link.user != principal.ref:
        raise _refused(principal, "somebody else's")
    return link


def _refused(principal: Principal, reason: str) -> LinkRefused:
    logger.warning("download refused: %s, asked by %s", reason, principal.ref)
    return LinkRefused()


def _check_may_export(principal: Principal) -> None:
    if not may_export(principal):
        raise NotAllowed(f"Exports of the audit log are for people who hold the right {EXPORT}")


def _check_size(filters: Filters) -> None:
    """Before anybody waits for it. Numbers have no gaps, so that the ends of the period tell how much is in between."""
    newest = AuditEvent.objects.order_by("-seq").values_list("seq", flat=True).first() or 0
    number, limit = len(exporter.population(filters, through_seq=newest)), settings.CALLBOARD["LIMIT_EXPORT_ROWS"]
    if number > limit:
        raise TooManyEvents(number, limit)
