import pytest
from django.core import checks as system_checks
from django.core.checks import ERROR
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from pytest_django import Settings

from audit import triggers
from config import checks
from tests import environment
from tests.servers import Home


def found(*databases: str) -> set[str | None]:
    """Our own messages; libraries have theirs."""
    ids = {message.id for message in system_checks.run_checks(databases=databases)}
    return {id for id in ids if id and id.startswith("callboard.")}


@pytest.mark.django_db
def test_the_settings_of_the_tests_pass_every_check(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["registry.example"]

    assert found("default") == set()
    assert checks.audit_guards() == []


def test_production_that_answers_to_any_host_is_warned_about(settings: Settings) -> None:
    settings.PRODUCTION = True
    settings.ALLOWED_HOSTS = ["*"]

    assert "callboard.W001" in found()


def test_production_that_names_its_hosts_is_fine(settings: Settings) -> None:
    settings.PRODUCTION = True
    settings.ALLOWED_HOSTS = ["registry.example"]

    assert "callboard.W001" not in found()


def with_provider(settings: Settings) -> None:
    settings.CALLBOARD = {**settings.CALLBOARD, "OIDC_ISSUER": "https://idp.example"}
    settings.OIDC_RP_CLIENT_ID = settings.OIDC_RP_CLIENT_SECRET = "portal"
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.ALLOWED_HOSTS = ["registry.example"]


def test_a_provider_with_the_settings_as_shipped_passes_every_check(settings: Settings) -> None:
    with_provider(settings)

    assert found() == set()
    call_command("check")


@pytest.mark.parametrize(
    ("bad", "id"),
    [
        ({"OIDC_RP_CLIENT_ID": ""}, "E011"),
        ({"OIDC_RP_CLIENT_SECRET": ""}, "E011"),
        ({"OIDC_RP_SIGN_ALGO": "HS256"}, "E013"),
        ({"OIDC_RP_SIGN_ALGO": "PS256"}, "E013"),
        ({"OIDC_RP_SIGN_ALGO": "EdDSA"}, "E013"),
        ({"OIDC_RP_SIGN_ALGO": "none"}, "E013"),
        ({"OIDC_USE_PKCE": False}, "E014"),
        ({"OIDC_PKCE_CODE_CHALLENGE_METHOD": "plain"}, "E014"),
        ({"OIDC_VERIFY_SSL": False}, "E015"),
        ({"OIDC_VERIFY_JWT": False}, "E016"),
        ({"OIDC_VERIFY_KID": False}, "E016"),
        ({"OIDC_USE_NONCE": False}, "E016"),
        ({"OIDC_ALLOW_UNSECURED_JWT": True}, "E016"),
        ({"SESSION_ENGINE": "django.contrib.sessions.backends.signed_cookies"}, "E017"),
        ({"SESSION_ENGINE": "django.contrib.sessions.backends.cache"}, "E017"),
        ({"SESSION_COOKIE_SAMESITE": "Strict"}, "E018"),
        ({"SESSION_COOKIE_SAMESITE": "None"}, "E018"),
        ({"OIDC_EXEMPT_URLS": []}, "E019"),
        ({"LOGIN_REDIRECT_URL_FAILURE": "/"}, "E019"),
        ({"OIDC_TIMEOUT": None}, "E020"),
        ({"ALLOW_LOGOUT_GET_METHOD": True}, "E021"),
        ({"AUTHENTICATION_BACKENDS": ["mozilla_django_oidc.auth.OIDCAuthenticationBackend"]}, "E022"),
        ({"PRODUCTION": True, "SESSION_COOKIE_SECURE": False}, "E023"),
        ({"PRODUCTION": True, "CSRF_COOKIE_SECURE": False}, "E023"),
    ],
)
def test_a_bad_setting_for_people_is_an_error(settings: Settings, bad: dict[str, object], id: str) -> None:
    with_provider(settings)
    for name, value in bad.items():
        setattr(settings, name, value)

    with pytest.raises(SystemCheckError, match=f"callboard.{id}"):
        call_command("check")


@pytest.mark.parametrize(
    ("bad", "id"),
    [
        ({"OIDC_ISSUER": None, "OIDC_CLIENT_ID": "portal"}, "E010"),
        ({"OIDC_ISSUER": None, "OIDC_JWKS_ENDPOINT": "https://idp.example/jwks"}, "E010"),
        ({"OIDC_ISSUER": "http://idp.example"}, "E012"),
        ({"OIDC_ISSUER": "http://127.0.0.1.example"}, "E012"),
        ({"OIDC_TOKEN_ENDPOINT": "http://idp.example/token"}, "E012"),
    ],
)
def test_a_bad_address_of_the_provider_is_an_error(settings: Settings, bad: dict[str, object], id: str) -> None:
    with_provider(settings)
    settings.CALLBOARD = {**settings.CALLBOARD, **bad}

    with pytest.raises(SystemCheckError, match=f"callboard.{id}"):
        call_command("check")


@pytest.mark.parametrize(("is_production", "expected"), [(False, set()), (True, {"callboard.E012"})])
def test_a_provider_on_this_machine_may_do_without_tls_outside_production(
    settings: Settings, is_production: bool, expected: set[str]
) -> None:
    with_provider(settings)
    settings.CALLBOARD = {**settings.CALLBOARD, "OIDC_ISSUER": "http://127.0.0.1:9000"}
    settings.PRODUCTION = is_production

    assert found() == expected


def test_without_a_provider_its_settings_are_nobodys_business(settings: Settings) -> None:
    settings.OIDC_USE_PKCE = False
    settings.ALLOWED_HOSTS = ["registry.example"]

    assert found() == set()


def test_errors_of_these_checks_are_of_the_level_that_stops_a_start(settings: Settings) -> None:
    with_provider(settings)
    settings.OIDC_USE_PKCE = False

    (error,) = checks.people_sign_in_safely(app_configs=None)

    assert error.level == ERROR and error.is_serious()


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_sqlite_that_may_lose_acknowledged_ids_is_refused() -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous = NORMAL")

    refused = found("default")

    connection.close()
    assert "callboard.E002" in refused


@pytest.mark.django_db(transaction=True)
def test_a_database_without_its_audit_triggers_is_refused() -> None:
    triggers.remove(connection)

    refused = checks.audit_guards()

    triggers.install(connection)
    assert [message.id for message in refused] == ["callboard.E003"]


@pytest.mark.parametrize(
    ("bad", "own", "id"),
    [
        ({"PRODUCTION": True}, {"ANONYMOUS": "write"}, "E030"),
        ({}, {"JWT_ISSUERS": ("https://idp.example", "http://idp.example")}, "E031"),
        ({"PRODUCTION": True}, {"JWT_ISSUERS": ("http://127.0.0.1",)}, "E031"),
        ({"OIDC_RP_CLIENT_ID": "portal"}, {"JWT_AUDIENCE": "portal", "JWT_REQUIRE_AT_TYP": False}, "E032"),
        ({"KEY_PEPPER_OLD": "x" * 32}, {"KEY_PEPPER_VERSION": 1}, "E033"),
        ({"KEY_PEPPER_OLD": "x" * 32, "KEY_PEPPER": "x" * 32}, {"KEY_PEPPER_VERSION": 2}, "E033"),
    ],
)
def test_a_bad_setting_for_robots_is_an_error(
    settings: Settings, bad: dict[str, object], own: dict[str, object], id: str
) -> None:
    settings.CALLBOARD = {**settings.CALLBOARD, **own}
    for name, value in bad.items():
        setattr(settings, name, value)

    with pytest.raises(SystemCheckError, match=f"callboard.{id}"):
        call_command("check")


def test_strangers_who_read_in_production_are_warned_about(settings: Settings) -> None:
    settings.PRODUCTION, settings.ALLOWED_HOSTS = True, ["registry.example"]
    settings.CALLBOARD = {**settings.CALLBOARD, "ANONYMOUS": "read"}

    assert found() == {"callboard.W030"}


def test_the_settings_of_production_pass_djangos_checks_for_deployment(home: Home) -> None:
    done = home.run(
        "manage.py",
        "check",
        "--deploy",
        "--fail-level",
        "WARNING",
        **(environment.SECRETS | {"CALLBOARD_SECRET_KEY": "".join(map(chr, range(48, 122)))}),
        CALLBOARD_PRODUCTION="on",
        CALLBOARD_BASE_URL="https://registry.example",
        CALLBOARD_ALLOWED_HOSTS="registry.example",
    )

    assert (done.returncode, done.stderr) == (0, "")
