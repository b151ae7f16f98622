"""What is taken away at one server opens nothing at the other within a second, and in strict mode at once."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests import servers
from tests.servers import Home, Server

# What the changes are made with: a third process on the same database, which says when it has committed.
CHANGER = """
import sys, time, django
django.setup()
from django.db import connection
from django.contrib.auth.models import Group
from django.utils import timezone
from accounts import services
from accounts.models import ApiKey, ApiSecret, ServiceAccount, User
from audit import events, transactions
from audit.actors import Actor
from guardian.shortcuts import assign_perm, remove_perm
from registry.models import Subject
ACTOR = Actor("system", "tests")
def paid(change):
    with transactions.write():
        change()
        events.record(ACTOR, events.Action.KEY_REVOKED, kind="test", ref="test")
def sql(text):
    connection.cursor().execute(text)
print("ready", flush=True)
for line in sys.stdin:
    exec(line)
    print(time.time(), flush=True)
"""
SECOND = 1.0


@dataclass
class Changer:
    process: subprocess.Popen[str]

    def do(self, line: str) -> float:
        """When it was committed, at the latest."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


@dataclass
class Pair:
    one: Server
    other: Server
    changer: Changer

    def robot(self, name: str) -> str:
        """A key of a new service account, whose group owns a hidden subject of that name."""
        key_of = (
            f"group = services.create_group(actor=ACTOR, name={name!r}); "
            f"account = services.create_service_account(actor=ACTOR, name={name!r}, owner_group=group); "
            f"key = services.issue_key(actor=ACTOR, account=account, label='x', scopes=services.SCOPES).token; "
            f"open({str(self.one.home.folder / name)!r}, 'w').write(key)"
        )
        self.changer.do(key_of)
        key = (self.one.home.folder / name).read_text()
        assert self.one.call("POST", f"/subjects/{name}/versions", {"schema": '"int"'}, key=key).status == 200
        self.changer.do(f"paid(lambda: Subject.objects.filter(name={name!r}).update(visibility='restricted'))")
        assert self.ask(name, key) == 200
        return key

    def ask(self, name: str, key: str) -> int:
        return self.other.call("GET", f"/subjects/{name}/versions/latest", key=key).status

    def seconds_until_refused(self, name: str, key: str, committed_at: float) -> float:
        """The last time it was still let in, counted from the commit; asked at the other server all the time."""
        last_opened = committed_at
        while time.time() - committed_at < 5:
            asked_at = time.time()
            if self.ask(name, key) != 200:
                return last_opened - committed_at
            last_opened = asked_at
        raise AssertionError("still let in after five seconds")


def changer(home: Home) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHANGER],
        cwd=home.checkout,
        env=home.environment() | {"DJANGO_SETTINGS_MODULE": "config.settings"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@contextlib.contextmanager
def two_servers(home: Home, **given: str) -> Iterator[Pair]:
    with contextlib.ExitStack() as running, changer(home) as process:
        running.callback(process.kill)
        one = servers.start(home, **given)
        running.callback(one.kill)
        other = servers.start(home, **given)
        running.callback(other.kill)
        assert process.stdout and process.stdout.readline() == "ready\n"
        yield Pair(one, other, Changer(process))


CHANGES = {
    "key-revoked": "services.revoke_key(actor=ACTOR, key=ApiKey.objects.get(user__service_account__name=NAME))",
    "key-revoked-by-sql": (
        "paid(lambda: sql(\"UPDATE accounts_apikey SET revoked_at = '2026-01-01 00:00:00+00:00', revoked_by = 'x' "
        'WHERE user_id = (SELECT user_id FROM accounts_serviceaccount WHERE name = \'" + NAME + "\')"))'
    ),
    "membership-removed": "paid(lambda: User.objects.get(service_account__name=NAME).groups.clear())",
    "account-disabled": (
        "services.disable_service_account(actor=ACTOR, account=ServiceAccount.objects.get(name=NAME))"
    ),
    "user-off": "paid(lambda: User.objects.filter(service_account__name=NAME).update(is_active=False))",
}


def seconds_after(pair: Pair, name: str) -> float:
    """How long a key that had just been used still opened its subject."""
    key = pair.robot(name)
    assert pair.ask(name, key) == 200

    committed_at = pair.changer.do(CHANGES[name].replace("NAME", repr(name)))

    return pair.seconds_until_refused(name, key, committed_at)


def seconds_after_a_grant_is_taken(pair: Pair, name: str = "grant") -> float:
    pair.robot(name)
    guest = pair.robot("guest")
    given = f"'view_subject', User.objects.get(service_account__name='guest'), Subject.objects.get(name={name!r})"
    pair.changer.do(f"paid(lambda: assign_perm({given}))")
    assert pair.ask(name, guest) == 200

    committed_at = pair.changer.do(f"paid(lambda: remove_perm({given}))")

    return pair.seconds_until_refused(name, guest, committed_at)


def seconds_after_a_delete(pair: Pair, name: str = "deleted") -> float:
    key = pair.robot(name)
    assert pair.one.call("DELETE", f"/subjects/{name}", key=key).status == 200
    assert pair.one.call("DELETE", f"/subjects/{name}?permanent=true", key=key).status == 200

    return pair.seconds_until_refused(name, key, time.time())


@pytest.mark.parametrize(("strict", "most"), [("off", SECOND), ("on", 0.0)])
def test_what_is_taken_away_opens_nothing_at_another_server(home: Home, strict: str, most: float) -> None:
    with two_servers(home, CALLBOARD_STRICT_COHERENCE=strict, CALLBOARD_PRODUCTION="off") as pair:
        lasted = {name: seconds_after(pair, name) for name in CHANGES}
        lasted["grant"] = seconds_after_a_grant_is_taken(pair)
        lasted["delete"] = seconds_after_a_delete(pair)

    print({name: f"{seconds * 1000:.0f} ms" for name, seconds in lasted.items()})
    assert {name for name, seconds in lasted.items() if seconds > most} == set()
