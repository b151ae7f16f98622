"""Groups, service accounts and their keys: every change, each with its event."""

import ipaddress
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.db import IntegrityError
from django.utils import timezone

from accounts import tokens
from accounts.models import ApiKey, ApiSecret, ServiceAccount, User
from audit import events, transactions
from audit.actors import Actor

SCOPES = (
    "subjects:read",
    "subjects:write",
    "subjects:delete",
    "config:write",
    "lifecycle:write",
    "audit:read",
    "catalog:read",
)
# config:write, because one widespread client sets the subject's level on its first registration and would fail after
# the schema is stored. Permissions on the subject still decide.
DEFAULT_SCOPES = ("subjects:read", "subjects:write", "config:write")
MOST_DAYS: int = settings.CALLBOARD["LIMIT_KEY_DAYS"]
DEFAULT_DAYS = min(30, MOST_DAYS)
MOST_ENTRIES = 100

FIRST_ACCOUNT = "first-key"
ANONYMOUS_ACCOUNT = "anonymous"
MANAGE_GLOBAL = "registry.manage_global"
# Groups of this prefix belong to the identity provider: whoever it says is in them is in them.
PROVIDER_GROUP_PREFIX = "idp:"


class Refused(Exception):
    """What was asked for can't be done; the message says why, and may be shown to whoever asked."""

    status = 422
    error_code = 422

    @property
    def message(self) -> str:
        return str(self)


class InvalidValue(Refused):
    """A name, scope, prefix, network or number outside the rules."""


class NameTaken(Refused):
    status = 409
    error_code = 409

    def __init__(self, what: str, name: str) -> None:
        super().__init__(f"a {what} named {name!r} exists already")


class UnknownRight(Refused):
    def __init__(self, right: str) -> None:
        super().__init__(f"no right {right!r} in the database; has `manage.py migrate` been run?")


class AccountDisabled(Refused):
    def __init__(self, account: ServiceAccount) -> None:
        super().__init__(f"service account {account.name!r} is disabled")


@dataclass(frozen=True)
class IssuedKey:
    """A key in the clear. It exists here and with whoever asked for it; what is stored can't be turned back into it."""

    token: str = field(repr=False)
    key: ApiKey
    expires_at: datetime


@dataclass(frozen=True)
class _Event:
    """A change that was made and is still to be recorded: all changes of a transaction come before all its events."""

    action: events.Action
    kind: str
    ref: str
    detail: dict[str, object]

    def record(self, actor: Actor) -> None:
        events.record(actor, self.action, kind=self.kind, ref=self.ref, detail=self.detail)


def pepper_version() -> int:
    return int(settings.CALLBOARD["KEY_PEPPER_VERSION"])


def peppers() -> dict[int, bytes]:
    """By version: the one in force, and the one before while its keys live on."""
    version = pepper_version()
    found = {version: str(settings.KEY_PEPPER).encode()}
    if settings.KEY_PEPPER_OLD:
        found[version - 1] = str(settings.KEY_PEPPER_OLD).encode()
    return found


def create_group(*, actor: Actor, name: str) -> Group:
    with transactions.write():
        group, event = _add_group(name)
        event.record(actor)
    return group


def create_service_account(
    *, actor: Actor, name: str, owner_group: Group, description: str = "", rights: Iterable[str] = ()
) -> ServiceAccount:
    """A user without a password, member of its owner group alone, and the rights given to it personally."""
    with transactions.write():
        account, event = _add_service_account(actor, name, owner_group, description=description, rights=rights)
        event.record(actor)
    return account


def disable_service_account(*, actor: Actor, account: ServiceAccount) -> ServiceAccount:
    """None of its keys opens anything from now on. A second call changes nothing."""
    with transactions.write():
        account = ServiceAccount.objects.select_for_update(no_key=True).get(pk=account.pk)
        if account.disabled_at is not None:
            return account
        account.disabled_at = timezone.now()
        account.save(update_fields=["disabled_at"])
        events.record(
            actor,
            events.Action.SERVICE_ACCOUNT_DISABLED,
            kind="service_account",
            ref=account.ref,
            detail={"name": account.name},
        )
    return account


def issue_key(
    *,
    actor: Actor,
    account: ServiceAccount,
    label: str,
    scopes: Iterable[str] = DEFAULT_SCOPES,
    days: int = DEFAULT_DAYS,
    prefixes: Iterable[str] = (),
    cidrs: Iterable[str] = (),
) -> IssuedKey:
    """A new key of that account. Every key ends; an empty list of prefixes or networks narrows nothing."""
    with transactions.write():
        account = ServiceAccount.objects.select_for_update(no_key=True).get(pk=account.pk)
        if account.disabled_at is not None:
            raise AccountDisabled(account)
        issued, event = _add_key(actor, account, label=label, scopes=scopes, days=days, prefixes=prefixes, cidrs=cidrs)
        event.record(actor)
    return issued


