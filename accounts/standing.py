"""Whether somebody may come in, and who they are at the identity provider: said by administrators."""

from django.conf import settings
from django.db import IntegrityError
from django.utils import timezone

from accounts.models import ExternalIdentity, User, person_ref
from accounts.services import InvalidValue, NameTaken, check_text
from audit import events, transactions
from audit.actors import Actor
from audit.events import Action

_LONGEST_SUBJECT = 255


def set_active(*, actor: Actor, user: User, is_active: bool, reason: str = "") -> None:
    """Lets a person in, or out: from the next request on no session and no key of theirs opens anything.

    Saying what is so already leaves no event. Raises InvalidValue for a service account, and for oneself: whoever shuts
    themselves out could not take it back.
    """
    check_text("reason", reason, 2000)
    _check_person(user)
    if actor.ref == person_ref(user.pk):
        raise InvalidValue("nobody deactivates themselves; ask another administrator")
    with transactions.write():
        user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if user.is_active == is_active:
            return
        user.is_active = is_active
        user.save(update_fields=["is_active"])
        events.record(
            actor,
            Action.USER_ACTIVATED if is_active else Action.USER_DEACTIVATED,
            kind="person",
            ref=person_ref(user.pk),
            detail={"before": not is_active, "after": is_active},
            reason=reason or None,
        )


def link(*, actor: Actor, user: User, subject: str, reason: str = "") -> None:
    """Whoever signs in as `subject` at our provider is this person from now on. Never by an e-mail address.

    Raises InvalidValue without a provider and for a service account, NameTaken where the subject is somebody already.
    """
    check_text("reason", reason, 2000)
    _check_person(user)
    issuer = settings.CALLBOARD["OIDC_ISSUER"]
    if not issuer:
        raise InvalidValue("there is no identity provider: CALLBOARD_OIDC_ISSUER is not set")
    if not 0 < len(subject) <= _LONGEST_SUBJECT:
        raise InvalidValue(f"a subject at the provider has 1 to {_LONGEST_SUBJECT} characters")
    try:
        with transactions.write():
            ExternalIdentity.objects.create(user=user, issuer=issuer, subject=subject, created_at=timezone.now())
            events.record(
                actor,
                Action.USER_LINKED,
                kind="person",
                ref=person_ref(user.pk),
                detail={"issuer": issuer},
                reason=reason or None,
                personal={"subject": subject},
            )
    except IntegrityError as error:
        raise NameTaken("person of the provider", subject) from error


def _check_person(user: User) -> None:
    if user.is_service:
        raise InvalidValue("a service account is disabled where it is managed")
