"""What becomes of keys: a new secret in time, other limits, use after their end; and the short keys of people."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError
from django.db.models import Q
from django.utils import timezone

from accounts import lookup, services, tokens
from accounts.models import ApiKey, ApiSecret, User, person_ref
from accounts.services import InvalidValue, IssuedKey, Refused
from audit import events, transactions
from audit.actors import Actor

logger = logging.getLogger(__name__)

OVERLAP_HOURS = 24
MOST_OVERLAP_HOURS = 7 * 24
MOST_LIVE_SECRETS = 2
SHORT_MINUTES = 60
LEAST_MINUTES = 5
MOST_MINUTES = 24 * 60
# What lives no longer is made anew, not rotated, and nobody is warned of its end.
SHORT_LIFE = timedelta(minutes=MOST_MINUTES)


class TooManySecrets(Refused):
    status = 409
    error_code = 409

    def __init__(self, ends_at: datetime) -> None:
        super().__init__(f"two secrets of this key are live; the older one ends at {ends_at:%Y-%m-%d %H:%M} UTC")


class KeyIsOver(Refused):
    status = 409
    error_code = 409

    def __init__(self) -> None:
        super().__init__("this key is revoked or has ended; issue another one")


class KeyIsShort(Refused):
    def __init__(self) -> None:
        super().__init__("a key that lives a day at most has no second secret; issue another one")


@dataclass(frozen=True)
class Limits:
    """What a key is narrowed to. An empty list of prefixes or networks narrows nothing."""

    scopes: Iterable[str]
    prefixes: Iterable[str] = ()
    cidrs: Iterable[str] = ()


def is_short(key: ApiKey) -> bool:
    return key.max_expires_at - key.created_at <= SHORT_LIFE


def rotate_key(
    *, actor: Actor, key: ApiKey, days: int = services.DEFAULT_DAYS, overlap_hours: int = OVERLAP_HOURS
) -> IssuedKey:
    """A new secret by a person; the key may live on from now as long as a new one might.

    The old secret opens for as long as the overlap says, and no longer than it would have.
    Raises InvalidValue, KeyIsOver, KeyIsShort, TooManySecrets.
    """
    return _rotate(actor, key, days, overlap_hours, may_live_until=timezone.now() + timedelta(days=services.MOST_DAYS))


def rotate_own_key(*, actor: Actor, id12: str, days: int, overlap_hours: int) -> IssuedKey:
    """A new secret by the key itself, which can't make it open more, nor live beyond what people allowed."""
    return _rotate(actor, ApiKey.objects.get(id12=id12), days, overlap_hours, may_live_until=None)


def _rotate(actor: Actor, key: ApiKey, days: int, overlap_hours: int, *, may_live_until: datetime | None) -> IssuedKey:
    if not 1 <= days <= services.MOST_DAYS:
        raise InvalidValue(f"a key lives from 1 to {services.MOST_DAYS} days, not {days}")
    if not 0 <= overlap_hours <= MOST_OVERLAP_HOURS:
        raise InvalidValue(f"secrets overlap for 0 to {MOST_OVERLAP_HOURS} hours, not {overlap_hours}")
    with transactions.write():
        # Whoever rotates at the same time waits here, and then counts ours.
        key, now = ApiKey.objects.select_for_update(no_key=True).get(pk=key.pk), timezone.now()
        old = _last_live(key, now)
        if may_live_until is not None:
            key.max_expires_at = may_live_until
            key.save(update_fields=["max_expires_at"])
        until = min(old.expires_at, now + timedelta(hours=overlap_hours))
        ApiSecret.objects.filter(pk=old.pk).update(superseded_at=now, expires_at=max(until, _least(old)))
        token = tokens.generate(key.id12)
        expires_at = min(now + timedelta(days=days), key.max_expires_at)
        services.add_secret(key, token, n=old.n + 1, expires_at=expires_at)
        events.record(
            actor,
            events.Action.KEY_ROTATED,
            kind="api_key",
            ref=key.id12,
            detail={"secret": old.n + 1, "expires_at": expires_at.isoformat(), "old_until": until.isoformat()},
        )
    return IssuedKey(token.text, key, expires_at)


