"""Keys through /api/v1/: rotated by people and by themselves, limited, and short ones for people."""

import contextlib
import http.client
import json
from typing import Any

import pytest
from django.test import Client

from accounts import services, tokens
from accounts.models import ApiKey
from audit.models import AuditEvent
from tests.accounts.test_own_api import send
from tests.cast import STAGE, Api, Member, join, last_event, sign_in
from tests.servers import Server


@pytest.fixture
def maria(owner: Member) -> Client:
    return sign_in("maria", owner.group.name).client


def opens(api: Api, token: str) -> bool:
    return bool(api.get("/subjects", headers={"Authorization": f"Bearer {token}"}).status_code == 200)


def rotate(api: Api, member: Member, id12: str = "", **body: Any) -> Any:
    """By the key itself."""
    path = f"/api/v1/keys/{id12 or member.token[4:16]}/rotate"
    headers = {"Authorization": member.bearer}
    return api.client.post(path, json.dumps(body), content_type="application/json", headers=headers)


def test_a_person_rotates_a_key_and_sees_the_new_secret_once(maria: Client, owner: Member, api: Api) -> None:
    answer = send(maria, "POST", f"keys/{owner.token[4:16]}/rotate", {"overlap_hours": 48})

    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    token = answer.json()["key"]
    assert opens(api, owner.token) and opens(api, token)
    assert [secret["n"] for secret in answer.json()["secrets"]] == [2, 1]
    assert token not in send(maria, "GET", "keys").content.decode()


def test_the_list_says_when_and_from_where_each_secret_was_used(maria: Client, owner: Member, api: Api) -> None:
    assert opens(api, owner.token)

    (row,) = [row for row in send(maria, "GET", "keys").json()["items"] if row["id"] == owner.token[4:16]]

    (secret,) = row["secrets"]
    assert secret["last_used_at"] and secret["last_used_from"] == "127.0.0.1"


def test_a_key_rotates_itself(owner: Member, api: Api) -> None:
    answer = rotate(api, owner, days=7)

    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    assert opens(api, answer.json()["key"])
    event = last_event()
    assert (event["action"], event["cred"]) == ("key.rotated", owner.token[4:16])


@pytest.mark.parametrize("widening", [{"scopes": list(services.SCOPES)}, {"prefixes": []}, {"cidrs": []}])
def test_a_key_can_not_widen_itself(widening: dict[str, Any], owner: Member, api: Api) -> None:
    assert rotate(api, owner, **widening).status_code == 422
    patched = api.client.patch(
        f"/api/v1/keys/{owner.token[4:16]}",
        json.dumps(widening),
        content_type="application/json",
        headers={"Authorization": owner.bearer},
    )

    assert patched.status_code == 403
    assert ApiKey.objects.get().secrets.count() == 1


def test_a_key_rotates_no_other(owner: Member, teammate: Member, api: Api) -> None:
    assert rotate(api, owner, teammate.token[4:16]).status_code == 403


def test_a_third_secret_is_409(owner: Member, api: Api) -> None:
    assert rotate(api, owner).status_code == 201

    assert rotate(api, owner).status_code == 409


def test_an_outsider_finds_no_key_to_rotate_or_change(outsider: Member, owner: Member) -> None:
    sam = sign_in("sam", outsider.group.name).client
    before = AuditEvent.objects.count()

    assert send(sam, "POST", f"keys/{owner.token[4:16]}/rotate", {}).status_code == 404
    assert send(sam, "PATCH", f"keys/{owner.token[4:16]}", {"scopes": ["subjects:read"]}).status_code == 404
    assert AuditEvent.objects.count() == before


def test_a_person_limits_a_key(maria: Client, owner: Member, api: Api) -> None:
    answer = send(maria, "PATCH", f"keys/{owner.token[4:16]}", {"prefixes": ["orders-"]})

    assert (answer.status_code, answer.json()["prefixes"]) == (200, ["orders-"])
    assert answer.json()["scopes"] == list(services.DEFAULT_SCOPES)
    headers = {"Authorization": owner.bearer}
    refused = api.post("/subjects/payments/versions", {"schema": '"int"'}, headers=headers)
    assert refused.status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "keys", {"service_account": "owner", "label": "x"}),
        ("POST", "keys/ID/rotate", {}),
        ("PATCH", "keys/ID", {"scopes": ["subjects:read"]}),
        ("POST", "me/keys", {"label": "laptop"}),
    ],
)
def test_a_sign_in_of_long_ago_makes_no_key(
    method: str, path: str, body: dict[str, Any], maria: Client, owner: Member
) -> None:
    session = maria.session
    session["proved_at"] -= 15 * 60 + 1
    session.save()

    answer = send(maria, method, path.replace("ID", owner.token[4:16]), body)

    assert answer.status_code == 403
    assert "sign out and in again" in answer.json()["message"]
    assert ApiKey.objects.get().secrets.count() == 1


