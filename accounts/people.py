"""People: how they come in, and which groups the identity provider puts them into. Every change has its event."""

import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any, Literal

from django.conf import settings
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.db import IntegrityError
from django.utils import timezone

from accounts.models import ExternalIdentity, LoginLink, LogoutToken, ServiceAccount, SessionIndex, User, person_ref
from accounts.services import PROVIDER_GROUP_PREFIX, NameTaken, Refused
from audit import events, transactions
from audit.actors import Actor
from audit.events import Action

FIRST_ADMINISTRATOR = "admin"
IDENTITY_PROVIDER = "identity-provider"
LINK_LIFE = timedelta(hours=24)
Proof = Literal["oidc", "password", "login_link"]


class UnknownPerson(Refused):
    def __init__(self, username: str) -> None:
        super().__init__(f"no person named {username!r}")


class LogoutReplayed(Refused):
    """The provider's message was acted on before."""


class NoLocalPassword(Refused):
    """This person gets no password here."""


class LinkRefused(Refused):
    """Used, expired, incomplete, or of somebody who was deactivated: which of them is nobody's business."""


@dataclass(frozen=True)
class IssuedLink:
    """The token exists here and with whoever asked for it; what is stored can't be turned back into it."""

    token: str = field(repr=False)
    user: User
    expires_at: datetime


@dataclass(frozen=True)
class Claims:
    """What the identity provider says about somebody, checked and cut to size. `groups` are its own names."""

    issuer: str
    subject: str
    name: str
    email: str
    groups: frozenset[str]
    is_staff: bool
    is_superuser: bool


@dataclass(frozen=True)
class ProviderSession:
    """The session at the provider in which somebody signed in; providers without logout have no `sid`."""

    issuer: str
    subject: str
    sid: str


@dataclass(frozen=True)
class ProviderLogout:
    """The provider's message that it has ended a session, or all of somebody's if it names no `sid`."""

    at_provider: ProviderSession
    jti: str
    expires_at: datetime


@dataclass(frozen=True)
class _Event:
    action: Action
    kind: str
    ref: str
    detail: Mapping[str, object]
    personal: Mapping[str, str] | None = None

    def record(self, actor: Actor) -> None:
        events.record(
            actor, self.action, kind=self.kind, ref=self.ref, detail=self.detail, personal=self.personal or None
        )


# Login links


def make_first_link(*, actor: Actor, deliver: Callable[[IssuedLink], None]) -> bool:
    """On a database without people: a local administrator, and the link that lets them set a password.

    Says whether it did. `deliver` is called before the commit, as for the first key.
    """
    try:
        with transactions.write():
            if User.objects.filter(is_service=False).exists():
                return False
            user, made = _add_administrator()
            issued, link_made = _add_link(user)
            for event in [made, link_made]:
                event.record(actor)
            deliver(issued)
    except NameTaken:
        return False
    return True


def issue_link(*, actor: Actor, username: str) -> IssuedLink:
    """A new link for that person; an earlier one opens nothing any more. The first administrator is made if missing."""
    with transactions.write():
        user = User.objects.select_for_update(no_key=True).filter(username=username, is_service=False).first()
        made: list[_Event] = []
        if user is None:
            if username != FIRST_ADMINISTRATOR:
                raise UnknownPerson(username)
            user, user_made = _add_administrator()
            made = [user_made]
        if not user.is_active:
            raise NoLocalPassword(f"{username!r} is deactivated")
        if user.identities.exists():
            raise NoLocalPassword(f"{username!r} signs in through the identity provider")
        issued, link_made = _add_link(user)
        for event in [*made, link_made]:
            event.record(actor)
    return issued


def find_link(token: str) -> LoginLink:
    """The link, not used up. Raises LinkRefused."""
    return _live_link(LoginLink.objects.all(), token)


def set_password_by_link(*, token: str, password: str, request_id: str | None) -> User:
    """Of two at once the second finds no link any more. Raises LinkRefused."""
    with transactions.write():
        link = _live_link(LoginLink.objects.select_for_update(no_key=True), token)
        user = link.user
        user.set_password(password)
        user.save(update_fields=["password"])
        link.delete()
        events.record(
            person(user, "login_link", request_id), Action.PASSWORD_SET, kind="person", ref=person_ref(user.pk)
        )
    return user


def _add_administrator() -> tuple[User, _Event]:
    user = User(username=FIRST_ADMINISTRATOR, is_staff=True, is_superuser=True)
    user.set_unusable_password()
    _save_new(user)
    detail = {"username": user.username, "is_staff": True, "is_superuser": True}
    return user, _Event(Action.USER_CREATED, "person", person_ref(user.pk), detail)


