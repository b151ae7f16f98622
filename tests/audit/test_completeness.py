"""Every way to change something leaves exactly one event, which says who changed what, from what to what.

The ways are read off the route tables, the URLconf, the admin's registry and the list of commands: one that is new has
no example in `tests/audit/walk/` and fails here until it has.
"""

import contextlib
import fnmatch
import json
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.core.management import call_command, get_commands
from django.db import IntegrityError
from django.test import RequestFactory
from django.urls import URLPattern
from django.views.generic import RedirectView

from audit import events, triggers
from audit.models import AuditEvent
from registry import permissions
from tests import cast
from tests.audit.walk import administration, own, pages, registry
from tests.audit.walk.changes import Change, Stage
from tests.cast import Api, Member
from tests.routes import methods, routes


def newest() -> int:
    return AuditEvent.objects.order_by("-seq").values_list("seq", flat=True).first() or 0


Where = tuple[str, str]
OURS = {"audit", "accounts", "registry", "catalog", "config"}
CHANGING = {"POST", "PUT", "PATCH", "DELETE"}
# Whole flows with a provider of identities, each with the events it leaves.
WITH_A_PROVIDER = {
    ("oidc_authentication_callback", "GET"): "test_oidc_login",
    ("backchannel_logout", "POST"): "test_backchannel_logout",
}
# Django's own pages of the admin, which change nothing; of the last two, ours stand before them.
ADMIN_PAGES = {
    "index",
    "autocomplete",
    "jsi18n",
    "view_on_site",
    "app_list",
    "login",
    "logout",
    "password_change",
    "password_change_done",
}
# What has no event because it is no record of the registry: what is known of sessions, and the log itself with what
# guards, delivers and exports it.
NOT_BUSINESS = {
    "accounts.AuthEpoch": "a number that moves with every change of a right",
    "accounts.KeyFailure": "counts that slow guessing down",
    "accounts.SpentToken": "tokens that were exchanged; the keys they were exchanged for have their events",
    "accounts.LogoutToken": "messages of the provider that were acted on",
    "accounts.SessionIndex": "which sessions belong together",
    "admin.LogEntry": "never written: the log is the audit trail",
    "audit.AuditAnchor": "where the log begins: append-only, and owes its event by a trigger of its own",
    "audit.AuditEvent": "the log: append-only",
    "audit.AuditExport": "how an export goes; asked for and done are events",
    "audit.Checkpoint": "signed heads of the log: append-only",
    "audit.CheckpointDelivery": "the outbox of the checkpoints",
    "auth.Permission": "made by migrations from the models",
    "catalog.FeedName": "what entities are called in the feed, derived from the subjects",
    "contenttypes.ContentType": "made by migrations from the models",
    "guardian.GroupObjectPermission": "not used: grants have tables of their own",
    "guardian.UserObjectPermission": "not used: grants have tables of their own",
    "sessions.Session": "who is signed in",
}


@pytest.fixture
def stage(api: Api, owner: Member, outsider: Member, admin: Member) -> Stage:
    maria = cast.sign_in("maria", "owners")
    ada = cast.sign_in("ada", is_superuser=True, is_staff=True)
    return Stage(api, owner, outsider, admin, maria, ada)


def examples(*tables: dict[Any, list[Change]]) -> list[Any]:
    return [
        pytest.param(change, id=f"{key if isinstance(key, str) else ' '.join(key)} {number}")
        for table in tables
        for key, changes in table.items()
        for number, change in enumerate(changes, 1)
    ]


EXAMPLES = examples(registry.CHANGES, own.CHANGES, pages.PAGES, administration.ADMIN, pages.COMMANDS)


@pytest.mark.parametrize("change", EXAMPLES)
def test_a_change_leaves_one_event_that_says_all_of_it(change: Change, stage: Stage) -> None:
    change.arrange(stage)
    before = newest()

    answer = change.act(stage)

    assert getattr(answer, "status_code", 200) < 400, answer.content
    left = [json.loads(event.payload) for event in AuditEvent.objects.filter(seq__gt=before).order_by("seq")]
    assert [event["action"] for event in left] == [change.action, *change.also]
    event = left[0]
    said = {name: ... if change.detail.get(name) is ... else value for name, value in event["detail"].items()}
    assert (event["actor"]["kind"], event["actor"]["ref"]) == stage.actor(change.who)
    assert event["object"]["kind"] == change.thing[0]
    assert fnmatch.fnmatchcase(event["object"]["ref"], change.thing[1]), event["object"]["ref"]
    assert (said, event.get("reason")) == (change.detail, change.reason)


