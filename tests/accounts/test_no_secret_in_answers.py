"""A key is in the answer that made it and in no other, whoever asks."""

import re

import pytest
from django.contrib import admin
from django.urls import reverse

from accounts.models import ApiKey, ApiSecret
from tests.cast import Api, Member, Person, sign_in
from tests.routes import methods, routes

pytestmark = pytest.mark.django_db
READ = sorted(
    {path for pattern, path in routes() if "GET" in methods(pattern.callback) and not re.search(r"[<\\]", path)}
)


@pytest.fixture
def ada(owner: Member) -> Person:
    return sign_in("ada", owner.group.name, is_superuser=True, is_staff=True)


@pytest.fixture
def secrets(ada: Person, owner: Member) -> set[str]:
    """All that would open something, or is kept to check it by: of keys made by page, API and rotation."""
    answers = [
        ada.send("POST", "keys", {"service_account": "owner", "label": "one"}).json()["key"],
        ada.send("POST", "me/keys", {"label": "two"}).json()["key"],
        ada.send("POST", f"keys/{owner.token[4:16]}/rotate", {}).json()["key"],
    ]
    # The secret of a key: its id is no secret.
    tokens = {token.rsplit("_", 1)[-1] for token in [*answers, owner.token]}
    return tokens | {bytes(stored).hex() for stored in ApiSecret.objects.values_list("hmac", flat=True)}


def test_no_page_and_no_answer_shows_one(ada: Person, secrets: set[str], owner: Member, api: Api) -> None:
    keys = [reverse("admin:accounts_apikey_change", args=[key.pk]) for key in ApiKey.objects.all()]
    lists = [reverse(f"admin:{model._meta.label_lower.replace('.', '_')}_changelist") for model in admin.site._registry]
    as_person = [ada.client.get(path).content for path in [*(f"/{path}" for path in READ), *lists, *keys]]
    as_key = [api.get(f"/{path}", as_=owner).content for path in READ]

    said = b"\n".join([*as_person, *as_key]).decode(errors="replace")

    assert len(secrets) >= 7
    assert len(as_person) > 30
    assert [secret for secret in secrets if secret in said] == []
