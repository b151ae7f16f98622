"""Registering a schema: parse and compare outside any lock, then one short transaction if nothing has moved."""

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import IntegrityError
from django.db.models import Max

from audit import events, transactions
from audit.actors import Actor
from registry import access, names
from registry.bodies import Definition, StoredVersion
from registry.errors import (
    AccessDenied,
    IncompatibleSchema,
    InvalidSchema,
    OperationNotPermitted,
    StoreFailure,
)
from registry.models import Context, ReferenceLink, Schema, SchemaId, SchemaVersion, Subject
from registry.models.settings import CompatibilityLevel
from registry.names import SubjectName
from registry.permissions import Permission
from registry.querysets import SchemaVersionQuerySet
from registry.schemas.base import Reference
from registry.services import candidates, compatibility, config, contexts, governing, lookup, policies
from registry.services.candidates import Candidate
from registry.services.lookup import Found

# How often a registration starts again because somebody else changed the subject in between.
_ATTEMPTS = 20


class _Moved(Exception):
    """The subject or its config is no longer what the check was made against."""


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What the candidate was checked against, and how it came out; goes into the event."""

    in_force: config.InForce
    outcome: str


def register_version(
    *,
    principal: access.Principal,
    actor: Actor,
    subject_name: str,
    definition: Definition,
    normalize: bool,
    force: bool,
) -> Found:
    """The version that now holds the schema, old or new. Content that the subject already has leaves no event.

    Raises InvalidSubject, AccessDenied, InvalidSchema, SchemaTooLarge, OperationNotPermitted, IncompatibleSchema, and
    StoreFailure when others kept changing the subject.
    """
    subject = names.check_creatable(subject_name, reject_empty=settings.CALLBOARD["REJECT_EMPTY_SUBJECT"])
    for _ in range(_ATTEMPTS):
        try:
            return _register(principal, actor, subject, definition, normalize=normalize, force=force)
        except (_Moved, IntegrityError):
            # An IntegrityError is two writers making the same row: the next attempt finds it.
            continue
    raise StoreFailure("Register operation timed out")


def _register(
    principal: access.Principal,
    actor: Actor,
    subject: SubjectName,
    definition: Definition,
    *,
    normalize: bool,
    force: bool,
) -> Found:
    row = Subject.objects.named(subject).first()
    _require(principal, subject, row, force=force)
    in_force = config.in_force(subject)
    versions = SchemaVersion.objects.filter(subject=row).live()
    candidate = candidates.prepare(
        principal=principal,
        subject=subject,
        definition=_completed(definition, versions.latest_first().first_stored() if row else None),
        normalize=normalize or in_force.normalize,
        validate=in_force.validate_new_schemas,
    )
    if row is not None and (known := lookup.find(versions, candidate)):
        return known
    if definition.schema_id is not None and definition.schema_id >= 0:
        raise OperationNotPermitted.not_in_import_mode(str(subject))
    if candidate.refusal is not None:
        raise candidate.refusal
    verdict = _judge(subject, versions if row else None, candidate, in_force, force=force)
    with transactions.write():
        held = _hold(principal, subject, row, in_force)
        state = policies.initial_state(subject)
        stored = _store(held, candidate, actor, state)
        _record(actor, held, stored, verdict, state, is_new=row is None)
    return Found(stored, is_exact=True)


def _require(principal: access.Principal, subject: SubjectName, row: Subject | None, *, force: bool) -> None:
    if row is None:
        if not access.may_create(principal, subject):
            raise AccessDenied("Write", str(subject))
        return
    access.require(principal, Permission.REGISTER, subject, row)
    if force:
        access.require(principal, Permission.SET_COMPATIBILITY, subject, row)


def _completed(definition: Definition, latest: StoredVersion | None) -> Definition:
    """A request without a text means the latest one: that is how a client adds something beside the schema."""
    if definition.text.strip() or latest is None:
        return definition
    references = tuple(Reference(r["name"], r["subject"], r["version"]) for r in latest.references)
    return Definition(latest.text, latest.schema_type, references, definition.schema_id)


def _judge(
    subject: SubjectName,
    versions: SchemaVersionQuerySet | None,
    candidate: Candidate,
    in_force: config.InForce,
    *,
    force: bool,
) -> _Verdict:
    """Raises IncompatibleSchema."""
    if force:
        return _Verdict(in_force, "forced")
    if in_force.level == CompatibilityLevel.NONE:
        return _Verdict(in_force, "not checked")
    if versions is None:
        return _Verdict(in_force, "first version")
    details = compatibility.against_baseline(versions, candidate.parsed, in_force.level)
    if details:
        raise IncompatibleSchema(str(subject), details)
    return _Verdict(in_force, "compatible")


def _hold(principal: access.Principal, subject: SubjectName, seen: Subject | None, in_force: config.InForce) -> Subject:
    """The subject's row, locked, and made if need be. Raises _Moved if anything is not as it was seen."""
    config.share_lock()
    row = Subject.objects.named(subject).select_for_update(of=("self",)).first()
    if (row and row.revision) != (seen and seen.revision) or config.in_force(subject) != in_force:
        raise _Moved
    if row is not None:
        return row
    context = contexts.open_context(subject.context)
    return Subject.objects.create(context=context, name=subject.name, owner_id=_owner(principal, subject))


