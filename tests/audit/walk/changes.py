"""What a change is, and the stage on which it is made."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.management import call_command
from django.urls import reverse

from tests.cast import Api, Member, Person

JSON = "application/json"
INT = {"schema": '"int"'}


@dataclass
class Stage:
    """The cast; and what one step tells the next."""

    api: Api
    owner: Member
    outsider: Member
    admin: Member
    # In the owner group, as a person.
    maria: Person
    # May do everything, in the admin and elsewhere.
    ada: Person
    kept: dict[str, Any] = field(default_factory=dict)

    def register(self, subject: str = "orders", text: str = '"int"') -> None:
        answer = self.api.post(f"/subjects/{subject}/versions", {"schema": text}, as_=self.owner)
        assert answer.status_code == 200, answer.content

    def ask(self, who: Member, method: str, path: str, body: Any = None) -> Any:
        return self.api.send(method, path, body, as_=who)

    def form(self, who: Person, page: str, *args: Any, **values: Any) -> Any:
        return who.client.post(reverse(page, args=args), values)

    def command(self, *words: str) -> Any:
        call_command(*words, stdout=io.StringIO(), stderr=io.StringIO())

    def actor(self, who: str) -> tuple[str, str]:
        """As the log names it."""
        if who.startswith("{"):
            return "person", who.format(**self.kept)
        members = {"owner": self.owner, "outsider": self.outsider, "admin": self.admin}
        people = {"maria": self.maria, "ada": self.ada}
        known = {
            **{name: ("service", member.account.ref) for name, member in members.items()},
            **{name: ("person", person.principal.ref) for name, person in people.items()},
        }
        return known.get(who, ("system", who))


Step = Callable[[Stage], Any]


def nothing(stage: Stage) -> None:
    """There is nothing to prepare."""


@dataclass(frozen=True)
class Change:
    """`act` makes it. `who` is an actor of the stage, a person that was kept, in braces, or the `ref` of a system's.

    `thing` is kind and ref of the object; in the ref, `*` stands for a number or the like. `detail` is what the event
    says of before and after: whole, but for members of the value `...`, which differ from run to run.
    """

    act: Step
    who: str
    action: str
    thing: tuple[str, str]
    detail: Mapping[str, Any]
    arrange: Step = nothing
    reason: str | None = None
    # Two steps that people take at once.
    also: tuple[str, ...] = ()
