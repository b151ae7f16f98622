"""Routes of our own API, by name and method."""

from functools import partial
from typing import Any

from accounts import services
from audit import exporter
from audit.models import AuditExport
from registry.models import SubjectScope
from tests.audit.walk.changes import Change, Stage
from tests.audit.walk.registry import ORDERS, registered
from tests.cast import STAGE

ORD = ("scope", ":.:ord-")
STRANGERS = {"group": "strangers"}


def shared(stage: Stage) -> None:
    stage.register()
    stage.maria.send("PUT", "grants", {"subject": "orders", "role": "writer", **STRANGERS})


def with_a_policy(stage: Stage) -> None:
    stage.register()
    stage.maria.send("PUT", "policies", {"subject": "orders", "key": "initial_state", "value": "draft"})


def scoped(stage: Stage) -> None:
    stage.kept["scope"] = stage.ada.send("POST", "scopes", {"prefix": "ord-"}).json()["id"]


def scope_shared(stage: Stage) -> None:
    scoped(stage)
    stage.ada.send("PUT", f"scopes/{_scope()}/grants", {"role": "writer", **STRANGERS})


def with_an_export(stage: Stage) -> None:
    stage.ada.send("POST", "audit/exports", {})
    exporter.run(AuditExport.objects.get().pk)


def with_a_key(stage: Stage) -> None:
    issued = services.issue_key(actor=STAGE, account=stage.owner.account, label="second", days=7)
    stage.kept["key"] = issued.key.id12


def _scope() -> int:
    return SubjectScope.objects.get().pk


def _send(who: str, method: str, path: str, body: object, stage: Stage) -> object:
    where = path.format(**stage.kept)
    return getattr(stage, who).send(method, where, body)


def send(who: str, method: str, path: str, body: object = None) -> "partial[object]":
    return partial(_send, who, method, path, body)


def download(stage: Stage) -> object:
    export = AuditExport.objects.get()
    url = stage.ada.send("POST", f"audit/exports/{export.pk}/link").json()["url"]
    answer: Any = stage.ada.client.get(url)
    assert b"".join(answer.streaming_content)
    return answer


