"""Taking checkpoints out of the server: an outbox, one row a checkpoint and target, tried until it is delivered."""

import json
import subprocess
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import requests
import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db.models import F
from django.utils import timezone

from audit import transactions
from audit.models import Checkpoint, CheckpointDelivery

log = structlog.get_logger("audit.checkpoint")
LOG_TARGET = "log"
SEND_SECONDS = 10
FIRST_DELAY = timedelta(seconds=10)
LONGEST_DELAY = timedelta(hours=1)
LONGEST_ERROR = 500


def enqueue(checkpoint: Checkpoint) -> None:
    targets = [LOG_TARGET, *settings.CALLBOARD["CHECKPOINT_TARGETS"]]
    CheckpointDelivery.objects.bulk_create(
        CheckpointDelivery(checkpoint=checkpoint, target=target) for target in dict.fromkeys(targets)
    )


def deliver() -> None:
    """Whatever is due. A target that fails keeps nobody else waiting, and is asked again later and later."""
    due = CheckpointDelivery.objects.filter(delivered_at=None, due_at__lte=timezone.now())
    for delivery in due.select_related("checkpoint").order_by("checkpoint", "pk"):
        if _claim(delivery):
            _try(delivery)


def last_delivered() -> Checkpoint | None:
    """The newest checkpoint that lies somewhere else than in the server's own log, if there is such a place at all."""
    outside = settings.CALLBOARD["CHECKPOINT_TARGETS"] or (LOG_TARGET,)
    found = CheckpointDelivery.objects.filter(target__in=outside, delivered_at__isnull=False)
    newest = found.select_related("checkpoint").order_by("-checkpoint").first()
    return newest.checkpoint if newest else None


def _claim(delivery: CheckpointDelivery) -> bool:
    """Moves the next try ahead: of two workers one goes on, and one that dies has its turn again later."""
    delay = min(FIRST_DELAY * 2 ** min(delivery.tries, 20), LONGEST_DELAY)
    mine = CheckpointDelivery.objects.filter(pk=delivery.pk, tries=delivery.tries, delivered_at=None)
    with transactions.write():
        return bool(mine.update(tries=F("tries") + 1, due_at=timezone.now() + delay))


def _try(delivery: CheckpointDelivery) -> None:
    row = CheckpointDelivery.objects.filter(pk=delivery.pk)
    try:
        _send(delivery.target, delivery.checkpoint)
    except Exception as error:
        # Whatever it is, the row says so and the next ones get their turn.
        said = f"{type(error).__name__}: {error}"[:LONGEST_ERROR]
        log.warning("checkpoint not delivered", target=_shown(delivery.target), seq=delivery.checkpoint_id, error=said)
        with transactions.write():
            row.update(error=said)
        return
    with transactions.write():
        row.update(delivered_at=timezone.now(), error="")


def _send(target: str, checkpoint: Checkpoint) -> None:
    scheme = urlsplit(target).scheme
    if target == LOG_TARGET:
        log.info("checkpoint", body=checkpoint.body, signature=bytes(checkpoint.signature).hex())
    elif scheme == "file":
        _write(Path(unquote(urlsplit(target).path)), checkpoint)
    elif scheme == "mailto":
        _mail(urlsplit(target).path, checkpoint)
    elif scheme.startswith("git+"):
        _commit(target.removeprefix("git+"), checkpoint)
    else:
        _post(target, checkpoint)


def as_line(checkpoint: Checkpoint) -> str:
    """As a bundle holds it."""
    return json.dumps({"body": checkpoint.body, "signature": bytes(checkpoint.signature).hex()}, ensure_ascii=False)


def _write(folder: Path, checkpoint: Checkpoint) -> None:
    path = folder / f"{checkpoint.pk:012}.json"
    line = f"{as_line(checkpoint)}\n"
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(line)
    except FileExistsError:
        # A folder that keeps what it has, as it should; tried again after a crash it is there already.
        if path.read_text(encoding="utf-8") != line:
            raise


def _mail(address: str, checkpoint: Checkpoint) -> None:
    subject = f"Callboard: audit checkpoint {checkpoint.pk}"
    send_mail(subject, as_line(checkpoint), None, [address])


def _post(url: str, checkpoint: Checkpoint) -> None:
    headers = {"Content-Type": "application/json"}
    answer = requests.post(url, as_line(checkpoint).encode(), headers=headers, timeout=SEND_SECONDS)
    answer.raise_for_status()


def _commit(repository: str, checkpoint: Checkpoint) -> None:
    """A file in a clone of the repository, committed and pushed; whoever keeps it refuses forced pushes."""
    clone = settings.DATA / "checkpoints.git"
    if not (clone / ".git").is_dir():
        _git("clone", "--quiet", repository, str(clone))
    _write(clone, checkpoint)
    _git("-C", str(clone), "add", ".")
    identity = ["-c", "user.name=Callboard", "-c", "user.email=callboard@localhost"]
    if _git("-C", str(clone), "status", "--porcelain"):
        _git("-C", str(clone), *identity, "commit", "--quiet", "-m", f"Checkpoint {checkpoint.pk}")
    _git("-C", str(clone), "push", "--quiet", "origin", "HEAD")


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=False, timeout=6 * SEND_SECONDS)
    if done.returncode:
        raise OSError(done.stderr.strip() or f"git {words[0]} failed")
    return done.stdout


def _shown(target: str) -> str:
    """Without what may be a secret in it."""
    parts = urlsplit(target)
    return target if not parts.netloc else f"{parts.scheme}://{parts.hostname}/…"
