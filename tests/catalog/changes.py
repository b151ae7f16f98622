"""What the tests of the catalog do to the registry, through its services."""

from django.contrib.auth.models import Group

from audit import events, transactions
from registry.bodies import Definition
from registry.models import SchemaVersion, Subject
from registry.services import config, lifecycle, ownership, registration
from registry.services.lifecycle import Move
from tests.cast import STAGE, Member


def register(by: Member, *subjects: str, text: str = '"string"') -> None:
    for subject in subjects:
        registration.register_version(
            principal=by.principal,
            actor=by.actor,
            subject_name=subject,
            definition=Definition(text),
            normalize=False,
            force=False,
        )


def move(by: Member, subject: str, *states: str, version: int | None = None) -> None:
    for state in states:
        if version is None:
            lifecycle.change_subject_state(
                principal=by.principal, actor=by.actor, subject_name=subject, move=Move(state)
            )
        else:
            lifecycle.change_version_state(
                principal=by.principal, actor=by.actor, subject_name=subject, version=version, move=Move(state)
            )


def give(by: Member, subject: str, group: str) -> None:
    ownership.transfer(principal=by.principal, actor=by.actor, subject_name=subject, group_name=group)


def set_visibility(by: Member, subject: str, visibility: str) -> None:
    ownership.set_visibility(principal=by.principal, actor=by.actor, subject_name=subject, visibility=visibility)


def set_level(by: Member, level: str, subject: str | None = None) -> None:
    changes = {"compatibility_level": level}
    config.set_config(principal=by.principal, actor=by.actor, subject_name=subject, changes=changes)


def as_draft(subject: str, *, version: int) -> None:
    """As a policy would have it registered."""
    with transactions.write():
        SchemaVersion.objects.filter(subject__name=subject, version=version).update(lifecycle="draft")
        row = Subject.objects.get(name=subject)
        events.record(STAGE, events.Action.LIFECYCLE_CHANGED, kind="subject", ref=f":.:{subject}", stamp=row)


def delete_for_good(subject: str) -> None:
    """No service does so yet; the database wants an event all the same."""
    with transactions.write():
        SchemaVersion.objects.filter(subject__name=subject).delete()
        Subject.objects.filter(name=subject).delete()
        events.record(STAGE, events.Action.CONFIG_CHANGED, kind="subject", ref=f":.:{subject}")


def rename_group(name: str, to: str) -> None:
    with transactions.write():
        Group.objects.filter(name=name).update(name=to)
        events.record(STAGE, events.Action.GROUP_CREATED, kind="group", ref=to)