CHANGES: dict[tuple[str, str], list[Change]] = {
    ("own_lifecycle", "POST"): [
        Change(
            send("maria", "POST", "subjects/lifecycle", {"subject": "orders", "to": "deprecated", "reason": "old"}),
            "maria",
            "lifecycle.changed",
            ORDERS,
            {"before": "approved", "after": "deprecated"},
            registered,
            "old",
        ),
        Change(
            send("maria", "POST", "subjects/lifecycle", {"subject": "orders", "version": "1", "to": "deprecated"}),
            "maria",
            "lifecycle.changed",
            ("version", ":.:orders:1"),
            {"before": "approved", "after": "deprecated"},
            registered,
        ),
    ],
    ("own_owner", "PUT"): [
        Change(
            send("maria", "PUT", "subjects/owner", {"subject": "orders", "owner": "strangers", "reason": "moved"}),
            "maria",
            "owner.changed",
            ORDERS,
            {"before": "owners", "after": "strangers"},
            registered,
            "moved",
        ),
    ],
    ("own_visibility", "PUT"): [
        Change(
            send("maria", "PUT", "subjects/visibility", {"subject": "orders", "visibility": "restricted"}),
            "maria",
            "visibility.changed",
            ORDERS,
            {"before": "internal", "after": "restricted"},
            registered,
        ),
    ],
    ("own_grants", "PUT"): [
        Change(
            send("maria", "PUT", "grants", {"subject": "orders", "role": "writer", **STRANGERS}),
            "maria",
            "grant.added",
            ORDERS,
            {"holder": "group:strangers", "before": None, "after": "writer"},
            registered,
        ),
        Change(
            send("maria", "PUT", "grants", {"subject": "orders", "role": "reader", **STRANGERS}),
            "maria",
            "grant.added",
            ORDERS,
            {"holder": "group:strangers", "before": "writer", "after": "reader"},
            shared,
        ),
    ],
    ("own_grants", "DELETE"): [
        Change(
            send("maria", "DELETE", "grants?subject=orders&group=strangers"),
            "maria",
            "grant.removed",
            ORDERS,
            {"holder": "group:strangers", "before": "writer", "after": None},
            shared,
        ),
    ],
    ("own_scopes", "POST"): [
        Change(send("ada", "POST", "scopes", {"prefix": "ord-"}), "ada", "scope.created", ORD, {}),
    ],
    ("own_scope", "DELETE"): [
        Change(
            send("ada", "DELETE", "scopes/{scope}"),
            "ada",
            "scope.deleted",
            ORD,
            {"grants": [{"holder": "group:strangers", "permissions": ["register", "view"]}]},
            scope_shared,
        ),
    ],
    ("own_scope_grants", "PUT"): [
        Change(
            send("ada", "PUT", "scopes/{scope}/grants", {"role": "writer", **STRANGERS}),
            "ada",
            "grant.added",
            ORD,
            {"holder": "group:strangers", "before": None, "after": "writer"},
            scoped,
        ),
    ],
    ("own_scope_grants", "DELETE"): [
        Change(
            send("ada", "DELETE", "scopes/{scope}/grants?group=strangers"),
            "ada",
            "grant.removed",
            ORD,
            {"holder": "group:strangers", "before": "writer", "after": None},
            scope_shared,
        ),
    ],
    ("own_policies", "PUT"): [
        Change(
            send("maria", "PUT", "policies", {"subject": "orders", "key": "initial_state", "value": "draft"}),
            "maria",
            "policy.changed",
            ("policy", "initial_state at *orders*"),
            {"key": "initial_state", "before": None, "after": "draft"},
            registered,
        ),
    ],
    ("own_policies", "DELETE"): [
        Change(
            send("maria", "DELETE", "policies?subject=orders&key=initial_state"),
            "maria",
            "policy.changed",
            ("policy", "initial_state at *orders*"),
            {"key": "initial_state", "before": "draft", "after": None},
            with_a_policy,
        ),
    ],
    ("own_groups", "POST"): [
        Change(
            send("ada", "POST", "groups", {"name": "payments"}),
            "ada",
            "group.created",
            ("group", "group:*"),
            {"name": "payments"},
        ),
    ],
    ("own_service_accounts", "POST"): [
        Change(
            send("maria", "POST", "service-accounts", {"name": "checkout", "owner_group": "owners"}),
            "maria",
            "service_account.created",
            ("service_account", "service:*"),
            {"name": "checkout", "owner_group": ..., "rights": []},
        ),
    ],
    ("own_service_account", "DELETE"): [
        Change(
            send("maria", "DELETE", "service-accounts/owner"),
            "maria",
            "service_account.disabled",
            ("service_account", "service:*"),
            {"name": "owner"},
        ),
    ],
    ("own_keys", "POST"): [
        Change(
            send("maria", "POST", "keys", {"service_account": "owner", "label": "ci", "days": 7}),
            "maria",
            "key.issued",
            ("api_key", "????????????"),
            {
                "service_account": ...,
                "label": "ci",
                "scopes": ["subjects:read", "subjects:write", "config:write"],
                "subject_prefixes": [],
                "cidrs": [],
                "expires_at": ...,
            },
        ),
    ],
    ("own_my_keys", "POST"): [
        Change(
            send("maria", "POST", "me/keys", {"label": "laptop", "scopes": ["subjects:read"]}),
            "maria",
            "key.issued",
            ("api_key", "????????????"),
            {
                "person": ...,
                "label": "laptop",
                "scopes": ["subjects:read"],
                "subject_prefixes": [],
                "cidrs": [],
                "expires_at": ...,
            },
        ),
    ],
    ("own_key_rotation", "POST"): [
        Change(
            send("maria", "POST", "keys/{key}/rotate", {"days": 7}),
            "maria",
            "key.rotated",
            ("api_key", "????????????"),
            {"secret": 2, "expires_at": ..., "old_until": ...},
            with_a_key,
        ),
    ],
    ("own_key", "PATCH"): [
        Change(
            send("maria", "PATCH", "keys/{key}", {"prefixes": ["orders"]}),
            "maria",
            "key.scope_changed",
            ("api_key", "????????????"),
            {
                "before": {"scopes": list(services.DEFAULT_SCOPES), "subject_prefixes": [], "cidrs": []},
                "after": {"scopes": list(services.DEFAULT_SCOPES), "subject_prefixes": ["orders"], "cidrs": []},
            },
            with_a_key,
        ),
    ],
    ("own_key", "DELETE"): [
        Change(
            send("maria", "DELETE", "keys/{key}?reason=leaked"),
            "maria",
            "key.revoked",
            ("api_key", "????????????"),
            {"label": "second"},
            with_a_key,
            "leaked",
        ),
    ],
    ("audit_exports", "POST"): [
        Change(
            send("ada", "POST", "audit/exports", {"filters": {"action": "key.issued"}}),
            "ada",
            "audit.export_requested",
            ("audit_export", "*"),
            {"filters": {"action": "key.issued"}},
        ),
    ],
    ("audit_download", "GET"): [
        Change(download, "ada", "audit.downloaded", ("audit_export", "*"), {"sha256": ...}, with_an_export),
    ],
}
ASKS = {
    ("own_token_exchange", "POST"): "takes a token of a real issuer: test_ci_exchange",
    ("audit_link", "POST"): "makes a link; its use is recorded",
}