def _add_link(user: User) -> tuple[IssuedLink, _Event]:
    LoginLink.objects.filter(user=user).delete()
    token, now = secrets.token_urlsafe(32), timezone.now()
    link = LoginLink.objects.create(user=user, digest=_digest(token), created_at=now, expires_at=now + LINK_LIFE)
    detail = {"expires_at": link.expires_at.isoformat()}
    event = _Event(Action.LOGIN_LINK_ISSUED, "person", person_ref(user.pk), detail)
    return IssuedLink(token, user, link.expires_at), event


def _live_link(links: Any, token: str) -> LoginLink:
    found: LoginLink | None = links.filter(digest=_digest(token), expires_at__gt=timezone.now()).first()
    if found is None or not found.user.is_active:
        raise LinkRefused("this link opens nothing")
    return found


def _digest(token: str) -> bytes:
    # The token has 256 random bits: nothing to guess, so nothing to slow down.
    return hashlib.sha256(token.encode(errors="replace")).digest()


# From the identity provider


def provision(*, claims: Claims, request_id: str | None) -> User:
    """The person behind these claims, made if need be, with the groups and flags that the provider gives them now.

    Somebody who was deactivated here is returned as they are.
    """
    try:
        return _provision(claims, request_id)
    except NameTaken:
        # Of two first sign-ins at once the other one was faster.
        return _provision(claims, request_id)


def _provision(claims: Claims, request_id: str | None) -> User:
    with transactions.write():
        user, made = _find_or_add_person(claims)
        if not user.is_active:
            return user
        _update_profile(user, claims)
        made += _sync_memberships(user, claims)
        for event in made:
            event.record(person(user, "oidc", request_id))
    return user


def _find_or_add_person(claims: Claims) -> tuple[User, list[_Event]]:
    identity = ExternalIdentity.objects.filter(issuer=claims.issuer, subject=claims.subject).first()
    if identity is not None:
        # Locked: two sign-ins at once would each see the other's groups as surplus.
        return User.objects.select_for_update(no_key=True).get(pk=identity.user_id), []
    user = User(username=_username(claims))
    user.set_unusable_password()
    _save_new(user)
    ExternalIdentity.objects.create(user=user, issuer=claims.issuer, subject=claims.subject, created_at=timezone.now())
    said = {"name": claims.name, "email": claims.email, "subject": claims.subject}
    event = _Event(
        Action.USER_CREATED,
        "person",
        person_ref(user.pk),
        {"username": user.username, "issuer": claims.issuer},
        personal={name: value for name, value in said.items() if value},
    )
    return user, [event]


def _username(claims: Claims) -> str:
    """Not the subject cut to fit, under which two people could collide."""
    return "oidc-" + hashlib.sha256(f"{claims.issuer}\n{claims.subject}".encode()).hexdigest()[:32]


def _save_new(user: User) -> None:
    try:
        user.save()
    except IntegrityError as error:
        raise NameTaken("person", user.username) from error


def _update_profile(user: User, claims: Claims) -> None:
    if (user.first_name, user.email) != (claims.name, claims.email):
        user.first_name, user.email = claims.name, claims.email
        user.save(update_fields=["first_name", "email"])


def _sync_memberships(user: User, claims: Claims) -> list[_Event]:
    """Groups of the provider alone: those given here stay. No difference, no event."""
    wanted = {f"{PROVIDER_GROUP_PREFIX}{group}" for group in claims.groups}
    current = {group.name: group for group in user.groups.all() if group.name.startswith(PROVIDER_GROUP_PREFIX)}
    added, made = _provider_groups(wanted - current.keys())
    removed = [group for name, group in current.items() if name not in wanted]
    user.groups.add(*added)
    user.groups.remove(*removed)
    flags = _sync_flags(user, claims)
    if not (added or removed or flags):
        return []
    detail = {"added": sorted(g.name for g in added), "removed": sorted(g.name for g in removed), **flags}
    return [*made, _Event(Action.MEMBERSHIP_SYNCED, "person", person_ref(user.pk), detail)]


def _provider_groups(names: Iterable[str]) -> tuple[list[Group], list[_Event]]:
    groups: list[Group] = []
    made: list[_Event] = []
    # In order, so that two sign-ins that bring the same new groups don't wait for one another.
    for name in sorted(names):
        group, is_new = Group.objects.get_or_create(name=name)
        groups.append(group)
        if is_new:
            made.append(_Event(Action.GROUP_CREATED, "group", f"group:{group.pk}", {"name": name}))
    return groups, made


