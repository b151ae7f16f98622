"""Checks an audit bundle of Callboard, anywhere: one file, Python 3.9 or newer, nothing else, no network.

    python3 -I -S verify.py [--key PUBLIC_KEY] [BUNDLE ...]

BUNDLE is the .zip or the folder it was unpacked to; without it, the folder in which this file lies. Several, such as
archives of one log, have to follow one another without a gap, in the order given. PUBLIC_KEY is the
key to trust, 64 hex digits or a file that holds them: get it from the operator by another way than the bundle. It may
be given several times. Exit codes:

    0   whole
    1   a file is not as in the manifest, an event was edited, a count or a piece of personal data does not fit
    2   an event is missing
    3   the log ends before a checkpoint: its end was cut off
    4   a signature is bad, or by a key that is not trusted
    64  this program was called wrongly
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

WHOLE, BROKEN, GAP, SHORT, UNTRUSTED, MISUSED = 0, 1, 2, 3, 4, 64

MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
EVENTS, OMITTED, PERSONAL = "events.jsonl", "omitted.jsonl", "pii.jsonl"
CHECKPOINTS, KEYS = "checkpoints.jsonl", "keys.json"
_CHUNK = 1 << 20


class Damage(Exception):
    """Something is not as it was when the bundle was made."""

    def __init__(self, exit_code: int, message: str) -> None:
        super().__init__(message)
        self.exit_code = exit_code


# Files: a .zip or a folder.


class Bundle:
    def __init__(self, path: str) -> None:
        self._path = path
        self._zip = None if os.path.isdir(path) else zipfile.ZipFile(path)

    def names(self) -> list[str]:
        if self._zip is not None:
            return [name for name in self._zip.namelist() if not name.endswith("/")]
        found = []
        for folder, folders, files in os.walk(self._path):
            folders[:] = [name for name in folders if name != "__pycache__"]
            found += [os.path.relpath(os.path.join(folder, name), self._path).replace(os.sep, "/") for name in files]
        return found

    def open(self, name: str) -> IO[bytes]:
        try:
            if self._zip is not None:
                return self._zip.open(name)
            return open(os.path.join(self._path, name), "rb")
        except (KeyError, OSError):
            raise Damage(BROKEN, f"{name} is missing") from None

    def read(self, name: str) -> bytes:
        with self.open(name) as file:
            return file.read()

    def rows(self, name: str) -> Iterator[dict[str, Any]]:
        with self.open(name) as file:
            for number, line in enumerate(file, 1):
                yield _object(line, f"{name}, line {number}")


def _object(text: bytes, where: str) -> dict[str, Any]:
    try:
        value = json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Damage(BROKEN, f"{where} is not JSON") from None
    if not isinstance(value, dict):
        raise Damage(BROKEN, f"{where} is no object")
    return value


def _check_files(bundle: Bundle, manifest: Mapping[str, Any]) -> None:
    names = bundle.names()
    known = {*manifest["files"], MANIFEST, SIGNATURE}
    if len(names) != len(set(names)) or set(names) != known:
        odd = sorted(set(names) ^ known) or sorted(names)
        raise Damage(BROKEN, f"not the files that the manifest names: {', '.join(odd)}")
    for name, said in manifest["files"].items():
        digest = hashlib.sha256()
        with bundle.open(name) as file:
            while piece := file.read(_CHUNK):
                digest.update(piece)
        if digest.hexdigest() != said["sha256"]:
            raise Damage(BROKEN, f"{name} is not the file that the manifest names")


# Signatures: Ed25519 (RFC 8032), verification only.

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)


def _decoded(raw: bytes) -> tuple[int, int, int, int] | None:
    """A point, or none for bytes that are none or spell one in a second way."""
    number = int.from_bytes(raw, "little")
    y, sign = number & (2**255 - 1), number >> 255
    if y >= _P:
        return None
    u, v = (y * y - 1) % _P, (_D * y * y + 1) % _P
    x = u * pow(v, 3, _P) * pow(u * pow(v, 7, _P), (_P - 5) // 8, _P) % _P
    if v * x * x % _P == -u % _P:
        x = x * _ROOT % _P
    if v * x * x % _P != u or (x == 0 and sign):
        return None
    x = x if x & 1 == sign else _P - x
    return x, y, 1, x * y % _P


def _sum(p: tuple[int, int, int, int], q: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % _P, (p[1] + p[0]) * (q[1] + q[0]) % _P
    c, d = 2 * p[3] * q[3] * _D % _P, 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(number: int, p: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    result = (0, 1, 1, 0)
    while number:
        if number & 1:
            result = _sum(result, p)
        p, number = _sum(p, p), number >> 1
    return result


_BASE_Y = 4 * pow(5, _P - 2, _P) % _P
_BASE = _decoded(_BASE_Y.to_bytes(32, "little"))


def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Is this the Ed25519 signature of the message by the owner of that key?"""
    if len(public) != 32 or len(signature) != 64:
        return False
    owner, r, s = _decoded(public), _decoded(signature[:32]), int.from_bytes(signature[32:], "little")
    if owner is None or r is None or s >= _ORDER or _BASE is None:
        return False
    challenge = hashlib.sha512(signature[:32] + public + message).digest()
    left = _times(s, _BASE)
    right = _sum(r, _times(int.from_bytes(challenge, "little") % _ORDER, owner))
    return (left[0] * right[2] - right[0] * left[2]) % _P == 0 and (left[1] * right[2] - right[1] * left[2]) % _P == 0


