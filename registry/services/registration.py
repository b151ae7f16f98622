"""Registering a schema: parse and compare outside any lock, then one short transaction if nothing has moved.

The order of the steps decides which error wins, and is that of the Confluent registry.
"""

from dataclasses import dataclass, replace

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import IntegrityError
from django.db.models import Max

from audit import events, transactions
from audit.actors import Actor
from registry import access, names
from registry.bodies import Definition, StoredVersion
from registry.errors import AccessDenied, IncompatibleSchema, InvalidSchema, OperationNotPermitted, StoreFailure
from registry.models import SchemaVersion, Subject
from registry.models.settings import CompatibilityLevel, ModeName
from registry.names import LATEST, SubjectName
from registry.permissions import Permission
from registry.querysets import SchemaVersionQuerySet
from registry.schemas import rules
from registry.services import (
    candidates,
    compatibility,
    config,
    contexts,
    governing,
    lookup,
    policies,
    scopes,
    showing,
    storing,
)
from registry.services.candidates import Candidate
from registry.services.lookup import Found
from registry.services.parsed import parse_stored
from registry.services.showing import AS_STORED, Form
from registry.services.storing import Moved

# How often a registration starts again because somebody else changed the subject in between.
_ATTEMPTS = 20
_IMPORTING = (ModeName.IMPORT, ModeName.FORWARD)


@dataclass(frozen=True, slots=True)
class _Request:
    """What is asked for, by whom, and what counts for the subject when it is looked at."""

    principal: access.Principal
    actor: Actor
    subject: SubjectName
    definition: Definition
    normalize: bool
    force: bool
    form: Form
    row: Subject | None
    in_force: config.InForce

    @property
    def is_import(self) -> bool:
        return self.in_force.mode in _IMPORTING

    @property
    def is_ordinary(self) -> bool:
        """Any version will do."""
        return self.definition.version == 0 and self.definition.tagging is None

    @property
    def is_looked_up_as_given(self) -> bool:
        """Not where something would be added to the request, nor where the text is still to come."""
        is_whole = bool(self.definition.text.strip()) and self.definition.tagging is None
        return self.row is not None and is_whole and not self.in_force.adds_to_requests

    @property
    def stored(self) -> SchemaVersionQuerySet:
        return SchemaVersion.objects.filter(subject=self.row) if self.row else SchemaVersion.objects.none()

    @property
    def next_version(self) -> int:
        return (self.stored.aggregate(Max("version"))["version__max"] or 0) + 1


def register_version(
    *,
    principal: access.Principal,
    actor: Actor,
    subject_name: str,
    definition: Definition,
    normalize: bool,
    force: bool,
    form: Form = AS_STORED,
) -> Found:
    """The version that now holds the schema, old or new, in the form asked for.

    Content that the subject already has leaves no event.

    Raises InvalidRuleSet, InvalidSubject, AccessDenied, InvalidSchema, SchemaTooLarge, OperationNotPermitted,
    IncompatibleSchema, and StoreFailure when others kept changing the subject.
    """
    rules.check(definition.rule_set)
    subject = names.check_creatable(subject_name, reject_empty=settings.CALLBOARD["REJECT_EMPTY_SUBJECT"])
    for _ in range(_ATTEMPTS):
        row = Subject.objects.named(subject).first()
        in_force = config.in_force(subject)
        request = _Request(principal, actor, subject, definition, normalize, force, form, row, in_force)
        try:
            found = _register(request)
        except (Moved, IntegrityError):
            # An IntegrityError is two writers making the same row: the next attempt finds it.
            continue
        return replace(found, stored=showing.shown(principal, found.stored, form))
    raise StoreFailure("Register operation timed out")


def _register(request: _Request) -> Found:
    _require(request)
    latest = request.stored.latest_first().first_stored()
    given = candidate = _prepared(request, latest)
    showing.check_showable(request.principal, request.subject, given.closure.targets, request.form)
    if known := _known(request, given):
        return known
    _check_mode(request)
    if given.refusal is not None and not request.is_import:
        raise given.refusal
    if not request.is_import:
        tagged = _tagged(request, given, latest)
        candidate = _stamped(request, candidates.completed(tagged, request.in_force, latest))
    if found := _same(request, given, candidate):
        return found
    outcome = _judge(request, candidate)
    return _write(request, candidate, outcome)


def _require(request: _Request) -> None:
    """Raises AccessDenied."""
    principal, subject, row = request.principal, request.subject, request.row
    if row is None:
        if not access.may_create(principal, subject):
            raise AccessDenied("Write", str(subject))
        return
    access.require(principal, Permission.REGISTER, subject, row)
    if request.force:
        access.require(principal, Permission.SET_COMPATIBILITY, subject, row)
    if request.definition.schema_id is not None:
        access.require(principal, Permission.MANAGE, subject, row)


def _prepared(request: _Request, latest: StoredVersion | None) -> Candidate:
    """An import is taken as it is: neither checked as new schemas are, nor normalized."""
    in_force, definition = request.in_force, request.definition
    return candidates.prepare(
        principal=request.principal,
        subject=request.subject,
        definition=definition if request.is_import else _with_text(definition, latest),
        normalize=not request.is_import and (request.normalize or in_force.normalize),
        validate=not request.is_import and in_force.validate_new_schemas and definition.schema_id is None,
    )


