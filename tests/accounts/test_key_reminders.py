from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import mail
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from accounts import services
from accounts.models import ServiceAccount
from tests.cast import STAGE, sign_in

Change = Callable[..., None]


@pytest.fixture
def ending_in(account: ServiceAccount, change: Change) -> Callable[[float], str]:
    def issue(days: float) -> str:
        key = services.issue_key(actor=STAGE, account=account, label=f"{days} days").key
        change(key.secrets.get(), expires_at=timezone.now() + timedelta(days=days))
        return key.id12

    return issue


def test_a_key_is_named_in_the_log_14_days_3_days_and_one_before_its_end(
    ending_in: Callable[[float], str], caplog: pytest.LogCaptureFixture
) -> None:
    due = {ending_in(days) for days in (13.5, 2.5, 0.5)}
    for days in 20, 13, 9, 1.5:
        ending_in(days)

    call_command("key_reminders")

    assert {message.split()[1] for message in caplog.messages if message.startswith("key ")} == due
    assert mail.outbox == []


def test_with_a_mail_server_the_people_of_its_group_are_told_each_alone(
    ending_in: Callable[[float], str], account: ServiceAccount, settings: Settings
) -> None:
    settings.CALLBOARD = settings.CALLBOARD | {"EMAIL_URL": {"EMAIL_HOST": "mail.example"}}
    for name, email in ("maria", "maria@example.com"), ("sam", "sam@example.com"), ("silent", ""):
        sign_in(name, account.owner_group.name, email=email)
    sign_in("stranger", email="stranger@example.com")
    id12 = ending_in(2.5)

    call_command("key_reminders")
    call_command("key_reminders", log_only=True)

    assert [message.to for message in mail.outbox] == [["maria@example.com"], ["sam@example.com"]]
    assert f"/api/v1/keys/{id12}/rotate" in str(mail.outbox[0].body)
