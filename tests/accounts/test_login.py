"""The first link, passwords, signing in and out."""

import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts import people, views
from accounts.models import LoginLink, User, person_ref
from audit import events, transactions
from audit.models import AuditEvent
from tests.cast import STAGE

pytestmark = pytest.mark.django_db
PASSWORD = "four unrelated words 7"


@pytest.fixture(autouse=True)
def fresh_throttles() -> None:
    views.tries.clear()
    views.wrong_passwords.clear()


def new_link(user: str = "admin") -> str:
    out = StringIO()
    call_command("login_link", user, stdout=out, stderr=StringIO())
    found = re.search(r"token=(\S+)", out.getvalue())
    assert found
    return found[1]


def set_password(client: Client, token: str, password: str = PASSWORD, again: str | None = None) -> Any:
    values = {"token": token, "new_password1": password, "new_password2": password if again is None else again}
    return client.post("/login/link", values)


def sign_in(client: Client, password: str = PASSWORD, name: str = "admin", **more: str) -> Any:
    return client.post("/login", {"username": name, "password": password, **more})


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("seq").values_list("action", flat=True))


def test_the_link_sets_a_password_and_signs_in(client: Client) -> None:
    token = new_link()

    assert client.get(f"/login/link?token={token}").status_code == 200
    response = set_password(client, token)

    assert (response.status_code, response["Location"]) == (302, "/ui/")
    assert client.get("/ui/").status_code == 200
    assert actions() == ["user.created", "login_link.issued", "password.set", "auth.login"]


def test_a_link_works_once(client: Client) -> None:
    token = new_link()
    set_password(Client(), token)

    assert client.get(f"/login/link?token={token}").status_code == 403
    assert set_password(client, token, "another password 8").status_code == 403
    assert sign_in(client).status_code == 302


def test_a_newer_link_ends_the_older(client: Client) -> None:
    older = new_link()
    new_link()

    assert client.get(f"/login/link?token={older}").status_code == 403


@pytest.mark.parametrize("token", ["", "nonsense", "%00", "é"])
def test_a_wrong_link_opens_nothing(client: Client, token: str) -> None:
    response = client.get(f"/login/link?token={token}")

    assert response.status_code == 403
    assert b"This link opens nothing" in response.content


def test_a_link_ends_after_a_day(client: Client) -> None:
    token = new_link()
    with transactions.write():
        LoginLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        events.record(STAGE, events.Action.LOGIN_LINK_ISSUED, kind="person", ref="person:0")

    assert client.get(f"/login/link?token={token}").status_code == 403


@pytest.mark.parametrize(("password", "again"), [("short", None), ("123456789012345", None), (PASSWORD, "other")])
def test_a_weak_or_mistyped_password_is_told_and_the_link_stays(client: Client, password: str, again: str) -> None:
    token = new_link()

    response = set_password(client, token, password, again)

    assert response.status_code == 200
    assert b'class="problem"' in response.content
    assert client.get(f"/login/link?token={token}").status_code == 200


def test_the_token_is_stored_as_a_hash_and_recorded_nowhere() -> None:
    token = new_link()

    assert token not in str(list(LoginLink.objects.values()))
    assert not any(token in event.payload for event in AuditEvent.objects.all())


def test_a_link_for_nobody_is_a_clear_error() -> None:
    with pytest.raises(CommandError, match="no person named 'nobody'"):
        new_link("nobody")


def test_signing_in_and_out_leaves_an_event_each(client: Client) -> None:
    set_password(Client(), new_link())
    before = len(actions())

    assert sign_in(client, next="/ui/health")["Location"] == "/ui/health"
    assert client.post("/logout")["Location"] == "/login"

    assert client.get("/ui/").status_code == 302
    assert actions()[before:] == ["auth.login", "auth.logout"]


def test_a_wrong_password_and_a_wrong_name_get_the_same_answer(client: Client) -> None:
    set_password(Client(), new_link())

    wrong = [sign_in(client, "wrong"), sign_in(client, PASSWORD, "nobody")]

    texts = {re.search(rb'role="alert">([^<]+)', response.content)[1] for response in wrong}  # type: ignore[index]
    assert [response.status_code for response in wrong] == [200, 200]
    assert len(texts) == 1


def test_guessing_is_slowed_down(client: Client) -> None:
    for _ in range(views.wrong_passwords.limit):
        sign_in(client, "wrong")

    response = sign_in(client, "wrong")

    assert response.status_code == 429
    assert response["Retry-After"] == "300"


def test_nobody_is_led_elsewhere_after_signing_in(client: Client) -> None:
    set_password(Client(), new_link())

    assert sign_in(client, next="https://evil.example/")["Location"] == "/ui/"


