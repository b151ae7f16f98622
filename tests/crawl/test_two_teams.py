"""Everything that team A can reach is asked for by others, who are told what they are told when it is not there."""

from typing import Any

import pytest
from django.contrib.auth.models import AbstractBaseUser, PermissionsMixin
from guardian import core, shortcuts

from accounts.models import User
from audit.models import AuditEvent
from config import permissions
from config.permissions import Proof
from registry.models import Context
from registry.permissions import OWN_TABLE, TABLE, Need
from tests.cast import Api
from tests.crawl import examples
from tests.crawl.examples import Ask
from tests.crawl.worlds import TOKEN, Answer, Caller, Teams, undone

Where = tuple[str, str]


@pytest.fixture
def teams(api: Api, settings: Any) -> Teams:
    settings.CALLBOARD = {**settings.CALLBOARD, "SUBJECT_CREATION": "scoped", "BACKSTAGE_FEED_TOKEN": TOKEN}
    return Teams(api)


def everything(teams: Teams) -> list[Ask]:
    others = [ask for asks in examples.OTHERS.values() for ask in asks]
    return [*examples.registry(teams.guids), *examples.ACROSS, *others]


def test_every_route_is_crawled() -> None:
    asked = {(ask.route, ask.method) for ask in examples.registry(("x",))} | examples.OTHERS.keys()

    assert asked | examples.DOORS == permissions.TABLE.keys()


def test_what_is_hidden_is_answered_like_what_is_not_there(teams: Teams) -> None:
    assert told_apart(teams) == {}


def told_apart(teams: Teams) -> dict[Any, tuple[Answer, Answer]]:
    """What is answered otherwise where team A's subjects are hidden than where they never were."""
    with undone():
        teams.hide("restricted")
        asks = everything(teams)
        ids = Context.objects.get(name=".").last_id
        hidden = teams.answers(asks)
    with undone():
        teams.fill(ids)
        missing = teams.answers(asks)
    return {where: (answer, missing[where]) for where, answer in hidden.items() if answer != missing[where]}


def test_strangers_who_are_let_in_see_nothing_of_it_either(teams: Teams, settings: Any) -> None:
    settings.CALLBOARD = {**settings.CALLBOARD, "ANONYMOUS": "write"}
    teams.callers = [Caller("nobody", proofs=(Proof.HEADER,))]
    assert told_apart(teams) == {}


def test_team_a_itself_reaches_something_by_every_read(teams: Teams) -> None:
    """Or the crawl would compare errors with errors."""
    teams.hide("restricted")
    key, person = Caller("a", member=teams.a), Caller("alice", person=teams.alice)

    reached = {
        (ask.route, ask.method)
        for ask in everything(teams)
        if ask.method == "GET" and 200 in {teams.answer(key, ask)[0], teams.answer(person, ask)[0]}
    }

    kept_from_everybody = {"audit", "audit_download", "audit_events", "audit_export", "audit_exports", "no_such_page"}
    led_elsewhere = {"portal", "admin_password"}
    asked = {where for where in permissions.TABLE if where[1] == "GET"} - examples.DOORS
    assert {route for route, _ in asked - reached} == kept_from_everybody | led_elsewhere


READS = {Need.AUTHENTICATED, Need.VIEW}


def test_what_may_be_seen_may_not_be_changed(teams: Teams) -> None:
    teams.hide("internal")
    key, bob = teams.callers[0], teams.callers[3]
    before = AuditEvent.objects.count()
    asks = everything(teams)

    answers = {
        str(ask): (teams.answer(bob if people_only(ask) else key, ask)[0], AuditEvent.objects.count())
        for ask in asks
        if ask not in examples.ACROSS and is_change(ask) and "nickname" not in str(ask) and "prefix" not in str(ask)
    }

    assert len(answers) > 100
    assert {ask: answer for ask, answer in answers.items() if answer not in {(403, before), (404, before)}} == {}


def is_change(ask: Ask) -> bool:
    """Of something that stands in the registry."""
    where = ask.route, ask.method
    return ask.method != "GET" and where in TABLE | OWN_TABLE and permissions.TABLE[where].need not in READS


def people_only(ask: Ask) -> bool:
    return permissions.TABLE[ask.route, ask.method].proof is Proof.SESSION


def test_nothing_on_the_way_asks_guardian_or_django(teams: Teams, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("asked somebody else than the policy")

    for owner in (User, AbstractBaseUser, PermissionsMixin):
        for name in ("has_perm", "has_perms", "has_module_perms"):
            monkeypatch.setattr(owner, name, refuse, raising=False)
    monkeypatch.setattr(core.ObjectPermissionChecker, "has_perm", refuse)
    for name in ("get_objects_for_user", "get_perms", "get_user_perms", "get_objects_for_group"):
        monkeypatch.setattr(shortcuts, name, refuse)
    teams.hide("restricted")
    a, alice = Caller("a", member=teams.a), Caller("alice", person=teams.alice)

    statuses = {teams.answer(who, ask)[0] for who in (a, alice) for ask in everything(teams)}

    assert {200, 204} <= statuses
    assert max(statuses) < 500
