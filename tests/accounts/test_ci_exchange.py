"""Pipelines exchange the token of their CI service for a short key."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts import jwks, services, trusts
from accounts.models import ApiKey, CiTrust, ServiceAccount
from accounts.services import InvalidValue
from accounts.trusts import Pipeline, Terms
from audit.models import AuditEvent
from tests.accounts.jwts import Mint
from tests.accounts.openid import Provider
from tests.cast import STAGE, Api, last_event

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
TYPE = "urn:ietf:params:oauth:token-type:jwt"
AUDIENCE = "https://callboard.example"
CLAIMS: dict[str, str | list[str]] = {"repository": "org/orders", "ref": ["refs/heads/main", "refs/heads/next"]}
SAID = {"repository": "org/orders", "ref": "refs/heads/main", "sha": "c0ffee", "run_id": "77", "sub": "repo:org/orders"}


@pytest.fixture
def mint(provider: Provider, settings: Settings) -> Mint:
    settings.PRODUCTION = False
    return Mint(provider)


@pytest.fixture
def trust(mint: Mint, account: ServiceAccount) -> CiTrust:
    pipeline = Pipeline(mint.provider.issuer, AUDIENCE, CLAIMS)
    terms = Terms(["subjects:read", "subjects:write"], ["orders"])
    return trusts.trust_pipeline(actor=STAGE, account=account, pipeline=pipeline, terms=terms)


def token(mint: Mint, *, header: dict[str, Any] | None = None, **changed: Any) -> str:
    """As a CI service gives it to a run of a pipeline."""
    own = {"aud": AUDIENCE, "client_id": None, "scope": None, **SAID}
    return mint.token(header={"typ": "JWT", **(header or {})}, **(own | changed))


def send(subject_token: str, **form: str) -> Any:
    sent = {"grant_type": GRANT, "subject_token_type": TYPE, "subject_token": subject_token, **form}
    return Client().post("/api/v1/tokens/exchange", urlencode(sent), "application/x-www-form-urlencoded")


def is_refused(answer: Any) -> bool:
    return bool(
        (answer.status_code, answer.json(), answer["Cache-Control"]) == (400, {"error": "invalid_grant"}, "no-store")
    )


def test_a_pipeline_gets_a_short_key_of_the_account(mint: Mint, trust: CiTrust, api: Api) -> None:
    answer = send(token(mint))

    body = answer.json()
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    assert body["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    assert (body["token_type"], body["scope"]) == ("Bearer", "subjects:read subjects:write")
    assert 890 < body["expires_in"] <= 900
    headers = {"Authorization": f"Bearer {body['access_token']}"}
    assert api.post("/subjects/orders-value/versions", {"schema": '"int"'}, headers=headers).status_code == 200
    assert last_event()["actor"]["ref"] == trust.service_account.ref
    assert api.post("/subjects/payments/versions", {"schema": '"int"'}, headers=headers).status_code == 403


def test_the_event_leads_to_the_run(mint: Mint, trust: CiTrust) -> None:
    answer = send(token(mint))

    event = last_event()
    assert (event["action"], event["auth"], event["cred"]) == ("key.issued", "ci_token", trust.ref)
    run = {name: SAID[name] for name in ("repository", "ref", "sha", "run_id")}
    assert (event["detail"]["trust"], event["detail"]["run"]) == (trust.ref, run)
    assert answer.json()["access_token"] not in str(event)


def test_the_key_can_not_rotate_itself(mint: Mint, trust: CiTrust) -> None:
    key = send(token(mint)).json()["access_token"]

    headers = {"authorization": f"Bearer {key}"}
    answer = Client().post(f"/api/v1/keys/{key[4:16]}/rotate", "{}", "application/json", headers=headers)

    assert answer.status_code == 422


REFUSED: dict[str, Callable[[Mint], str]] = {
    "another repository": lambda mint: token(mint, repository="org/payments"),
    "a repository that begins so": lambda mint: token(mint, repository="org/orders2"),
    "other letters": lambda mint: token(mint, repository="Org/Orders"),
    "no repository": lambda mint: token(mint, repository=None),
    "a list": lambda mint: token(mint, repository=["org/orders"]),
    "another ref": lambda mint: token(mint, ref="refs/heads/feature"),
    "another audience": lambda mint: token(mint, aud="https://other.example"),
    "another issuer": lambda mint: token(mint, iss="https://other.example"),
    "an issuer with a slash": lambda mint: token(mint, iss=mint.provider.issuer + "/"),
    "expired": lambda mint: token(mint, exp=int(time.time()) - 31),
    "no end": lambda mint: token(mint, exp=None),
    "no jti": lambda mint: token(mint, jti=None),
    "no iat": lambda mint: token(mint, iat=None),
    "unknown kid": lambda mint: token(mint, header={"kid": "junk"}),
    "embedded jwk": lambda mint: token(mint, header={"jwk": {}}),
    "crit": lambda mint: token(mint, header={"crit": ["exp"]}),
    "logout token": lambda mint: token(mint, header={"typ": "logout+jwt"}),
    "alg none": lambda mint: mint.unsigned(),
    "HS256 under the public key": lambda mint: mint.under_the_public_key(),
    "signature cut": lambda mint: token(mint)[:-8],
    "junk": lambda mint: "junk",
    "a key": lambda mint: "cbk_x",
}


@pytest.mark.parametrize("forge", REFUSED.values(), ids=REFUSED)
def test_a_token_that_does_not_fit_is_invalid_and_no_more_is_said(
    forge: Callable[[Mint], str], mint: Mint, trust: CiTrust
) -> None:
    assert is_refused(send(forge(mint)))
    assert not ApiKey.objects.filter(user=trust.service_account.user).exists()


def test_a_true_token_of_another_pipeline_is_an_event(mint: Mint, trust: CiTrust) -> None:
    send(token(mint, repository="org/payments"))

    event = last_event()
    assert (event["action"], event["object"]["ref"]) == ("ci_trust.refused", trust.ref)
    assert event["detail"]["run"]["repository"] == "org/payments"


def test_a_token_is_spent_once(mint: Mint, trust: CiTrust) -> None:
    given = token(mint)
    assert send(given).status_code == 200

    assert is_refused(send(given))
    assert send(token(mint)).status_code == 200


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_token_is_spent_once_also_by_four_at_once(mint: Mint, trust: CiTrust) -> None:
    given, start = token(mint), threading.Barrier(4)

    def spend(_: int) -> int:
        start.wait(10)
        try:
            return int(send(given).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(spend, range(4))) == [200, 400, 400, 400]


@pytest.mark.parametrize(
    "form",
    [
        {"grant_type": "client_credentials"},
        {"subject_token_type": "x"},
        {"subject_token": ""},
        {"subject_token": "x" * 8193},
    ],
)
def test_a_request_of_another_kind_is_invalid(form: dict[str, str], db: None) -> None:
    answer = send(**{"subject_token": "x", **form})

    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_request"})


def test_a_disabled_account_gives_no_keys(mint: Mint, trust: CiTrust) -> None:
    services.disable_service_account(actor=STAGE, account=trust.service_account)

    assert is_refused(send(token(mint)))


def test_the_trust_that_says_most_counts(mint: Mint, trust: CiTrust, account: ServiceAccount) -> None:
    narrow = Pipeline(mint.provider.issuer, AUDIENCE, {**CLAIMS, "environment": "production"})
    trusts.trust_pipeline(actor=STAGE, account=account, pipeline=narrow, terms=Terms(["subjects:read"], [], 5))

    assert send(token(mint, environment="production")).json()["scope"] == "subjects:read"
    assert send(token(mint)).json()["scope"] == "subjects:read subjects:write"


def test_an_issuer_that_is_away_is_503(mint: Mint, trust: CiTrust, monkeypatch: pytest.MonkeyPatch) -> None:
    given = token(mint)

    def away(url: str) -> dict[str, Any]:
        raise ValueError

    monkeypatch.setattr(jwks, "_get", away)
    answer = send(given)

    assert (answer.status_code, answer["Retry-After"]) == (503, "2")


def test_trying_many_is_slowed_down(mint: Mint, trust: CiTrust) -> None:
    assert [send("junk").status_code for _ in range(62)][-2:] == [429, 429]
    assert send(token(mint)).status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"ref": "refs/heads/main"},
        {"repository": "org/*"},
        {"repository": []},
        {"repository": [7]},
        {"repository": ""},
        {"repository": "x", "aud": "y"},
    ],
)
def test_a_trust_has_to_bind_a_pipeline_letter_by_letter(claims: Any, account: ServiceAccount) -> None:
    before = AuditEvent.objects.count()

    with pytest.raises(InvalidValue):
        trusts.trust_pipeline(
            actor=STAGE,
            account=account,
            pipeline=Pipeline("https://ci.example", AUDIENCE, claims),
            terms=Terms(["subjects:read"], []),
        )
    assert AuditEvent.objects.count() == before


@pytest.mark.parametrize("minutes", [0, 61])
def test_a_key_of_a_pipeline_lives_an_hour_at_most(minutes: int, account: ServiceAccount) -> None:
    with pytest.raises(InvalidValue):
        trusts.trust_pipeline(
            actor=STAGE,
            account=account,
            pipeline=Pipeline("https://ci.example", AUDIENCE, CLAIMS),
            terms=Terms(["subjects:read"], [], minutes),
        )


def test_in_production_issuers_are_asked_over_https(account: ServiceAccount, settings: Settings) -> None:
    settings.PRODUCTION = True

    with pytest.raises(InvalidValue, match="https"):
        trusts.trust_pipeline(
            actor=STAGE,
            account=account,
            pipeline=Pipeline("http://ci.example", AUDIENCE, CLAIMS),
            terms=Terms(["subjects:read"], []),
        )


def test_the_life_of_a_key_is_that_of_its_trust(mint: Mint, trust: CiTrust) -> None:
    send(token(mint))

    key = ApiKey.objects.get(user=trust.service_account.user)
    assert key.max_expires_at == key.secrets.get().expires_at
    assert (key.max_expires_at - timezone.now()).total_seconds() <= 900
