"""Fingerprints of the parsing canonical form, as the Avro specification defines them."""

import hashlib
from typing import Final

_EMPTY: Final = 0xC15D213AA4D7A795


def _crc_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (_EMPTY & -(value & 1))
        table.append(value)
    return tuple(table)


_TABLE: Final = _crc_table()


def crc64(form: str) -> str:
    """CRC-64-AVRO (Rabin), 16 hex digits, big-endian. A loop over bytes: compute it on demand only."""
    fingerprint = _EMPTY
    for byte in _bytes(form):
        fingerprint = (fingerprint >> 8) ^ _TABLE[(fingerprint ^ byte) & 0xFF]
    return f"{fingerprint:016x}"


def md5(form: str) -> str:
    return hashlib.md5(_bytes(form), usedforsecurity=False).hexdigest()


def sha256(form: str) -> str:
    return hashlib.sha256(_bytes(form)).hexdigest()


def _bytes(form: str) -> bytes:
    # Java writes a lone surrogate as a question mark; only texts that are never stored can hold one.
    return form.encode("utf-8", "replace")
