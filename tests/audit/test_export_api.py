"""/api/v1/audit/: who may list, ask for an export, and download it."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts import services as accounts
from audit import exporter, services
from audit.events import Action
from audit.models import AuditEvent, AuditExport, Filters
from tests.audit import exports
from tests.audit.exports import EXPORTS, Person
from tests.cast import STAGE, Member, join

EVENTS = "/api/v1/audit/events"


@pytest.fixture
def audrey(db: None) -> Person:
    return exports.auditor()


@pytest.fixture
def other_auditor(db: None) -> Person:
    return exports.auditor("otto")


@pytest.fixture
def onlooker(db: None) -> Person:
    """Sees the log and exports nothing."""
    return exports.sign_in("olga", services.VIEW)


@pytest.fixture
def stranger(db: None) -> Person:
    return exports.sign_in("sam")


def robot(*rights: str, scopes: tuple[str, ...] = ("audit:read",)) -> Member:
    group = join("robot-owner", "auditors").group
    account = accounts.create_service_account(actor=STAGE, name="robot", owner_group=group, rights=rights)
    issued = accounts.issue_key(actor=STAGE, account=account, label="robot", scopes=scopes)
    return Member(account, group, issued.token)


def as_robot(member: Member) -> dict[str, str]:
    return {"Authorization": member.bearer}


# Asking for one


def test_a_request_is_accepted_and_leaves_one_event(audrey: Person) -> None:
    answer = audrey.post(EXPORTS, {"filters": {"action": "key.issued", "from": "2026-01-01T00:00:00+01:00"}})

    export = AuditExport.objects.get()
    (event,) = exports.recorded(Action.AUDIT_EXPORT_REQUESTED)
    assert answer.status_code == 202
    assert answer["Location"] == f"{EXPORTS}/{export.pk}"
    assert answer.json()["state"] == "queued"
    assert answer.json()["filters"] == {"action": "key.issued", "from": "2025-12-31T23:00:00.000000Z"}
    assert (event.object_ref, event.actor_ref) == (str(export.pk), audrey.principal.ref)
    assert export.through_seq == event.seq


def test_an_export_without_filters_is_one_of_everything(audrey: Person) -> None:
    assert audrey.post(EXPORTS).json()["filters"] == {}


@pytest.mark.parametrize(
    "filters",
    [
        {"actions": "key.issued"},
        {"action": "key.eaten"},
        {"from": "yesterday"},
        {"from": "2026-02-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"},
        {"actor": "a\0b"},
        {"object_ref": "x" * 2001},
        "everything",
    ],
)
def test_filters_that_do_not_fit_are_refused_and_leave_nothing(audrey: Person, filters: Any) -> None:
    answer = audrey.post(EXPORTS, {"filters": filters})

    assert answer.status_code == 422
    assert not AuditExport.objects.exists()
    assert exports.recorded(Action.AUDIT_EXPORT_REQUESTED) == []


def test_a_second_export_has_to_wait_for_the_first(audrey: Person, other_auditor: Person) -> None:
    audrey.post(EXPORTS)

    again, others = audrey.post(EXPORTS), other_auditor.post(EXPORTS)

    assert (again.status_code, again.json()["error_code"]) == (409, 409)
    assert others.status_code == 202
    assert len(exports.recorded(Action.AUDIT_EXPORT_REQUESTED)) == 2


def test_after_the_first_is_done_another_may_be_asked_for(audrey: Person) -> None:
    audrey.exported()

    assert audrey.post(EXPORTS).status_code == 202


def test_more_events_than_the_limit_are_refused_at_once(audrey: Person, settings: Settings) -> None:
    settings.CALLBOARD = settings.CALLBOARD | {"LIMIT_EXPORT_ROWS": 5}
    exports.happen(5)

    answer = audrey.post(EXPORTS)

    assert answer.status_code == 422 and "at most 5" in answer.json()["message"]
    assert not AuditExport.objects.exists()


@pytest.mark.parametrize("who", ["onlooker", "stranger"])
def test_without_the_right_to_export_nothing_is_exported(who: str, request: pytest.FixtureRequest) -> None:
    person: Person = request.getfixturevalue(who)

    assert [person.post(EXPORTS).status_code, person.get(EXPORTS).status_code] == [403, 403]
    assert not AuditExport.objects.exists()


def test_a_key_never_exports_whatever_rights_it_has(db: None, client: Client) -> None:
    headers = as_robot(robot(services.VIEW, services.EXPORT))

    statuses = [
        client.post(EXPORTS, "{}", "application/json", headers=headers).status_code,
        client.get(EXPORTS, headers=headers).status_code,
    ]

    assert statuses == [403, 403]


def test_strangers_have_to_say_who_they_are(db: None, client: Client) -> None:
    answers = [client.post(EXPORTS, "{}", "application/json"), client.get(EXPORTS), client.get(EVENTS)]

    assert [answer.status_code for answer in answers] == [401, 401, 401]


# Looking at it


def test_the_list_holds_ones_own_newest_first(audrey: Person, other_auditor: Person) -> None:
    first, second = audrey.exported(), audrey.exported()
    other_auditor.exported()

    listed = audrey.get(EXPORTS).json()

    assert [export["id"] for export in listed["exports"]] == [str(second.pk), str(first.pk)]
    assert listed["exports"][0]["sha256"] == second.sha256
    assert listed["exports"][0]["progress"] == listed["exports"][0]["total"] == second.through_seq


def test_the_list_comes_in_pages(audrey: Person) -> None:
    made = [audrey.exported() for _ in range(3)]

    first = audrey.get(f"{EXPORTS}?limit=2").json()
    second = audrey.get(f"{EXPORTS}?limit=2&before={first['before']}").json()

    ids = [export["id"] for page in (first, second) for export in page["exports"]]
    assert ids == [str(export.pk) for export in reversed(made)]
    assert second["before"] is None


def test_an_export_of_somebody_else_is_as_if_it_were_not_there(audrey: Person, other_auditor: Person) -> None:
    export = audrey.exported()
    nowhere = "00000000-0000-0000-0000-000000000000"

    answers = [
        (other_auditor.get(f"{EXPORTS}/{pk}"), other_auditor.post(f"{EXPORTS}/{pk}/link"))
        for pk in (export.pk, nowhere)
    ]

    assert [[answer.status_code for answer in pair] for pair in answers] == [[404, 404], [404, 404]]
    assert answers[0][0].content == answers[1][0].content


# Downloading it


def test_a_link_downloads_the_file_and_leaves_one_event(audrey: Person) -> None:
    export = audrey.exported()

    answer = audrey.get(audrey.link(export))

    (event,) = exports.recorded(Action.AUDIT_DOWNLOADED)
    assert answer.status_code == 200
    assert exports.unpack(answer.getvalue()).manifest["export"] == str(export.pk)
    assert answer["Content-Disposition"] == f'attachment; filename="callboard-audit-{export.through_seq}.zip"'
    assert answer["Content-Length"] == str(export.size)
    assert answer["X-Content-Type-Options"] == "nosniff" and "no-store" in answer["Cache-Control"]
    assert (event.object_ref, event.actor_ref) == (str(export.pk), audrey.principal.ref)


def test_a_download_is_not_compressed_on_the_way(audrey: Person) -> None:
    export = audrey.exported()

    answer = audrey.client.get(audrey.link(export), headers={"Accept-Encoding": "gzip"})

    assert len(answer.getvalue()) == export.size == int(answer["Content-Length"])


def test_a_link_is_good_once(audrey: Person) -> None:
    link = audrey.link(audrey.exported())
    audrey.get(link).getvalue()

    again = audrey.get(link)

    assert again.status_code == 403
    assert len(exports.recorded(Action.AUDIT_DOWNLOADED)) == 1


def test_a_link_of_somebody_else_is_refused_and_logged(
    audrey: Person, other_auditor: Person, caplog: pytest.LogCaptureFixture
) -> None:
    link = audrey.link(audrey.exported())

    answer = other_auditor.get(link)

    assert answer.status_code == 403 and "somebody else's" in caplog.text
    assert exports.recorded(Action.AUDIT_DOWNLOADED) == []


def test_an_old_link_is_refused(audrey: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    link = audrey.link(audrey.exported())
    later = time.time() + services.LINK_SECONDS + 1
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)

    assert audrey.get(link).status_code == 403


@pytest.mark.parametrize(
    "spoil",
    [lambda link: link[:-1] + "_", lambda link: link.partition("?")[0], lambda _: "/ui/audit/download?token=a:b:c"],
)
def test_a_wrong_link_is_refused(audrey: Person, spoil: Callable[[str], str]) -> None:
    link = audrey.link(audrey.exported())

    assert audrey.get(spoil(link)).status_code == 403
    assert exports.recorded(Action.AUDIT_DOWNLOADED) == []


def test_whoever_lost_the_right_downloads_nothing_with_an_old_link(audrey: Person) -> None:
    link = audrey.link(audrey.exported())
    exports.take_right_away(audrey)

    assert audrey.get(link).status_code == 403
    assert exports.recorded(Action.AUDIT_DOWNLOADED) == []


def test_a_link_without_a_session_leads_to_the_sign_in(audrey: Person, client: Client) -> None:
    answer = client.get(audrey.link(audrey.exported()))

    assert answer.status_code == 302 and answer["Location"].startswith("/login?next=/ui/audit/download")


def test_what_is_not_done_has_no_link(audrey: Person) -> None:
    export = audrey.export()

    answer = audrey.post(f"{EXPORTS}/{export.pk}/link")

    assert answer.status_code == 409 and "queued" in answer.json()["message"]


def test_after_seven_days_the_file_goes_and_the_row_stays(audrey: Person) -> None:
    export = audrey.exported()
    link = audrey.link(export)
    AuditExport.objects.filter(pk=export.pk).update(expires_at=timezone.now() - timedelta(seconds=1))

    exporter.expire()

    shown = audrey.get(f"{EXPORTS}/{export.pk}").json()
    assert (shown["state"], shown["sha256"]) == ("expired", export.sha256)
    assert exports.files(export) == []
    assert audrey.get(link).status_code == 409
    assert audrey.post(f"{EXPORTS}/{export.pk}/link").status_code == 409


def test_an_export_that_is_overdue_is_not_downloaded_any_more(audrey: Person) -> None:
    export = audrey.exported()
    link = audrey.link(export)
    AuditExport.objects.filter(pk=export.pk).update(expires_at=timezone.now() - timedelta(seconds=1))

    assert audrey.get(link).status_code == 403


def test_a_file_that_is_not_here_is_not_recorded_as_downloaded(audrey: Person) -> None:
    export = audrey.exported()
    link = audrey.link(export)
    exports.bundle_path(export).unlink()

    assert audrey.get(link).status_code == 503
    assert exports.recorded(Action.AUDIT_DOWNLOADED) == []


def test_a_finished_export_leaves_one_event_with_its_sum(audrey: Person) -> None:
    export = audrey.exported()

    (event,) = exports.recorded(Action.AUDIT_EXPORTED)
    assert (event.object_ref, event.actor_kind) == (str(export.pk), "system")
    assert export.sha256 in event.payload


# The events themselves


def test_events_are_listed_newest_first(onlooker: Person) -> None:
    exports.happen(2)

    listed = onlooker.get(f"{EVENTS}?action=subject.registered").json()

    newest = AuditEvent.objects.order_by("-seq").first()
    assert newest is not None
    assert [event["payload"]["detail"]["version"] for event in listed["events"]] == [2, 1]
    assert listed["events"][0]["seq"] == newest.seq
    assert listed["events"][0]["hash"] == bytes(newest.hash).hex()


def test_a_key_with_scope_and_right_lists_events(db: None, client: Client) -> None:
    answer = client.get(EVENTS, headers=as_robot(robot(services.VIEW)))

    assert answer.status_code == 200 and answer.json()["events"]


@pytest.mark.parametrize(
    ("rights", "scopes"),
    [((), ("audit:read",)), ((services.VIEW,), ("subjects:read",)), ((services.EXPORT,), ("audit:read",))],
)
def test_a_key_without_scope_or_right_lists_nothing(
    db: None, client: Client, rights: tuple[str, ...], scopes: tuple[str, ...]
) -> None:
    answer = client.get(EVENTS, headers=as_robot(robot(*rights, scopes=scopes)))

    assert answer.status_code == 403


def test_a_stranger_lists_nothing(stranger: Person) -> None:
    assert stranger.get(EVENTS).status_code == 403


def test_events_come_in_pages(onlooker: Person) -> None:
    exports.happen(5)

    first = onlooker.get(f"{EVENTS}?object_kind=subject&limit=3").json()
    second = onlooker.get(f"{EVENTS}?object_kind=subject&limit=3&before={first['before']}").json()

    seen = [event["seq"] for page in (first, second) for event in page["events"]]
    assert seen == sorted(seen, reverse=True) and len(seen) == 5
    assert second["before"] is None


@pytest.mark.parametrize("number", [10, 400])
def test_a_page_of_events_is_one_query_however_many_there_are(
    onlooker: Person, number: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    exports.happen(number)
    principal = onlooker.principal

    with django_assert_num_queries(1):
        services.list_events(principal=principal, filters=Filters(), limit=50)
