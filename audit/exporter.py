"""Making exports: claim, write, finish. The row of the export is the truth, whoever brings its id and how often.

Whoever works on an export holds a lease and renews it on the way. The number of the try fences every later statement:
a worker that was taken for dead finds that nothing of its own is left to change, and takes away what it wrote.
"""

import logging
import os
import shutil
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import monotonic
from uuid import UUID

from django.conf import settings
from django.db import close_old_connections
from django.db.models import BooleanField, DateTimeField, ExpressionWrapper, F, Min, Q
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Coalesce, Now

from audit import bundles, chain, checkpoints, deliveries, events, transactions, verify
from audit.actors import Actor
from audit.bundles import Member
from audit.events import Action
from audit.models import AuditEvent, AuditExport, AuditPii, Checkpoint, Filters

logger = logging.getLogger(__name__)

EXPORTER = Actor("system", "exporter")
State = AuditExport.State
MOST_TRIES = 5
KEPT = timedelta(days=7)
BEAT_SECONDS = 1.0
BEAT_ROWS = 10_000
CHUNK = 2000
LONGEST_ERROR = 500


class LeaseLost(Exception):
    """Somebody else has the export by now."""


class Stopped(Exception):
    """The worker was asked to end."""


@dataclass(frozen=True)
class Bundle:
    path: Path
    size: int
    sha256: str
    counts: dict[str, int]


class Lease:
    """One try of one export, and the right to work on it."""

    shows_personal = True

    def __init__(self, export: AuditExport, stopping: Callable[[], bool]) -> None:
        self.export = export
        self.number = export.tries
        self._stopping = stopping
        self._progress = self._told = 0
        self._due = 0.0

    def __str__(self) -> str:
        return f"export {self.export.pk}, try {self.number}"

    @property
    def name(self) -> str:
        """Of its files: no two tries share one."""
        return f"{self.export.pk}.{self.number}"

    @property
    def mine(self) -> Q:
        return Q(pk=self.export.pk, tries=self.number, state=State.RUNNING)

    def advance(self, rows: int) -> None:
        self._progress += rows
        self.beat()

    def beat(self) -> None:
        """Renews the lease if it is time to. Raises LeaseLost or Stopped."""
        if self._stopping():
            raise Stopped
        if monotonic() < self._due and self._progress < self._told + BEAT_ROWS:
            return
        with transactions.write():
            renewed = AuditExport.objects.filter(self.mine).update(
                lease_until=_from_now(_lease_time()), progress=self._progress, total=self.export.total
            )
        if not renewed:
            raise LeaseLost
        self._due, self._told = monotonic() + BEAT_SECONDS, self._progress


def run(export_id: UUID, *, stopping: Callable[[], bool] = lambda: False) -> None:
    """Makes the export, unless somebody else does or has. Failures are kept in the row and tried again later."""
    export = _claim(export_id)
    if export is None:
        logger.info("export %s: nothing to do", export_id)
        return
    lease = Lease(export, stopping)
    try:
        _finish(lease, write_bundle(lease, folder()))
    except LeaseLost:
        logger.warning("%s: lease lost, what it wrote is removed", lease)
        _take_away(lease)
    except Stopped:
        logger.info("%s: stopped, somebody else may go on", lease)
        _take_away(lease)
        with transactions.write():
            AuditExport.objects.filter(lease.mine).update(lease_until=Now())
    except Exception as error:
        # Whatever it was: the row says why, and the sweeper offers it again once the lease is over.
        logger.exception("%s: failed", lease)
        # It may have been the connection.
        close_old_connections()
        _take_away(lease)
        with transactions.write():
            AuditExport.objects.filter(lease.mine).update(error=_described(error))


def due(*, waiting_since: timedelta) -> list[UUID]:
    """Exports that nobody works on: queued for that long, or claimed by a worker that fell silent."""
    waiting = Q(state=State.QUEUED, created_at__lte=_from_now(-waiting_since))
    silent = Q(state=State.RUNNING, lease_until__lt=Now())
    found = AuditExport.objects.filter(waiting | silent, tries__lt=MOST_TRIES)
    return list(found.order_by("created_at", "pk").values_list("pk", flat=True))


def give_up() -> None:
    """Ends the exports whose last try is over without a result."""
    over = Q(state=State.RUNNING, tries__gte=MOST_TRIES, lease_until__lt=Now())
    for export in AuditExport.objects.filter(over).order_by("pk"):
        error = export.error or "The worker died."
        with transactions.write():
            if not AuditExport.objects.filter(over, pk=export.pk).update(
                state=State.FAILED, error=error, finished_at=Now()
            ):
                continue
            detail: dict[str, object] = {"error": error, "tries": export.tries, "requested_by": export.requested_by}
            events.record(EXPORTER, Action.AUDIT_EXPORT_FAILED, kind="audit_export", ref=str(export.pk), detail=detail)
        _remove(_files(export.pk))


