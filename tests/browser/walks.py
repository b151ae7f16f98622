"""What people do in a browser."""

from playwright.sync_api import Page, expect


def sign_in(page: Page, url: str, who: str) -> None:
    """By the provider's own form, from the page that was wanted and back to it."""
    page.goto(url)
    choose(page, who)
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def choose(page: Page, who: str) -> None:
    page.locator("select[name=sub]").select_option(who)
    page.get_by_role("button", name="Sign in").click()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()


def expect_signed_in(page: Page, name: str) -> None:
    expect(page.locator("form.who")).to_contain_text(name)


def expect_stranger(page: Page) -> None:
    expect(page.get_by_role("button", name="Sign out")).to_have_count(0)
