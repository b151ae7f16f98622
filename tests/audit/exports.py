"""People who may or may not export the log, events to export, and what is in the .zip."""

import hashlib
import io
import json
import os
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client

from accounts import principals
from accounts.models import User
from accounts.principals import Principal
from audit import events, exporter, services, transactions
from audit.events import Action
from audit.exporter import Bundle, Lease
from audit.models import AuditEvent, AuditExport, Filters
from tests.cast import STAGE

EXPORTS = "/api/v1/audit/exports"
# What is in a bundle, in its order.
MEMBERS = [
    "README.txt",
    "checkpoints.jsonl",
    "events.csv",
    "events.jsonl",
    "keys.json",
    "manifest.json",
    "manifest.sig",
    "omitted.jsonl",
    "pii.jsonl",
    "verify.py",
]
# Seconds; in production it is a minute.
LEASE = 2
BACKEND = "accounts.local.Backend"


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in."""

    user: User
    client: Client

    @property
    def principal(self) -> Principal:
        return principals.of_session(User.objects.get(pk=self.user.pk))

    def get(self, path: str) -> Any:
        return self.client.get(path)

    def post(self, path: str, body: Any = None) -> Any:
        return self.client.post(path, json.dumps(body or {}), "application/json")

    def export(self, **filters: Any) -> AuditExport:
        return services.request_export(principal=self.principal, filters=Filters(**filters), request_id=None)

    def exported(self, **filters: Any) -> AuditExport:
        """Asked for and made."""
        export = self.export(**filters)
        exporter.run(export.pk)
        export.refresh_from_db()
        assert export.state == "done", export.error
        return export

    def link(self, export: AuditExport) -> str:
        return str(self.post(f"{EXPORTS}/{export.pk}/link").json()["url"])


def sign_in(name: str, *rights: str) -> Person:
    with transactions.write():
        user = User.objects.create(username=name)
        give(user, *rights)
        events.record(STAGE, Action.USER_CREATED, kind="user", ref=f"person:{user.pk}")
    client = Client()
    client.force_login(user, BACKEND)
    return Person(user, client)


def give(user: User, *rights: str) -> None:
    user.user_permissions.set(Permission.objects.filter(codename__in=[right.split(".")[1] for right in rights]))


def auditor(name: str = "audrey") -> Person:
    return sign_in(name, services.VIEW, services.EXPORT)


def take_right_away(person: Person) -> None:
    with transactions.write():
        person.user.user_permissions.clear()
        events.record(STAGE, Action.GRANT_REMOVED, kind="user", ref=person.principal.ref)


def happen(number: int, *, ref: str = ":.:orders-value", action: Action = Action.SUBJECT_REGISTERED) -> None:
    with transactions.write():
        for turn in range(number):
            events.record(STAGE, action, kind="subject", ref=ref, detail={"version": turn + 1})


def recorded(action: Action) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action=action).order_by("seq"))


class Undisturbed(Lease):
    """That nobody can lose."""

    def beat(self) -> None:
        pass


def write_undisturbed(export: AuditExport, target: Path) -> Bundle:
    """The bundle as a worker makes it whom nothing happens to."""
    target.mkdir(exist_ok=True)
    return exporter.write_bundle(Undisturbed(export, lambda: False), target)


def bundle_path(export: AuditExport) -> Path:
    folder: Path = settings.DATA / "exports"
    return folder / export.file


def files(export: AuditExport) -> list[str]:
    return sorted(path.name for path in (settings.DATA / "exports").glob(f"{export.pk}.*"))


@dataclass(frozen=True)
class Content:
    """A bundle, taken apart."""

    members: dict[str, bytes]

    @property
    def manifest(self) -> Any:
        return json.loads(self.members["manifest.json"])

    @property
    def events(self) -> list[Any]:
        return [json.loads(line) for line in self.members["events.jsonl"].splitlines()]

    @property
    def omitted(self) -> list[Any]:
        return [json.loads(line) for line in self.members["omitted.jsonl"].splitlines()]

    @property
    def payloads(self) -> list[Any]:
        return [json.loads(event["payload"]) for event in self.events]


def unpack(raw: bytes) -> Content:
    with zipfile.ZipFile(io.BytesIO(raw)) as bundle:
        assert bundle.testzip() is None
        return Content({name: bundle.read(name) for name in bundle.namelist()})


def read(export: AuditExport) -> Content:
    raw = bundle_path(export).read_bytes()
    assert hashlib.sha256(raw).hexdigest() == export.sha256
    return unpack(raw)


# Workers of other processes, on the database of the tests.


def environment(**given: str) -> dict[str, str]:
    """For a process that is to find the database and the data folder of this one."""
    name = connection.settings_dict["NAME"]
    base = os.environ["DATABASE_URL"]
    url = urlunsplit(urlsplit(base)._replace(path=f"/{name}")) if base else f"sqlite:///{name}"
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("COV_", "COVERAGE_", "PYTEST_"))}
    return inherited | {"DATABASE_URL": url, "CALLBOARD_EXPORT_LEASE": str(LEASE)} | given


def wait_for(what: Callable[[], object], *, seconds: float = 20) -> float:
    """Seconds until it was so."""
    started = time.monotonic()
    while not what():
        assert time.monotonic() < started + seconds, "waited in vain"
        time.sleep(0.02)
    return time.monotonic() - started


def has_state(export: AuditExport, state: str) -> Callable[[], bool]:
    return lambda: AuditExport.objects.filter(pk=export.pk, state=state).exists()


def has_begun(export: AuditExport) -> Callable[[], bool]:
    return lambda: AuditExport.objects.filter(pk=export.pk, progress__gt=0).exists()
