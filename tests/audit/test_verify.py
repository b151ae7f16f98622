"""The stand-alone verifier: what it says of good bundles and of every way to spoil one, run as a stranger would."""

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit import checkpoints, events, transactions, verify
from audit.events import Action
from tests.audit import exports
from tests.audit.exports import Person
from tests.cast import STAGE

# RFC 8032, section 7.1: public key, message, signature.
RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("public", "message", "signature"), RFC_8032)
def test_signatures_are_those_of_the_rfc(public: str, message: str, signature: str) -> None:
    key, text, signed = bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature)

    assert verify.is_signed(key, text, signed)
    assert not verify.is_signed(key, text + b"x", signed)
    assert not verify.is_signed(key, text, signed[:63] + bytes([signed[63] ^ 1]))


def test_a_signature_has_one_spelling() -> None:
    """With the group's order added to its second half it would pass a careless check."""
    order = 2**252 + 27742317777372353535851937790883648493
    key, text, signed = (bytes.fromhex(each) for each in RFC_8032[1])
    again = signed[:32] + (int.from_bytes(signed[32:], "little") + order).to_bytes(32, "little")

    assert not verify.is_signed(key, text, again)


def test_the_server_signs_what_the_verifier_takes() -> None:
    key = checkpoints.from_secret("a secret of at least 32 characters")

    for text in (b"", b"text", bytes(1000)):
        assert verify.is_signed(bytes.fromhex(key.public), text, key.sign(text))


def run(bundle: Path, *words: str) -> tuple[int, str]:
    """As a stranger does, with the verifier that came along."""
    script = bundle / "verify.py" if bundle.is_dir() else bundle.parent / "unpacked" / "verify.py"
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(script), *words, str(bundle)], capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def unpacked(audrey: Person, tmp_path: Path) -> Path:
    """A bundle with events that were asked for and others, personal data and a checkpoint in between."""
    with transactions.write():
        events.record(STAGE, Action.USER_CREATED, kind="subject", ref=":.:a", personal={"email": "a@b.test"})
    exports.happen(3, ref=":.:a")
    exports.happen(2, ref=":.:b")
    checkpoints.make_if_moved()
    exports.happen(2, ref=":.:a")
    shutil.copy(exports.bundle_path(audrey.exported(object_ref=":.:a")), tmp_path / "bundle.zip")
    with zipfile.ZipFile(tmp_path / "bundle.zip") as bundle:
        bundle.extractall(tmp_path / "unpacked")
    return tmp_path / "unpacked"


@pytest.fixture
def audrey(db: None) -> Person:
    return exports.auditor()


def trusted() -> tuple[str, str]:
    return "--key", checkpoints.signing_key().public


def test_a_good_bundle_is_whole_packed_and_unpacked(unpacked: Path) -> None:
    for bundle in unpacked, unpacked.parent / "bundle.zip":
        code, said = run(bundle, *trusted())
        assert code == 0, said
        assert "whole: 6 events, " in said and "NOTE" not in said


def test_without_a_key_it_says_what_that_proves(unpacked: Path) -> None:
    code, said = run(unpacked)

    assert code == 0
    assert said.startswith("NOTE: no --key given")


