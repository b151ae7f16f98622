"""What the database knows about a key or an account, by hand-written SQL.

Every request pays for this. Through the ORM it would be three queries, and three (PostgreSQL) to fifteen (SQLite) times
the time.
"""

import logging
from datetime import UTC, datetime, timedelta
from functools import cache
from time import monotonic
from typing import Any, NamedTuple

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import DatabaseError, connection, models
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from accounts import epoch
from accounts.models import ApiKey, ApiSecret, AuthEpoch, JwtTrust, ServiceAccount, User
from audit import transactions

logger = logging.getLogger(__name__)

STAMP_EVERY = timedelta(minutes=5)
STALE_EVERY = timedelta(hours=1)


class Account(NamedTuple):
    """A user, their service account unless they are a person, and what they hold: two lists, divided by blanks. True
    under this epoch."""

    user_id: int
    is_active: bool
    id: int | None
    name: str
    owner_group_id: int | None
    is_disabled: bool
    groups: str | None
    rights: str | None
    epoch: int | None


class Secret(NamedTuple):
    """A secret and its key. The last three are lists, as JSON."""

    id: int
    hmac: bytes
    pepper_version: int
    expires_at: datetime
    is_expired: bool
    is_revoked: bool
    is_superseded: bool
    is_stamp_due: bool
    is_stale_due: bool
    is_key_revoked: bool
    scopes: str
    prefixes: str
    cidrs: str


def find_account(name: str) -> Account | None:
    rows = _read(_statements(connection.vendor).account, [name])
    return Account(*rows[0]) if rows else None


def find_secrets(id12: str) -> list[tuple[Secret, Account]]:
    """All secrets of the key of this id, also those that open nothing any more."""
    now = timezone.now()
    rows = _read(
        _statements(connection.vendor).secrets,
        [stored(now), stored(now - STAMP_EVERY), stored(now - STALE_EVERY), id12],
    )
    width = len(Secret._fields)
    found = [(Secret(*row[:width]), Account(*row[width:])) for row in rows]
    return [(secret._replace(expires_at=_moment(secret.expires_at)), account) for secret, account in found]


def _read(statement: str, values: list[Any]) -> list[Any]:
    """The last column is the epoch, seen by the same statement, and so good for what the others say.

    Not within a transaction, whose own changes move it at the commit: then it is None.
    """
    written, asked_at = transactions.written(), monotonic()
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows: list[Any] = cursor.fetchall()
    if connection.in_atomic_block:
        return [(*row[:-1], None) for row in rows]
    if rows:
        epoch.learn(rows[0][-1], asked_at=asked_at, written=written)
    return rows


def _moment(stored: datetime) -> datetime:
    """SQLite knows of no zones; ours are all UTC."""
    return stored if stored.tzinfo else stored.replace(tzinfo=UTC)


class Trusted(NamedTuple):
    """The client of a provider that a token names. Scopes are a list, as JSON."""

    subject: str
    scopes: str


def find_trusted(issuer: str, client_id: str) -> tuple[Trusted, Account] | None:
    rows = _read(_statements(connection.vendor).trusted, [issuer, client_id])
    width = len(Trusted._fields)
    return (Trusted(*rows[0][:width]), Account(*rows[0][width:])) if rows else None


def stamp(secret_id: int, ip: str | None) -> None:
    """When and from where the secret was last used; rather not at all than making the request wait or fail.

    So the statement does not queue for a lock: PostgreSQL skips a row that is held, SQLite gives up at once when
    somebody writes. The next request tries again.
    """
    now = timezone.now()
    values = [stored(now), ip, secret_id, stored(now - STAMP_EVERY)]
    try:
        with connection.cursor() as cursor:
            execute_without_waiting(cursor, _statements(connection.vendor).stamp, values)
    except DatabaseError as error:
        logger.info("last use of an API key not noted: %s", type(error).__name__)


def execute_without_waiting(cursor: CursorWrapper, statement: str, values: list[Any]) -> int:
    """How many rows. On SQLite without the busy timeout: OperationalError at once when somebody else writes."""
    if cursor.db.vendor != "sqlite":
        cursor.execute(statement, values)
        return int(cursor.rowcount)
    cursor.execute("PRAGMA busy_timeout")
    (patience,) = cursor.fetchone()
    cursor.execute("PRAGMA busy_timeout = 0")
    try:
        cursor.execute(statement, values)
        return int(cursor.rowcount)
    finally:
        cursor.execute(f"PRAGMA busy_timeout = {int(patience)}")


def stored(moment: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(moment)


class _Statements(NamedTuple):
    secrets: str
    account: str
    trusted: str
    stamp: str


def _table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


@cache
def _statements(vendor: str) -> _Statements:
    """Lists come back as text: the two databases share no array."""
    gather = "string_agg" if vendor == "postgresql" else "group_concat"
    account = f"""
        u.id, u.is_active, a.id, coalesce(a.name, u.username), a.owner_group_id, a.disabled_at IS NOT NULL,
        (SELECT {gather}(CAST(m.group_id AS text), ' ') FROM {_table(User.groups.through)} m WHERE m.user_id = u.id),
        (SELECT {gather}(t.app_label || '.' || p.codename, ' ')
           FROM {_table(Permission)} p JOIN {_table(ContentType)} t ON t.id = p.content_type_id
          WHERE p.id IN (
            SELECT permission_id FROM {_table(User.user_permissions.through)} WHERE user_id = u.id
            UNION ALL
            SELECT g.permission_id FROM {_table(Group.permissions.through)} g
              JOIN {_table(User.groups.through)} m ON m.group_id = g.group_id WHERE m.user_id = u.id)),
        (SELECT number FROM {_table(AuthEpoch)})"""  # noqa: S608  # our own table names
    members = f"{_table(User)} u LEFT JOIN {_table(ServiceAccount)} a ON a.user_id = u.id"
    secrets = f"""
        SELECT s.id, s.hmac, s.pepper_version, s.expires_at, s.expires_at <= %s,
               s.revoked_at IS NOT NULL, s.superseded_at IS NOT NULL,
               s.last_used_at IS NULL OR s.last_used_at < %s, s.stale_noted_at IS NULL OR s.stale_noted_at < %s,
               k.revoked_at IS NOT NULL,
               k.scopes, k.subject_prefixes, k.cidrs, {account}
          FROM {members} JOIN {_table(ApiKey)} k ON k.user_id = u.id JOIN {_table(ApiSecret)} s ON s.key_id = k.id
         WHERE k.id12 = %s"""  # noqa: S608
    skip = "FOR UPDATE SKIP LOCKED" if vendor == "postgresql" else ""
    stamp = f"""
        UPDATE {_table(ApiSecret)} SET last_used_at = %s, last_used_ip = %s WHERE id IN (
          SELECT id FROM {_table(ApiSecret)}
           WHERE id = %s AND (last_used_at IS NULL OR last_used_at < %s) {skip})"""  # noqa: S608
    by_name = f"SELECT {account} FROM {members} WHERE a.name = %s"  # noqa: S608
    trusted = f"""
        SELECT t.subject, t.scopes, {account}
          FROM {members} JOIN {_table(JwtTrust)} t ON t.service_account_id = a.id
         WHERE t.issuer = %s AND t.client_id = %s"""  # noqa: S608
    return _Statements(secrets, by_name, trusted, stamp)
