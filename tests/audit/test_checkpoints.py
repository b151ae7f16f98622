"""Checkpoints: signed heads of the log, in order, delivered outside; and what they show of tampering."""

import http.server
import json
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from audit import chain, checkpoints, deliveries, triggers, verify
from audit.models import AuditEvent, Checkpoint, CheckpointDelivery
from tests.audit.changes import ACTOR, create_group

SECRET = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")


def test_the_bytes_are_those_of_the_vector() -> None:
    body = checkpoints.body(
        seq=3,
        head=bytes.fromhex("d2d5671a4c3a6b4283da9000dd8ef7a41f3e988d212db495adf526607cecb2b7"),
        at=datetime(2026, 1, 2, 4, tzinfo=UTC),
        key="k1",
        previous=checkpoints.NO_CHECKPOINT,
    )
    key = checkpoints.SigningKey(SECRET)

    assert key.public == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert chain.digest(verify.checkpoint_message(body).decode()).hex() == (
        "9121a7d4824333f2de207e89f429fb0b093d83838949f969f8b551c9608d1481"
    )
    assert key.sign(verify.checkpoint_message(body)).hex() == (
        "ad820ac0ffa546222da610e81164bd8532a1cb4f101ef7c7495a921bb6a3e9316997efb05c2a0b8e497129aaaebf1120"
        "bb272edd643603dc3a9613eb40cc5a04"
    )


@pytest.fixture
def log(db: None) -> None:
    for name in ("a", "b", "c"):
        create_group(name)


def made() -> Checkpoint:
    checkpoint = checkpoints.make_if_moved()
    assert checkpoint is not None
    return checkpoint


def test_the_head_is_signed_once(log: None) -> None:
    assert made().seq == 3
    assert checkpoints.make_if_moved() is None

    create_group("d")
    second = made()

    first = Checkpoint.objects.get(seq=3)
    assert second.seq == 4
    assert (
        json.loads(second.body)["prev_checkpoint"] == chain.digest(verify.checkpoint_message(first.body).decode()).hex()
    )
    assert verify.is_signed(
        bytes.fromhex(second.public), verify.checkpoint_message(second.body), bytes(second.signature)
    )


def test_an_empty_log_has_no_head(db: None) -> None:
    assert checkpoints.make_if_moved() is None


def test_checkpoints_are_append_only(log: None) -> None:
    row = made()

    for change in (lambda: Checkpoint.objects.update(body="{}"), lambda: Checkpoint.objects.all().delete()):
        CheckpointDelivery.objects.all().delete()
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            change()
    assert Checkpoint.objects.get().body == row.body


def targets(settings: Any, *given: str) -> None:
    settings.CALLBOARD = {**settings.CALLBOARD, "CHECKPOINT_TARGETS": given}


def test_a_folder_gets_a_file_a_checkpoint(log: None, settings: Any, tmp_path: Path) -> None:
    targets(settings, f"file://{tmp_path}")
    row = made()

    deliveries.deliver()

    (file,) = tmp_path.iterdir()
    assert file.name == "000000000003.json"
    assert json.loads(file.read_text(encoding="utf-8")) == {
        "body": row.body,
        "signature": bytes(row.signature).hex(),
    }
    assert set(CheckpointDelivery.objects.values_list("target", "tries")) == {("log", 1), (f"file://{tmp_path}", 1)}
    assert deliveries.last_delivered() == row


def test_a_target_that_fails_is_asked_again_later_and_holds_up_nobody(log: None, settings: Any, tmp_path: Path) -> None:
    away = tmp_path / "away"
    targets(settings, f"file://{away}", f"file://{tmp_path}")
    made()

    deliveries.deliver()
    deliveries.deliver()

    failed = CheckpointDelivery.objects.get(target=f"file://{away}")
    assert (failed.tries, failed.delivered_at) == (1, None) and "FileNotFoundError" in failed.error
    assert failed.due_at > timezone.now() + timedelta(seconds=5)
    assert (tmp_path / "000000000003.json").exists()

    away.mkdir()
    CheckpointDelivery.objects.update(due_at=timezone.now())
    deliveries.deliver()

    failed.refresh_from_db()
    assert failed.delivered_at and not failed.error
    assert (away / "000000000003.json").exists()


