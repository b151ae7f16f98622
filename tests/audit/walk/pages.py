"""Pages for people by name and method, and commands by name."""

from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.urls import reverse

from accounts import people, services, trusts
from accounts.trusts import Pipeline, Terms
from audit import checkpoints, events, transactions
from tests.audit.walk.changes import Change, Stage
from tests.audit.walk.own import with_a_key
from tests.audit.walk.registry import ORDERS, registered
from tests.cast import STAGE

PASSWORD = "correct horse battery staple"  # noqa: S105 - of a test


ISSUER = "https://idp.example"


def with_a_link(stage: Stage) -> None:
    issued = people.issue_link(actor=STAGE, username="admin")
    stage.kept.update(token=issued.token, admin=f"person:{issued.user.pk}")


def with_a_password(stage: Stage) -> None:
    link = people.issue_link(actor=STAGE, username="admin")
    user = people.set_password_by_link(token=link.token, password=PASSWORD, request_id=None)
    stage.kept["admin"] = f"person:{user.pk}"


def log_in(stage: Stage) -> object:
    return stage.api.client.post(reverse("login"), {"username": "admin", "password": PASSWORD})


def log_out(stage: Stage) -> object:
    return stage.maria.client.post(reverse("logout"))


def set_by_link(stage: Stage) -> object:
    given = {"token": stage.kept["token"], "new_password1": PASSWORD, "new_password2": PASSWORD}
    return stage.api.client.post(reverse("login_link"), given)


def move(stage: Stage) -> object:
    return stage.form(stage.maria, "subject_lifecycle", name="orders", to="deprecated", reason="old")


def ask_for_export(stage: Stage) -> object:
    return stage.form(stage.ada, "audit", action="key.issued")


PAGES: dict[tuple[str, str], list[Change]] = {
    ("subject_lifecycle", "POST"): [
        Change(
            move,
            "maria",
            "lifecycle.changed",
            ORDERS,
            {"before": "approved", "after": "deprecated"},
            registered,
            "old",
        ),
    ],
    ("audit", "POST"): [
        Change(
            ask_for_export,
            "ada",
            "audit.export_requested",
            ("audit_export", "*"),
            {"filters": {"action": "key.issued"}},
        ),
    ],
    ("login", "POST"): [Change(log_in, "{admin}", "auth.login", ("person", "person:*"), {}, with_a_password)],
    ("login_link", "POST"): [
        Change(set_by_link, "{admin}", "password.set", ("person", "person:*"), {}, with_a_link, also=("auth.login",)),
    ],
    ("logout", "POST"): [Change(log_out, "maria", "auth.logout", ("person", "person:*"), {})],
}
ASKS = {
    ("audit_download", "POST"): "makes a link and goes there",
    ("login", "PUT"): "is what POST is",
    ("front_door", "POST"): "the root of the registry, which echoes",
    ("no_such_page", "POST"): "no page has this address",
    ("registry", "POST"): "the registry, which has a table of its own",
    ("admin_login", "POST"): "leads to the one page for signing in",
    ("admin_logout", "POST"): "is the one for signing out",
}


# Commands.


def command(*words: str) -> "partial[object]":
    return partial(_command, words)


def _command(words: tuple[str, ...], stage: Stage) -> object:
    return stage.command(*(word.format(**stage.kept) for word in words))


def with_a_trusted_client(stage: Stage) -> None:
    account, issuer = stage.owner.account, ISSUER
    trust = trusts.trust_client(actor=STAGE, account=account, issuer=issuer, client_id="bot", scopes=["audit:read"])
    stage.kept["trust"] = str(trust.pk)


PIPELINE = ("--issuer", ISSUER, "--audience", "callboard", "--claim", "repository=org/orders")
PIPELINE_SAID: dict[str, Any] = {
    "issuer": ISSUER,
    "audience": "callboard",
    "claims": {"repository": "org/orders"},
    "scopes": list(services.DEFAULT_SCOPES),
    "subject_prefixes": [],
    "minutes": 15,
}


def with_a_trusted_pipeline(stage: Stage) -> None:
    trust = trusts.trust_pipeline(
        actor=STAGE,
        account=stage.owner.account,
        pipeline=Pipeline(ISSUER, "callboard", {"repository": "org/orders"}),
        terms=Terms(list(services.DEFAULT_SCOPES), []),
    )
    stage.kept["trust"] = str(trust.pk)