# The chain.


def link(prev: bytes, seq: int, digest: bytes) -> bytes:
    return hashlib.sha256(b"callboard-audit-v1" + prev + seq.to_bytes(8, "big") + digest).digest()


@dataclass
class Chain:
    """The rows so far, in order: events that are shown and events that are left out."""

    first: int | None = None
    last: int | None = None
    first_hash: bytes = b""
    # The hash that the first row follows.
    before: bytes = b""
    hash: bytes | None = None
    shown: int = 0
    left_out: int = 0
    # Pieces of personal data that events committed to and that are not here.
    erased: int = 0

    def follow(self, seq: int) -> None:
        if self.last is not None and seq != self.last + 1:
            raise Damage(GAP, f"GAP at {self.last + 1}")
        if self.first is None:
            self.first = seq
        self.last = seq

    def show(self, row: Mapping[str, Any]) -> None:
        seq, prev, said = row["seq"], _bytes(row["prev"]), _bytes(row["hash"])
        self.follow(seq)
        digest = hashlib.sha256(row["payload"].encode("utf-8")).digest()
        if self.hash not in (None, prev) or link(prev, seq, digest) != said:
            raise Damage(BROKEN, f"BROKEN at seq {seq}: its hash does not follow from its payload and predecessor")
        self.hash = said
        self.shown += 1

    def leave_out(self, row: Mapping[str, Any], start: bytes) -> None:
        """`start` is the hash before the first row, which a row without payload can't tell."""
        seq = row["seq"]
        self.follow(seq)
        self.hash = link(start if self.hash is None else self.hash, seq, _bytes(row["digest"]))
        self.left_out += 1


def _bytes(text: Any) -> bytes:
    try:
        return bytes.fromhex(text)
    except (TypeError, ValueError):
        raise Damage(BROKEN, f"{text!r:.80} is no hexadecimal number") from None


def _in_order(bundle: Bundle) -> Iterator[tuple[str, dict[str, Any]]]:
    """Events and omitted ones together by number. Two streams: a log may be larger than the memory."""
    streams = {name: bundle.rows(name) for name in (EVENTS, OMITTED)}
    heads = {name: next(rows, None) for name, rows in streams.items()}
    while waiting := {name: row for name, row in heads.items() if row is not None}:
        name = min(waiting, key=lambda each: _seq(waiting[each]))
        yield name, waiting[name]
        heads[name] = next(streams[name], None)


def _seq(row: Mapping[str, Any]) -> int:
    seq = row.get("seq")
    if not isinstance(seq, int) or isinstance(seq, bool) or not 0 < seq < 2**63:
        raise Damage(BROKEN, f"{seq!r:.80} is no number of an event")
    return seq


