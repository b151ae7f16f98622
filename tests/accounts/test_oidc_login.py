"""Signing in: who somebody is, what they bring along, and every way in which it can fail."""

import hashlib
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from accounts import membership, services
from accounts.models import ExternalIdentity, User
from accounts.oidc import Backend
from audit.models import AuditEvent
from tests.accounts.openid import Browser, Provider, Stub
from tests.cast import STAGE, Api

Person = Callable[..., Browser]


def events(action: str) -> list[Any]:
    rows = AuditEvent.objects.filter(action=action).order_by("seq")
    return [json.loads(row.payload) for row in rows]


def flags(browser: Browser) -> tuple[bool, bool]:
    user = User.objects.get(identities__subject=browser.who)
    return user.is_staff, user.is_superuser


def assert_failed(browser: Browser, response: Any) -> None:
    assert response.status_code == 403
    assert browser.page == "/login-failed"
    assert "That sign-in did not work" in response.content.decode()
    assert not browser.is_signed_in()


def test_a_login_is_begun_with_state_nonce_and_pkce(person: Person) -> None:
    response = person().get("/oidc/authenticate/")

    query = dict(parse_qsl(urlsplit(response["Location"]).query))
    assert query["code_challenge_method"] == "S256"
    assert len(query["code_challenge"]) == 43
    assert (len(query["state"]), len(query["nonce"])) == (32, 32)
    assert query["scope"] == "openid email profile groups"
    assert "client_secret" not in query


def test_a_login_ends_on_the_page_that_was_wanted(person: Person) -> None:
    browser = person(name="Paula Page")

    page = browser.sign_in("/ui/health")

    assert (page.status_code, browser.page) == (200, "/ui/health")
    assert "Paula Page" in page.content.decode()


def test_groups_of_the_provider_become_groups_here_and_flags_follow(person: Person) -> None:
    for groups, expected in [
        (["registry-admins", "team-orders"], (True, True)),
        (["compliance"], (True, False)),
        (["team-payments"], (False, False)),
        ([], (False, False)),
    ]:
        browser = person(groups=groups)
        browser.sign_in()

        assert browser.me()["groups"] == sorted(f"idp:{name}" for name in groups)
        assert flags(browser) == expected


def test_flags_and_groups_vanish_at_the_next_login(person: Person, provider: Provider) -> None:
    browser = person(groups=["registry-admins", "team-orders"])
    browser.sign_in()
    provider.change(browser.who, groups=["team-orders"])

    Browser(browser.who).sign_in()

    assert flags(browser) == (False, False)
    assert browser.me()["groups"] == ["idp:team-orders"]
    assert browser.get("/admin/").status_code == 302
    changes = [(event["detail"]["added"], event["detail"]["removed"]) for event in events("membership.synced")]
    assert changes == [(["idp:registry-admins", "idp:team-orders"], []), ([], ["idp:registry-admins"])]


def test_a_second_login_without_a_change_leaves_only_the_login(person: Person) -> None:
    browser = person(groups=["team-orders"])
    browser.sign_in()
    Browser(browser.who).sign_in()

    counts = [len(events(action)) for action in ("auth.login", "membership.synced", "user.created")]
    assert counts == [2, 1, 1]


def test_an_unverified_address_leads_into_an_account_of_ones_own_and_is_not_kept(person: Person) -> None:
    alice = person(email="alice@corp.test", email_verified=True, groups=["registry-admins"])
    mallory = person(email="Alice@Corp.test", email_verified=False)
    alice.sign_in()
    mallory.sign_in()

    assert alice.me()["ref"] != mallory.me()["ref"]
    assert flags(mallory) == (False, False)
    emails = [User.objects.get(identities__subject=each.who).email for each in (alice, mallory)]
    assert emails == ["alice@corp.test", ""]


def test_somebody_without_an_address_signs_in(person: Person) -> None:
    browser = person()

    assert browser.sign_in().status_code == 200
    assert User.objects.get(identities__subject=browser.who).email == ""


def test_two_people_with_one_address_both_sign_in(person: Person) -> None:
    twins = [person(email="twin@corp.test", email_verified=True) for _ in range(2)]

    assert [twin.sign_in().status_code for twin in twins] == [200, 200]
    assert User.objects.filter(email="twin@corp.test").count() == 2


def test_a_user_is_named_after_issuer_and_subject(person: Person, provider: Provider) -> None:
    browser = person(email="long@corp.test", email_verified=True)
    browser.sign_in()

    user = User.objects.get(identities__subject=browser.who)
    digest = hashlib.sha256(f"{provider.issuer}\n{browser.who}".encode()).hexdigest()[:32]
    assert user.username == f"oidc-{digest}"
    assert not user.has_usable_password()
    assert ExternalIdentity.objects.get(user=user).issuer == provider.issuer


