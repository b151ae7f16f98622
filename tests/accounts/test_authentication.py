import json
import logging

import pytest
from django.test import RequestFactory
from pytest_django import Settings
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import services
from accounts.authentication import HeaderAuthentication
from accounts.models import ServiceAccount
from accounts.services import IssuedKey
from tests.accounts.callers import basic, bearer
from tests.cast import STAGE

CHALLENGE = 'Basic realm="callboard", Bearer realm="callboard"'
STRAY = "cbk_7QmX2fLbA9Zt_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg0QmZWI"


class WhoAmI(APIView):
    """Answers who calls, to any method."""

    authentication_classes = (HeaderAuthentication,)

    def get(self, request: Request) -> Response:
        return Response({"name": request.user.name})  # type: ignore[union-attr]  # the stubs expect Django's user

    post = put = delete = get


class NobodyAsksHere(WhoAmI):
    """A view that never looks at request.user."""

    def get(self, request: Request) -> Response:
        return Response("open")


def ask(
    authorization: str | None = None,
    *,
    method: str = "GET",
    view: type[APIView] = WhoAmI,
    headers: dict[str, str] | None = None,
) -> Response:
    sent = (headers or {}) | ({} if authorization is None else {"authorization": authorization})
    response = view.as_view()(RequestFactory().generic(method, "/", headers=sent))
    assert isinstance(response, Response)
    response.render()
    return response


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_a_key_opens_every_method_as_basic_and_as_bearer(method: str, issued: IssuedKey) -> None:
    for header in [bearer(issued.token), basic(issued.key.id12, issued.token)]:
        response = ask(header, method=method)

        assert (response.status_code, response.data) == (200, {"name": "orders-producer"})


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_without_credentials_every_method_is_challenged(method: str, db: None) -> None:
    response = ask(method=method)

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == CHALLENGE


def test_a_view_that_does_not_ask_who_calls_is_closed_too(db: None) -> None:
    assert ask(view=NobodyAsksHere).status_code == 401


@pytest.mark.parametrize("header", [{"x-requested-with": "XMLHttpRequest"}, {"hx-request": "true"}])
def test_a_script_gets_no_challenge_that_opens_a_window(header: dict[str, str], db: None) -> None:
    response = ask(headers=header)

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="callboard"'


def test_every_refusal_is_the_same_answer(account: ServiceAccount, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "accounts")
    revoked = services.issue_key(actor=STAGE, account=account, label="revoked")
    services.revoke_key(actor=STAGE, key=revoked.key)
    elsewhere = services.issue_key(actor=STAGE, account=account, label="elsewhere", cidrs=["10.0.0.0/8"])
    headers = ["junk", "", bearer(STRAY), basic("x", STRAY), bearer(revoked.token), bearer(elsewhere.token)]
    answers = [ask(header) for header in headers]
    services.disable_service_account(actor=STAGE, account=account)
    answers += [ask(), ask(bearer(elsewhere.token))]

    assert {(a.status_code, a.content, json.dumps(dict(a.headers))) for a in answers} == {
        (401, b'{"error_code":401,"message":"Unauthorized"}', json.dumps(dict(answers[0].headers)))
    }
    reasons = [record.getMessage().split(",")[0].removeprefix("not authenticated: ") for record in caplog.records]
    assert reasons == ["malformed", "malformed", "unknown key", "malformed", "revoked", "address"] + [
        "no credentials",
        "disabled",
    ]
    assert "cbk_" not in caplog.text


def test_a_session_cookie_opens_nothing_and_disturbs_nothing(issued: IssuedKey) -> None:
    cookie = {"cookie": "sessionid=0123456789abcdef; csrftoken=x"}

    assert ask(headers=cookie).status_code == 401
    assert ask(bearer(issued.token), method="POST", headers=cookie).status_code == 200


def test_the_headers_of_hosted_registries_are_no_identity(issued: IssuedKey) -> None:
    hosted = {"target-sr-cluster": "lsrc-1", "confluent-identity-pool-id": "pool-1"}

    assert ask(headers=hosted).status_code == 401
    assert ask(bearer(issued.token), headers=hosted).data == {"name": "orders-producer"}


def test_the_address_is_that_of_the_connection_and_no_header(account: ServiceAccount) -> None:
    issued = services.issue_key(actor=STAGE, account=account, label="ci", cidrs=["10.0.0.0/8"])
    claimed = {"x-forwarded-for": "10.1.2.3", "x-real-ip": "10.1.2.3", "forwarded": "for=10.1.2.3"}

    response = ask(bearer(issued.token), headers=claimed)

    assert response.status_code == 401


def test_strangers_are_let_in_by_the_setting(db: None, settings: Settings) -> None:
    services.make_anonymous_account(actor=STAGE, group_name="default")
    settings.CALLBOARD = settings.CALLBOARD | {"ANONYMOUS": "read"}

    assert ask().data == {"name": "anonymous"}
    assert ask("junk").status_code == 401


def test_a_callers_request_has_no_token(issued: IssuedKey) -> None:
    request = Request(RequestFactory().get("/", headers={"authorization": bearer(issued.token)}))

    principal, auth = HeaderAuthentication().authenticate(request)

    assert (principal.name, auth) == ("orders-producer", None)