def _check_chain(bundle: Bundle, manifest: Mapping[str, Any], checkpoints: Mapping[int, bytes]) -> Chain:
    chain, personal = Chain(), _Personal(bundle)
    start = chain.before = _bytes(manifest["prev"]) if manifest.get("prev") else bytes(32)
    for name, row in _in_order(bundle):
        if name == EVENTS:
            if chain.first is None and _bytes(row["prev"]) != start:
                raise Damage(BROKEN, f"BROKEN at seq {_seq(row)}: it does not follow what the manifest says")
            chain.show(row)
            personal.check(row)
        else:
            chain.leave_out(row, start)
        if chain.last == chain.first and chain.hash is not None:
            chain.first_hash = chain.hash
        if chain.last is not None and checkpoints.get(chain.last, chain.hash) != chain.hash:
            raise Damage(BROKEN, f"BROKEN at seq {chain.last}: not the hash that was signed in a checkpoint")
    personal.finish()
    chain.erased = personal.erased
    return chain


class _Personal:
    """What is kept beside the log: each piece is what its event committed to; that some was erased is no damage."""

    def __init__(self, bundle: Bundle) -> None:
        self._rows = bundle.rows(PERSONAL)
        self._next = next(self._rows, None)
        self.erased = 0

    def check(self, event: Mapping[str, Any]) -> None:
        # Most events have none, and are not worth the reading.
        if '"pii":{' in event["payload"]:
            self.erased += len(_object(event["payload"].encode("utf-8"), f"event {event['seq']}").get("pii") or {})
        while self._next is not None and _seq(self._next) == event["seq"]:
            committed = _object(event["payload"].encode("utf-8"), f"event {event['seq']}").get("pii") or {}
            salt, value = _bytes(self._next["salt"]), self._next["value"].encode("utf-8")
            commitment = hashlib.sha256(b"callboard-pii-v1" + salt + value).hexdigest()
            if committed.get(self._next["name"]) != commitment:
                raise Damage(BROKEN, f"BROKEN at seq {event['seq']}: {self._next['name']} is not what it committed to")
            self.erased -= 1
            self._next = next(self._rows, None)

    def finish(self) -> None:
        if self._next is not None:
            raise Damage(BROKEN, f"personal data of an event that is not here: {self._next.get('seq')!r:.80}")


def _check_ends(chain: Chain, manifest: Mapping[str, Any]) -> None:
    counts = {"events": chain.shown, "omitted": chain.left_out}
    if manifest["counts"] != counts:
        raise Damage(BROKEN, f"the manifest counts {manifest['counts']}, there are {counts}")
    ends = {"first": (chain.first, chain.first_hash), "last": (chain.last, chain.hash)}
    for name, (seq, hash_) in ends.items():
        said = manifest[name]
        if (said is None) != (seq is None):
            raise Damage(BROKEN, f"the {name} event is not the one in the manifest")
        if said is not None and (said["seq"] != seq or _bytes(said["hash"]) != hash_):
            raise Damage(BROKEN, f"the {name} event is not the one in the manifest")


# Checkpoints and the keys behind them.


class Keys:
    """The public keys that are trusted, by name. A checkpoint by one of them may name the next one."""

    def __init__(self, named: Mapping[str, str], trusted: list[bytes]) -> None:
        self._keys = {name: _bytes(public) for name, public in named.items()}
        self._trusted = set(trusted) or set(self._keys.values())

    def check(self, name: str, message: bytes, signature: str, what: str) -> None:
        public = self._keys.get(name)
        if public is None or public not in self._trusted:
            raise Damage(UNTRUSTED, f"{what} is signed by the key {name!r:.80}, which is not trusted")
        if not is_signed(public, message, _bytes(signature)):
            raise Damage(UNTRUSTED, f"the signature of {what} is bad")

    def trust(self, public: str) -> None:
        self._trusted.add(_bytes(public))


def checkpoint_message(body: str) -> bytes:
    return b"callboard-checkpoint-v1\n" + body.encode("utf-8")


def manifest_message(manifest: bytes) -> bytes:
    return b"callboard-manifest-v1\n" + manifest


