"""Contexts: which there are, how one is opened and deleted, and where else a name may be meant."""

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from audit import events, transactions
from audit.actors import Actor
from registry import access
from registry.errors import ContextNotEmpty
from registry.models import Context, Subject
from registry.names import DEFAULT_CONTEXT, SubjectName, is_storable
from registry.permissions import Permission
from registry.services import governing, scopes
from registry.services.reading import Page


def list_contexts(*, principal: access.Principal, prefix: str, page: Page) -> list[str]:
    """The default context, then in order all others in which the caller may view something.

    An empty one is seen by those who may view the whole of it.
    """
    if "\0" in prefix:
        return []
    seen = Exists(Subject.objects.all_visible_to(principal).filter(context=OuterRef("pk")))
    shown = Q(seen) | Q(access.filter_contexts(principal), opened_at__isnull=False)
    named = Context.objects.exclude(name=DEFAULT_CONTEXT).filter(shown).filter(access.in_prefix(prefix))
    default = [DEFAULT_CONTEXT] if DEFAULT_CONTEXT.startswith(prefix) else []
    listed = [*default, *named.order_by("name").values_list("name", flat=True)]
    return listed[page.offset : page.end]


def delete_context(*, principal: access.Principal, actor: Actor, name: str) -> None:
    """Takes an empty context off the list. Its settings stay, and its counter, so that no id is given out twice.

    One that is not there is as good as deleted. Raises AccessDenied, ContextNotEmpty.
    """
    whole = SubjectName(name, "")
    access.require(principal, Permission.MANAGE, whole, None)
    if not is_storable(whole):
        return
    with transactions.write():
        # Registrations share this lock: none opens the context meanwhile.
        scopes.take_lock()
        context = Context.objects.select_for_update(no_key=True).filter(name=name).first()
        if context is None:
            return
        if Subject.objects.filter(context=context).exists():
            raise ContextNotEmpty(name)
        if context.opened_at is None:
            return
        context.opened_at = None
        context.save(update_fields=["opened_at"])
        events.record(actor, events.Action.CONTEXT_DELETED, kind="context", ref=governing.ref(whole))


def open_context(name: str) -> Context:
    """For the first subject in it: the context, made if need be, and listed from now on."""
    now = timezone.now()
    context, is_new = Context.objects.get_or_create(name=name, defaults={"opened_at": now})
    if not is_new and context.opened_at is None:
        context.opened_at = now
        context.save(update_fields=["opened_at"])
    return context


def elsewhere(principal: access.Principal, subject: SubjectName) -> list[SubjectName]:
    """The subjects of the same name in named contexts, in the order of the contexts; none for one of these."""
    found = Subject.objects.visible_to(principal).elsewhere(subject)
    return [
        SubjectName(context, subject.name)
        for context in found.order_by("context__name").values_list("context__name", flat=True)
    ]
