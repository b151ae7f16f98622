"""What the provider hands over, word by word: ID tokens, keys, and what it says of somebody."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import SuspiciousOperation

from accounts.models import User
from accounts.oidc import Backend
from tests.accounts.openid import Browser, Provider, Stub

Person = Callable[..., Browser]
Configure = Callable[..., None]
NONCE = "n" * 32


def good(provider: Provider, **changed: Any) -> dict[str, Any]:
    """The claims of an ID token that is in order, but for what is changed; None takes a claim away."""
    now = int(time.time())
    claims = {"iss": provider.issuer, "aud": "portal", "sub": "x", "iat": now, "exp": now + 300, "nonce": NONCE}
    return {name: value for name, value in (claims | changed).items() if value is not None}


def test_a_token_that_is_in_order_is_taken(provider: Provider) -> None:
    several = good(provider, aud=["portal", "other-app"], azp="portal")

    for claims in (good(provider), good(provider, aud=["portal"]), good(provider, azp="portal"), several):
        assert Backend().verify_token(provider.sign(claims, typ="JWT"), nonce=NONCE)["sub"] == "x"


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "other-app"},
        {"aud": ["other-app"]},
        {"aud": []},
        {"aud": None},
        {"iss": "https://other.example"},
        {"iss": None},
        {"azp": "other-app"},
        {"aud": ["portal", "other-app"]},
        {"aud": ["portal", "other-app"], "azp": "other-app"},
        {"sub": None},
        {"sub": 7},
        {"exp": None},
        {"exp": 1},
        {"exp": "soon"},
        {"iat": None},
        {"iat": 2**33},
        {"nbf": 2**33},
        {"nonce": "another"},
        {"nonce": None},
    ],
)
def test_a_token_with_a_claim_out_of_order_is_refused(provider: Provider, changed: dict[str, Any]) -> None:
    token = provider.sign(good(provider, **changed), typ="JWT")

    with pytest.raises(SuspiciousOperation):
        Backend().verify_token(token, nonce=NONCE)


@pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "HS256"}, {"alg": "PS256"}, {"alg": "ES256"}])
def test_a_token_that_names_another_algorithm_is_refused(provider: Provider, header: dict[str, str]) -> None:
    token = provider.sign(good(provider), typ="JWT", **header)

    with pytest.raises(SuspiciousOperation):
        Backend().verify_token(token, nonce=NONCE)


def test_a_token_of_which_one_character_was_changed_is_refused(provider: Provider) -> None:
    header, claims, signature = provider.sign(good(provider), typ="JWT").split(".")
    other = "A" if signature[10] != "A" else "B"

    with pytest.raises(SuspiciousOperation):
        Backend().verify_token(f"{header}.{claims}.{signature[:10]}{other}{signature[11:]}", nonce=NONCE)


def test_without_a_nonce_of_ours_no_token_is_taken(provider: Provider) -> None:
    token = provider.sign(good(provider, nonce=None), typ="JWT")

    with pytest.raises(SuspiciousOperation, match="nonce"):
        Backend().verify_token(token, nonce=None)


def refused(browser: Browser) -> bool:
    response = browser.sign_in()
    is_known = User.objects.filter(identities__subject=browser.who).exists()
    return (response.status_code, browser.page, is_known) == (403, "/login-failed", False)


@pytest.mark.parametrize("keys", [[{"kty": "RSA", "n": "AQAB", "e": "AQAB"}], [{}], [7], None, "none"])
def test_keys_that_are_none_end_on_the_failure_page(
    person: Person, configure: Configure, stub: Stub, keys: object
) -> None:
    stub.answer({"keys": keys})
    configure(OIDC_JWKS_ENDPOINT=stub.url)

    assert refused(person())


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ({"sub": "somebody else"}, "application/json"),
        ({"email": "a@corp.test"}, "application/json"),
        ([], "application/json"),
        ("nothing", "application/json"),
        ("<p>hello</p>", "text/html"),
    ],
)
def test_userinfo_that_is_not_of_the_token_ends_on_the_failure_page(
    person: Person, configure: Configure, stub: Stub, body: object, content_type: str
) -> None:
    stub.answer(body, content_type=content_type)
    configure(OIDC_USER_ENDPOINT=stub.url)

    assert refused(person())


def test_userinfo_as_a_signed_token_is_not_taken(person: Person, settings: Any) -> None:
    settings.OIDC_RP_CLIENT_ID = "portal-signed-userinfo"

    assert refused(person())


@pytest.mark.parametrize("answer", [{}, [], {"id_token": 7, "access_token": "x"}, {"id_token": "x.y.z"}, "<p>"])
def test_an_answer_without_tokens_ends_on_the_failure_page(
    person: Person, configure: Configure, stub: Stub, answer: object
) -> None:
    stub.answer(answer)
    configure(OIDC_TOKEN_ENDPOINT=stub.url)

    assert refused(person())


def test_a_provider_that_never_answers_is_not_waited_for(
    person: Person, configure: Configure, settings: Any, silent: str
) -> None:
    assert settings.OIDC_TIMEOUT == (3.05, 5)
    settings.OIDC_TIMEOUT = (0.2, 0.2)
    configure(OIDC_TOKEN_ENDPOINT=silent)
    started = time.monotonic()

    assert refused(person())

    assert time.monotonic() - started < 3


@pytest.mark.parametrize("subject", ["", "s" * 256, 7, None])
def test_a_subject_that_can_be_kept_by_no_one_is_refused(subject: object) -> None:
    assert not Backend().verify_claims({"sub": subject})
    assert Backend().verify_claims({"sub": "s" * 255})
