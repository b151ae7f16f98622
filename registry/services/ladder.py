"""The ladder of settings: every config and every mode that may count for a subject, read in one statement."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import connection

from registry import names
from registry.models import Config, Context, Mode
from registry.models.settings import Scope
from registry.names import DEFAULT_CONTEXT, SubjectName

Values = dict[str, Any]
# Kind and context of a scope. That is enough: a ladder has one subject on it.
Place = tuple[str, str | None]

# How each column comes out of a cursor of either database.
_READERS: dict[str, Callable[[Any], Any]] = {
    "alias": str,
    "alias_for_deks": str,
    "normalize": bool,
    "validate_fields": bool,
    "validate_new_schemas": bool,
    "validate_rules": bool,
    "compatibility_level": str,
    "compatibility_policy": str,
    "compatibility_group": str,
    "default_metadata": json.loads,
    "override_metadata": json.loads,
    "default_rule_set": json.loads,
    "override_rule_set": json.loads,
}
FIELDS = tuple(_READERS)


@dataclass(frozen=True, slots=True)
class Ladder:
    """By place: the fields that are set there, and the mode. A place without a row is absent."""

    configs: Mapping[Place, Values]
    modes: Mapping[Place, str]

    @property
    def top(self) -> Values:
        return self.configs.get((Scope.CONTEXT, DEFAULT_CONTEXT), {})


def places(subject: SubjectName) -> tuple[Place, Place, Place]:
    """Nearest first."""
    return (Scope.SUBJECT, subject.context), (Scope.CONTEXT, subject.context), (Scope.GLOBAL, None)


def read(subject: SubjectName) -> Ladder:
    """What is set on the subject, on its context, on the default context, and above them all."""
    asked = subject if names.is_storable(subject) else SubjectName(DEFAULT_CONTEXT, "")
    configs: dict[Place, Values] = {}
    modes: dict[Place, str] = {}
    with connection.cursor() as cursor:
        cursor.execute(_statement(), [DEFAULT_CONTEXT, asked.context, asked.context, asked.name] * 2)
        for kind, context, mode, *values in cursor.fetchall():
            if mode is not None:
                modes[kind, context] = mode
            else:
                configs[kind, context] = _read(values)
    return Ladder(configs, modes)


def set_fields(values: Iterable[tuple[str, Any]]) -> Values:
    """In the order of FIELDS, without those that are not set."""
    given = dict(values)
    return {field: given[field] for field in FIELDS if given.get(field) is not None}


def _read(values: list[Any]) -> Values:
    columns = zip(_READERS.items(), values, strict=True)
    return {field: reader(value) for (field, reader), value in columns if value is not None}


@lru_cache(maxsize=1)
def _statement() -> str:
    """Written out, because the ORM takes a millisecond to do so; one part a kind, so that each finds its index."""
    fields = ", ".join(f"s.{field}" for field in FIELDS)
    absent = ", ".join(["NULL"] * len(FIELDS))
    return " UNION ALL ".join(
        [
            *_parts(Config._meta.db_table, f"NULL, {fields}", "TRUE"),
            *_parts(Mode._meta.db_table, f"s.mode, {absent}", "s.mode IS NOT NULL"),
        ]
    )


def _parts(table: str, columns: str, condition: str) -> list[str]:
    in_context = f"FROM {table} s JOIN {Context._meta.db_table} c ON c.id = s.context_id WHERE {condition} AND"  # noqa: S608 - names of models
    return [
        f"SELECT s.kind, NULL, {columns} FROM {table} s WHERE {condition} AND s.kind = 'global'",  # noqa: S608
        f"SELECT s.kind, c.name, {columns} {in_context} s.kind = 'context' AND c.name IN (%s, %s)",
        f"SELECT s.kind, c.name, {columns} {in_context} s.kind = 'subject' AND c.name = %s AND s.subject_name = %s",
    ]
