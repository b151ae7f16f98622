"""Recording what happened: the last statement of every change."""

import functools
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import structlog
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import AutoField, Field, Model
from django.db.transaction import TransactionManagementError

from audit import chain
from audit.actors import Actor
from audit.models import AuditEvent, AuditPii

log = structlog.get_logger("audit.event")
PAYLOAD_VERSION = 1
# What the log line repeats; the salt and the commitments are of use to nobody without the evidence.
_TOLD = ("at", "actor", "auth", "cred", "request", "action", "object", "detail", "reason")
# Arbitrary, ours: one transaction at a time appends to the chain.
_CHAIN_LOCK = 0x63616C6C_61756469


class Action(StrEnum):
    SUBJECT_REGISTERED = "subject.registered"
    VERSION_SOFT_DELETED = "version.soft_deleted"
    VERSION_HARD_DELETED = "version.hard_deleted"
    SUBJECT_SOFT_DELETED = "subject.soft_deleted"
    SUBJECT_HARD_DELETED = "subject.hard_deleted"
    COMPATIBILITY_CHANGED = "compatibility.changed"
    CONFIG_CHANGED = "config.changed"
    MODE_CHANGED = "mode.changed"
    CONTEXT_DELETED = "context.deleted"
    LIFECYCLE_CHANGED = "lifecycle.changed"
    OWNER_CHANGED = "owner.changed"
    VISIBILITY_CHANGED = "visibility.changed"
    POLICY_CHANGED = "policy.changed"
    SCOPE_CREATED = "scope.created"
    SCOPE_DELETED = "scope.deleted"
    GRANT_ADDED = "grant.added"
    GRANT_REMOVED = "grant.removed"
    MEMBERSHIP_SYNCED = "membership.synced"
    USER_CREATED = "user.created"
    USER_ACTIVATED = "user.activated"
    USER_DEACTIVATED = "user.deactivated"
    USER_LINKED = "user.linked"
    LOGIN_LINK_ISSUED = "login_link.issued"
    PASSWORD_SET = "password.set"  # noqa: S105 - the name of an event
    AUTH_LOGIN = "auth.login"
    AUTH_LOGOUT = "auth.logout"
    AUTH_BREAKGLASS = "auth.breakglass"
    AUDIT_EXPORT_REQUESTED = "audit.export_requested"
    AUDIT_EXPORTED = "audit.exported"
    AUDIT_EXPORT_FAILED = "audit.export_failed"
    AUDIT_DOWNLOADED = "audit.downloaded"
    AUDIT_VERIFIED = "audit.verified"
    AUDIT_PII_ERASED = "audit.pii_erased"
    AUDIT_ARCHIVED = "audit.archived"
    AUDIT_KEY_ROTATED = "audit.key_rotated"
    GROUP_CREATED = "group.created"
    SERVICE_ACCOUNT_CREATED = "service_account.created"
    SERVICE_ACCOUNT_DISABLED = "service_account.disabled"
    KEY_ISSUED = "key.issued"
    KEY_REVOKED = "key.revoked"
    KEY_ROTATED = "key.rotated"
    KEY_SCOPE_CHANGED = "key.scope_changed"
    KEY_STALE_USE = "key.stale_use"
    JWT_TRUST_CREATED = "jwt_trust.created"
    JWT_TRUST_DELETED = "jwt_trust.deleted"
    CI_TRUST_CREATED = "ci_trust.created"
    CI_TRUST_CHANGED = "ci_trust.changed"
    CI_TRUST_DELETED = "ci_trust.deleted"
    CI_TRUST_REFUSED = "ci_trust.refused"
    SYSTEM_STARTED = "system.started"


