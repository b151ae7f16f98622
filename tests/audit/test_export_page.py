"""/ui/audit, as a browser without script sees it."""

import re

import pytest
from django.test import Client

from audit import bundles, services
from audit.events import Action
from audit.models import AuditExport
from tests.audit import exports
from tests.audit.exports import Person

PAGE = "/ui/audit"


@pytest.fixture
def audrey(db: None) -> Person:
    return exports.auditor()


def test_somebody_who_is_not_signed_in_is_sent_to_sign_in(db: None, client: Client) -> None:
    answer = client.get(PAGE)

    assert (answer.status_code, answer["Location"]) == (302, f"/login?next={PAGE}")


def test_somebody_without_the_right_gets_a_page_that_says_so(db: None) -> None:
    answer = exports.sign_in("olga", services.VIEW).get(PAGE)

    assert answer.status_code == 403
    assert services.EXPORT in answer.content.decode() and "<h1>" in answer.content.decode()


def test_before_the_first_export_the_page_says_what_one_is(audrey: Person) -> None:
    page = audrey.get(PAGE).content.decode()

    assert "None yet" in page and "manifest" in page


def test_the_page_says_what_each_column_of_the_table_means(audrey: Person) -> None:
    page = audrey.get(PAGE).content.decode()

    assert [name for name in bundles.COLUMNS if f"<code>{name}</code></th><td>" not in page] == []


def test_the_form_asks_for_an_export(audrey: Person) -> None:
    given = {"since": "2026-01-01T00:00", "until": "", "action": "key.issued", "object_prefix": ":.:orders-"}

    answer = audrey.client.post(PAGE, given)

    export = AuditExport.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    assert export.filters == {
        "from": "2026-01-01T00:00:00.000000Z",
        "action": "key.issued",
        "object_prefix": ":.:orders-",
    }
    assert len(exports.recorded(Action.AUDIT_EXPORT_REQUESTED)) == 1


def test_a_form_that_does_not_fit_comes_back_with_what_was_typed(audrey: Person) -> None:
    answer = audrey.client.post(PAGE, {"since": "2026-02-01T00:00", "until": "2026-01-01T00:00", "actor": "person:7"})

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "ends before it begins" in page and 'value="person:7"' in page and "2026-02-01T00:00" in page


def test_a_second_export_meanwhile_is_refused_on_the_page(audrey: Person) -> None:
    audrey.export()

    answer = audrey.client.post(PAGE, {})

    assert answer.status_code == 409 and "one at a time" in answer.content.decode()


def test_a_forged_form_is_refused(audrey: Person) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(audrey.user, exports.BACKEND)

    assert client.post(PAGE, {}).status_code == 403
    assert not AuditExport.objects.exists()


def test_a_finished_export_is_shown_with_size_and_sum_and_a_button(audrey: Person) -> None:
    export = audrey.exported()

    page = audrey.get(PAGE).content.decode()

    assert export.sha256 in page and "KB" in page
    assert f'name="export" value="{export.pk}"' in page


def test_the_button_leads_to_the_file(audrey: Person) -> None:
    export = audrey.exported()

    answer = audrey.client.post(f"{PAGE}/download", {"export": str(export.pk)}, follow=True)

    assert exports.unpack(answer.getvalue()).manifest["export"] == str(export.pk)
    assert len(exports.recorded(Action.AUDIT_DOWNLOADED)) == 1


@pytest.mark.parametrize("export", ["", "1", "00000000-0000-0000-0000-000000000000"])
def test_the_button_of_an_export_that_is_not_there_is_a_404_page(audrey: Person, export: str) -> None:
    assert audrey.client.post(f"{PAGE}/download", {"export": export}).status_code == 404


def test_a_refused_link_leads_back_to_the_page_and_says_why(audrey: Person) -> None:
    answer = audrey.get(f"{PAGE}/download?token=made-up")

    assert answer.status_code == 403 and "This link is not valid" in answer.content.decode()


def test_progress_and_errors_are_shown(audrey: Person) -> None:
    export = audrey.export()
    AuditExport.objects.filter(pk=export.pk).update(
        state="running", tries=1, lease_until=export.created_at, progress=30, total=120, error="OSError: disk <full>"
    )

    page = audrey.get(PAGE).content.decode()

    assert re.search(r'<progress max="120" value="30"', page) and "30 of 120" in page
    assert "disk &lt;full&gt;" in page


def test_another_persons_exports_are_not_on_the_page(audrey: Person) -> None:
    export = exports.auditor("otto").exported()

    assert export.sha256 not in audrey.get(PAGE).content.decode()


def test_older_exports_are_a_page_away(audrey: Person) -> None:
    made = [audrey.exported() for _ in range(21)]

    page = audrey.get(PAGE).content.decode()
    older = re.search(rf"{PAGE}\?before=\d+", page)

    assert older and made[0].sha256 not in page
    assert made[0].sha256 in audrey.get(older[0]).content.decode()


def test_the_page_is_kept_by_no_cache(audrey: Person) -> None:
    assert "no-store" in audrey.get(PAGE)["Cache-Control"]
