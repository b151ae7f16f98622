"""A registry of a large company: 100,000 subjects that nobody sees without a grant, stored at once and not by requests.

Programs of their own, because they need the settings of that registry: `python -m bench.crowd fill` prints the keys of
its readers by name, as JSON, and `python -m bench.crowd measure KEYS` what the policy takes by itself.
"""

import json
import random
import statistics
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

import django

SUBJECTS = 100_000
# So many subjects carry the same content, which is id 1; the others share these.
CARRIERS = 50_000
CONTENTS = 1000
GROUPS = 200
# Each subject is shown to so many groups besides its owner.
GRANTS_EACH = 2
# Readers by the number of scopes that they may view, each with a hundred subjects in it.
READERS = {"10 scopes": 10, "200 scopes": 200, "nothing": 0}
EVERYTHING = "everything"
PREFIXES = 1000
NAMES = [f"team{number % PREFIXES:03}-orders-{number:06}-value" for number in range(SUBJECTS)]
REPEATS = 100


def main() -> None:
    django.setup()
    words = sys.argv[1:]
    print(json.dumps(_fill() if words == ["fill"] else _measure(json.loads(words[1]))))


def _fill() -> dict[str, str]:
    from accounts import services
    from audit import events, transactions
    from audit.actors import Actor

    stage = Actor("system", "bench")
    groups = [services.create_group(actor=stage, name=f"team-{number:03}") for number in range(GROUPS)]
    keys = {}
    for name in (*READERS, EVERYTHING):
        group = services.create_group(actor=stage, name=name)
        rights = [services.MANAGE_GLOBAL] if name == EVERYTHING else []
        account = services.create_service_account(
            actor=stage, name=name.replace(" ", "-"), owner_group=group, rights=rights
        )
        keys[name] = services.issue_key(actor=stage, account=account, label=name, scopes=services.SCOPES).token
    with transactions.write():
        _store([group.pk for group in groups])
        events.record(stage, events.Action.SCOPE_CREATED, kind="registry", ref="bench")
    return keys


def _store(groups: list[int]) -> None:
    from django.contrib.auth.models import Permission

    from registry.models import Context, Schema, SchemaId, SchemaVersion, Subject, SubjectGroupPermission

    draw = random.Random(1)  # noqa: S311 - the same crowd in every run
    context, _ = Context.objects.get_or_create(name=".")
    Context.objects.filter(pk=context.pk).update(last_id=CONTENTS)
    contents = Schema.objects.bulk_create(
        Schema(guid=uuid.UUID(int=number), schema_type="AVRO", text='"int"', fingerprint=f"{number:064}")
        for number in range(CONTENTS)
    )
    ids = SchemaId.objects.bulk_create(
        SchemaId(context=context, number=number, schema=content) for number, content in enumerate(contents, 1)
    )
    subjects = Subject.objects.bulk_create(
        (Subject(context=context, name=name, owner_id=draw.choice(groups), visibility="restricted") for name in NAMES),
        batch_size=2000,
    )
    SchemaVersion.objects.bulk_create(
        (
            SchemaVersion(subject=subject, version=1, schema_id=ids[_content(number)], registered_by="system:bench")
            for number, subject in enumerate(subjects)
        ),
        batch_size=2000,
    )
    view = Permission.objects.get(codename="view_subject")
    SubjectGroupPermission.objects.bulk_create(
        (
            SubjectGroupPermission(content_object=subject, permission=view, group_id=group)
            for subject in subjects
            for group in draw.sample(groups, GRANTS_EACH)
        ),
        batch_size=2000,
    )
    for name, amount in READERS.items():
        _give_scopes(context, name, amount)


def _content(number: int) -> int:
    return 0 if number < CARRIERS else 1 + number % (CONTENTS - 1)


def _give_scopes(context: Any, group_name: str, amount: int) -> None:
    from django.contrib.auth.models import Group, Permission

    from registry.models import ScopeGroupPermission, SubjectScope

    in_scope = Permission.objects.get(codename="view_in_scope")
    group = Group.objects.get(name=group_name)
    for number in range(amount):
        prefix = f"team{number * (PREFIXES // amount) + 3:03}-"
        scope, _ = SubjectScope.objects.get_or_create(context=context, prefix=prefix)
        ScopeGroupPermission.objects.create(content_object=scope, permission=in_scope, group=group)


Figure = tuple[str, int, float]


def _measure(keys: dict[str, str]) -> list[Figure]:
    """What is measured, for whom; the number of queries; and milliseconds, as the median of many."""
    from django.db import connection

    from accounts import principals
    from registry import access, names
    from registry.models import Subject

    with connection.cursor() as cursor:
        cursor.execute("SET jit = off" if connection.vendor == "postgresql" else "SELECT 1")
    figures = []
    for name, key in keys.items():
        principal = principals.authenticate(f"Bearer {key}", "127.0.0.1")
        chosen = random.sample(NAMES, REPEATS)
        rows = {row.name: row for row in Subject.objects.filter(name__in=chosen)}
        one = iter(chosen * 3)

        def decide(principal: Any = principal, rows: Any = rows, one: Any = one) -> None:
            subject = next(one)
            access.effective(principal, names.parse(subject), rows[subject])

        def first_page(principal: Any = principal) -> None:
            list(Subject.objects.all_visible_to(principal).page(prefix="", after="", limit=100))

        figures.append(_timed(f"the rights on one subject: {name}", decide, REPEATS))
        figures.append(_timed(f"the first 100 subjects: {name}", first_page, 20))
    return figures


def _timed(what: str, step: Callable[[], None], repeats: int) -> Figure:
    from django.db import connection

    queries = 0

    def count(execute: Callable[..., Any], *arguments: Any) -> Any:
        nonlocal queries
        queries += 1
        return execute(*arguments)

    with connection.execute_wrapper(count):
        step()
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        step()
        taken.append(time.perf_counter() - started)
    return what, queries, statistics.median(taken) * 1000


if __name__ == "__main__":
    main()
