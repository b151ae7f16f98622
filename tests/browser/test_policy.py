"""What the pages ask of a browser fits the policy that they come with: nothing inline, nothing from elsewhere."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser import walks
from tests.browser.conftest import Site, Watch


@pytest.fixture
def subject(site: Site) -> str:
    schema = {"schema": '{"type": "record", "name": "Seen", "fields": [{"name": "id", "type": "int"}]}'}
    assert site.server.call("POST", "/subjects/seen-value/versions", schema).status == 200
    return "seen-value"


def links(page: Page, url: str, within: str) -> list[str]:
    """Where the links of a part of the page lead, without their queries and without ways out."""
    page.goto(url)
    found = [link.get_attribute("href") or "" for link in page.locator(f"{within} a[href]").all()]
    paths = [urlsplit(href).path for href in found]
    return list(dict.fromkeys(path for path in paths if path.startswith("/") and "logout" not in path))


def test_the_watch_sees_what_breaks_the_policy(page: Page, site: Site, watch: Watch) -> None:
    page.goto(f"{site.url}/login-failed")

    page.evaluate("document.body.append(document.createElement('style'))")
    page.evaluate("document.querySelector('style').textContent = 'p { color: red }'")

    page.wait_for_timeout(200)
    assert watch.violations


@pytest.mark.parametrize(
    "path",
    [
        "/login-failed",
        "/login-failed?reason=groups",
        "/login-failed?reason=provider",
        "/login-failed?reason=other",
        "/login/link?token=none",
        "/oidc/signed-out/",
        "/oidc/callback/?error=access_denied",
        "/login",
        "/admin/login/",
        "/ui/nothing",
        "/nothing",
        "/healthz",
    ],
)
def test_pages_for_strangers_break_no_rule(page: Page, site: Site, watch: Watch, path: str) -> None:
    page.goto(f"{site.url}{path}")

    assert watch.complaints == []


@pytest.mark.parametrize("path", ["/login", "/login?next=/ui/", "/admin/login/?next=/admin/"])
def test_the_page_for_passwords_breaks_no_rule(page: Page, site: Site, watch: Watch, path: str) -> None:
    page.goto(f"http://localhost:{site.breakglass.port}{path}")

    expect(page.locator("input[type=password]")).to_be_visible()
    page.get_by_label("Name").fill("nobody")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert watch.complaints == []


def test_pages_of_the_portal_break_no_rule(page: Page, site: Site, watch: Watch, subject: str) -> None:
    walks.sign_in(page, f"{site.url}/ui/", "alice")

    paths = [*links(page, f"{site.url}/ui/", "body"), f"/ui/subject?name={subject}", "/ui/nothing", "/login-failed"]
    for path in paths:
        page.goto(f"{site.url}{path}")

    assert {"/ui/health", "/ui/audit"} <= set(paths)
    assert watch.complaints == []


def test_lists_forms_and_histories_of_the_admin_break_no_rule(
    page: Page, site: Site, watch: Watch, subject: str
) -> None:
    walks.sign_in(page, f"{site.url}/admin/", "alice")
    lists = links(page, f"{site.url}/admin/", "#content-main")

    for path in lists:
        for each in inside(links(page, f"{site.url}{path}", "#content"), path):
            page.goto(f"{site.url}{each}")
        assert watch.complaints == [], f"{path}: {watch.complaints}"

    assert {"/admin/accounts/user/", "/admin/auth/group/", "/admin/registry/subject/"} <= set(lists)


def inside(paths: list[str], list_path: str) -> list[str]:
    """The form for a new row, if there is one, and form and history of the first."""
    rows = [path for path in paths if path.startswith(list_path) and path.endswith("/change/")][:1]
    histories = [f"{path.removesuffix('change/')}history/" for path in rows]
    return [*(path for path in paths if path == f"{list_path}add/"), *rows, *histories]


def test_a_sign_out_is_let_through_to_the_provider(new_page: Callable[[], Page], site: Site, watch: Watch) -> None:
    page = new_page()
    walks.sign_in(page, f"{site.url}/admin/", "alice")

    page.locator("#logout-form button").click()

    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    assert watch.complaints == []
