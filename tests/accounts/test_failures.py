"""Guessing keys gets slower; who has the right one never notices."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import failures, tokens
from accounts.failures import TooManyFailures
from accounts.models import KeyFailure
from tests.cast import Api, Member

WRONG = tokens.generate().text


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "MOST_BY_ADDRESS", 5)
    monkeypatch.setattr(failures, "MOST_BY_KEY", 3)


def guess(path: str = "/subjects", *, token: str = WRONG, address: str = "192.0.2.1") -> int:
    answer = Client(REMOTE_ADDR=address).get(path, headers={"authorization": f"Bearer {token}"})
    if answer.status_code == 429:
        assert 1 <= int(answer["Retry-After"]) <= 60
        assert answer.json()["error_code"] == 429
    return answer.status_code


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/subjects", "/api/v1/me", "/backstage/v1/entities"])
def test_too_many_guesses_at_one_key_are_429(path: str) -> None:
    assert [guess(path) for _ in range(5)] == [401, 401, 401, 429, 429]


@pytest.mark.django_db
def test_guesses_at_one_key_from_everywhere_count_together() -> None:
    assert [guess(address=f"192.0.2.{n}") for n in range(5)] == [401, 401, 401, 429, 429]


@pytest.mark.django_db
def test_too_many_guesses_from_one_address_are_429() -> None:
    assert [guess(token=tokens.generate().text) for _ in range(7)] == [401] * 5 + [429] * 2
    assert guess(token=tokens.generate().text, address="192.0.2.2") == 401


@pytest.mark.django_db
def test_the_right_key_is_not_locked_out(owner: Member, api: Api) -> None:
    wrong = tokens.generate(owner.token[4:16]).text
    assert [guess(token=wrong) for _ in range(4)] == [401, 401, 401, 429]

    assert guess(token=owner.token, address="192.0.2.2") == 200
    assert guess(token=owner.token) == 200


@pytest.mark.django_db
def test_another_server_counts_along() -> None:
    for _ in range(4):
        guess()
    # What this one remembers.
    failures.exhausted.clear()

    with pytest.raises(TooManyFailures):
        failures.count(address="192.0.2.9", key_id=WRONG[4:16])


@pytest.mark.django_db
def test_once_the_limit_is_reached_nothing_more_is_written() -> None:
    for _ in range(4):
        guess()
    before = KeyFailure.objects.get().tries

    guess()

    assert KeyFailure.objects.get().tries == before


@pytest.mark.django_db
def test_a_new_minute_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    for _ in range(4):
        guess()
    monkeypatch.setattr("django.utils.timezone.now", lambda: now + timedelta(minutes=1))

    assert guess() == 401


@pytest.mark.django_db
def test_junk_is_not_counted() -> None:
    assert [guess(token="cbk_junk") for _ in range(8)] == [401] * 8
    assert not KeyFailure.objects.exists()


@pytest.mark.django_db
def test_old_counts_go(monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now().replace(minute=20, second=1)
    KeyFailure.objects.create(address="192.0.2.1", key_id="x" * 12, minute=now - timedelta(hours=2))
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)

    guess()

    assert not KeyFailure.objects.filter(minute__lt=now - timedelta(hours=1)).exists()
