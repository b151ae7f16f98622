"""What every test may count on: the cast, the client, a database that can be flushed, and no silent skips in CI."""

import functools
import os
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.backends.base.operations import BaseDatabaseOperations
from django.test import Client
from pytest_django import DjangoDbBlocker

from audit import triggers
from tests.cast import Api, Member, forget, join, join_as_administrator

pytest_plugins = ["tests.log_secrets", "tests.servers", "tests.redis", "tests.production"]

IN_CI = os.environ.get("CI") == "true"


@pytest.fixture
def owner(db: None) -> Member:
    """In the group `owners`, which owns what it registers."""
    return join("owner", "owners")


@pytest.fixture
def teammate(db: None) -> Member:
    return join("teammate", "owners")


@pytest.fixture
def outsider(db: None) -> Member:
    return join("outsider", "strangers")


@pytest.fixture
def admin(db: None) -> Member:
    """Holds `registry.manage_global` and a key with all scopes."""
    return join_as_administrator("admin", "administrators")


@pytest.fixture
def anonymous() -> None:
    """Nobody, to stand beside the others in a table of cases."""


@pytest.fixture
def api(db: None) -> Api:
    return Api(Client())


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    forget()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Transactional tests end with a flush, which append-only tables refuse, and which takes what migrations stored."""
    flush = BaseDatabaseOperations.execute_sql_flush
    with django_db_blocker.unblock():
        stored = connection.creation.serialize_db_to_string()

    @functools.wraps(flush)
    def flush_and_restore(self: BaseDatabaseOperations, sql_list: Any) -> None:
        triggers.remove(connection)
        flush(self, sql_list)
        connection.creation.deserialize_db_from_string(stored)
        triggers.install(connection)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseDatabaseOperations, "execute_sql_flush", flush_and_restore)
        yield


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A test about one database is not skipped on the other: there it does not exist."""
    other = "sqlite" if connection.vendor == "postgresql" else "postgresql"
    elsewhere = [item for item in items if item.get_closest_marker(other)]
    config.hook.pytest_deselected(items=elsewhere)
    items[:] = [item for item in items if item not in elsewhere]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    report = yield
    return refuse_skip(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, Any]:
    report = yield
    return refuse_skip(report)


def refuse_skip(report: Any) -> Any:
    """A check that was skipped is no check that passed; on a laptop it may be missing, in CI nothing may."""
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr[-1] if report.longrepr else ''}"
    return report
