"""What every change of an existing subject begins with: its row, seen, allowed and locked."""

from registry import access
from registry.errors import SubjectNotFound
from registry.models import Subject
from registry.names import SubjectName
from registry.permissions import Permission


def lock(principal: access.Principal, name: SubjectName, permission: Permission) -> Subject:
    """The subject's row, locked until the transaction ends.

    Raises SubjectNotFound for one that is not there or may not be seen, AccessDenied for one that may only be seen.
    """
    subject = Subject.objects.visible_to(principal).named(name).select_for_update(of=("self",), no_key=True).first()
    if subject is None:
        raise SubjectNotFound(str(name))
    access.require(principal, permission, name, subject)
    return subject


def find(principal: access.Principal, name: SubjectName, permission: Permission) -> Subject:
    """The same without a lock, for what is only read."""
    subject = Subject.objects.visible_to(principal).named(name).first()
    if subject is None:
        raise SubjectNotFound(str(name))
    access.require(principal, permission, name, subject)
    return subject


def ref(name: SubjectName) -> str:
    """How the audit trail names a subject: always with its context."""
    return f":{name.context}:{name.name}"