@pytest.mark.parametrize("seconds", [30, -30, 55, -290])
def test_a_clock_that_is_a_little_off_does_not_matter(person: Person, provider: Provider, seconds: int) -> None:
    provider.skew(seconds)

    assert person().sign_in().status_code == 200


@pytest.mark.parametrize("seconds", [90, -400])
def test_a_clock_that_is_far_off_ends_on_the_failure_page(person: Person, provider: Provider, seconds: int) -> None:
    provider.skew(seconds)
    browser = person()

    assert_failed(browser, browser.sign_in())


@pytest.mark.parametrize("path", ["rotate", "rotate?drop=1"])
def test_a_login_after_a_rotation_of_keys_works(person: Person, provider: Provider, path: str) -> None:
    browser = person()
    browser.sign_in()
    provider.control(path)

    assert Browser(browser.who).sign_in().status_code == 200


def test_a_key_that_was_dropped_in_an_emergency_signs_nothing_any_more(provider: Provider) -> None:
    claims = {"iss": provider.issuer, "aud": "portal", "sub": "x", "iat": 0, "exp": 2**33, "nonce": "n"}
    token = provider.sign(claims, typ="JWT")
    assert Backend().verify_token(token, nonce="n")["sub"] == "x"
    provider.control("rotate?drop=1")

    with pytest.raises(Exception, match="JWKS"):
        Backend().verify_token(token, nonce="n")


def test_a_forged_state_ends_on_the_failure_page(person: Person) -> None:
    browser = person()
    url = browser.go("/oidc/authenticate/", stop_at="/oidc/callback/")

    assert_failed(browser, browser.callback(url, state="forged"))


def test_a_bogus_code_ends_on_the_failure_page(person: Person) -> None:
    browser = person()
    url = browser.go("/oidc/authenticate/", stop_at="/oidc/callback/")

    assert_failed(browser, browser.callback(url, code="bogus"))


def test_a_code_and_its_state_work_once(person: Person) -> None:
    browser = person()
    url = browser.go("/oidc/authenticate/", stop_at="/oidc/callback/")
    assert browser.go(url).status_code == 200

    replayed = browser.go(url)

    assert (replayed.status_code, browser.page) == (403, "/login-failed")
    assert browser.is_signed_in()


def test_a_code_is_of_no_use_in_another_browser(person: Person) -> None:
    thief = person()
    url = person().go("/oidc/authenticate/", stop_at="/oidc/callback/")
    thief.go("/oidc/authenticate/", stop_at="/oidc/callback/")

    assert_failed(thief, thief.go(url))


def test_an_answer_of_another_issuer_ends_on_the_failure_page(person: Person) -> None:
    browser = person()
    url = browser.go("/oidc/authenticate/", stop_at="/oidc/callback/")

    assert_failed(browser, browser.callback(url, iss="https://other.example"))


def test_a_provider_that_is_down_at_the_start_ends_on_the_failure_page(
    person: Person, configure: Callable[..., None]
) -> None:
    browser = person()
    configure(OIDC_ISSUER="http://127.0.0.1:1")

    response = browser.sign_in()

    assert_failed(browser, response)
    assert "be reached" in response.content.decode()


def test_a_provider_that_goes_down_on_the_way_ends_on_the_failure_page(
    person: Person, configure: Callable[..., None]
) -> None:
    browser = person()
    url = browser.go("/oidc/authenticate/", stop_at="/oidc/callback/")
    configure(OIDC_TOKEN_ENDPOINT="http://127.0.0.1:1/token")

    assert_failed(browser, browser.go(url))


def test_a_token_of_another_algorithm_than_ours_is_refused(person: Person, settings: Any) -> None:
    settings.OIDC_RP_CLIENT_ID = "portal-es256"
    browser = person()

    assert_failed(browser, browser.sign_in())


def test_es256_is_taken_where_it_is_what_was_agreed(person: Person, settings: Any) -> None:
    settings.OIDC_RP_CLIENT_ID = "portal-es256"
    settings.OIDC_RP_SIGN_ALGO = "ES256"

    assert person().sign_in().status_code == 200


