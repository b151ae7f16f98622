"""Every fact in `data/` that Java Avro printed, row by row."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from registry.errors import RegistryError
from registry.schemas.avro import AVRO, DEFAULT, AvroSchema
from registry.schemas.base import Mode

DATA = Path(__file__).parent / "data"

Row = dict[str, Any]


def rows(name: str) -> Iterator[Row]:
    with gzip.open(DATA / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def parse(text: str, references: list[str], mode: Mode) -> AvroSchema:
    return AVRO.parse(text, references, mode, DEFAULT)


def is_valid(row: Row, mode: Mode) -> bool:
    try:
        parse(row["schema"], row.get("refs", []), mode)
    except RegistryError:
        return False
    return True


def differences(row: Row, verdict: Row, reader: AvroSchema, writer: AvroSchema) -> list[Any]:
    found = reader.compare(writer)
    if "inc" not in verdict:
        cut = found.failure[:600] if found.failure is not None else None
        return [] if cut == verdict["excmsg"][:600] else [row["id"], verdict["excmsg"], found]
    listed = [[item.type, item.message, item.location] for item in found.incompatibilities]
    lines = [reader.describe(item, "new", "old") for item in found.incompatibilities]
    as_expected = (
        found.is_compatible == verdict["compatible"]
        and listed == verdict["inc"]
        and lines == verdict.get("text", lines)
        and found.failure is None
    )
    return [] if as_expected else [row["id"], verdict["inc"], found]


def test_a_text_is_valid_at_registration_exactly_when_java_says_so() -> None:
    wrong = [row["id"] for row in rows("schema_valid") if is_valid(row, Mode.REGISTRATION) != row["new"]]

    assert wrong == []


def test_a_stored_text_is_valid_exactly_when_java_says_so() -> None:
    wrong = [row["id"] for row in rows("schema_valid") if is_valid(row, Mode.STORED) != row["existing"]]

    assert wrong == []


def test_canonical_and_resolved_texts_are_javas_in_both_modes() -> None:
    wrong = []
    for row in rows("canonical"):
        if "lone surrogate" in row.get("caveat", ""):
            continue
        for mode in Mode:
            schema = parse(row["schema"], row.get("refs", []), mode)
            expected = (row["canonical"], row.get("resolved", row["canonical"]))
            if (schema.canonical, schema.resolved) != expected:
                wrong.append((row["id"], mode, schema.canonical))

    assert wrong == []


def test_parsing_canonical_forms_and_fingerprints_are_javas() -> None:
    wrong = []
    for row in rows("canonical"):
        schema = parse(row["schema"], row.get("refs", []), Mode.REGISTRATION)
        found = (schema.parsing_canonical_form, schema.crc64, schema.md5, schema.sha256)
        if found != (row["pcf"], row["crc64"], row["md5"], row["sha256"]):
            wrong.append((row["id"], found))

    assert wrong == []


def test_normal_forms_are_javas() -> None:
    wrong = []
    for row in rows("canonical"):
        if "caveat" in row or row.get("normalize_err"):
            continue
        expected = row["canonical"] if row.get("normalized_same") else row["normalized"]
        found = parse(row["schema"], row.get("refs", []), Mode.REGISTRATION).normalized().canonical
        if found != expected:
            wrong.append((row["id"], found))

    assert wrong == []


def test_normalising_fails_where_java_fails() -> None:
    passed = []
    for row in rows("canonical"):
        if not row.get("normalize_err"):
            continue
        try:
            parse(row["schema"], row.get("refs", []), Mode.REGISTRATION).normalized()
        except RegistryError:
            continue
        passed.append(row["id"])

    assert passed == []


def test_pairs_made_by_hand_get_javas_list() -> None:
    wrong = []
    for row in rows("compat_hand"):
        reader, writer = (parse(row[side], [], Mode.STORED) for side in ("reader", "writer"))
        wrong += differences(row, row["fwd"], reader, writer)
        wrong += differences(row, row["rev"], writer, reader)

    assert wrong == []


def test_random_mutations_get_javas_list() -> None:
    bases = {row["base"]: parse(row["schema"], [], Mode.STORED) for row in rows("compat_random_bases")}
    wrong = []
    for row in rows("compat_random"):
        reader, writer = parse(row["mut"], [], Mode.STORED), bases[row["base"]]
        wrong += differences(row, row["fwd"], reader, writer)
        wrong += differences(row, row["rev"], writer, reader)

    assert wrong == []
