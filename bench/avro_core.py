"""What the Avro core costs on this machine: best of repeated runs, beside `json.loads` of the same text.

python bench/avro_core.py
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from registry import schemas
from registry.schemas import avro
from registry.schemas.base import Mode


def field_type(position: int) -> Any:
    """The field types that the targets speak of, in turn."""
    return [
        "string",
        "long",
        ["null", "string"],
        "int",
        {"type": "long", "logicalType": "timestamp-millis"},
        {"type": "array", "items": "string"},
        {"type": "enum", "name": f"Enum{position}", "symbols": ["A", "B", "C"]},
        {"type": "map", "values": "double"},
        [
            "null",
            {
                "type": "record",
                "name": f"Inner{position}",
                "fields": [
                    {"name": "number", "type": "int"},
                    {"name": "text", "type": ["null", "string"], "default": None},
                ],
            },
        ],
        {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2},
    ][position % 10]


def record(fields: int) -> str:
    listed = []
    for position in range(fields):
        field = {"name": f"field_{position}", "type": field_type(position)}
        if isinstance(field["type"], list):
            field["default"] = None
        listed.append(field)
    return json.dumps({"type": "record", "name": "Event", "namespace": "com.example", "fields": listed})


def wide_record(fields: int) -> str:
    listed = [
        {"name": f"field_{position}", "type": ["null", "string"], "default": None, "doc": f"Documentation {position}"}
        for position in range(fields)
    ]
    return json.dumps({"type": "record", "name": "Wide", "fields": listed})


def best(action: Callable[[], object], repeats: int, loops: int) -> float:
    """Seconds of the fastest run."""
    fastest = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(loops):
            action()
        fastest = min(fastest, (time.perf_counter() - start) / loops)
    return fastest


def parse(text: str) -> avro.AvroSchema:
    return avro.AVRO.parse(text, (), Mode.REGISTRATION, avro.DEFAULT)


def show(what: str, seconds: float, unit: float) -> None:
    amount = f"{seconds * 1e6:10.1f} us" if seconds < 0.01 else f"{seconds:10.3f} s "
    print(f"{what:<58}{amount}{seconds / unit:8.1f} x json.loads")


def small() -> None:
    text = record(50)
    new, old = parse(text), parse(record(49))
    root = new.root
    unit = best(lambda: json.loads(text), 40, 100)
    print(f"record of 50 fields, {len(text)} bytes")
    show("  json.loads", unit, unit)
    show("  parse for registration", best(lambda: parse(text), 40, 20), unit)
    show("  the same through schemas.parse", best(lambda: schemas.parse("AVRO", text), 40, 20), unit)
    show("  compare with 49 fields, new reads old", best(lambda: new.compare(old), 40, 50), unit)
    show("  canonical text", best(lambda: avro.printing.canonical(root), 40, 50), unit)
    show("  parsing canonical form", best(lambda: avro.printing.parsing_canonical_form(root), 40, 50), unit)
    show("  normal form", best(lambda: new.normalized().canonical, 40, 10), unit)
    show("  CRC-64-AVRO of the parsing form", best(lambda: new.crc64, 20, 10), unit)


def large() -> None:
    text = wide_record(61_000)
    unit = best(lambda: json.loads(text), 3, 1)
    print(f"record of 61,000 fields, {len(text)} bytes")
    show("  json.loads", unit, unit)
    show("  parse for registration", best(lambda: parse(text), 3, 1), unit)
    new, old = parse(text), parse(wide_record(60_999))
    show("  compare with 60,999 fields, new reads old", best(lambda: new.compare(old), 3, 1), unit)
    show("  canonical text", best(lambda: avro.printing.canonical(new.root), 3, 1), unit)


if __name__ == "__main__":
    small()
    large()
