"""Two teams, and the registry twice over: once with what team A hides, once as if it had never been.

Both have the same number of events and the same ids given out: that something happened may be seen, not what.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import transaction
from django.test import Client

from accounts import services
from accounts.services import SCOPES
from audit import events, transactions
from audit.models import AuditEvent
from config import permissions
from config.permissions import Proof
from registry.models import Context, Schema
from registry.services import grants
from registry.services.grants import Holder
from tests import cast
from tests.cast import MEDIA_TYPE, STAGE, Api, Member, Person, join, join_as_administrator, sign_in
from tests.crawl.examples import TEXT, Ask

TOKEN = "a token that is long enough to be one"
Answer = tuple[int, dict[str, str], bytes]
# A page's own token; and that the feed says when it is not whole, or Backstage would delete what it was not told of.
_ONE_TIME = re.compile(rb'(?<=name="csrfmiddlewaretoken" value=")[^"]+|(?<="scope":")(?:all|partial)')
_DATES = {"Expires"}


@dataclass
class Caller:
    """`member` sends a key, `person` has a session; with neither it is nobody."""

    name: str
    member: Member | None = None
    person: Person | None = None
    proofs: tuple[Proof, ...] = ()

    def may_ask(self, ask: Ask) -> bool:
        """Whether this kind of caller is let in there at all."""
        return permissions.TABLE[ask.route, ask.method].proof in self.proofs

    def send(self, ask: Ask, path: str) -> Any:
        client = self.person.client if self.person else Client()
        headers = {"X-Request-ID": "crawl", "Accept": "*/*"}
        if self.member:
            headers["Authorization"] = self.member.bearer
        if ask.form is not None:
            return client.post(path, ask.form, headers=headers)
        if ask.body is None:
            return client.generic(ask.method, path, headers=headers)
        kind = "application/json" if path.startswith("/api/") else MEDIA_TYPE
        return client.generic(ask.method, path, json.dumps(ask.body), kind, headers=headers)


@dataclass
class Teams:
    """What is there in both worlds."""

    api: Api
    a: Member = field(init=False)
    alice: Person = field(init=False)
    callers: list[Caller] = field(init=False)
    words: dict[str, str] = field(init=False)
    guids: tuple[str, ...] = ()
    hidden_events: int = 0

    def __post_init__(self) -> None:
        self.a, b = join("a", "team-a", scopes=SCOPES), join("b", "team-b", scopes=SCOPES)
        admin = join_as_administrator("admin", "administrators")
        narrow = join("narrow", "team-b", scopes=SCOPES, prefixes=["open", ":*:secret"])
        scopeless = join("scopeless", "team-b", scopes=["audit:read"])
        services.make_anonymous_account(actor=STAGE, group_name="anybody")
        self.alice, bob = sign_in("alice", "team-a"), sign_in("bob", "team-b")
        sign_in("paul", "partners")
        who: Any = {"principal": admin.principal, "actor": admin.actor}
        places = ((".", "open", "team-b"), (".shared", "open", "team-b"), (".", "fresh", "team-b"))
        for context, prefix, group in (*places, (".vault", "", "team-a"), (".", "secret", "team-a")):
            scope = grants.create_scope(**who, prefix=prefix, context=context)
            grants.grant_on_scope(**who, scope_id=scope.pk, holder=Holder(group=group), role="owner")
        self.words = {
            "scope": str(scope.pk),
            "token": TOKEN,
            "key": self.a.token.removeprefix("cbk_")[:12],
            "admin": settings.CALLBOARD["ADMIN_PATH"].strip("/"),
        }
        assert self.api.put("/config/nickname", {"alias": "secret"}, as_=admin).status_code == 200
        self.change("POST", "/subjects/open/versions", {"schema": '"int"'}, who=b)
        self.change("POST", "/subjects/:.shared:open/versions", {"schema": '"int"'}, who=b)
        self.callers = [
            Caller("a key of team B", member=b, proofs=(Proof.HEADER, Proof.EITHER)),
            Caller("a key of team B for some names", member=narrow),
            Caller("a key without the scopes", member=scopeless),
            Caller("a person of team B", person=bob, proofs=(Proof.SESSION, Proof.EITHER)),
            Caller("nobody"),
        ]

    def change(self, method: str, path: str, body: Any = None, *, who: Member | None = None) -> Any:
        answer = self.api.send(method, path, body, as_=who or self.a)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def hide(self, visibility: str) -> None:
        """Team A's subjects come into being."""
        before = AuditEvent.objects.count()
        rules = {"domainRules": [{"name": "r", "kind": "CONDITION", "mode": "WRITE", "type": "DOMAIN", "expr": "x"}]}
        metadata = {"properties": {"owner": "a"}}
        later = TEXT.replace("]}", ',{"name":"b","type":"int","default":0}]}')
        refers = {"schema": '{"type":"record","name":"R","fields":[{"name":"s","type":"corp.Secret"}]}'}
        self.change("POST", "/subjects/secret/versions", {"schema": TEXT, "metadata": metadata, "ruleSet": rules})
        self.change("POST", "/subjects/secret/versions", {"schema": later})
        self.change("POST", "/subjects/secret-same/versions", {"schema": '"int"'})
        references = [
            {"name": "corp.Secret", "subject": "secret", "version": 1},
            {"name": "open", "subject": "open", "version": 1},
        ]
        self.change("POST", "/subjects/secret-ref/versions", {**refers, "references": references})
        self.change("POST", "/subjects/secret-gone/versions", {"schema": '"double"'})
        self.change("DELETE", "/subjects/secret-gone")
        self.change("POST", "/subjects/:.vault:secret/versions", {"schema": TEXT})
        self.change("PUT", "/config/secret", {"compatibility": "BACKWARD_TRANSITIVE"})
        self.change("PUT", "/mode/secret", {"mode": "READWRITE"})
        mine = ("secret", "secret-same", "secret-ref", "secret-gone", ":.vault:secret")
        asks = [
            ("PUT", "policies", {"subject": "secret", "key": "initial_state", "value": "draft"}),
            ("PUT", "grants", {"subject": "secret", "group": "partners", "role": "reader"}),
            *(("PUT", "subjects/visibility", {"subject": name, "visibility": visibility}) for name in mine),
        ]
        for method, path, body in asks:
            assert self.alice.send(method, path, body).status_code == 200
        self.guids = tuple(str(guid) for guid in Schema.objects.order_by("pk").values_list("guid", flat=True))
        self.hidden_events = AuditEvent.objects.count() - before

    def fill(self, ids: int) -> None:
        """As much happens, and nothing of it is a subject."""
        with transactions.write():
            Context.objects.filter(name=".").update(last_id=ids)
            events.record(STAGE, events.Action.SCOPE_CREATED, kind="registry", ref="filler")
        for _ in range(self.hidden_events - 1):
            with transactions.write():
                events.record(STAGE, events.Action.SCOPE_CREATED, kind="registry", ref="filler")

    def answer(self, caller: Caller, ask: Ask) -> Answer:
        """What is answered, without what differs from one time to the next. Nothing of it stays."""
        cast.forget()
        with undone():
            response = caller.send(ask, ask.path.format(**self.words) if "{" in ask.path else ask.path)
            body = b"".join(response.streaming_content) if response.streaming else response.content
        headers = {name: value for name, value in response.items() if name not in _DATES}
        return response.status_code, headers, _ONE_TIME.sub(b"", body)

    def answers(self, asks: list[Ask]) -> dict[tuple[str, str], Answer]:
        """Who is not let in is not heard on all details."""
        known = {(ask.method, ask.path.partition("?")[0]): ask for ask in reversed(asks)}
        plain = {str(ask) for ask in known.values()}
        return {
            (caller.name, str(ask)): self.answer(caller, ask)
            for caller in self.callers
            for ask in asks
            if caller.may_ask(ask) or str(ask) in plain
        }


@contextmanager
def undone() -> Iterator[None]:
    """A transaction that is rolled back; services may write in it as they may in a test."""
    block: Any = transaction.atomic()
    block._from_testcase = True
    with block:
        yield
        transaction.set_rollback(True)
