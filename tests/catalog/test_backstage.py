"""The feed of a real Callboard, read by a real Backstage as a stock URL Location."""

import json
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.catalog import backstage_server
from tests.catalog.backstage_server import Backstage
from tests.servers import Factory, Server

# Half a minute or more: once is enough, and Backstage wants a PostgreSQL anyway.
pytestmark = pytest.mark.postgresql

TOKEN = "read only & visible to all of Backstage"
SUBJECTS = [f"com.acme.event{n}-value" for n in range(20)]
HOSTILE = ["topic/value", "日本 \U0001f600", "x" * 200, "a: b\\ \"c\" 'd' #e {f} [g] --- !!h &i *j", "ORDERS", "orders"]
# What the database is made to do, because these services have no endpoint of the protocol.
CHANGES = """
from accounts import principals
from registry.services import lifecycle, ownership
from registry.services.lifecycle import Move
principal = principals.authenticate("Bearer {key}", "127.0.0.1")
by = {{"principal": principal, "actor": principal.actor(None)}}
{change}
"""


@pytest.mark.timeout(280)
def test_backstage_follows_the_registry_through_a_stock_location(tmp_path: Path, start_server: Factory) -> None:
    backstage_server.find_node()
    server = start_server(CALLBOARD_BACKSTAGE_FEED_TOKEN=TOKEN, CALLBOARD_LOG_LEVEL="DEBUG")
    for subject in [*SUBJECTS, *HOSTILE]:
        register(server, subject, ["a"])
    location = f"{server.url}/backstage/v1/catalog.yaml?token={quote(TOKEN, safe='')}"

    with backstage_server.running(tmp_path, feed=f"127.0.0.1:{server.port}", location=location) as backstage:
        everything_appears(server, backstage)
        every_entity_is_accepted(server, backstage)
        what_has_not_changed_is_not_sent_again(server, backstage)
        a_new_version_appears(server, backstage)
        another_owner_appears(server, backstage)
        a_deprecation_appears(server, backstage)
        what_is_retired_leaves(server, backstage)


def everything_appears(server: Server, backstage: Backstage) -> None:
    apis = backstage.wait_for("all subjects", lambda apis: apis if len(apis) == len(SUBJECTS + HOSTILE) else None)

    assert sorted(apis) == sorted(SUBJECTS + HOSTILE)
    assert {subject: api["metadata"]["title"] for subject, api in apis.items()} == {name: name for name in apis}
    fed = {each["metadata"]["title"]: each for each in feed(server)}
    for subject, api in apis.items():
        assert api["spec"] == fed[subject]["spec"]
        assert api["metadata"]["name"] == fed[subject]["metadata"]["name"]


def every_entity_is_accepted(server: Server, backstage: Backstage) -> None:
    for entity in feed(server):
        location = entity["metadata"]["annotations"]["backstage.io/managed-by-location"]
        status, answer = backstage.call("/api/catalog/validate-entity", {"entity": entity, "location": location})

        assert status == 200, answer


def what_has_not_changed_is_not_sent_again(server: Server, backstage: Backstage) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        told = re.findall(r"path=/backstage/v1/(catalog|shards/\d\d)\.yaml .*status=304", plain(server.log))
        if {"catalog"} < set(told):
            return
        time.sleep(0.25)
    raise AssertionError(f"Backstage was never answered 304:\n{plain(server.log)[-3000:]}")


def a_new_version_appears(server: Server, backstage: Backstage) -> None:
    register(server, "topic/value", ["a", "b"])

    backstage.wait_for("version 2", lambda apis: annotation(apis["topic/value"], "version") == "2")

    assert '"name": "b"' in backstage.apis()["topic/value"]["spec"]["definition"]


def another_owner_appears(server: Server, backstage: Backstage) -> None:
    server.home.manage("service_account", "payments", "--group", "Payments & Billing")
    change(server, 'ownership.transfer(**by, subject_name="topic/value", group_name="Payments & Billing")')

    backstage.wait_for(
        "another owner", lambda apis: apis["topic/value"]["spec"]["owner"] == "group:default/payments-billing"
    )

    backstage.wait_for("the relation", lambda apis: owners(apis["topic/value"]) == ["group:default/payments-billing"])


def a_deprecation_appears(server: Server, backstage: Backstage) -> None:
    change(server, f'lifecycle.change_subject_state(**by, subject_name="{SUBJECTS[0]}", move=Move("deprecated"))')

    backstage.wait_for("a deprecation", lambda apis: apis[SUBJECTS[0]]["spec"]["lifecycle"] == "deprecated")


def what_is_retired_leaves(server: Server, backstage: Backstage) -> None:
    for state in ("deprecated", "retired"):
        change(
            server,
            f'lifecycle.change_version_state(**by, subject_name="{SUBJECTS[0]}", version=1, move=Move("{state}"))',
        )

    apis = backstage.wait_for("a retirement", lambda apis: None if SUBJECTS[0] in apis else apis, seconds=90)

    assert len(apis) == len(SUBJECTS + HOSTILE) - 1


def register(server: Server, subject: str, fields: list[str]) -> None:
    record = {
        "type": "record",
        "name": "R",
        "doc": "What happened, line one\nand two",
        "fields": [{"name": name, "type": "string", "default": ""} for name in fields],
    }
    answer = server.call("POST", f"/subjects/{quote(subject, safe='')}/versions", {"schema": json.dumps(record)})
    assert answer.status == 200, answer.body


def change(server: Server, code: str) -> None:
    server.home.manage("shell", "-c", CHANGES.format(key=server.key, change=code))


def feed(server: Server) -> list[Any]:
    items: list[Any] = server.call("GET", "/backstage/v1/entities").json()["items"]
    return items


def annotation(api: Any, name: str) -> str:
    return str(api["metadata"]["annotations"][f"callboard/{name}"])


def owners(api: Any) -> list[str]:
    return [each["targetRef"] for each in api["relations"] if each["type"] == "ownedBy"]


def plain(log: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", log)