class TestShortKeys:
    @pytest.fixture
    def key(self, maria: Client) -> str:
        answer = send(maria, "POST", "me/keys", {"label": "laptop", "minutes": 30})
        assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
        assert answer.json()["service_account"] is None
        return str(answer.json()["key"])

    def test_it_works_like_the_person(self, key: str, api: Api) -> None:
        headers = {"Authorization": f"Bearer {key}"}

        me = api.get("/api/v1/me", headers=headers).json()
        registered = api.post("/subjects/mine/versions", {"schema": '"int"'}, headers=headers)

        assert (me["kind"], me["name"], me["groups"]) == ("person", "maria", ["owners"])
        assert registered.status_code == 200
        assert last_event()["actor"]["ref"] == me["ref"]

    @pytest.mark.parametrize("path", ["groups", "keys", "service-accounts", "me/keys", "scopes", "audit/exports"])
    def test_what_is_for_people_at_a_page_is_not_for_their_keys(self, path: str, key: str, api: Api) -> None:
        for method in "GET", "POST":
            answer = api.send(
                method,
                f"/api/v1/{path}",
                "{}",
                headers={"Authorization": f"Bearer {key}"},
                content_type="application/json",
            )
            assert answer.status_code in {403, 405}

    def test_it_is_listed_to_its_person_alone_who_may_revoke_it(
        self, key: str, maria: Client, outsider: Member, api: Api
    ) -> None:
        def labels(client: Client) -> set[str]:
            return {row["label"] for row in send(client, "GET", "keys").json()["items"]}

        sam = sign_in("sam", outsider.group.name).client
        assert "laptop" in labels(maria) and "laptop" not in labels(sam)
        assert send(sam, "DELETE", f"keys/{key[4:16]}").status_code == 404
        assert send(maria, "DELETE", f"keys/{key[4:16]}").status_code == 204
        assert not opens(api, key)


def two_headers(server: Server, first: str, second: str) -> tuple[int, bytes]:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)) as connection:
        connection.putrequest("GET", "/subjects")
        connection.putheader("Authorization", first)
        connection.putheader("Authorization", second)
        connection.endheaders()
        response = connection.getresponse()
        return response.status, response.read()


def test_two_authorization_headers_are_401_as_any_other_refusal(server: Server) -> None:
    good = f"Bearer {server.key}"
    plain = server.call("GET", "/subjects", key=tokens.generate().text)

    for first, second in (good, good), (good, "Bearer x"), ("Bearer x", good):
        assert two_headers(server, first, second) == (401, plain.body)
    assert server.call("GET", "/subjects", key=f"{server.key}, {good}").body == plain.body


def test_every_refused_key_gets_the_same_bytes(db: None, api: Api) -> None:
    members = {name: join(name, "owners") for name in ("revoked", "disabled", "elsewhere", "wrong")}
    services.revoke_key(actor=STAGE, key=ApiKey.objects.get(label="revoked"))
    services.disable_service_account(actor=STAGE, account=members["disabled"].account)
    elsewhere = services.issue_key(actor=STAGE, account=members["elsewhere"].account, label="x", cidrs=["10.0.0.0/8"])
    given = [
        members["revoked"].token,
        members["disabled"].token,
        elsewhere.token,
        tokens.generate(members["wrong"].token[4:16]).text,
        tokens.generate().text,
        "cbk_junk",
        "a.b.c",
        f"{members['wrong'].token},Bearer x",
    ]

    answers = [api.get("/subjects", headers={"Authorization": f"Bearer {token}"}) for token in given]

    assert {(answer.status_code, answer.content) for answer in answers} == {
        (401, b'{"error_code":401,"message":"Unauthorized"}')
    }