def with_another_key(stage: Stage) -> None:
    """The last checkpoint was signed by a key that is no longer the one in the settings."""
    file, secret = Path(settings.DATA) / "old-key", "x" * 40
    file.write_text(secret)
    with transactions.write():
        checkpoints.sign_head(key=checkpoints.from_secret(secret))
    stage.kept["old"] = str(file)


def with_personal_data(stage: Stage) -> None:
    with transactions.write():
        said = {"email": "alice@corp.test"}
        events.record(STAGE, events.Action.USER_CREATED, kind="person", ref="person:7", personal=said)


COMMANDS: dict[str, list[Change]] = {
    "service_account": [
        Change(
            command("service_account", "checkout", "--group", "owners", "--manage-global"),
            "manage.py",
            "service_account.created",
            ("service_account", "service:*"),
            {"name": "checkout", "owner_group": ..., "rights": [services.MANAGE_GLOBAL]},
        ),
    ],
    "api_key": [
        Change(
            command("api_key", "owner", "--label", "ci", "--scopes", "subjects:read"),
            "manage.py",
            "key.issued",
            ("api_key", "????????????"),
            {
                "service_account": ...,
                "label": "ci",
                "scopes": ["subjects:read"],
                "subject_prefixes": [],
                "cidrs": [],
                "expires_at": ...,
            },
        ),
        Change(
            command("api_key", "--revoke", "{key}", "--reason", "leaked"),
            "manage.py",
            "key.revoked",
            ("api_key", "????????????"),
            {"label": "second"},
            with_a_key,
            "leaked",
        ),
    ],
    "jwt_trust": [
        Change(
            command(
                "jwt_trust", "owner", "--issuer", "https://idp.example", "--client", "bot", "--scopes", "audit:read"
            ),
            "manage.py",
            "jwt_trust.created",
            ("jwt_trust", "jwt_trust:*"),
            {
                "issuer": ISSUER,
                "client_id": "bot",
                "subject": "bot",
                "scopes": ["audit:read"],
                "service_account": ...,
            },
        ),
        Change(
            command("jwt_trust", "--remove", "{trust}"),
            "manage.py",
            "jwt_trust.deleted",
            ("jwt_trust", "jwt_trust:*"),
            {"issuer": ISSUER, "client_id": "bot"},
            with_a_trusted_client,
        ),
    ],
    "ci_trust": [
        Change(
            command("ci_trust", "owner", *PIPELINE, "--claim", "ref=main"),
            "manage.py",
            "ci_trust.created",
            ("ci_trust", "ci_trust:*"),
            {**PIPELINE_SAID, "claims": {"ref": "main", "repository": "org/orders"}, "service_account": ...},
        ),
        Change(
            command("ci_trust", "--change", "{trust}", *PIPELINE, "--minutes", "5"),
            "manage.py",
            "ci_trust.changed",
            ("ci_trust", "ci_trust:*"),
            {"before": PIPELINE_SAID, "after": {**PIPELINE_SAID, "minutes": 5}},
            with_a_trusted_pipeline,
        ),
        Change(
            command("ci_trust", "--remove", "{trust}"),
            "manage.py",
            "ci_trust.deleted",
            ("ci_trust", "ci_trust:*"),
            PIPELINE_SAID,
            with_a_trusted_pipeline,
        ),
    ],
    "login_link": [
        Change(
            command("login_link", "maria"),
            "manage.py",
            "login_link.issued",
            ("person", "person:*"),
            {"expires_at": ...},
        ),
    ],
    "audit_erase": [
        Change(
            command("audit_erase", "person:7", "--reason", "asked for it"),
            "manage.py",
            "audit.pii_erased",
            ("person", "person:7"),
            {"pieces": 1, "names": ["email"]},
            with_personal_data,
            "asked for it",
        ),
    ],
    "audit_rotate_key": [
        Change(
            command("audit_rotate_key", "--old", "{old}"),
            "audit_rotate_key",
            "audit.key_rotated",
            ("audit_key", "*"),
            {"old": ..., "new": ...},
            with_another_key,
        ),
    ],
}
# They change nothing of the registry, or are several of the changes above at once, and say so where they are tested.
OTHER_COMMANDS = {
    "audit_archive": "takes old events out, with an event: test_archive",
    "audit_verify": "only reads",
    "audit_worker": "makes the exports that were asked for: test_export_workers",
    "first_start": "group, account, key and link of an empty database, an event each: test_commands",
    "flush_jwks": "makes servers ask again: test_jwt",
    "key_reminders": "only tells",
    "forget_sessions": "sessions that are over are no record",
}
