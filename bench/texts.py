"""Schema texts of about 1.2 kB. Any two of one subject are compatible: they differ in one field with a default.

They are written as the registry stores them.
"""

import json
from typing import Any

_DOC = "An order as it was placed in the shop or by telephone, before it is divided by warehouse"
_FIELDS: list[dict[str, Any]] = [
    {"name": "id", "type": "string", "doc": "Number of the order as the customer sees it"},
    {"name": "customer_id", "type": "string", "doc": "Who ordered, by the number in the customer register"},
    {"name": "placed_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "total", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}},
    {"name": "currency", "type": "string", "doc": "Three letters, ISO 4217", "default": "EUR"},
    {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["NEW", "PAID", "SENT", "CLOSED"]}},
    {"name": "note", "type": ["null", "string"], "default": None},
    {
        "name": "address",
        "type": {
            "type": "record",
            "name": "Address",
            "fields": [
                {"name": "street", "type": "string"},
                {"name": "town", "type": "string"},
                {"name": "country", "type": ["null", "string"], "default": None},
            ],
        },
    },
    {"name": "tags", "type": {"type": "map", "values": "string"}, "default": {}},
    {"name": "lines", "type": {"type": "array", "items": "string"}, "doc": "Article numbers in the order given"},
]


def schema_text(mark: str) -> str:
    added = {"name": f"added_{mark}", "type": ["null", "string"], "default": None}
    record = {
        "type": "record",
        "name": "Order",
        "namespace": "com.example.shop",
        "doc": _DOC,
        "fields": [*_FIELDS, added],
    }
    return json.dumps(record, separators=(",", ":"))


def body(text: str) -> bytes:
    return json.dumps({"schema": text}).encode()