def expire() -> None:
    """Takes away the files that were kept long enough. The rows stay."""
    old = Q(state=State.DONE, expires_at__lt=Now())
    for export_id in AuditExport.objects.filter(old).order_by("pk").values_list("pk", flat=True):
        # Files first: killed in between, the next run finds the row again.
        _remove(_files(export_id))
        with transactions.write():
            AuditExport.objects.filter(old, pk=export_id).update(state=State.EXPIRED, file="")


def population(filters: Filters, *, through_seq: int) -> range:
    """The numbers of all events from the first of the period to the checkpoint after its last, asked for or not.

    Bounds by time alone would do if clocks never went back; what is not asked for is written down as omitted. The
    request itself is signed, so that there is a checkpoint.
    """
    log = AuditEvent.objects.filter(seq__lte=through_seq).values_list("seq", flat=True)
    since = log.filter(at__gte=filters.since) if filters.since else log
    until = log.filter(at__lt=filters.until) if filters.until else log
    first, last = since.order_by("seq").first(), until.order_by("-seq").first()
    if first is None or last is None or first > last:
        return range(0)
    signed = Checkpoint.objects.filter(seq__gte=last, seq__lte=through_seq).order_by("seq").first()
    return range(first, (signed.seq if signed else last) + 1)


def folder() -> Path:
    path: Path = settings.DATA / "exports"
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def write_bundle(lease: Lease, target: Path) -> Bundle:
    """The .zip of this try. What is in it depends on nothing but the log and what was asked for."""
    export = lease.export
    filters = Filters.from_json(export.filters)
    chosen = population(filters, through_seq=export.through_seq)
    export.total = len(chosen)
    lease.beat()
    parts, path = target / lease.name, target / f"{lease.name}.zip"
    parts.mkdir(mode=0o700)
    with ExitStack() as writing:
        members = {name: writing.enter_context(Member(parts, name)) for name in bundles.WRITTEN_ALONG}
        counts = _write_events(lease, chosen, filters, members)
    whole = bundles.manifest(_said(export, chosen, counts), members.values())
    with Member(parts, bundles.MANIFEST) as manifest, Member(parts, bundles.SIGNATURE) as signature:
        manifest.write(whole)
        signature.write(checkpoints.signing_key().sign(verify.manifest_message(whole)).hex().encode() + b"\n")
    bundles.pack(path, [*members.values(), manifest, signature], moved_on=lease.beat)
    path.chmod(0o600)
    _sync(path)
    shutil.rmtree(parts)
    return Bundle(path, path.stat().st_size, bundles.sha256(path, moved_on=lease.beat), counts)


def _write_events(lease: Lease, chosen: range, filters: Filters, members: dict[str, Member]) -> dict[str, int]:
    """Says how many there were of each sort."""
    counts = {"events": 0, "omitted": 0}
    members[bundles.README].write(bundles.README_TEXT.encode())
    members[bundles.VERIFIER].write(Path(verify.__file__).read_bytes())
    signed = _checkpoints(chosen)
    members[bundles.CHECKPOINTS].write("".join(f"{deliveries.as_line(each)}\n" for each in signed).encode())
    members[bundles.KEYS].write(bundles.keys(_keys()))
    members[bundles.TABLE].write(bundles.table([bundles.COLUMNS]))
    for rows in _chunks(chosen, filters):
        _write_rows(rows, members, counts)
        if lease.shows_personal:
            _write_personal([row[0] for row in rows if row[4]], members[bundles.PERSONAL])
        lease.advance(len(rows))
    return counts


Row = tuple[int, str, bytes, bytes, bool]


def _chunks(chosen: range, filters: Filters) -> Iterator[list[Row]]:
    """By number, each chunk a query of its own: no cursor stays open while the lease is renewed, and no snapshot."""
    asked = ExpressionWrapper(filters.condition, output_field=BooleanField())
    log = AuditEvent.objects.annotate(asked=asked).order_by("seq")
    columns = log.values_list("seq", "payload", "prev", "hash", "asked")
    after = chosen.start - 1
    while found := columns.filter(seq__gt=after, seq__lt=chosen.stop)[:CHUNK]:
        yield [(seq, payload, bytes(prev), bytes(hash_), fits) for seq, payload, prev, hash_, fits in found]
        after = found[len(found) - 1][0]


def _write_rows(rows: list[Row], members: dict[str, Member], counts: dict[str, int]) -> None:
    asked = [row for row in rows if row[4]]
    omitted = [row for row in rows if not row[4]]
    evidence = [bundles.event_line(seq, payload, prev, hash_) for seq, payload, prev, hash_, _ in asked]
    members[bundles.EVENTS].write(b"".join(evidence))
    members[bundles.OMITTED].write(b"".join(bundles.omitted_line(row[0], chain.digest(row[1])) for row in omitted))
    table = bundles.table(bundles.table_row(seq, payload, hash_) for seq, payload, _, hash_, _ in asked)
    members[bundles.TABLE].write(table)
    counts["events"] += len(asked)
    counts["omitted"] += len(omitted)


