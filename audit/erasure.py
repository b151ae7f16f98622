"""Erasing what the log knows of a person beside its chain: the commitments stay, and the chain with them."""

from django.db.models import Q

from audit import events, transactions
from audit.actors import Actor
from audit.events import Action
from audit.models import AuditPii


class NothingToErase(Exception):
    pass


def erase(*, actor: Actor, person: str, reason: str = "") -> int:
    """How many pieces were erased; an event says so. `person` is as the log names them. Raises NothingToErase."""
    about = Q(event__object_ref=person)
    # What else stands in an event about a person is about that person.
    by = Q(event__actor_ref=person) & ~Q(event__object_kind__in=["person", "user"])
    with transactions.write():
        found = AuditPii.objects.filter(about | by)
        names = sorted(set(found.values_list("name", flat=True)))
        erased = list(found.values_list("pk", flat=True))
        if not erased:
            raise NothingToErase
        AuditPii.objects.filter(pk__in=erased).delete()
        detail = {"pieces": len(erased), "names": names}
        events.record(actor, Action.AUDIT_PII_ERASED, kind="person", ref=person, detail=detail, reason=reason or None)
    return len(erased)
