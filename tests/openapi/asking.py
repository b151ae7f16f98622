"""Requests made from the OpenAPI document, sent to the application itself, and what has to be true of each answer."""

import copy
import json
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection, transaction
from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from config.openapi.views import document
from registry import names
from registry.api import media
from tests.cast import ADDRESS, forget
from tests.unchanged import models

SEED = 20261128
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
SAFE = {"GET", "HEAD", "OPTIONS"}

# Stands for half a character, which the tools here can't hold.
HALF = "\ue000"
# What somebody who means harm puts in the place of a value.
HOSTILE: list[Any] = [
    "",
    "\0",
    "a\0b",
    HALF,
    "\u202ea",
    "e\u0301",
    "..",
    ":.:",
    ":*:",
    ":.__GLOBAL:",
    "__EMPTY",
    "'; DROP TABLE audit_auditevent; --",
    "%_\\",
    "x" * 2000,
    0,
    -1,
    2**31,
    2**63,
    10**40,
    1.5,
    True,
    None,
    [],
    {},
    [None],
    {"": ""},
]
HOSTILE_TEXTS = [text for text in HOSTILE if isinstance(text, str) and text]


class Application(WSGIHandler):
    """Keeps the connection, which holds what is not committed, as Django's test client does."""

    def __call__(self, environ: Any, start_response: Any) -> Any:
        for signal in (request_started, request_finished):
            signal.disconnect(close_old_connections)
        try:
            response = super().__call__(environ, start_response)
            body = list(response)
            response.close()
        finally:
            for signal in (request_started, request_finished):
                signal.connect(close_old_connections)
        return body


@schemathesis.serializer("application/json", *media.PRODUCED)
def _as_json(context: Any, value: Any) -> bytes:
    return json.dumps(value).replace(json.dumps(HALF)[1:-1], "\\ud800").encode()


def _strict(schema: Any) -> Any:
    """The document with no member allowed that it does not name: a client may meet new ones, a test may not."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _strict(each) for name, each in schema.items()}
    if isinstance(found.get("properties"), dict) and found.get("type") == "object":
        found.setdefault("additionalProperties", False)
    return found


def load() -> Any:
    told = copy.deepcopy(document())
    told["components"]["schemas"] = _strict(told["components"]["schemas"])
    schema = schemathesis.openapi.from_dict(told)
    schema.app = Application()
    return schema


SCHEMA = load()
OPERATIONS: dict[str, Any] = {
    operation.definition.raw["operationId"]: operation
    for operation in (found.ok() for found in SCHEMA.get_all_operations())
}


@dataclass(frozen=True)
class Caller:
    """Whoever asks: with a key, or with the session of a page."""

    name: str
    headers: Mapping[str, str] = field(repr=False)
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def is_person(self) -> bool:
        return bool(self.cookies)


@contextmanager
def undone() -> Iterator[None]:
    """What happens in here has not happened. Marked like the transaction of a test, in which changes may be written."""
    block = transaction.atomic()
    block._from_testcase = True  # type: ignore[attr-defined]
    with block:
        try:
            yield
        finally:
            transaction.set_rollback(True)
    forget()


def stored() -> tuple[int, ...]:
    """How many rows each table has."""
    tables = [connection.ops.quote_name(model._meta.db_table) for model in models()]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"SELECT count(*) FROM {table}" for table in tables))
        return tuple(count for (count,) in cursor.fetchall())


Pools = Mapping[str, list[Any]]


def ask(operation: Any, caller: Caller, pools: Pools, *, examples: int) -> set[int]:
    """So many examples, each with the same registry before it. Returns the statuses that came."""
    statuses: set[int] = set()
    cases = operation.as_strategy(GenerationMode.POSITIVE)

    @seed(SEED)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, chance=st.randoms(use_true_random=False))
    def each(case: Case[Any], chance: random.Random) -> None:
        _aim(case, pools, chance)
        assume(_is_meant(case))
        statuses.add(send(case, caller))

    each()
    return statuses


def send(case: Case[Any], caller: Caller) -> int:
    with undone():
        before = stored()
        headers = {"Accept-Encoding": "identity", **caller.headers}
        response = case.call(headers=headers, cookies=dict(caller.cookies), environ_base={"REMOTE_ADDR": ADDRESS})
        case.validate_response(response, checks=CHECKS)
        if response.status_code >= 400 or case.method in SAFE:
            assert stored() == before, f"{response.status_code} left something behind"
    return response.status_code


def _aim(case: Case[Any], pools: Pools, chance: random.Random) -> None:
    """Mostly at what is there, sometimes at what hurts, and now and then as it came."""
    for name in case.path_parameters:
        if chance.random() < 0.9 and name in pools:
            case.path_parameters[name] = chance.choice(pools[name])
    for name in list(case.query or {}):
        if chance.random() < 0.6:
            case.query[name] = chance.choice([*pools.get(name, []), *HOSTILE_TEXTS])
    case.body = _aimed(case.body, pools, chance)


def _is_meant(case: Case[Any]) -> bool:
    """A name may read like the rest of a path, which then is that of another operation, and clients walk up at `..`."""
    if {".", ".."} & set(case.path_parameters.values()):
        return False
    template = case.operation.path.removeprefix("/")
    if template not in names.ROUTES.values():
        return not any("/" in str(value) for value in case.path_parameters.values())
    path = template.format(**case.path_parameters)
    found = names.split(path)
    return found is not None and names.ROUTES[found.name] == template


def _aimed(value: Any, pools: Pools, chance: random.Random, name: str = "") -> Any:
    if chance.random() < 0.08:
        return chance.choice(HOSTILE)
    if name in pools and chance.random() < 0.7:
        return chance.choice(pools[name])
    if isinstance(value, dict):
        return {member: _aimed(each, pools, chance, member) for member, each in value.items()}
    if isinstance(value, list):
        return [_aimed(each, pools, chance, name) for each in value]
    return value
