"""Writing a version down, in a transaction that holds the subject: content, id, version, links."""

from uuid import UUID

from registry.bodies import Definition, StoredVersion
from registry.errors import InvalidSchema, OperationNotPermitted
from registry.models import Context, ReferenceLink, Schema, SchemaId, SchemaVersion, Subject
from registry.names import context_in_errors
from registry.services import deletion, lookup
from registry.services.candidates import Candidate


class Moved(Exception):
    """Something is no longer what the check was made against: the registration has to start again."""


def store(
    subject: Subject, candidate: Candidate, *, version: int, schema_id: int | None, by: str, state: str
) -> StoredVersion:
    """A new version of the subject. `schema_id` is a number that is given and not drawn.

    Raises Moved, InvalidSchema for a guid that another content has, OperationNotPermitted for an id that has another.
    """
    schema = _content(candidate)
    bound = _schema_id(subject, schema) if schema_id is None else _given_id(subject, schema, schema_id)
    _link(bound, candidate)
    made = _revived(subject, version) or SchemaVersion.objects.create(
        subject=subject, version=version, schema_id=bound, lifecycle=state, registered_by=by
    )
    _drop_deleted(made)
    subject.revision += 1
    subject.save(update_fields=["revision"])
    return SchemaVersion.objects.filter(pk=made.pk).stored()[0]


def imported_already(
    subject: Subject, candidate: Candidate, version: int, definition: Definition
) -> StoredVersion | None:
    """The version of that number, if it holds the same content under the same id.

    Raises OperationNotPermitted if it holds anything else: what was acknowledged is not replaced.
    """
    found = SchemaVersion.objects.filter(subject=subject, version=version).first_stored()
    if found is None:
        return None
    if found.schema_id != definition.schema_id or not lookup.is_same_content(found, candidate):
        raise OperationNotPermitted.overwrite(found.schema_id, context_in_errors(subject.context.name))
    if found.deleted_at is not None:
        return None
    return found


def _revived(subject: Subject, version: int) -> SchemaVersion | None:
    """A deleted version that is imported again under its number."""
    deleted = SchemaVersion.objects.filter(subject=subject, version=version).first()
    if deleted is not None:
        deleted.deleted_at = None
        deleted.save(update_fields=["deleted_at"])
    return deleted


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
            metadata=candidate.metadata,
            rule_set=candidate.rule_set,
            fingerprint=candidate.parsed.fingerprint,
        )
        # Another subject may be storing the same content: wait for it instead of failing.
        Schema.objects.bulk_create([made], ignore_conflicts=True)
        schema = Schema.objects.filter(guid=guid).first()
        if schema is None:
            # It was there and has been deleted for good since.
            raise Moved
    if not _is_same(schema, candidate):
        raise InvalidSchema(f"Another schema has the guid {guid} already; change a doc text to tell them apart")
    return schema


def _is_same(schema: Schema, candidate: Candidate) -> bool:
    """What is empty hashes like what is absent and may stand for it."""
    return (
        schema.text == candidate.parsed.canonical
        and schema.references == lookup.as_stored(candidate)
        and (schema.metadata or {}) == (candidate.metadata or {})
        and (schema.rule_set or {}) == (candidate.rule_set or {})
    )


def _schema_id(subject: Subject, schema: Schema) -> SchemaId:
    """The lowest id of the content in this context; a new one is drawn as late as possible and only for new content."""
    known = SchemaId.objects.filter(context=subject.context_id, schema=schema).order_by("number")
    if found := known.first():
        return found
    context = _counter(subject)
    # Looked for once more under the counter's lock: another subject may have drawn an id for it meanwhile.
    if found := known.first():
        return found
    return _bind(context, schema, context.last_id + 1)


def _given_id(subject: Subject, schema: Schema, number: int) -> SchemaId:
    """Raises OperationNotPermitted if the number is bound to another content."""
    context = _counter(subject)
    bound = SchemaId.objects.filter(context=context, number=number).first()
    if bound is None:
        return _bind(context, schema, number)
    if bound.schema_id != schema.pk:
        raise OperationNotPermitted.overwrite(number, context_in_errors(context.name))
    return bound


def _counter(subject: Subject) -> Context:
    """The row of the context, locked.

    Not its key: whoever holds the audit log looks at the key at the commit, and would wait for us while we wait for the
    log. So it is with every row that others refer to.
    """
    return Context.objects.select_for_update(no_key=True).get(pk=subject.context_id)


def _bind(context: Context, schema: Schema, number: int) -> SchemaId:
    if number > context.last_id:
        context.last_id = number
        context.save(update_fields=["last_id"])
    return SchemaId.objects.create(context=context, number=number, schema=schema)


def _link(bound: SchemaId, candidate: Candidate) -> None:
    targets = candidate.closure.targets
    if not targets:
        return
    # Locked so that no target is deleted while this referrer comes into being; in the order of whoever deletes several.
    live = SchemaVersion.objects.live().filter(pk__in=targets).order_by("subject", "version")
    live = live.select_for_update(of=("self",), no_key=True)
    if len(set(live.values_list("pk", flat=True))) != len(set(targets)):
        raise Moved
    if bound.reference_links.exists():
        return
    ReferenceLink.objects.bulk_create(
        ReferenceLink(referrer=bound, position=position, target_id=target) for position, target in enumerate(targets)
    )


def _drop_deleted(made: SchemaVersion) -> None:
    """What came back takes the place of what was deleted, unless somebody refers to the latter."""
    replaced = SchemaVersion.objects.filter(
        subject=made.subject_id, schema_id=made.schema_id_id, version__lt=made.version, deleted_at__isnull=False
    ).filter(referred_by__isnull=True)
    if found := list(replaced):
        deletion.remove(found)
