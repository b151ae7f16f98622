"""Robots with a JWT of their provider: which are taken, and the many that are not."""

import logging
import time
from collections.abc import Callable
from typing import Any

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.management import call_command
from django.test import Client
from jwt.algorithms import ECAlgorithm
from pytest_django import Settings

from accounts import jwks, people, services, trusts
from accounts.models import JwtTrust, ServiceAccount
from accounts.people import Claims
from tests.accounts.jwts import AUDIENCE, Mint, encode
from tests.accounts.openid import Provider, Stub
from tests.cast import STAGE, last_event

Configure = Callable[..., None]


@pytest.fixture
def mint(provider: Provider, configure: Configure, settings: Settings) -> Mint:
    # The provider of the tests speaks no TLS.
    settings.PRODUCTION = False
    configure(JWT_ISSUERS=(provider.issuer,), JWT_AUDIENCE=AUDIENCE)
    return Mint(provider)


@pytest.fixture
def trust(mint: Mint, account: ServiceAccount) -> JwtTrust:
    scopes = ["subjects:read", "subjects:write"]
    issuer = mint.provider.issuer
    return trusts.trust_client(actor=STAGE, account=account, issuer=issuer, client_id="ci-bot", scopes=scopes)


def ask(token: str, path: str = "/api/v1/me") -> Any:
    return Client().get(path, headers={"authorization": f"Bearer {token}"})


def status(token: str) -> int:
    answer = ask(token, "/subjects")
    assert answer.status_code != 401 or answer.content == b'{"error_code":401,"message":"Unauthorized"}'
    return int(answer.status_code)


def test_a_client_of_the_provider_acts_as_its_service_account(mint: Mint, trust: JwtTrust) -> None:
    me = ask(mint.own("ci-bot", scope="subjects:read subjects:write")).json()

    assert (me["kind"], me["name"], me["groups"]) == ("service", "orders-producer", ["team-orders"])
    assert me["scopes"] == ["subjects:read", "subjects:write"]


def test_what_it_does_is_recorded_under_the_account_and_the_client(mint: Mint, trust: JwtTrust) -> None:
    headers = {"authorization": f"Bearer {mint.own('ci-bot', scope='subjects:read subjects:write')}"}

    answer = Client().post("/subjects/a/versions", {"schema": '"int"'}, "application/json", headers=headers)

    assert answer.status_code == 200
    event = last_event()
    assert (event["actor"]["ref"], event["auth"], event["cred"]) == (trust.service_account.ref, "jwt", "ci-bot")


@pytest.mark.parametrize(
    ("said", "scopes"),
    [
        ("subjects:read audit:read other", ["subjects:read"]),
        (["subjects:write"], ["subjects:write"]),
        ("schemas:read", []),
        (None, ["subjects:read", "subjects:write"]),
    ],
)
def test_scopes_are_those_of_the_token_and_of_the_trust(
    said: Any, scopes: list[str], mint: Mint, trust: JwtTrust
) -> None:
    assert ask(mint.token(scope=said)).json()["scopes"] == scopes


def test_a_client_nobody_trusts_is_403(mint: Mint, trust: JwtTrust) -> None:
    assert status(mint.own("orders-producer", scope="subjects:read")) == 403


@pytest.mark.parametrize("subject", ["alice", "CI-BOT"])
def test_a_token_that_the_client_got_for_somebody_else_is_403(subject: str, mint: Mint, trust: JwtTrust) -> None:
    assert status(mint.token(sub=subject)) == 403


def test_a_client_named_like_a_person_is_not_that_person(mint: Mint, account: ServiceAccount) -> None:
    people.provision(
        claims=Claims(
            issuer=mint.provider.issuer,
            subject="alice",
            name="Alice",
            email="",
            groups=frozenset(),
            is_staff=False,
            is_superuser=False,
        ),
        request_id=None,
    )

    assert status(mint.token(sub="alice", client_id="alice")) == 403


