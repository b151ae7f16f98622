"""What is in force for a subject: the ladder of scopes, and what it costs."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit import events, transactions
from registry.models import Config, Context, Mode
from registry.names import SubjectName
from registry.services import config, mode
from tests.cast import STAGE

SUBJECT = SubjectName(".", "orders")
ELSEWHERE = SubjectName(".emea", "orders")


def put(row: Config | Mode) -> None:
    with transactions.write():
        row.save()
        events.record(STAGE, events.Action.CONFIG_CHANGED, kind="test", ref="test")


@pytest.fixture
def default(db: None) -> Context:
    return context(".")


@pytest.fixture
def named(db: None) -> Context:
    return context(".emea")


def context(name: str) -> Context:
    with transactions.write():
        row = Context.objects.create(name=name)
        events.record(STAGE, events.Action.CONFIG_CHANGED, kind="test", ref="test")
    return row


def set_global(**fields: Any) -> None:
    put(Config(kind="global", **fields))


def set_context(row: Context, **fields: Any) -> None:
    put(Config(kind="context", context=row, **fields))


def set_subject(row: Context, **fields: Any) -> None:
    put(Config(kind="subject", context=row, subject_name="orders", **fields))


def test_with_nothing_set_the_servers_defaults_count(db: None) -> None:
    found = config.in_force(SUBJECT)

    assert (found.mode, found.level, found.normalize, found.validate_new_schemas) == (
        "READWRITE",
        "BACKWARD",
        False,
        True,
    )
    assert (found.validate_fields, found.compatibility_group, found.default_metadata) == (False, None, None)


def test_the_nearest_scope_counts_whole(default: Context) -> None:
    set_global(compatibility_level="FULL", validate_fields=True, compatibility_group="g")
    set_context(default, compatibility_level="NONE")

    found = config.in_force(SUBJECT)

    assert (found.level, found.validate_fields, found.compatibility_group) == ("NONE", False, None)


def test_a_named_context_does_not_fall_back_to_the_default_one(default: Context, named: Context) -> None:
    set_global(compatibility_level="FORWARD", normalize=True)
    set_context(default, compatibility_level="NONE", validate_fields=True)

    found = config.in_force(ELSEWHERE)

    assert (found.level, found.normalize, found.validate_fields) == ("FORWARD", True, False)


def test_a_subject_inherits_from_the_default_context_even_in_a_named_one(default: Context, named: Context) -> None:
    set_context(default, validate_fields=True, compatibility_group="top", compatibility_level="NONE")
    set_context(named, normalize=True, compatibility_group="named", compatibility_level="FULL")
    set_subject(named, validate_new_schemas=False)

    found = config.in_force(ELSEWHERE)

    assert (found.validate_fields, found.compatibility_group, found.normalize) == (True, "top", False)
    assert (found.level, found.validate_new_schemas) == ("BACKWARD", False)


def test_a_false_of_the_subjects_own_is_no_gap(default: Context) -> None:
    set_context(default, validate_fields=True, normalize=True)
    set_subject(default, validate_fields=False)

    found = config.in_force(SUBJECT)

    assert (found.validate_fields, found.normalize) == (False, True)


def test_metadata_and_rules_come_from_the_nearest_scope_only(default: Context) -> None:
    set_context(default, default_metadata={"properties": {"a": "b"}}, override_rule_set={"domainRules": []})
    everywhere = config.in_force(SUBJECT)
    set_subject(default, normalize=True)

    own = config.in_force(SUBJECT)

    assert everywhere.default_metadata == {"properties": {"a": "b"}}
    assert everywhere.override_rule_set == {"domainRules": []}
    assert (own.default_metadata, own.override_rule_set) == (None, None)


def test_the_mode_is_that_of_the_nearest_scope(default: Context, named: Context) -> None:
    put(Mode(kind="global", mode="FORWARD"))
    put(Mode(kind="context", context=default, mode="READONLY"))
    put(Mode(kind="subject", context=named, subject_name="orders", mode="IMPORT"))

    assert mode.in_force(SUBJECT) == "READONLY"
    assert mode.in_force(ELSEWHERE) == "IMPORT"
    assert mode.in_force(SubjectName(".emea", "payments")) == "FORWARD"


def test_a_change_of_mode_is_a_change_of_what_is_in_force(default: Context) -> None:
    before = config.in_force(SUBJECT)

    put(Mode(kind="context", context=default, mode="READONLY"))

    assert config.in_force(SUBJECT) != before


def test_the_ladder_is_one_query(default: Context, named: Context) -> None:
    set_global(normalize=True)
    set_context(default, normalize=True)
    set_context(named, normalize=True)
    set_subject(named, default_metadata={"properties": {"a": "b"}})
    put(Mode(kind="global", mode="READONLY"))

    with CaptureQueriesContext(connection) as queries:
        config.in_force(ELSEWHERE)

    assert len(queries) == 1


def test_a_name_that_no_table_holds_has_what_is_set_above_it(default: Context) -> None:
    set_global(compatibility_level="FULL")
    put(Mode(kind="global", mode="READONLY"))

    found = config.in_force(SubjectName(".a\0b", "orders"))

    assert (found.level, found.mode) == ("FULL", "READONLY")
