"""Signing in and out in a real browser, by the pages of a real provider."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser import walks
from tests.browser.conftest import LOCAL_PASSWORD, Site, Watch

FAILED = "That sign-in did not work"
ASK_AS_HTMX = """async () => {
  const answer = await fetch("/ui/?prefix=o", {headers: {"HX-Request": "true", "HX-Current-URL": location.href}});
  return {status: answer.status, redirect: answer.headers.get("HX-Redirect"), body: await answer.json()};
}"""


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", name=text, exact=True)).to_be_visible()


def test_somebody_signs_in_and_lands_where_they_wanted_to(page: Page, site: Site, watch: Watch) -> None:
    walks.sign_in(page, f"{site.url}/ui/health", "bob")

    assert urlsplit(page.url).path == "/ui/health"
    walks.expect_signed_in(page, "Bob Builder")
    assert watch.complaints == []


def test_a_session_at_the_provider_is_enough_for_the_next_sign_in(page: Page, site: Site) -> None:
    walks.sign_in(page, f"{site.url}/ui/", "bob")
    page.context.clear_cookies(domain="localhost")

    page.goto(f"{site.url}/ui/")

    walks.expect_signed_in(page, "Bob Builder")


def test_staff_of_the_provider_enter_the_admin_and_others_do_not(new_page: Callable[[], Page], site: Site) -> None:
    alice, bob = new_page(), new_page()
    walks.sign_in(alice, f"{site.url}/ui/", "alice")
    walks.sign_in(bob, f"{site.url}/ui/", "bob")

    for page in (alice, bob):
        page.goto(f"{site.url}/admin/")

    heading(alice, "Site administration")
    expect(bob.get_by_text("The admin is for staff.")).to_be_visible()


def test_signing_out_ends_the_session_here_and_at_the_provider(page: Page, site: Site, watch: Watch) -> None:
    walks.sign_in(page, f"{site.url}/ui/", "carol")

    walks.sign_out(page)

    assert page.url == f"{site.url}/oidc/signed-out/"
    page.goto(f"{site.url}/ui/")
    expect(page.locator("select[name=sub]")).to_be_visible()
    assert watch.violations == []


def test_somebody_disabled_at_the_provider_is_told_and_not_let_in(page: Page, site: Site, watch: Watch) -> None:
    site.provider.change("dora", name="Dora", groups=[], disabled=True)
    page.goto(f"{site.url}/ui/")

    walks.choose(page, "dora")

    heading(page, FAILED)
    assert urlsplit(page.url).path == "/login-failed"
    assert watch.violations == []


def test_somebody_disabled_meanwhile_is_out_when_the_session_is_renewed(page: Page, site: Site) -> None:
    site.provider.change("dirk", name="Dirk", groups=[])
    walks.sign_in(page, f"{site.url}/ui/", "dirk")
    site.provider.change("dirk", disabled=True)
    site.expire_sessions()

    page.goto(f"{site.url}/ui/health")

    heading(page, FAILED)
    expect(page.get_by_text("Your session at the identity provider has ended")).to_be_visible()
    walks.expect_stranger(page)


def test_another_person_at_the_provider_ends_the_session_and_says_so(page: Page, site: Site) -> None:
    walks.sign_in(page, f"{site.url}/ui/", "bob")
    page.context.clear_cookies(domain="127.0.0.1")

    page.goto(f"{site.url}/oidc/authenticate/")
    walks.choose(page, "carol")

    heading(page, FAILED)
    expect(page.get_by_text("signed in here as one person")).to_be_visible()
    walks.expect_stranger(page)


def test_a_clock_far_off_is_told_and_after_it_was_put_right_the_same_button_works(page: Page, site: Site) -> None:
    site.provider.skew(180)
    page.goto(f"{site.url}/ui/")
    walks.choose(page, "bob")
    heading(page, FAILED)
    site.provider.skew(0)

    page.get_by_role("link", name="Try again").click()

    walks.expect_signed_in(page, "Bob Builder")


def test_a_session_is_renewed_without_a_word(page: Page, site: Site) -> None:
    walks.sign_in(page, f"{site.url}/ui/", "bob")
    site.expire_sessions()
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))

    page.goto(f"{site.url}/ui/health")

    assert page.url == f"{site.url}/ui/health"
    assert any(url.startswith(site.provider.issuer) and "prompt=none" in url for url in seen)
    heading(page, "Health")


def test_a_request_of_htmx_with_an_expired_session_is_told_where_to_sign_in(
    page: Page, site: Site, watch: Watch
) -> None:
    walks.sign_in(page, f"{site.url}/ui/health", "bob")
    site.expire_sessions()
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))

    answer: Any = page.evaluate(ASK_AS_HTMX)

    assert answer["status"] == 401
    assert answer["body"] == {"error": "session_expired", "login": "/oidc/authenticate/"}
    assert not any(url.startswith(site.provider.issuer) for url in seen)
    page.goto(f"{site.url}{answer['redirect']}")
    assert page.url == f"{site.url}/ui/health"
    walks.expect_signed_in(page, "Bob Builder")
    assert watch.violations == []


def test_a_form_sent_with_an_expired_session_changes_nothing_and_says_so(page: Page, site: Site) -> None:
    schema = {"schema": '"string"'}
    assert site.server.call("POST", "/subjects/expiring/versions", schema).status == 200
    walks.sign_in(page, f"{site.url}/ui/subject?name=expiring", "alice")
    site.expire_sessions()

    page.get_by_text("Change the state").last.click()
    page.get_by_role("button", name="Make it deprecated").last.click()

    heading(page, "Nothing was changed")
    page.get_by_role("link", name="Go back").click()
    assert page.url == f"{site.url}/ui/subject?name=expiring"
    expect(page.get_by_role("heading", level=1)).to_have_text("expiring approved")


def test_break_glass_lets_a_local_administrator_in_and_health_says_so(page: Page, site: Site, watch: Watch) -> None:
    link = site.home.run(
        "manage.py",
        "login_link",
        CALLBOARD_OIDC_ISSUER=site.provider.issuer,
        CALLBOARD_PRODUCTION="off",
        CALLBOARD_BREAKGLASS_LOCAL_LOGIN="on",
        CALLBOARD_OIDC_CLIENT_ID="portal",
        CALLBOARD_OIDC_CLIENT_SECRET="portal",
        CALLBOARD_BASE_URL=f"http://localhost:{site.breakglass.port}",
    )
    assert link.returncode == 0, link.stderr
    page.goto(link.stdout.strip())
    for field in page.locator("input[type=password]").all():
        field.fill(LOCAL_PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()

    page.goto(f"http://localhost:{site.breakglass.port}/ui/health")

    expect(page.get_by_text("sign-ins with a local password in a week")).to_be_visible()
    assert "break-glass: person:" in site.breakglass.log
    assert watch.violations == []


@pytest.mark.parametrize("path", ["/login", "/login?next=/ui/health"])
def test_without_break_glass_there_is_no_form_for_passwords(page: Page, site: Site, path: str) -> None:
    page.goto(f"{site.url}{path}")

    assert page.url.startswith(f"{site.provider.issuer}/login/")
    expect(page.locator("input[type=password]")).to_have_count(0)