def _last_live(key: ApiKey, now: datetime) -> ApiSecret:
    live = list(key.secrets.filter(revoked_at=None, expires_at__gt=now).order_by("n"))
    if key.revoked_at is not None or not live or key.max_expires_at <= now:
        raise KeyIsOver
    if is_short(key):
        raise KeyIsShort
    if len(live) >= MOST_LIVE_SECRETS:
        raise TooManySecrets(live[0].expires_at)
    return live[-1]


def _least(secret: ApiSecret) -> datetime:
    """The end that the database takes: after the beginning."""
    return secret.created_at + timedelta(microseconds=1)


def change_limits(*, actor: Actor, key: ApiKey, limits: Limits) -> ApiKey:
    """Scopes, prefixes and networks, for all its secrets at once. Raises InvalidValue, KeyIsOver."""
    after = {
        "scopes": services.checked_scopes(limits.scopes),
        "subject_prefixes": services.checked_prefixes(limits.prefixes),
        "cidrs": services.checked_networks(limits.cidrs),
    }
    with transactions.write():
        key = ApiKey.objects.select_for_update(no_key=True).get(pk=key.pk)
        before = {name: getattr(key, name) for name in after}
        if key.revoked_at is not None:
            raise KeyIsOver
        if before == after:
            return key
        for name, value in after.items():
            setattr(key, name, value)
        key.save(update_fields=list(after))
        detail = {"before": before, "after": after}
        events.record(actor, events.Action.KEY_SCOPE_CHANGED, kind="api_key", ref=key.id12, detail=detail)
    return key


def issue_short_key(*, actor: Actor, user: User, label: str, limits: Limits, minutes: int) -> IssuedKey:
    """A key with which a person works at a terminal for a while. It never makes anyone a superuser."""
    if not LEAST_MINUTES <= minutes <= MOST_MINUTES:
        raise InvalidValue(f"a key of a person lives from {LEAST_MINUTES} to {MOST_MINUTES} minutes, not {minutes}")
    services.check_name("label", label, 100)
    now = timezone.now()
    expires_at = now + timedelta(minutes=minutes)
    key = ApiKey(
        user=user,
        label=label,
        scopes=services.checked_scopes(limits.scopes),
        subject_prefixes=services.checked_prefixes(limits.prefixes),
        cidrs=services.checked_networks(limits.cidrs),
        max_expires_at=expires_at,
        created_at=now,
        created_by=actor.ref,
    )
    with transactions.write():
        issued = services.add_key(key, expires_at=expires_at)
        detail = {"person": person_ref(user.pk), **services.said_of(issued)}
        events.record(actor, events.Action.KEY_ISSUED, kind="api_key", ref=key.id12, detail=detail)
    return issued


def note_stale_use(*, actor: Actor, secret_id: int, key_id: str, address: str | None) -> None:
    """Somebody still uses a secret that was replaced or revoked: an event, at most once an hour.

    Only who has the secret gets here. The answer is 401 whether or not it could be noted.
    """
    now = timezone.now()
    due = Q(stale_noted_at=None) | Q(stale_noted_at__lt=now - lookup.STALE_EVERY)
    try:
        with transactions.write():
            if not ApiSecret.objects.filter(due, pk=secret_id).update(stale_noted_at=now):
                return
            events.record(
                actor,
                events.Action.KEY_STALE_USE,
                kind="api_key",
                ref=key_id,
                detail={"secret": ApiSecret.objects.get(pk=secret_id).n},
                personal={"address": address} if address else None,
            )
    except DatabaseError as error:
        logger.warning("use of a secret that is over not noted: %s", type(error).__name__)


@dataclass(frozen=True)
class Ending:
    key: ApiKey
    expires_at: datetime


def ending(within: timedelta) -> list[Ending]:
    """The keys that end so soon and have no newer secret, the soonest first. Short ones are meant to."""
    now = timezone.now()
    found = ApiSecret.objects.filter(
        revoked_at=None, superseded_at=None, key__revoked_at=None, expires_at__gt=now, expires_at__lt=now + within
    ).select_related("key__user__service_account__owner_group")
    return [Ending(each.key, each.expires_at) for each in found.order_by("expires_at") if not is_short(each.key)]