def _owner(principal: access.Principal, subject: SubjectName) -> int:
    """The group that owns the key; a person's only group; the default group; else nobody may create it."""
    if principal.owner_group_id is not None:
        return principal.owner_group_id
    if len(principal.groups) == 1:
        return next(iter(principal.groups))
    default = Group.objects.filter(name=settings.CALLBOARD["DEFAULT_GROUP"]).values_list("pk", flat=True).first()
    if default is None:
        raise AccessDenied("Write", str(subject))
    return default


def _store(subject: Subject, candidate: Candidate, actor: Actor, state: str) -> StoredVersion:
    schema = _content(candidate)
    schema_id = _schema_id(subject, schema)
    _link(schema_id, candidate)
    highest = SchemaVersion.objects.filter(subject=subject).aggregate(Max("version"))["version__max"] or 0
    version = SchemaVersion.objects.create(
        subject=subject, version=highest + 1, schema_id=schema_id, lifecycle=state, registered_by=actor.ref
    )
    subject.revision += 1
    subject.save(update_fields=["revision"])
    return SchemaVersion.objects.filter(pk=version.pk).stored()[0]


def _content(candidate: Candidate) -> Schema:
    """The content by guid, compared before it is taken for the same. Raises InvalidSchema for a collision."""
    guid = UUID(candidate.guid)
    schema = Schema.objects.filter(guid=guid).first()
    if schema is None:
        made = Schema(
            guid=guid,
            schema_type=candidate.parsed.schema_type,
            text=candidate.parsed.canonical,
            references=lookup.as_stored(candidate),
            fingerprint=candidate.parsed.fingerprint,
        )
        # Another subject may be storing the same content: wait for it instead of failing.
        Schema.objects.bulk_create([made], ignore_conflicts=True)
        schema = Schema.objects.filter(guid=guid).first()
        if schema is None:
            # It was there and has been deleted for good since.
            raise _Moved
    if schema.text != candidate.parsed.canonical or schema.references != lookup.as_stored(candidate):
        raise InvalidSchema(f"Another schema has the guid {guid} already; change a doc text to tell them apart")
    return schema


def _schema_id(subject: Subject, schema: Schema) -> SchemaId:
    """The lowest id of the content in this context; a new one is drawn as late as possible and only for new content."""
    known = SchemaId.objects.filter(context=subject.context_id, schema=schema).order_by("number")
    if found := known.first():
        return found
    context = Context.objects.select_for_update().get(pk=subject.context_id)
    # Looked for once more under the counter's lock: another subject may have drawn an id for it meanwhile.
    if found := known.first():
        return found
    context.last_id += 1
    context.save(update_fields=["last_id"])
    return SchemaId.objects.create(context=context, number=context.last_id, schema=schema)


def _link(schema_id: SchemaId, candidate: Candidate) -> None:
    targets = candidate.closure.targets
    if not targets:
        return
    # Locked so that no target is deleted while this referrer comes into being.
    live = SchemaVersion.objects.live().filter(pk__in=targets).select_for_update(of=("self",))
    if len(set(live.values_list("pk", flat=True))) != len(set(targets)):
        raise _Moved
    if schema_id.reference_links.exists():
        return
    ReferenceLink.objects.bulk_create(
        ReferenceLink(referrer=schema_id, position=position, target_id=target)
        for position, target in enumerate(targets)
    )


def _record(
    actor: Actor, subject: Subject, stored: StoredVersion, verdict: _Verdict, state: str, *, is_new: bool
) -> None:
    events.record(
        actor,
        events.Action.SUBJECT_REGISTERED,
        kind="subject",
        ref=governing.ref(stored.subject),
        detail={
            "version": stored.version,
            "id": stored.schema_id,
            "guid": str(stored.guid),
            "level": str(verdict.in_force.level),
            "verdict": verdict.outcome,
            "state": state,
            **({"owner": subject.owner_id} if is_new else {}),
        },
        stamp=subject,
    )