def record(
    actor: Actor,
    action: Action,
    *,
    kind: str,
    ref: str,
    detail: Mapping[str, object] | None = None,
    reason: str | None = None,
    personal: Mapping[str, str] | None = None,
    stamp: Model | None = None,
) -> int:
    """Appends an event about the object `kind`, `ref` to the log and returns its number.

    Call it last: the chain is locked from here to the commit, and a change made after it is refused there. The numbers
    have no gaps and follow the order of the commits, so `stamp`, a row with a column `changed_seq`, is given its own
    here. `personal` is kept beside the log, where it can be erased.

    Raises NotCanonical for a detail that JSON has no single spelling for, such as a float.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    if not connection.in_atomic_block:
        raise TransactionManagementError("an event is recorded in the transaction of its change: transactions.write()")
    said = [(name, value, os.urandom(16)) for name, value in (personal or {}).items()]
    members = {
        "v": PAYLOAD_VERSION,
        "salt": os.urandom(16).hex(),
        "actor": {"kind": actor.kind, "ref": actor.ref},
        "auth": actor.auth,
        "cred": actor.credential,
        "request": actor.request_id,
        "action": action.value,
        "object": {"kind": kind, "ref": ref},
        "detail": dict(detail or {}),
        "reason": reason,
        "pii": {name: chain.commitment(salt, value) for name, value, salt in said} or None,
    }
    with connection.cursor() as cursor:
        seq, prev = _next(cursor)
        if stamp is not None:
            _stamp(cursor, stamp, seq)
        for name, value, salt in said:
            _insert(cursor, AuditPii(event_id=seq, name=name, value=value, salt=salt))
        # Under the lock, so that times follow the order of the events.
        members["at"] = chain.time_text(datetime.now(UTC))
        event = _event(seq, prev, {name: value for name, value in members.items() if value is not None})
        _insert(cursor, event)
    transaction.on_commit(functools.partial(_tell, event), robust=True)
    return seq


def _tell(event: AuditEvent) -> None:
    """One line for whoever collects logs elsewhere; never of an event that was taken back."""
    # As it was hashed, without the types that Python gave it.
    said = json.loads(event.payload)
    members = {name: said[name] for name in _TOLD if name in said}
    log.info("audit event", seq=event.seq, hash=event.hash.hex(), **members)


def hold_head() -> tuple[int, bytes] | None:
    """Number and hash of the last event; until the transaction ends nobody appends another one."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        following, hash_ = _next(cursor)
    return (following - 1, hash_) if following > 1 else None


def _next(cursor: CursorWrapper) -> tuple[int, bytes]:
    """The number of the next event and the hash it follows. From here on nobody else appends before our commit."""
    sql = f'SELECT seq, hash FROM "{AuditEvent._meta.db_table}" ORDER BY seq DESC LIMIT 1'  # noqa: S608 - our own table
    if cursor.db.vendor == "postgresql":
        # Two statements, because the second must not look before the first has waited; sent together, because the
        # others wait for us by then.
        cursor.execute(f"SELECT pg_advisory_xact_lock({_CHAIN_LOCK}); {sql}")
        cursor.nextset()
    else:
        # BEGIN IMMEDIATE has made us the only writer.
        cursor.execute(sql)
    last = cursor.fetchone()
    return (last[0] + 1, bytes(last[1])) if last else (1, chain.FIRST_PREV)


def _event(seq: int, prev: bytes, members: Mapping[str, object]) -> AuditEvent:
    payload = chain.payload(members)
    hash_ = chain.link(prev, seq, chain.digest(payload))
    return AuditEvent(seq=seq, payload=payload, prev=prev, hash=hash_, **chain.copies(members))


def _stamp(cursor: CursorWrapper, row: Model, seq: int) -> None:
    meta = row._meta
    sql = f'UPDATE "{meta.db_table}" SET changed_seq = %s WHERE "{meta.pk.column}" = %s'  # noqa: S608 - names of a model
    cursor.execute(sql, [seq, row.pk])
    setattr(row, "changed_seq", seq)  # noqa: B010 - no model that audit knows has it


def _insert(cursor: CursorWrapper, row: Model) -> None:
    """As `save` would, without the hundreds of microseconds it takes: everybody else waits meanwhile."""
    sql, fields = _insertion(type(row))
    cursor.execute(sql, [field.get_db_prep_save(getattr(row, field.attname), cursor.db) for field in fields])


@functools.cache
def _insertion(model: type[Model]) -> "tuple[str, list[Field[Any, Any]]]":
    fields = [field for field in model._meta.concrete_fields if not isinstance(field, AutoField)]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    values = ", ".join(["%s"] * len(fields))
    sql = f'INSERT INTO "{model._meta.db_table}" ({columns}) VALUES ({values})'  # noqa: S608 - names of a model
    return sql, fields