HOSTILE: dict[str, Callable[[Mint], str]] = {
    "alg none": lambda mint: mint.unsigned(),
    "HS256 under the public key": lambda mint: mint.under_the_public_key(),
    "other audience": lambda mint: mint.token(aud="portal"),
    "audiences without us": lambda mint: mint.token(aud=["portal", "other"]),
    "no audience": lambda mint: mint.token(aud=None),
    "other issuer": lambda mint: mint.token(iss="https://other.example"),
    "issuer with a slash": lambda mint: mint.token(iss=mint.provider.issuer + "/"),
    "no issuer": lambda mint: mint.token(iss=None),
    "expired": lambda mint: mint.token(exp=int(time.time()) - 31),
    "no end": lambda mint: mint.token(exp=None),
    "not yet": lambda mint: mint.token(nbf=int(time.time()) + 120),
    "issued in the future": lambda mint: mint.token(iat=int(time.time()) + 120),
    "no iat": lambda mint: mint.token(iat=None),
    "no subject": lambda mint: mint.token(sub=None),
    "ID token": lambda mint: mint.token(header={"typ": "JWT"}, aud="portal", nonce="x"),
    "ID token for us": lambda mint: mint.token(header={"typ": "JWT"}, nonce="x"),
    "typ JWT": lambda mint: mint.token(header={"typ": "JWT"}),
    "typ logout+jwt": lambda mint: mint.token(header={"typ": "logout+jwt"}),
    "typ of another kind": lambda mint: mint.token(header={"typ": 7}),
    "unknown kid": lambda mint: mint.token(header={"kid": "unknown"}),
    "no kid": lambda mint: mint.token(header={"kid": None}),
    "payload changed": lambda mint: changed_payload(mint),
    "signature cut": lambda mint: mint.token()[:-8],
    "no signature": lambda mint: mint.token().rpartition(".")[0] + ".",
    "crit": lambda mint: mint.token(header={"crit": ["exp"]}),
    "b64 false": lambda mint: mint.token(header={"b64": False}),
    "embedded jwk": lambda mint: mint.token(header={"jwk": {"kty": "RSA"}}),
    "jku": lambda mint: mint.token(header={"jku": "http://127.0.0.1:9/keys"}),
    "x5u": lambda mint: mint.token(header={"x5u": "http://127.0.0.1:9/keys"}),
    "zip": lambda mint: mint.token(header={"zip": "DEF"}),
    "end as text": lambda mint: mint.token(exp=str(int(time.time()) + 300)),
    "end in ages": lambda mint: mint.token(exp=10**30),
    "a life of more than a day": lambda mint: mint.token(exp=int(time.time()) + 24 * 3600 + 60),
    "end as truth": lambda mint: mint.token(exp=True),
    "subject a number": lambda mint: mint.token(sub=7),
    "subject empty": lambda mint: mint.token(sub=""),
    "subject too long": lambda mint: mint.token(sub="x" * 256),
    "scopes a number": lambda mint: mint.token(scope=7),
    "junk": lambda mint: "x" * 2000 + "." + "y" * 2000 + "." + "z" * 2000,
    "too large": lambda mint: mint.token(padding="x" * 8192),
    "no object": lambda mint: f"{encode([])}.{encode('x')}.x",
    "deep": lambda mint: f"{encode('[' * 5000)}.{encode('{}')}.x",
    "dots": lambda mint: "..",
}


def changed_payload(mint: Mint) -> str:
    header, _, signature = mint.token().split(".")
    return f"{header}.{encode(mint.claims(sub='orders-producer'))}.{signature}"


