"""What the table of routes says of each entry is tried: who is let in, and who is not."""

import pytest
from django.contrib.admin import site
from django.test import Client
from django.urls import reverse

from accounts.services import SCOPES
from config import permissions
from config.permissions import Proof
from tests.cast import Api, Member, join, sign_in
from tests.crawl import examples
from tests.crawl.examples import Ask
from tests.crawl.worlds import Caller, Teams

Where = tuple[str, str]
ASKS: dict[Where, Ask] = {
    **{(ask.route, ask.method): ask for ask in reversed(list(examples.registry(("x",))))},
    **{where: asks[0] for where, asks in examples.OTHERS.items()},
}
# A page that is asked for leads to the one for signing in; so does what a browser sends on.
LED_TO_SIGN_IN, REFUSED, FORBIDDEN = 302, 401, 403


def of(*proofs: Proof) -> list[Where]:
    return sorted(where for where, entry in permissions.TABLE.items() if entry.proof in proofs)


@pytest.fixture
def teams(api: Api) -> Teams:
    return Teams(api)


def status(teams: Teams, caller: Caller, where: Where) -> int:
    return teams.answer(caller, ASKS[where])[0]


def test_nobody_is_let_in_without_proof(teams: Teams) -> None:
    nobody = Caller("nobody")
    asked = of(Proof.HEADER, Proof.EITHER, Proof.SESSION)

    let_in = {where: found for where in asked if (found := status(teams, nobody, where)) not in {REFUSED, 302}}

    assert let_in == {}


def test_a_key_is_nobody_where_people_are_asked_for(teams: Teams) -> None:
    caller = Caller("a", member=join("all", "team-a", scopes=SCOPES))

    let_in = {
        where: found
        for where in of(Proof.SESSION)
        if (found := status(teams, caller, where)) not in {FORBIDDEN, LED_TO_SIGN_IN, 301}
    }

    assert let_in == {}


def test_a_session_is_nobody_where_a_key_is_asked_for(teams: Teams) -> None:
    ada = Caller("ada", person=sign_in("ada", is_superuser=True, is_staff=True))

    let_in = {where: found for where in of(Proof.HEADER) if (found := status(teams, ada, where)) != REFUSED}

    assert let_in == {}


def test_a_key_needs_the_scope_of_the_entry_and_no_other(teams: Teams) -> None:
    scoped = [where for where in of(Proof.HEADER, Proof.EITHER) if permissions.TABLE[where].scope]
    wrong = {
        scope: Caller(scope, member=join(f"lacks-{scope}", "team-a", scopes=[each for each in SCOPES if each != scope]))
        for scope in sorted({str(permissions.TABLE[where].scope) for where in scoped})
    }

    let_in = {
        where: found
        for where in scoped
        if (found := status(teams, wrong[str(permissions.TABLE[where].scope)], where)) != FORBIDDEN
    }

    assert let_in == {}


def test_what_is_open_needs_no_proof(client: Client, db: None) -> None:
    """The ways in: nothing that is stored, and no more than a page or a refusal of what was sent."""
    names = sorted(route for route, method in of(Proof.NONE) if method == "GET")

    found = {name: client.get(reverse(name)).status_code for name in names if name not in {"alive", "ready"}}

    assert found.keys() == {
        "admin_login",
        "login",
        "login_failed",
        "login_link",
        "oidc_authentication_callback",
        "oidc_authentication_init",
        "signed_out",
    }
    assert REFUSED not in found.values()
    assert [client.get(path).status_code for path in ("/healthz", "/readyz")] == [200, 200]


def pages_of_the_admin() -> list[str]:
    """Those that take no argument, and of the others the one of the first object."""
    found = []
    for model in site._registry:
        label = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        found += [reverse(f"{label}_changelist"), reverse(f"{label}_add")]
        found += [reverse(f"{label}_{name}", args=["1"]) for name in ("change", "delete", "history")]
    return [reverse("admin:index"), reverse("admin:autocomplete"), *found]


def test_the_admin_opens_to_staff_with_a_session_and_to_nobody_else(admin: Member) -> None:
    bob, sue = sign_in("bob", "team-b"), sign_in("sue", "team-b", is_staff=True)
    by_key = {"Authorization": admin.bearer}

    for path in pages_of_the_admin():
        for client, headers in ((Client(), {}), (Client(), by_key), (bob.client, {})):
            answer = client.get(path, headers=headers)
            assert answer.status_code == LED_TO_SIGN_IN, path
            assert "/login/" in answer["Location"], path
    # Staff without a right on any model: the first page, and nothing on it.
    assert sue.client.get("/admin/").status_code == 200
    opened = {path: sue.client.get(path).status_code for path in pages_of_the_admin()[1:]}
    assert {path: found for path, found in opened.items() if found not in {302, 403, 404}} == {}