def _with_text(definition: Definition, latest: StoredVersion | None) -> Definition:
    """A request without a text means the latest one: that is how a client adds something beside the schema."""
    if definition.text.strip() or latest is None:
        return definition
    same = latest.as_definition
    return replace(definition, text=same.text, schema_type=same.schema_type, references=same.references)


def _known(request: _Request, candidate: Candidate) -> Found | None:
    """What the subject has already, whatever the mode."""
    definition = request.definition
    if not request.is_looked_up_as_given:
        return None
    live = request.stored.live()
    found = lookup.find(lookup.newest(live) if definition.version == LATEST else live, candidate)
    if found is None:
        return None
    same_id = definition.schema_id in {None, found.stored.schema_id}
    if definition.version == 0 and same_id:
        return found
    if definition.version == LATEST and same_id:
        return replace(found, is_exact=False)
    is_it = definition.schema_id is not None and (definition.schema_id, definition.version) == (
        found.stored.schema_id,
        found.stored.version,
    )
    return found if is_it else None


def _check_mode(request: _Request) -> None:
    """Raises OperationNotPermitted."""
    subject, context = str(request.subject), request.subject.delimited_context
    if request.in_force.is_read_only:
        raise OperationNotPermitted.read_only(subject, context)
    has_id = request.definition.schema_id is not None
    if has_id and not request.is_import:
        raise OperationNotPermitted.not_in_import_mode(subject, context)
    if not has_id and request.in_force.mode != ModeName.READWRITE:
        raise OperationNotPermitted.not_in_read_write_mode(subject, context)


def _tagged(request: _Request, candidate: Candidate, latest: StoredVersion | None) -> Candidate:
    """Raises InvalidSchema for a path that leads nowhere."""
    tagging = request.definition.tagging
    if tagging is None:
        return candidate
    inherited = parse_stored(latest).tags if tagging.inherit and latest else ()
    parsed = candidate.parsed.tagged(add=tagging.add, remove=tagging.remove, inherit=inherited)
    return replace(candidate, parsed=parsed)


def _stamped(request: _Request, candidate: Candidate) -> Candidate:
    """Who asks for a version by number, or ever did, is told the number in the metadata."""
    if request.is_ordinary and not rules.has_stamp(candidate.metadata):
        return candidate
    return replace(candidate, metadata=rules.stamped(candidate.metadata, request.next_version))


def _same(request: _Request, given: Candidate, candidate: Candidate) -> Found | None:
    """A live version with that content or an equivalent one; by a given id, one that is bound to it."""
    if not request.is_ordinary:
        return None
    if candidate == given and request.is_looked_up_as_given and request.definition.schema_id is None:
        # It was not there a moment ago.
        return None
    live = request.stored.live()
    if request.definition.schema_id is not None:
        live = live.filter(schema_id__number=request.definition.schema_id)
    return lookup.find(live, candidate)


def _judge(request: _Request, candidate: Candidate) -> str:
    """How the check came out, as the event says. Raises IncompatibleSchema."""
    if request.is_import:
        return "imported"
    if request.force:
        return "forced"
    details = compatibility.findings(request.stored.live(), candidate, request.in_force)
    if details:
        raise IncompatibleSchema(str(request.subject), details)
    if request.in_force.level == CompatibilityLevel.NONE:
        return "not checked"
    return "compatible" if request.row else "first version"


def _write(request: _Request, candidate: Candidate, outcome: str) -> Found:
    with transactions.write():
        held = _hold(request)
        version = _number(request)
        if request.is_import and (there := storing.imported_already(held, candidate, version, request.definition)):
            return Found(there, is_exact=False)
        state = policies.initial_state(request.subject)
        stored = storing.store(
            held, candidate, version=version, schema_id=request.definition.schema_id, by=request.actor.ref, state=state
        )
        _record(request, held, stored, outcome, state)
    return Found(stored, is_exact=True)


def _hold(request: _Request) -> Subject:
    """The subject's row, locked, and made if need be. Raises Moved if anything is not as it was seen."""
    scopes.share_lock()
    subject, seen = request.subject, request.row
    row = Subject.objects.named(subject).select_for_update(of=("self",), no_key=True).first()
    if (row and (row.pk, row.revision)) != (seen and (seen.pk, seen.revision)):
        raise Moved
    if config.in_force(subject) != request.in_force:
        raise Moved
    if row is not None:
        return row
    context = contexts.open_context(subject.context)
    return Subject.objects.create(context=context, name=subject.name, owner_id=_owner(request.principal, subject))


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


def _number(request: _Request) -> int:
    """Of the new version. An import may leave gaps. Raises InvalidSchema for one that is not the next."""
    following, given = request.next_version, request.definition.version
    if given <= 0:
        return following
    if given != following and not request.is_import:
        raise InvalidSchema("Version is not one more than previous version")
    return given


def _record(request: _Request, subject: Subject, stored: StoredVersion, outcome: str, state: str) -> None:
    events.record(
        request.actor,
        events.Action.SUBJECT_REGISTERED,
        kind="subject",
        ref=governing.ref(stored.subject),
        detail={
            "version": stored.version,
            "id": stored.schema_id,
            "guid": str(stored.guid),
            "level": str(request.in_force.level),
            "verdict": outcome,
            "state": state,
            **({"owner": subject.owner_id} if request.row is None else {}),
        },
        stamp=subject,
    )
