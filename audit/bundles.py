"""What an export consists of, byte by byte: lines of JSON, rows of CSV, the manifest, and the .zip around them.

The same events give the same bytes, whoever packs them and when.
"""

import csv
import hashlib
import io
import json
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Self

GENERATOR = "callboard 0.1.0"
FORMAT = 1

EVENTS, OMITTED, TABLE, README = "events.jsonl", "omitted.jsonl", "events.csv", "README.txt"
PERSONAL, CHECKPOINTS, KEYS, VERIFIER = "pii.jsonl", "checkpoints.jsonl", "keys.json", "verify.py"
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
# All but the manifest, which names the sums of the others, and its signature.
WRITTEN_ALONG = (EVENTS, OMITTED, PERSONAL, TABLE, CHECKPOINTS, KEYS, VERIFIER, README)
# Of the table, and what each holds.
MEANINGS = {
    "seq": "number of the event; no number is missing",
    "at": "when, UTC",
    "action": "what was done",
    "actor_kind": "person, service or system",
    "actor_ref": "who, by a reference that never changes",
    "auth": "how they had signed in",
    "credential": "the key that was used, by its public id",
    "request": "the request in whose course it happened; the server's log has it too",
    "object_kind": "what kind of thing it was done to",
    "object_ref": "which one",
    "detail": "what it was before and is after, as JSON",
    "reason": "why, in the words of whoever did it",
    "hash": "ties the event to all before it",
}
COLUMNS = tuple(MEANINGS)
README_TEXT = """\
Audit export of Callboard
=========================

manifest.json      what was asked for, how many events there are, and the SHA-256 of every other file here
manifest.sig       the manifest's signature, Ed25519
events.jsonl       the evidence: one event a line, {"seq", "prev", "hash", "payload"}
omitted.jsonl      events that were not asked for, up to the next checkpoint: {"seq", "digest"}
pii.jsonl          what still exists of personal data: {"seq", "name", "value", "salt"}
events.csv         the events of events.jsonl as a table for reading
checkpoints.jsonl  the log's head at some times, signed by the server: {"body", "signature"}
keys.json          the public keys behind the signatures
verify.py          checks all of this; needs Python 3.9 or newer, nothing else, and no network

To check it, unpacked or not:

    python3 -I -S verify.py --key PUBLIC_KEY

Get PUBLIC_KEY from whoever runs the server by another way than this file. verify.py ends with 0 if the bundle is whole,
1 if something in it was changed, 2 if an event is missing, 3 if the end was cut off, 4 if a signature is not good.

The payload is a JSON text within a string: its exact bytes are what was hashed. Each event is tied to the one before:

    digest = SHA256(utf8(payload))
    hash   = SHA256("callboard-audit-v1" || prev || seq as 8 bytes, big-endian || digest)

Events and omitted ones together, in the order of seq, form the chain without a gap from first to last of the manifest.
Signed are "callboard-checkpoint-v1\\n" and the body of a checkpoint, "callboard-manifest-v1\\n" and the bytes of
manifest.json.

In the table a cell that a spreadsheet could take for a formula begins with an apostrophe, and NUL is shown as U+FFFD.
Times are UTC.
"""

# The earliest a .zip can hold: when it was packed is no part of what it says.
_TIME = (1980, 1, 1, 0, 0, 0)
_COPIED_BYTES = 1 << 20
_STARTS_FORMULA = frozenset("=+-@\t\r\n＝＋－＠")
# Blanks, controls, and what takes no room.
_UNSEEN = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf"})


class Member:
    """A file of the bundle while it is written."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.path = folder / name
        self.size = 0
        self._file = self.path.open("xb")
        self._sum = hashlib.sha256()

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self._sum.update(data)
        self.size += len(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    @property
    def described(self) -> dict[str, object]:
        return {"sha256": self._sum.hexdigest(), "size": self.size}


def event_line(seq: int, payload: str, prev: bytes, hash_: bytes) -> bytes:
    return _line({"seq": seq, "prev": prev.hex(), "hash": hash_.hex(), "payload": payload})


def omitted_line(seq: int, digest: bytes) -> bytes:
    return _line({"seq": seq, "digest": digest.hex()})


def personal_line(seq: int, name: str, value: str, salt: bytes) -> bytes:
    return _line({"seq": seq, "name": name, "value": value, "salt": salt.hex()})


def keys(named: Iterable[tuple[str, str, str]]) -> bytes:
    """Name, public half and the time of the first checkpoint of each."""
    found = [{"key": name, "public": public, "since": since} for name, public, since in named]
    return json.dumps({"keys": found}, indent=2).encode() + b"\n"


def _line(members: Mapping[str, object]) -> bytes:
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def table(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def table_row(seq: int, payload: str, hash_: bytes) -> list[str]:
    """In the order of COLUMNS. An event that somebody damaged is shown as it is: it must not keep the others back."""
    try:
        cells = _cells(json.loads(payload))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        cells = [*[""] * 9, payload, ""]
    return [str(seq), *cells, hash_.hex()]


def _cells(event: Any) -> list[str]:
    actor, subject, detail = event["actor"], event["object"], event["detail"]
    cells = [
        event["at"],
        event["action"],
        actor["kind"],
        actor["ref"],
        event["auth"],
        event.get("cred", ""),
        event.get("request", ""),
        subject["kind"],
        subject["ref"],
        json.dumps(detail, ensure_ascii=False, separators=(",", ":"), sort_keys=True) if detail else "",
        event.get("reason", ""),
    ]
    return [str(cell) for cell in cells]


def safe_cell(text: str) -> str:
    """With an apostrophe in front of what a spreadsheet might run. The evidence is elsewhere: the table may differ."""
    text = text.replace("\0", "\ufffd")
    return f"'{text}" if _may_be_formula(text) else text


def _may_be_formula(text: str) -> bool:
    for character in text:
        if character in _STARTS_FORMULA:
            return True
        if character.isalnum() or unicodedata.category(character) not in _UNSEEN:
            return False
    return False


def manifest(said: Mapping[str, object], members: Iterable[Member]) -> bytes:
    files = {member.name: member.described for member in members}
    whole = {**said, "format": FORMAT, "generator": GENERATOR, "time_zone": "UTC", "files": files}
    return json.dumps(whole, ensure_ascii=False, indent=2, sort_keys=True).encode() + b"\n"


def pack(target: Path, members: Iterable[Member], *, moved_on: Callable[[], None]) -> None:
    """Stored as they are, not compressed: what a compressor makes of them depends on its version.

    `moved_on` is called now and then, for a bundle may take minutes to copy.
    """
    with zipfile.ZipFile(target, "x", zipfile.ZIP_STORED) as bundle:
        for member in sorted(members, key=lambda member: member.name):
            entry = zipfile.ZipInfo(member.name, _TIME)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            # Known beforehand, so that only what is larger than 4 GiB gets the form for it.
            entry.file_size = member.size
            with member.path.open("rb") as source, bundle.open(entry, "w") as copy:
                while piece := source.read(_COPIED_BYTES):
                    copy.write(piece)
                    moved_on()


def sha256(path: Path, *, moved_on: Callable[[], None]) -> str:
    found = hashlib.sha256()
    with path.open("rb") as source:
        while piece := source.read(_COPIED_BYTES):
            found.update(piece)
            moved_on()
    return found.hexdigest()