class Lost(Exception):
    """The event could not be written."""


def state() -> dict[str, list[Any]]:
    """All that owes an event."""
    return {
        guarded.table: list(guarded.model._base_manager.order_by("pk").values_list(*guarded.update_columns or ()))
        for guarded in triggers.audited()
    }


# Pages, forms and commands call the same services.
@pytest.mark.parametrize("change", examples(registry.CHANGES, own.CHANGES))
def test_a_change_whose_event_is_lost_is_not_made(
    change: Change, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    change.arrange(stage)
    before, seq = state(), newest()

    def lose(*args: object, **kwargs: object) -> int:
        raise Lost

    monkeypatch.setattr(events, "record", lose)
    with contextlib.suppress(Lost):
        change.act(stage)

    assert (state(), newest()) == (before, seq)


# Nothing is left out.


def changing_routes() -> set[Where]:
    return {
        (pattern.name or path, method)
        for pattern, path in routes()
        if getattr(pattern.callback, "view_class", None) is not RedirectView
        for method in methods(pattern.callback) & CHANGING
    }


def test_every_route_of_the_registry_that_takes_a_change_has_its_example() -> None:
    asked = {key for key in permissions.TABLE if key[1] in CHANGING}

    assert asked == registry.CHANGES.keys() | registry.ASKS.keys()


def test_every_other_route_that_takes_a_change_has_its_example() -> None:
    known = own.CHANGES.keys() | own.ASKS.keys() | pages.PAGES.keys() | pages.ASKS.keys() | WITH_A_PROVIDER.keys()

    assert changing_routes() == {key for key in known if key[1] in CHANGING}


def test_the_table_of_our_own_api_has_no_other_changes() -> None:
    asked = {key for key in permissions.OWN_TABLE if key[1] in CHANGING}

    assert asked <= own.CHANGES.keys()


def admin_forms(request: Any) -> set[Where]:
    """What somebody who may do everything is offered."""
    found = set()
    for model, page in admin.site._registry.items():
        label = model._meta.label
        found |= {(label, "add")} if page.has_add_permission(request) else set()
        found |= {(label, "change")} if page.has_change_permission(request) else set()
        found |= {(label, "delete")} if page.has_delete_permission(request) else set()
        found |= {(label, action) for action in page.get_actions(request)}
    return found


def test_every_form_and_action_of_the_admin_has_its_example(stage: Stage) -> None:
    request = RequestFactory().get("/")
    request.user = stage.ada.user

    assert admin_forms(request) == administration.ADMIN.keys()


def names(patterns: list[Any]) -> set[str]:
    return {pattern.name for pattern in patterns if isinstance(pattern, URLPattern) and pattern.name}


def test_the_admin_has_no_page_that_is_not_known_here() -> None:
    named = names(admin.site.get_urls())
    apart = {
        f"{m._meta.app_label}_{m._meta.model_name}_{what}" for m in admin.site._registry for what in PAGES_OF_A_MODEL
    }
    found = {name for page in admin.site._registry.values() for name in names(page.get_urls())}

    assert (named - ADMIN_PAGES, found - apart) == (set(), set())


PAGES_OF_A_MODEL = ("changelist", "add", "history", "delete", "change")


def test_every_command_has_its_example() -> None:
    ours = {name for name, app in get_commands().items() if app in OURS}

    assert ours == pages.COMMANDS.keys() | pages.OTHER_COMMANDS.keys()


@pytest.mark.django_db(transaction=True)
def test_a_command_of_somebody_else_that_makes_a_user_is_refused() -> None:
    with pytest.raises(IntegrityError):
        call_command("createsuperuser", username="eve", email="eve@corp.test", interactive=False)


def test_every_table_is_guarded_or_no_record() -> None:
    guarded = {each.model._meta.label for each in triggers.audited()}
    everything = {model._meta.label for model in apps.get_models(include_auto_created=True)}

    assert everything == guarded | NOT_BUSINESS.keys()
    assert not guarded & NOT_BUSINESS.keys()