def test_the_session_cookie_is_for_the_server_alone(client: Client) -> None:
    set_password(Client(), new_link())
    response = sign_in(client)

    cookie = response.cookies["session"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_logging_out_takes_a_form(client: Client) -> None:
    assert client.get("/logout").status_code == 405


def test_with_a_provider_passwords_are_closed_and_sessions_end(client: Client, settings: Any) -> None:
    set_password(client, new_link())
    settings.CALLBOARD = {**settings.CALLBOARD, "OIDC_ISSUER": "https://idp.example"}

    assert client.get("/ui/").status_code == 302
    assert client.get("/login")["Location"] == "/oidc/authenticate/"
    assert sign_in(Client()).status_code == 302
    with pytest.raises(CommandError, match="identity provider"):
        new_link()


@pytest.fixture
def breakglass(settings: Any) -> None:
    """A local administrator, then a provider, and the switch on."""
    set_password(Client(), new_link())
    settings.CALLBOARD = {**settings.CALLBOARD, "OIDC_ISSUER": "https://idp.example", "BREAKGLASS_LOCAL_LOGIN": True}


def test_break_glass_opens_them_and_is_recorded(client: Client, breakglass: None) -> None:
    before = len(actions())

    assert b"Every use is recorded" in client.get("/login").content
    assert sign_in(client).status_code == 302

    assert client.get("/ui/").status_code == 200
    assert actions()[before:] == ["auth.breakglass", "auth.login"]


def test_each_use_of_break_glass_is_an_alarm_in_the_log(
    client: Client, breakglass: None, caplog: pytest.LogCaptureFixture
) -> None:
    sign_in(client)

    (alarm,) = [record for record in caplog.records if record.levelname == "CRITICAL"]
    ref = person_ref(User.objects.get(username="admin").pk)
    assert alarm.getMessage() == f"break-glass: {ref} signed in with a local password, from 127.0.0.1"


def test_an_ordinary_sign_in_is_no_alarm(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    set_password(client, new_link())

    assert not [record for record in caplog.records if record.levelname == "CRITICAL"]
    assert b"Break-glass" not in client.get("/ui/health").content


def test_each_use_of_break_glass_is_an_alarm_on_the_health_page_also_after_it_was_closed(
    client: Client, breakglass: None, settings: Any
) -> None:
    sign_in(client)
    sign_in(Client())
    open_page = client.get("/ui/health").content.decode()
    settings.CALLBOARD = {**settings.CALLBOARD, "OIDC_ISSUER": None}

    page = client.get("/ui/health").content.decode()

    assert "passwords open although" in open_page and "passwords open although" not in page
    assert "Break-glass used" in page and "2 sign-ins with a local password" in page and ": admin" in page


def test_a_break_glass_session_ends_after_an_hour_whatever_is_done_with_it(client: Client, breakglass: None) -> None:
    sign_in(client)
    began = client.session.get_expiry_date()
    session = client.session
    session["something"] = "new"
    session.save()

    assert client.session.get_expiry_date() == began
    assert timedelta(minutes=59) < began - timezone.now() <= timedelta(hours=1)
    assert client.get("/ui/").status_code == 200


def test_closing_the_door_again_ends_the_sessions_that_came_through_it(
    client: Client, breakglass: None, settings: Any
) -> None:
    sign_in(client)

    settings.CALLBOARD = {**settings.CALLBOARD, "BREAKGLASS_LOCAL_LOGIN": False}

    assert client.get("/ui/").status_code == 302
    assert client.get("/login")["Location"] == "/oidc/authenticate/"


def test_break_glass_without_a_provider_is_an_ordinary_sign_in(client: Client, settings: Any) -> None:
    settings.CALLBOARD = {**settings.CALLBOARD, "BREAKGLASS_LOCAL_LOGIN": True}

    set_password(client, new_link())

    assert "auth.breakglass" not in actions()


def test_a_deactivated_person_is_out_at_once(client: Client) -> None:
    set_password(client, new_link())
    with transactions.write():
        User.objects.filter(username="admin").update(is_active=False)
        events.record(STAGE, events.Action.USER_CREATED, kind="person", ref="person:0")

    assert client.get("/ui/").status_code == 302
    with pytest.raises(people.NoLocalPassword):
        people.issue_link(actor=STAGE, username="admin")


def test_a_failed_sign_in_ends_at_a_page_that_leads_nowhere(client: Client) -> None:
    response = client.get("/login-failed?reason=groups")

    assert response.status_code == 403
    assert b"Configure a filter of groups" in response.content