def test_a_key_may_lie_in_a_file(unpacked: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{checkpoints.signing_key().public}\n", encoding="ascii")

    assert run(unpacked, "--key", str(tmp_path / "key"))[0] == 0


def test_another_key_is_not_trusted(unpacked: Path) -> None:
    code, said = run(unpacked, "--key", checkpoints.from_secret("somebody else's secret").public)

    assert code == verify.UNTRUSTED, said


def test_a_wrong_call_is_none_of_its_verdicts(unpacked: Path) -> None:
    assert run(unpacked, "--key", "nonsense")[0] == verify.MISUSED


@pytest.mark.parametrize("name", exports.MEMBERS)
def test_one_flipped_bit_in_any_file_is_found(unpacked: Path, name: str, tmp_path: Path) -> None:
    verifier = tmp_path / "verify.py"
    shutil.copy(unpacked / "verify.py", verifier)
    raw = bytearray((unpacked / name).read_bytes())
    raw[len(raw) // 2] ^= 1
    (unpacked / name).write_bytes(raw)

    done = subprocess.run(
        [sys.executable, "-I", "-S", verifier, *trusted(), unpacked], capture_output=True, text=True, check=False
    )

    assert done.returncode in {1, 2, 3, 4}, done.stdout
    assert "Traceback" not in done.stderr


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write(path: Path, rows: list[Any]) -> None:
    path.write_text("".join(f"{json.dumps(row, separators=(',', ':'), ensure_ascii=False)}\n" for row in rows), "utf-8")


def sign_anew(folder: Path, secret: str | None) -> None:
    """What whoever holds a signing key can do: the manifest fits the files again."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for name, said in manifest["files"].items():
        raw = (folder / name).read_bytes()
        said.update(sha256=hashlib.sha256(raw).hexdigest(), size=len(raw))
    shown, left_out = lines(folder / "events.jsonl"), lines(folder / "omitted.jsonl")
    manifest["counts"] = {"events": len(shown), "omitted": len(left_out)}
    text = json.dumps(manifest).encode()
    key = checkpoints.from_secret(secret) if secret else checkpoints.signing_key()
    (folder / "manifest.json").write_bytes(text)
    (folder / "manifest.sig").write_text(key.sign(verify.manifest_message(text)).hex(), encoding="ascii")


def edit(folder: Path) -> None:
    rows = lines(folder / "events.jsonl")
    rows[1]["payload"] = rows[1]["payload"].replace('"version":1', '"version":9')
    write(folder / "events.jsonl", rows)


def leave_a_gap(folder: Path) -> None:
    rows = lines(folder / "omitted.jsonl")
    write(folder / "omitted.jsonl", [rows[0], *rows[2:]])


def cut(folder: Path) -> None:
    """Everything from the last events on, and the manifest says so."""
    rows = sorted([*lines(folder / "events.jsonl"), *lines(folder / "omitted.jsonl")], key=lambda row: row["seq"])[:-2]
    write(folder / "events.jsonl", [row for row in rows if "payload" in row])
    write(folder / "omitted.jsonl", [row for row in rows if "digest" in row])
    end_at(folder, rows)


def chain_anew(folder: Path) -> None:
    """After an edit every later hash fits again."""
    edit(folder)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    prev = bytes.fromhex(manifest["prev"])
    rows = sorted([*lines(folder / "events.jsonl"), *lines(folder / "omitted.jsonl")], key=lambda row: row["seq"])
    for row in rows:
        digest = hashlib.sha256(row["payload"].encode()).digest() if "payload" in row else bytes.fromhex(row["digest"])
        if "payload" in row:
            row["prev"] = prev.hex()
        prev = verify.link(prev, row["seq"], digest)
        if "payload" in row:
            row["hash"] = prev.hex()
    write(folder / "events.jsonl", [row for row in rows if "payload" in row])
    end_at(folder, rows)


def end_at(folder: Path, rows: list[Any]) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    prev = bytes.fromhex(manifest["prev"])
    for row in rows:
        digest = hashlib.sha256(row["payload"].encode()).digest() if "payload" in row else bytes.fromhex(row["digest"])
        prev = verify.link(prev, row["seq"], digest)
        if row is rows[0]:
            manifest["first"] = {"seq": row["seq"], "hash": prev.hex()}
    manifest["last"] = {"seq": rows[-1]["seq"], "hash": prev.hex()}
    path.write_text(json.dumps(manifest), encoding="utf-8")


def leave_out_the_first(folder: Path) -> None:
    rows = lines(folder / "omitted.jsonl")
    write(folder / "omitted.jsonl", rows[1:])


def change_personal_data(folder: Path) -> None:
    rows = lines(folder / "pii.jsonl")
    rows[0]["value"] = "c@d.test"
    write(folder / "pii.jsonl", rows)


def add_a_file(folder: Path) -> None:
    (folder / "extra.txt").write_text("x", encoding="ascii")


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (edit, verify.BROKEN),
        (leave_a_gap, verify.GAP),
        (leave_out_the_first, verify.BROKEN),
        (cut, verify.SHORT),
        (chain_anew, verify.BROKEN),
        (change_personal_data, verify.BROKEN),
        (add_a_file, verify.BROKEN),
    ],
)
def test_what_somebody_with_the_signing_key_spoils_is_found(
    unpacked: Path, spoil: Callable[[Path], None], expected: int
) -> None:
    spoil(unpacked)
    sign_anew(unpacked, None)

    code, said = run(unpacked, *trusted())

    assert code == expected, said


@pytest.mark.parametrize("spoil", [edit, chain_anew, cut])
def test_somebody_without_the_key_can_not_sign(unpacked: Path, spoil: Callable[[Path], None]) -> None:
    spoil(unpacked)
    sign_anew(unpacked, "somebody else's secret")

    assert run(unpacked, *trusted())[0] == verify.UNTRUSTED


def test_erased_personal_data_leaves_a_bundle_whole(unpacked: Path) -> None:
    (unpacked / "pii.jsonl").write_bytes(b"")
    sign_anew(unpacked, None)

    assert run(unpacked, *trusted())[0] == 0


def test_it_needs_nothing_but_the_standard_library() -> None:
    source = Path(verify.__file__).read_text(encoding="utf-8")
    imported = {line.split()[1].split(".")[0] for line in source.splitlines() if line.startswith(("import ", "from "))}

    assert imported - {"__future__"} <= sys.stdlib_module_names