def test_what_a_token_endpoint_says_of_an_error_is_not_logged(
    person: Person, configure: Callable[..., None], stub: Stub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    browser = person()
    url = browser.go("/oidc/authenticate/", stop_at="/oidc/callback/")
    stub.answer("the code of eyJhbGciOiJSUzI1NiJ9.e30.c2ln was used before", status=400)
    configure(OIDC_TOKEN_ENDPOINT=stub.url)

    response = browser.go(url)

    assert_failed(browser, response)
    assert "login failed: HTTPError" in caplog.text
    assert "eyJ" not in caplog.text and "used before" not in caplog.text
    assert "Traceback" not in caplog.text and "Traceback" not in response.content.decode()


def test_no_token_stands_in_the_log_of_a_login(person: Person, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    browser = person(groups=["team-orders"])

    browser.sign_in()

    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("urllib3")]
    for secret in ("eyJ", "portal-secret", browser.session.session_key, "code="):
        assert not any(secret in message for message in ours)
    assert "eyJ" not in caplog.text


def test_more_than_two_hundred_groups_are_refused_with_a_page_that_says_what_to_do(person: Person) -> None:
    browser = person(groups=[f"g{number}" for number in range(201)])

    response = browser.sign_in()

    assert_failed(browser, response)
    assert "Configure a filter of groups" in response.content.decode()
    assert not User.objects.filter(identities__subject=browser.who).exists()


def test_two_hundred_groups_are_taken(person: Person) -> None:
    browser = person(groups=[f"g{number}" for number in range(200)])

    assert browser.sign_in().status_code == 200
    assert len(browser.me()["groups"]) == 200


def test_groups_are_counted_behind_the_filter(person: Person, configure: Callable[..., None]) -> None:
    configure(OIDC_GROUP_PREFIXES=("team-",))
    browser = person(groups=["team-orders", "Team-x", *(f"g{number}" for number in range(300))])

    assert browser.sign_in().status_code == 200
    assert browser.me()["groups"] == ["idp:team-orders"]


def test_a_group_with_a_name_of_140_characters_is_taken_and_a_longer_one_refused(person: Person) -> None:
    fits, long = person(groups=["g" * 140]), person(groups=["g" * 141, "team-orders"])

    assert fits.sign_in().status_code == 200
    assert_failed(long, long.sign_in())


@pytest.mark.parametrize("claim", ["team-orders", {"team-orders": True}, ["team-orders", 7], None])
def test_a_claim_that_is_no_list_of_texts_means_no_groups(person: Person, provider: Provider, claim: object) -> None:
    browser = person(groups=["team-orders", "registry-admins"])
    browser.sign_in()
    provider.change(browser.who, groups=claim)

    Browser(browser.who).sign_in()

    assert browser.me()["groups"] == []
    assert flags(browser) == (False, False)


def test_groups_given_here_survive_a_login(person: Person, provider: Provider) -> None:
    browser = person(groups=["team-orders"])
    browser.sign_in()
    local = services.create_group(actor=STAGE, name="local")
    membership.set_members(actor=STAGE, group=local, people=User.objects.filter(identities__subject=browser.who))
    provider.change(browser.who, groups=[])

    Browser(browser.who).sign_in()

    assert browser.me()["groups"] == ["local"]


def test_a_group_of_the_provider_owns_what_its_keys_register(person: Person, api: Api) -> None:
    browser = person(groups=["team-payments"])
    browser.sign_in()
    account = {"name": "payer", "owner_group": "idp:team-payments"}
    browser.client.post("/api/v1/service-accounts", account, "application/json")
    wanted = {"service_account": "payer", "label": "ci"}
    key = browser.client.post("/api/v1/keys", wanted, "application/json").json()["key"]

    bearer = {"Authorization": f"Bearer {key}"}
    assert api.post("/subjects/payments/versions", {"schema": '"int"'}, headers=bearer).status_code == 200

    assert b"name=payments" in browser.get("/ui/?show=mine").content


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.test/",
        "//evil.test",
        "/\\evil.test",
        "https:evil.test",
        "javascript:alert(1)",
        "/%09/evil.test",
        "http://testserver@evil.test/",
        "\thttps://evil.test",
    ],
)
def test_nobody_is_led_elsewhere_after_a_login(person: Person, address: str) -> None:
    browser = person()

    browser.sign_in(address)

    assert urlsplit(browser.hops[-1]).netloc == "testserver"
    assert "evil.test" not in urlsplit(browser.hops[-1]).netloc


def test_the_session_of_before_the_login_is_not_the_one_of_after(person: Person) -> None:
    browser = person()
    browser.get("/oidc/authenticate/")
    before = browser.session.session_key

    browser.sign_in()

    assert browser.session.session_key != before
    assert browser.get("/ui/").status_code == 200
