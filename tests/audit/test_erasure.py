"""A person is erased from beside the log, and the log stays whole."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from audit import erasure, events, transactions, verification
from audit.events import Action
from audit.models import AuditEvent, AuditPii
from tests.audit import exports
from tests.cast import STAGE

pytestmark = pytest.mark.django_db


def appear(ref: str, **personal: str) -> None:
    with transactions.write():
        events.record(STAGE, Action.USER_CREATED, kind="person", ref=ref, personal=personal)


def test_all_pieces_of_a_person_go_and_no_others() -> None:
    appear("person:7", email="alice@corp.test", name="Alice")
    appear("person:70", email="bob@corp.test")

    assert erasure.erase(actor=STAGE, person="person:7") == 2
    assert [row.value for row in AuditPii.objects.all()] == ["bob@corp.test"]


def test_the_chain_stays_whole() -> None:
    appear("person:7", email="alice@corp.test")

    erasure.erase(actor=STAGE, person="person:7")

    assert verification.check().exit_code == 0


def test_a_person_of_whom_nothing_is_kept_leaves_no_event() -> None:
    with pytest.raises(CommandError, match="nothing is kept of person:8"):
        call_command("audit_erase", "person:8", stdout=io.StringIO())

    assert not AuditEvent.objects.exists()


def test_an_export_verifies_as_before_and_says_what_is_erased(tmp_path: Path) -> None:
    audrey = exports.auditor()
    appear("person:77", email="alice@corp.test", name="Alice")
    erasure.erase(actor=STAGE, person="person:77")

    export = audrey.exported()

    path = tmp_path / "verify.py"
    path.write_bytes(exports.read(export).members["verify.py"])
    words = [sys.executable, "-I", "-S", str(path), str(exports.bundle_path(export))]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, exports.read(export).members["pii.jsonl"]) == (0, b"")
    assert "2 pieces of personal data were erased" in done.stdout


def test_the_event_of_an_erasure_repeats_nothing_of_what_it_erased() -> None:
    appear("person:7", email="alice@corp.test")

    erasure.erase(actor=STAGE, person="person:7", reason="asked for it")

    event = AuditEvent.objects.get(action=Action.AUDIT_PII_ERASED)
    assert "alice" not in event.payload and "asked for it" in event.payload