def _sync_flags(user: User, claims: Claims) -> dict[str, object]:
    """Set, and cleared when the group is gone. Returns those that changed."""
    wanted = {"is_staff": claims.is_staff, "is_superuser": claims.is_superuser}
    changed: dict[str, object] = {name: value for name, value in wanted.items() if getattr(user, name) != value}
    for name, value in changed.items():
        setattr(user, name, value)
    if changed:
        user.save(update_fields=list(changed))
    return changed


# Sign-in and sign-out


def person(user: User, proof: str, request_id: str | None) -> Actor:
    return Actor("person", person_ref(user.pk), auth=proof, request_id=request_id)


def record_login(
    *,
    user: User,
    proof: Proof,
    request_id: str | None,
    is_breakglass: bool = False,
    session_key: str = "",
    at_provider: ProviderSession | None = None,
) -> None:
    actor, ref = person(user, proof, request_id), person_ref(user.pk)
    with transactions.write():
        if at_provider is not None:
            _index(session_key, at_provider)
        if is_breakglass:
            events.record(actor, Action.AUTH_BREAKGLASS, kind="person", ref=ref)
        events.record(actor, Action.AUTH_LOGIN, kind="person", ref=ref)


def record_logout(*, user: User, session_key: str | None, request_id: str | None) -> None:
    with transactions.write():
        SessionIndex.objects.filter(session_key=session_key or "").delete()
        events.record(person(user, "session", request_id), Action.AUTH_LOGOUT, kind="person", ref=person_ref(user.pk))


def index_session(*, session_key: str, at_provider: ProviderSession) -> None:
    """After a renewal, which may have been answered from another session at the provider."""
    with transactions.write():
        _index(session_key, at_provider)


def end_sessions(*, logout: ProviderLogout, request_id: str | None) -> None:
    """Ends here what the provider has ended there. Raises LogoutReplayed."""
    ended = logout.at_provider
    try:
        with transactions.write():
            LogoutToken.objects.create(issuer=ended.issuer, jti=logout.jti, expires_at=logout.expires_at)
            subjects = _end_indexed(ended)
            people = User.objects.filter(identities__issuer=ended.issuer, identities__subject__in=subjects)
            actor = Actor("system", IDENTITY_PROVIDER, auth="logout_token", request_id=request_id)
            for user in people.order_by("pk"):
                events.record(actor, Action.AUTH_LOGOUT, kind="person", ref=person_ref(user.pk))
    except IntegrityError as error:
        raise LogoutReplayed("acted on before") from error


def _end_indexed(ended: ProviderSession) -> set[str]:
    """The subjects whose sessions were ended."""
    found = SessionIndex.objects.filter(issuer=ended.issuer)
    found = found.filter(sid=ended.sid) if ended.sid else found.filter(subject=ended.subject)
    rows = list(found)
    for row in rows:
        _sessions().SessionStore(row.session_key).delete()
    found.delete()
    return {row.subject for row in rows}


def forget_ended_sessions() -> None:
    """Sessions that have run out, what was known of them, and messages too old to be sent again."""
    _sessions().SessionStore.clear_expired()
    alive = Session.objects.values("session_key")
    # One made a moment ago may be known before it is stored.
    before = timezone.now() - timedelta(hours=1)
    with transactions.write():
        SessionIndex.objects.filter(created_at__lt=before).exclude(session_key__in=alive).delete()
        LogoutToken.objects.filter(expires_at__lt=timezone.now()).delete()


def _sessions() -> Any:
    """The store of sessions, as the settings say."""
    return import_module(settings.SESSION_ENGINE)


def _index(session_key: str, at_provider: ProviderSession) -> None:
    SessionIndex.objects.update_or_create(
        session_key=session_key,
        defaults={
            "issuer": at_provider.issuer,
            "subject": at_provider.subject,
            "sid": at_provider.sid,
            "created_at": timezone.now(),
        },
    )


# Names


def names_of(refs: Iterable[str]) -> dict[str, str]:
    """What the audit trail's references are called now; one that is nobody's is missing."""
    by_kind: dict[str, list[int]] = {"person": [], "service": []}
    for ref in refs:
        kind, _, number = ref.partition(":")
        if kind in by_kind and number.isascii() and number.isdigit():
            by_kind[kind].append(int(number))
    people = User.objects.filter(pk__in=by_kind["person"])
    accounts = ServiceAccount.objects.filter(pk__in=by_kind["service"])
    return {
        **{person_ref(user.pk): display_name(user) for user in people},
        **{account.ref: account.name for account in accounts},
    }


def display_name(user: User) -> str:
    return user.get_full_name() or user.get_username()