@pytest.mark.parametrize("forge", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_token_is_401(
    forge: Callable[[Mint], str], mint: Mint, trust: JwtTrust, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    token = forge(mint)

    assert status(token) == 401

    assert "eyJ" not in caplog.text
    assert status(mint.token()) == 200


@pytest.mark.parametrize("form", ["AT+JWT", "application/at+jwt"])
def test_the_type_may_be_spelled_in_other_ways(form: str, mint: Mint, trust: JwtTrust) -> None:
    assert status(mint.token(header={"typ": form})) == 200


def test_clocks_may_differ_by_half_a_minute(mint: Mint, trust: JwtTrust) -> None:
    assert status(mint.token(exp=int(time.time()) - 20)) == 200


def test_providers_that_do_not_name_the_type_are_taken_when_told_so(
    mint: Mint, trust: JwtTrust, configure: Configure
) -> None:
    configure(JWT_REQUIRE_AT_TYP=False)

    assert status(mint.token(header={"typ": "JWT"})) == 200
    assert status(mint.token(header={"typ": "JWT"}, nonce="x")) == 401
    assert status(mint.token(header={"typ": "logout+jwt"})) == 401


def test_no_issuer_means_no_tokens(mint: Mint, trust: JwtTrust, configure: Configure) -> None:
    configure(JWT_ISSUERS=())

    assert status(mint.token()) == 401


def test_a_disabled_account_is_401(mint: Mint, trust: JwtTrust) -> None:
    services.disable_service_account(actor=STAGE, account=trust.service_account)

    assert status(mint.token()) == 401


def test_a_trust_taken_back_opens_nothing_more(mint: Mint, trust: JwtTrust) -> None:
    token = mint.token()
    assert status(token) == 200

    trusts.distrust_client(actor=STAGE, trust=trust)

    assert status(token) == 403
    assert last_event()["action"] == "jwt_trust.deleted"


def test_a_trust_is_recorded_and_given_once(mint: Mint, trust: JwtTrust, account: ServiceAccount) -> None:
    event = last_event()
    assert (event["action"], event["detail"]["client_id"]) == ("jwt_trust.created", "ci-bot")
    issuer = mint.provider.issuer

    with pytest.raises(trusts.TrustTaken):
        trusts.trust_client(actor=STAGE, account=account, issuer=issuer, client_id="ci-bot", scopes=["subjects:read"])


@pytest.fixture
def fetches(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of the provider, which answers all the same."""
    made: list[str] = []
    get = jwks._get

    def noted(url: str) -> dict[str, Any]:
        made.append(url)
        return get(url)

    monkeypatch.setattr(jwks, "_get", noted)
    return made


class TestKeysOfTheIssuer:
    def test_fifty_invented_keys_cause_one_look(self, mint: Mint, trust: JwtTrust, fetches: list[str]) -> None:
        assert status(mint.token()) == 200
        first = len(fetches)

        assert {status(mint.token(header={"kid": f"junk-{n}"})) for n in range(50)} == {401}

        assert len(fetches) - first <= 1

    def test_a_new_key_counts_within_six_seconds(self, mint: Mint, trust: JwtTrust) -> None:
        assert status(mint.token()) == 200
        mint.provider.control("rotate")
        token, rotated_at = mint.token(), time.monotonic()

        while status(token) != 200:
            assert time.monotonic() - rotated_at < 6
            time.sleep(0.2)

    def test_a_provider_that_is_away_and_was_never_asked_is_503(
        self, mint: Mint, trust: JwtTrust, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        token = mint.token()
        monkeypatch.setattr(jwks, "_get", away)

        for path in "/subjects", "/api/v1/me":
            answer = ask(token, path)
            assert (answer.status_code, answer["Retry-After"]) == (503, "2")

    def test_a_provider_that_is_away_is_not_asked_for_every_token(
        self, mint: Mint, trust: JwtTrust, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tried: list[str] = []

        def noted(url: str) -> dict[str, Any]:
            tried.append(url)
            return away(url)

        monkeypatch.setattr(jwks, "_get", noted)

        assert {status(mint.token()) for _ in range(20)} == {503}

        assert len(tried) == 1

    def test_what_is_kept_of_it_counts_for_a_day(
        self, mint: Mint, trust: JwtTrust, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert status(mint.token()) == 200
        monkeypatch.setattr(jwks, "_get", away)
        (keys,) = jwks._known.values()
        assert keys.jwk_set_cache is not None

        keys.jwk_set_cache.jwk_set_with_timestamp = None
        assert status(mint.token()) == 200

        keys.jwk_set_cache.jwk_set_with_timestamp = None
        monkeypatch.setattr(jwks, "STALE_SECONDS", -1)
        assert status(mint.token()) == 503

    @pytest.mark.django_db(transaction=True, serialized_rollback=True)
    def test_a_flush_makes_every_server_ask_again(self, mint: Mint, trust: JwtTrust, fetches: list[str]) -> None:
        token = mint.token()
        assert status(token) == 200
        mint.provider.control("rotate?drop=1")
        assert status(token) == 200

        call_command("flush_jwks")
        time.sleep(0.6)

        assert status(token) == 401

    @pytest.mark.parametrize(
        "document",
        [{}, [], "junk", {"issuer": "https://other.example", "jwks_uri": "URL"}, {"issuer": "URL"}, {"keys": []}],
    )
    def test_a_document_that_makes_no_sense_is_503(
        self, document: Any, stub: Stub, trust: JwtTrust, mint: Mint, configure: Configure
    ) -> None:
        stub.answer(str(document).replace("'", '"').replace("URL", stub.url))
        configure(JWT_ISSUERS=(stub.url,))

        assert status(mint.token(iss=stub.url)) == 503


def away(url: str) -> dict[str, Any]:
    raise ValueError("away")


def test_es256_is_taken_too(stub: Stub, mint: Mint, account: ServiceAccount, configure: Configure) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    public = {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "e", "alg": "ES256", "use": "sig"}
    stub.answer({"issuer": stub.url, "jwks_uri": stub.url, "keys": [public]})
    configure(JWT_ISSUERS=(stub.url,))
    trusts.trust_client(actor=STAGE, account=account, issuer=stub.url, client_id="ci-bot", scopes=["subjects:read"])

    token = pyjwt.encode(mint.claims(iss=stub.url), key, "ES256", headers={"kid": "e", "typ": "at+jwt"})

    assert status(token) == 200