def _write_personal(shown: list[int], member: Member) -> None:
    if not shown:
        return
    # By range: a list of numbers would be a parameter each.
    found = AuditPii.objects.filter(event__gte=shown[0], event__lte=shown[-1]).order_by("event", "pk")
    asked = set(shown)
    for each in found:
        if each.event_id in asked:
            member.write(bundles.personal_line(each.event_id, each.name, each.value, bytes(each.salt)))


def _checkpoints(chosen: range) -> list[Checkpoint]:
    return list(Checkpoint.objects.filter(seq__gte=chosen.start, seq__lt=chosen.stop).order_by("seq"))


def _keys() -> list[tuple[str, str, str]]:
    """Every key that ever signed, oldest first; the one that signs the manifest is the last."""
    used = Checkpoint.objects.values_list("key", "public").annotate(since=Min("at")).order_by("since")
    found = [(key, public, chain.time_text(since)) for key, public, since in used]
    now = checkpoints.signing_key()
    # One that has replaced another since the request has signed nothing yet.
    return found if now.public in {public for _, public, _ in found} else [*found, (now.name, now.public, "")]


def _said(export: AuditExport, chosen: range, counts: dict[str, int]) -> dict[str, object]:
    ends = {event.seq: event for event in AuditEvent.objects.filter(seq__in={chosen.start, chosen.stop - 1})}
    bounds = {"first": chosen[0], "last": chosen[-1]} if chosen else {}
    return {
        "export": str(export.pk),
        "key": checkpoints.signing_key().name,
        "prev": bytes(ends[chosen.start].prev).hex() if chosen else None,
        "requested_by": export.requested_by,
        "filters": export.filters,
        "through_seq": export.through_seq,
        "counts": counts,
        "first": None,
        "last": None,
        **{name: {"seq": seq, "hash": bytes(ends[seq].hash).hex()} for name, seq in bounds.items()},
    }


def _claim(export_id: UUID) -> AuditExport | None:
    free = Q(state=State.QUEUED) | Q(state=State.RUNNING, lease_until__lt=Now())
    with transactions.write():
        claimed = AuditExport.objects.filter(free, pk=export_id, tries__lt=MOST_TRIES).update(
            state=State.RUNNING,
            tries=F("tries") + 1,
            lease_until=_from_now(_lease_time()),
            worker=f"{socket.gethostname()}:{os.getpid()}",
            progress=0,
            started_at=Coalesce("started_at", Now()),
        )
        # In the transaction, where the row is still locked: this is our try and nobody else's.
        export = AuditExport.objects.get(pk=export_id) if claimed else None
    return export


def _finish(lease: Lease, bundle: Bundle) -> None:
    export = lease.export
    detail: dict[str, object] = {
        **bundle.counts,
        "requested_by": export.requested_by,
        "through_seq": export.through_seq,
        "sha256": bundle.sha256,
        "size": bundle.size,
        "tries": lease.number,
    }
    with transactions.write():
        published = AuditExport.objects.filter(lease.mine).update(
            state=State.DONE,
            file=bundle.path.name,
            size=bundle.size,
            sha256=bundle.sha256,
            error="",
            progress=export.total,
            finished_at=Now(),
            expires_at=_from_now(KEPT),
        )
        if not published:
            raise LeaseLost
        events.record(EXPORTER, Action.AUDIT_EXPORTED, kind="audit_export", ref=str(export.pk), detail=detail)
    # A killed worker leaves its part behind.
    _remove(path for path in _files(export.pk) if path != bundle.path)


def _take_away(lease: Lease) -> None:
    """What this try wrote, unless it is published: a connection may break after the commit."""
    if AuditExport.objects.filter(pk=lease.export.pk, file=f"{lease.name}.zip").exists():
        return
    _remove([folder() / lease.name, folder() / f"{lease.name}.zip"])


def _files(export_id: UUID) -> list[Path]:
    return list(folder().glob(f"{export_id}.*"))


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """On disk, with its name, before the row says that it is there."""
    for each in path, path.parent:
        handle = os.open(each, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _described(error: Exception) -> str:
    first, *_ = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {first}"[:LONGEST_ERROR]


def _lease_time() -> timedelta:
    return timedelta(seconds=settings.CALLBOARD["EXPORT_LEASE"])


def _from_now(span: timedelta) -> "ExpressionWrapper[CombinedExpression]":
    """By the database's clock, never the worker's."""
    return ExpressionWrapper(Now() + span, output_field=DateTimeField())
