"""Old events go into a bundle, an anchor stands in their place, and the log verifies from there."""

import io
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection
from django.utils import timezone

from audit import archive, checkpoints, events, transactions, verification, verify
from audit.archive import Archive, NothingToArchive
from audit.events import Action
from audit.models import AuditAnchor, AuditEvent, AuditPii
from config.settings import TABLE
from tests.audit import exports
from tests.audit.changes import create_group, pay
from tests.cast import STAGE

pytestmark = pytest.mark.django_db(transaction=True)


def sign() -> None:
    with transactions.write():
        checkpoints.sign_head()


def take_out(folder: Path, *, before: datetime | None = None) -> Archive:
    return archive.archive(actor=STAGE, before=before or timezone.now() + timedelta(days=1), folder=folder)


@pytest.fixture
def archived(tmp_path: Path) -> Archive:
    """Three events, of which two are signed; both go."""
    create_group("first")
    with transactions.write():
        events.record(STAGE, Action.USER_CREATED, kind="person", ref="person:7", personal={"email": "a@corp.test"})
    sign()
    create_group("third")
    return take_out(tmp_path)


def standalone(*bundles: Path) -> "subprocess.CompletedProcess[str]":
    key = checkpoints.signing_key().public
    words = [sys.executable, "-I", "-S", verify.__file__, "--key", key, *map(str, bundles)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_what_a_checkpoint_covers_goes_and_an_event_says_so(archived: Archive) -> None:
    left = list(AuditEvent.objects.order_by("seq"))

    assert (archived.first, archived.last) == (1, 2)
    assert [(event.seq, event.action) for event in left] == [(3, "group.created"), (4, "audit.archived")]
    assert not AuditPii.objects.exists()


def test_the_log_verifies_from_the_anchor(archived: Archive) -> None:
    outcome = verification.check()

    assert (outcome.exit_code, outcome.first, outcome.last) == (0, 3, 4)


def test_the_archive_verifies_on_its_own_without_names(archived: Archive) -> None:
    done = standalone(archived.path)

    assert (done.returncode, done.stderr) == (0, "")
    assert "whole: 2 events" in done.stdout and "1 pieces of personal data" in done.stdout


def test_archives_and_an_export_verify_joined(archived: Archive, tmp_path: Path) -> None:
    create_group("fourth")
    sign()
    create_group("fifth")
    second = take_out(tmp_path)
    rest = exports.bundle_path(exports.auditor().exported())

    assert standalone(archived.path, second.path, rest).returncode == verify.WHOLE
    assert standalone(archived.path, rest).returncode == verify.GAP


def test_what_was_taken_out_and_put_back_otherwise_is_damage(archived: Archive) -> None:
    with transactions.write():
        AuditEvent.objects.create(
            seq=1, payload="{}", prev=b"", hash=b"", at=timezone.now(), action="x", schema_version=1
        )

    with pytest.raises(verify.Damage, match="which were archived"):
        verification.check()


def test_nothing_that_is_young_goes(tmp_path: Path) -> None:
    create_group("first")
    sign()
    create_group("second")

    with pytest.raises(NothingToArchive):
        take_out(tmp_path, before=archive.oldest_kept())


def test_nothing_goes_without_a_checkpoint_and_the_last_event_never(tmp_path: Path) -> None:
    create_group("first")
    with pytest.raises(NothingToArchive):
        take_out(tmp_path)
    sign()
    with pytest.raises(NothingToArchive):
        take_out(tmp_path)


def test_no_event_goes_beyond_the_anchor(archived: Archive) -> None:
    with pytest.raises(IntegrityError, match="append-only"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_auditevent WHERE seq = 3")


@pytest.mark.parametrize("seq", [1, 2, 99])
def test_an_anchor_that_no_checkpoint_covers_is_refused(seq: int) -> None:
    create_group("first")
    sign()
    create_group("second")
    hash_ = AuditEvent.objects.get(seq=2).hash

    with pytest.raises(IntegrityError), transactions.write():
        AuditAnchor.objects.create(seq=seq, hash=hash_, sha256="")
        pay()


def test_an_anchor_owes_an_event() -> None:
    create_group("first")
    sign()

    with pytest.raises(IntegrityError), transactions.write():
        AuditAnchor.objects.create(seq=1, hash=AuditEvent.objects.get().hash, sha256="")


def test_anchors_stay(archived: Archive) -> None:
    with pytest.raises(IntegrityError), transactions.write():
        AuditAnchor.objects.update(seq=99)
        pay()


def test_the_command_says_where_the_archive_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create_group("first")
    sign()
    create_group("second")
    out = io.StringIO()
    monkeypatch.setattr(archive, "oldest_kept", lambda: datetime(2100, 1, 1, tzinfo=UTC))

    call_command("audit_archive", output=tmp_path, stdout=out)

    path = tmp_path / "callboard-archive-1-1.zip"
    detail = json.loads(AuditEvent.objects.get(action=Action.AUDIT_ARCHIVED).payload)["detail"]
    assert out.getvalue() == f"Events 1 to 1 are in {path}.\n"
    assert (detail["first"], detail["last"], detail["size"]) == (1, 1, path.stat().st_size)


@pytest.mark.parametrize("days", ["0", "364"])
def test_less_than_a_year_is_refused(days: str) -> None:
    with pytest.raises(ValueError, match="from 365"):
        TABLE["AUDIT_DAYS"].parse(days)