def revoke_key(*, actor: Actor, key: ApiKey, reason: str = "") -> ApiKey:
    """No secret of this key opens anything from now on. A second call changes nothing."""
    check_text("reason", reason, 2000)
    with transactions.write():
        key = ApiKey.objects.select_for_update(no_key=True).get(pk=key.pk)
        if key.revoked_at is not None:
            return key
        key.revoked_at, key.revoked_by, key.revoked_reason = timezone.now(), actor.ref, reason
        key.save(update_fields=["revoked_at", "revoked_by", "revoked_reason"])
        events.record(
            actor,
            events.Action.KEY_REVOKED,
            kind="api_key",
            ref=key.id12,
            detail={"label": key.label},
            reason=reason or None,
        )
    return key


def make_first_key(*, actor: Actor, group_name: str, deliver: Callable[[IssuedKey], None]) -> bool:
    """On a database without service accounts: the default group, an account that may do everything, and its key.

    Says whether it did. `deliver` is called before the commit: if it fails, or the process dies first, there is no key
    and the next start makes one. A key that nobody ever saw can't exist. Of two first starts at once the second waits
    for the first, on SQLite at the write lock, on PostgreSQL at the unique names, and then finds its work done.
    """
    try:
        with transactions.write():
            if ServiceAccount.objects.exists():
                return False
            group, made = _find_or_add_group(group_name)
            account, account_made = _add_service_account(
                actor, FIRST_ACCOUNT, group, description="Made at the first start.", rights=[MANAGE_GLOBAL]
            )
            issued, key_made = _add_key(actor, account, label="first start", scopes=SCOPES)
            for event in [*made, account_made, key_made]:
                event.record(actor)
            deliver(issued)
    except NameTaken:
        return False
    return True


def make_anonymous_account(*, actor: Actor, group_name: str) -> bool:
    """The account as which strangers act while a setting lets them in. Says whether it was missing."""
    try:
        with transactions.write():
            if ServiceAccount.objects.filter(name=ANONYMOUS_ACCOUNT).exists():
                return False
            group, made = _find_or_add_group(group_name)
            _, account_made = _add_service_account(
                actor, ANONYMOUS_ACCOUNT, group, description="Whoever calls without credentials."
            )
            for event in [*made, account_made]:
                event.record(actor)
    except NameTaken:
        return False
    return True


def _add_group(name: str) -> tuple[Group, _Event]:
    check_name("group", name, 140)
    if name.startswith(PROVIDER_GROUP_PREFIX):
        raise InvalidValue(f"groups named {PROVIDER_GROUP_PREFIX}… are made by the identity provider alone")
    try:
        group = Group.objects.create(name=name)
    except IntegrityError as error:
        raise NameTaken("group", name) from error
    return group, _Event(events.Action.GROUP_CREATED, "group", _group_ref(group), {"name": name})


def _find_or_add_group(name: str) -> tuple[Group, list[_Event]]:
    if group := Group.objects.filter(name=name).first():
        return group, []
    group, event = _add_group(name)
    return group, [event]


def _add_service_account(
    actor: Actor, name: str, owner_group: Group, *, description: str = "", rights: Iterable[str] = ()
) -> tuple[ServiceAccount, _Event]:
    check_name("service account", name, 64)
    check_text("description", description, 10_000)
    permissions = [_permission(right) for right in sorted(set(rights))]
    # The colon keeps these apart from the names of people, which can't hold one.
    user = User(username=f"service:{name}", is_service=True)
    user.set_unusable_password()
    try:
        user.save()
    except IntegrityError as error:
        raise NameTaken("service account", name) from error
    user.groups.set([owner_group])
    user.user_permissions.set(permissions)
    account = ServiceAccount.objects.create(
        user=user,
        name=name,
        owner_group=owner_group,
        description=description,
        created_at=timezone.now(),
        created_by=actor.ref,
    )
    detail: dict[str, object] = {
        "name": name,
        "owner_group": _group_ref(owner_group),
        "rights": sorted(set(rights)),
    }
    return account, _Event(events.Action.SERVICE_ACCOUNT_CREATED, "service_account", account.ref, detail)