def test_a_folder_that_has_another_checkpoint_there_is_an_error(log: None, settings: Any, tmp_path: Path) -> None:
    targets(settings, f"file://{tmp_path}")
    (tmp_path / "000000000003.json").write_text("another history", encoding="utf-8")
    made()

    deliveries.deliver()

    assert "FileExistsError" in CheckpointDelivery.objects.get(target__startswith="file").error


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.server.received.append(self.rfile.read(int(self.headers["Content-Length"])))  # type: ignore[attr-defined]
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[http.server.HTTPServer]:
    server = http.server.HTTPServer(("127.0.0.1", 0), Hook)
    server.received = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_web_hook_is_posted_to(log: None, settings: Any, hook: Any) -> None:
    targets(settings, f"http://127.0.0.1:{hook.server_port}/checkpoints")
    row = made()

    deliveries.deliver()

    (received,) = hook.received
    assert json.loads(received)["body"] == row.body


def test_compliance_gets_a_mail(log: None, settings: Any) -> None:
    targets(settings, "mailto:compliance@corp.test")
    row = made()

    deliveries.deliver()

    (message,) = mail.outbox
    assert message.to == ["compliance@corp.test"]
    assert json.loads(str(message.body))["body"] == row.body


def test_a_git_repository_gets_a_commit(log: None, settings: Any, tmp_path: Path) -> None:
    repository = tmp_path / "repository.git"
    subprocess.run(["git", "init", "--quiet", "--bare", repository], check=True)
    settings.DATA = tmp_path
    targets(settings, f"git+file://{repository}")

    for name in ("first", "second"):
        create_group(name)
        made()
        deliveries.deliver()

    assert not CheckpointDelivery.objects.exclude(error="").exists()
    shown = subprocess.run(
        ["git", "-C", repository, "log", "--format=%s"], capture_output=True, text=True, check=True
    ).stdout
    assert shown.split("\n")[:2] == ["Checkpoint 5", "Checkpoint 4"]


def verified(*words: str) -> tuple[int, str]:
    try:
        call_command("audit_verify", *words)
    except CommandError as error:
        return error.returncode, str(error)
    return 0, ""


def kept(tmp_path: Path) -> Path:
    file = tmp_path / "checkpoint.json"
    file.write_text(deliveries.as_line(made()), encoding="utf-8")
    return file


@pytest.fixture
def unguarded(transactional_db: None) -> Iterator[None]:
    """A log that somebody with the database at hand can change."""
    for name in ("a", "b", "c"):
        create_group(name)
    triggers.remove(connection)
    yield
    CheckpointDelivery.objects.all().delete()
    Checkpoint.objects.all().delete()


def test_a_checkpoint_fits_the_log_it_was_made_of(unguarded: None, tmp_path: Path) -> None:
    assert verified("--checkpoint", str(kept(tmp_path))) == (0, "")


def test_a_cut_log_is_shorter_than_what_was_signed(unguarded: None, tmp_path: Path) -> None:
    file = kept(tmp_path)
    AuditEvent.objects.filter(seq=3).delete()
    CheckpointDelivery.objects.all().delete()
    Checkpoint.objects.all().delete()

    assert verified() == (0, "")
    code, said = verified("--checkpoint", str(file))
    assert code == verify.SHORT and "ends at 2" in said


def test_an_edited_checkpoint_is_badly_signed(unguarded: None, tmp_path: Path) -> None:
    file = kept(tmp_path)
    Checkpoint.objects.update(body=made_up_body())
    assert verified()[0] == verify.UNTRUSTED

    line = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**line, "body": made_up_body()}), encoding="utf-8")
    CheckpointDelivery.objects.all().delete()
    Checkpoint.objects.all().delete()
    assert verified("--checkpoint", str(file))[0] == verify.UNTRUSTED


def made_up_body() -> str:
    return checkpoints.body(seq=3, head=bytes(32), at=datetime.now(UTC), key="k", previous=checkpoints.NO_CHECKPOINT)


def test_what_is_no_checkpoint_is_a_wrong_call(log: None, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("{}", encoding="ascii")

    assert verified("--checkpoint", str(tmp_path / "x"))[0] == verify.MISUSED
    assert verified("--checkpoint", str(tmp_path / "nowhere"))[0] == verify.MISUSED


def test_the_old_key_names_the_new_one(log: None, settings: Any) -> None:
    made()
    old = checkpoints.signing_key()
    settings.AUDIT_SIGNING_KEY = "another secret of at least 32 characters"

    checkpoints.hand_over(old, actor=ACTOR)
    handover = Checkpoint.objects.latest("seq")
    create_group("d")
    later = made()

    assert handover.public == old.public
    assert json.loads(handover.body)["next_public"] == later.public == checkpoints.signing_key().public
    with pytest.raises(ValueError, match="the last checkpoint was signed"):
        checkpoints.hand_over(old, actor=ACTOR)