def _check_checkpoints(bundle: Bundle, keys: Keys) -> dict[int, bytes]:
    """The signed hashes by the number of their event."""
    hashes: dict[int, bytes] = {}
    previous = None
    for row in bundle.rows(CHECKPOINTS):
        body = _object(row["body"].encode("utf-8"), "a checkpoint")
        what = f"the checkpoint at {body['seq']}"
        keys.check(body["key"], checkpoint_message(row["body"]), row["signature"], what)
        if previous not in (None, body["prev_checkpoint"]):
            raise Damage(GAP, f"a checkpoint before {what} is missing")
        previous = hashlib.sha256(checkpoint_message(row["body"])).hexdigest()
        if "next_public" in body:
            keys.trust(body["next_public"])
        hashes[body["seq"]] = _bytes(body["hash"])
    return hashes


def verify(bundle: Bundle, trusted: list[bytes]) -> Chain:
    """Raises Damage."""
    raw = bundle.read(MANIFEST)
    manifest = _object(raw, MANIFEST)
    try:
        _check_files(bundle, manifest)
        keys = Keys({key["key"]: key["public"] for key in _object(bundle.read(KEYS), KEYS)["keys"]}, trusted)
        # First: a checkpoint may hand trust on to the key that signed the manifest.
        checkpoints = _check_checkpoints(bundle, keys)
        keys.check(manifest["key"], manifest_message(raw), bundle.read(SIGNATURE).decode("ascii").strip(), MANIFEST)
        chain = _check_chain(bundle, manifest, checkpoints)
        _check_ends(chain, manifest)
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise Damage(BROKEN, f"not in the form of a bundle: {type(error).__name__} {error}") from None
    if chain.last is not None and any(seq > chain.last for seq in checkpoints):
        raise Damage(SHORT, f"SHORT: the log ends at {chain.last}, a checkpoint was signed at {max(checkpoints)}")
    if chain.last is not None and chain.last not in checkpoints:
        raise Damage(UNTRUSTED, f"no checkpoint was signed for the end at {chain.last}")
    return chain


def _key(given: str) -> bytes:
    text = given
    if os.path.isfile(given):
        with open(given, encoding="ascii") as file:
            text = file.read().strip()
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raw = b""
    if len(raw) != 32:
        raise argparse.ArgumentTypeError("a public key is 64 hexadecimal digits, or a file with them")
    return raw


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        self.exit(MISUSED, f"verify.py: {message}\n")


def main(arguments: list[str] | None = None) -> int:
    parser = _Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundles", nargs="*", default=[os.path.dirname(os.path.abspath(__file__))], metavar="BUNDLE")
    parser.add_argument("--key", action="append", default=[], type=_key, metavar="PUBLIC_KEY", help="the key to trust")
    given = parser.parse_args(arguments)
    if not given.key:
        print("NOTE: no --key given. Trusting the keys inside the bundle proves that it is whole, not whose it is.")
    previous = None
    for path in given.bundles:
        try:
            chain = verify(Bundle(path), given.key)
            _check_follows(chain, previous, path)
        except Damage as damage:
            print(damage)
            return damage.exit_code
        except (OSError, zipfile.BadZipFile) as problem:
            print(f"{path} can't be read as a bundle: {problem}")
            return BROKEN
        _tell(chain)
        previous = chain if chain.first is not None else previous
    return WHOLE


def _check_follows(chain: Chain, previous: Chain | None, path: str) -> None:
    if previous is None or previous.last is None or chain.first is None:
        return
    if chain.first != previous.last + 1:
        raise Damage(GAP, f"GAP: {path} begins at {chain.first}, what was given before it ends at {previous.last}")
    if chain.before != previous.hash:
        raise Damage(BROKEN, f"BROKEN at seq {chain.first}: {path} does not follow what was given before it")


def _tell(chain: Chain) -> None:
    last_hash = (chain.hash or b"").hex()
    ends = "" if chain.first is None else f", number {chain.first} to {chain.last}, last hash {last_hash}"
    print(f"whole: {chain.shown} events, {chain.left_out} left out{ends}")
    if chain.erased:
        print(f"{chain.erased} pieces of personal data were erased since, or are not shown")


if __name__ == "__main__":
    sys.exit(main())