def _add_key(
    actor: Actor,
    account: ServiceAccount,
    *,
    label: str,
    scopes: Iterable[str],
    days: int = DEFAULT_DAYS,
    prefixes: Iterable[str] = (),
    cidrs: Iterable[str] = (),
) -> tuple[IssuedKey, _Event]:
    check_name("label", label, 100)
    if not 1 <= days <= MOST_DAYS:
        raise InvalidValue(f"a key lives from 1 to {MOST_DAYS} days, not {days}")
    now = timezone.now()
    key = ApiKey(
        user_id=account.user_id,
        label=label,
        scopes=checked_scopes(scopes),
        subject_prefixes=checked_prefixes(prefixes),
        cidrs=checked_networks(cidrs),
        max_expires_at=now + timedelta(days=MOST_DAYS),
        created_at=now,
        created_by=actor.ref,
    )
    issued = add_key(key, expires_at=now + timedelta(days=days))
    detail: dict[str, object] = {"service_account": account.ref, **said_of(issued)}
    return issued, _Event(events.Action.KEY_ISSUED, "api_key", key.id12, detail)


def add_key(key: ApiKey, *, expires_at: datetime) -> IssuedKey:
    """Stores it with its first secret. Whoever calls records the event."""
    token = tokens.generate()
    key.id12 = token.id12
    key.save()
    add_secret(key, token, n=1, expires_at=expires_at)
    return IssuedKey(token.text, key, expires_at)


def add_secret(key: ApiKey, token: tokens.Token, *, n: int, expires_at: datetime) -> ApiSecret:
    version = pepper_version()
    return ApiSecret.objects.create(
        key=key,
        n=n,
        hmac=tokens.digest(token, peppers()[version]),
        pepper_version=version,
        created_at=timezone.now(),
        expires_at=expires_at,
    )


def said_of(issued: IssuedKey) -> dict[str, object]:
    """What the event of a new key says about it."""
    key = issued.key
    return {
        "label": key.label,
        "scopes": key.scopes,
        "subject_prefixes": key.subject_prefixes,
        "cidrs": key.cidrs,
        "expires_at": issued.expires_at.isoformat(),
    }


def _permission(right: str) -> Permission:
    app_label, _, codename = right.partition(".")
    permission = Permission.objects.filter(content_type__app_label=app_label, codename=codename).first()
    if permission is None:
        raise UnknownRight(right)
    return permission


def _group_ref(group: Group) -> str:
    return f"group:{group.pk}"


def checked_scopes(scopes: Iterable[str]) -> list[str]:
    asked = set(scopes)
    if unknown := sorted(asked - set(SCOPES)):
        raise InvalidValue(f"unknown scope {', '.join(unknown)}; there are: {' '.join(SCOPES)}")
    if not asked:
        raise InvalidValue(f"a key needs at least one scope of: {' '.join(SCOPES)}")
    return [scope for scope in SCOPES if scope in asked]


def checked_prefixes(prefixes: Iterable[str]) -> list[str]:
    """Prefixes of subject names. The empty one is refused: it would open everything while looking like a limit."""
    found = sorted(set(prefixes))
    for prefix in found:
        check_name("subject prefix", prefix, 512)
    return _few("subject prefixes", found)


def checked_networks(cidrs: Iterable[str]) -> list[str]:
    try:
        return _few("networks", sorted({str(ipaddress.ip_network(cidr)) for cidr in cidrs}))
    except ValueError as error:
        raise InvalidValue(f"not a network: {error}") from error


def _few(what: str, values: list[str]) -> list[str]:
    if len(values) > MOST_ENTRIES:
        raise InvalidValue(f"at most {MOST_ENTRIES} {what}, not {len(values)}")
    return values


def check_name(what: str, name: str, longest: int) -> None:
    if not name or name != name.strip():
        raise InvalidValue(f"a {what} is not empty and neither begins nor ends with a blank: {name!r}")
    if "\n" in name or "\t" in name:
        raise InvalidValue(f"a {what} stands on one line, without tabs: {name!r}")
    check_text(what, name, longest)


def check_text(what: str, text: str, longest: int) -> None:
    if len(text) > longest:
        raise InvalidValue(f"a {what} has at most {longest} characters, not {len(text)}")
    # Cc controls, Cf bidi and zero-width characters, Cs lone surrogates: what makes two names look alike.
    if any(unicodedata.category(c) in {"Cc", "Cf", "Cs"} for c in text if c not in "\n\t"):
        raise InvalidValue(f"a {what} holds no control or invisible characters: {text!r}")
    if not unicodedata.is_normalized("NFC", text):
        raise InvalidValue(f"a {what} is written in normal form C: {text!r}")
