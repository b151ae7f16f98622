"""Forms of the admin, by model and what is done there."""

from functools import partial

from django.contrib.auth.models import Group

from accounts.models import ApiKey, ServiceAccount
from registry.models import Config, Mode, SchemaVersion, Subject, SubjectScope
from tests.audit.walk.changes import Change, Stage
from tests.audit.walk.own import ORD, scope_shared, scoped, with_a_key
from tests.audit.walk.registry import GLOBAL, ORDERS, registered, with_levels, with_modes


def _save(page: str, values: dict[str, object], stage: Stage) -> object:
    return stage.form(stage.ada, f"admin:{page}_add", **values)


def save(page: str, **values: object) -> "partial[object]":
    return partial(_save, page, values)


def save_subject(values: dict[str, object], stage: Stage) -> object:
    row = Subject.objects.get()
    whole = {"owner": row.owner_id, "visibility": row.visibility, "lifecycle": row.lifecycle, "reason": ""}
    if "owner" in values:
        values = {**values, "owner": stage.outsider.group.pk}
    return stage.form(stage.ada, "admin:registry_subject_change", row.pk, **{**whole, **values})


def grant_to_strangers(role: str, stage: Stage) -> object:
    return save_subject({"grant_group": stage.outsider.group.pk, "grant_role": role}, stage)


def save_version(stage: Stage) -> object:
    row = SchemaVersion.objects.get()
    given = {"lifecycle": "deprecated", "sunset_on": "2027-01-31", "reason": "old"}
    return stage.form(stage.ada, "admin:registry_schemaversion_change", row.pk, **given)


def save_scope(stage: Stage) -> object:
    given = {"grant_group": stage.outsider.group.pk, "grant_role": "reader"}
    return stage.form(stage.ada, "admin:registry_subjectscope_change", SubjectScope.objects.get().pk, **given)


def delete_scope(stage: Stage) -> object:
    return stage.form(stage.ada, "admin:registry_subjectscope_delete", SubjectScope.objects.get().pk, post="yes")


def save_group(values: dict[str, object], stage: Stage) -> object:
    group = Group.objects.get(name="strangers")
    if "members" in values:
        values = {"members": stage.maria.user.pk}
    return stage.form(stage.ada, "admin:auth_group_change", group.pk, **values)


def save_person(values: dict[str, object], stage: Stage) -> object:
    return stage.form(stage.ada, "admin:accounts_user_change", stage.maria.user.pk, reason="left", **values)


def add_account(stage: Stage) -> object:
    given = {"name": "checkout", "owner_group": stage.owner.group.pk, "description": ""}
    return stage.form(stage.ada, "admin:accounts_serviceaccount_add", **given)


def disable_account(stage: Stage) -> object:
    row = ServiceAccount.objects.get(name="owner")
    return stage.form(stage.ada, "admin:accounts_serviceaccount_change", row.pk, disable="on")


def add_key(stage: Stage) -> object:
    given = {"service_account": stage.owner.account.pk, "label": "ci", "scopes": "subjects:read", "days": 7}
    return stage.form(stage.ada, "admin:accounts_apikey_add", **given)


def revoke_key(stage: Stage) -> object:
    row = ApiKey.objects.get(id12=stage.kept["key"])
    return stage.form(stage.ada, "admin:accounts_apikey_change", row.pk, revoke="on", reason="leaked")


def save_config(stage: Stage) -> object:
    row = Config.objects.get(subject_name="orders")
    return stage.form(stage.ada, "admin:registry_config_change", row.pk, compatibility_level="NONE")


def delete_config(stage: Stage) -> object:
    row = Config.objects.get(subject_name="orders")
    return stage.form(stage.ada, "admin:registry_config_delete", row.pk, post="yes")


def save_mode(stage: Stage) -> object:
    row = Mode.objects.get(subject_name="orders")
    return stage.form(stage.ada, "admin:registry_mode_change", row.pk, mode="READWRITE")


def delete_mode(stage: Stage) -> object:
    row = Mode.objects.get(subject_name="orders")
    return stage.form(stage.ada, "admin:registry_mode_delete", row.pk, post="yes")


STRANGERS = ("group", "group:*")
ADMIN: dict[tuple[str, str], list[Change]] = {
    ("registry.Subject", "change"): [
        Change(
            partial(save_subject, {"visibility": "restricted"}),
            "ada",
            "visibility.changed",
            ORDERS,
            {"before": "internal", "after": "restricted"},
            registered,
        ),
        Change(
            partial(save_subject, {"lifecycle": "deprecated", "reason": "old"}),
            "ada",
            "lifecycle.changed",
            ORDERS,
            {"before": "approved", "after": "deprecated"},
            registered,
            "old",
        ),
        Change(
            partial(save_subject, {"owner": "strangers"}),
            "ada",
            "owner.changed",
            ORDERS,
            {"before": "owners", "after": "strangers"},
            registered,
        ),
        Change(
            partial(grant_to_strangers, "reader"),
            "ada",
            "grant.added",
            ORDERS,
            {"holder": "group:strangers", "before": None, "after": "reader"},
            registered,
        ),
    ],
    ("registry.SchemaVersion", "change"): [
        Change(
            save_version,
            "ada",
            "lifecycle.changed",
            ("version", ":.:orders:1"),
            {"before": "approved", "after": "deprecated", "sunset_on": "2027-01-31"},
            registered,
            "old",
        ),
    ],
    ("registry.Config", "add"): [
        Change(
            save("registry_config", place="", compatibility_level="FULL"),
            "ada",
            "compatibility.changed",
            GLOBAL,
            {"before": {}, "after": {"compatibility_level": "FULL"}},
        ),
    ],
    ("registry.Config", "change"): [
        Change(
            save_config,
            "ada",
            "compatibility.changed",
            ORDERS,
            {"before": {"compatibility_level": "FULL"}, "after": {"compatibility_level": "NONE"}},
            with_levels,
        ),
    ],
    ("registry.Config", "delete"): [
        Change(
            delete_config,
            "ada",
            "compatibility.changed",
            ORDERS,
            {"before": {"compatibility_level": "FULL"}, "after": {}},
            with_levels,
        ),
    ],
    ("registry.Mode", "add"): [
        Change(
            save("registry_mode", place="", mode="READONLY"),
            "ada",
            "mode.changed",
            GLOBAL,
            {"before": None, "after": "READONLY"},
        ),
    ],
    ("registry.Mode", "change"): [
        Change(
            save_mode,
            "ada",
            "mode.changed",
            ORDERS,
            {"before": "READONLY", "after": "READWRITE"},
            with_modes,
        ),
    ],
    ("registry.Mode", "delete"): [
        Change(
            delete_mode,
            "ada",
            "mode.changed",
            ORDERS,
            {"before": "READONLY", "after": None},
            with_modes,
        ),
    ],
    ("registry.SubjectScope", "add"): [
        Change(save("registry_subjectscope", prefix="ord-"), "ada", "scope.created", ORD, {}),
    ],
    ("registry.SubjectScope", "change"): [
        Change(
            save_scope,
            "ada",
            "grant.added",
            ORD,
            {"holder": "group:strangers", "before": None, "after": "reader"},
            scoped,
        ),
    ],
    ("registry.SubjectScope", "delete"): [
        Change(
            delete_scope,
            "ada",
            "scope.deleted",
            ORD,
            {"grants": [{"holder": "group:strangers", "permissions": ["register", "view"]}]},
            scope_shared,
        ),
    ],
    ("auth.Group", "add"): [
        Change(save("auth_group", name="payments"), "ada", "group.created", STRANGERS, {"name": "payments"}),
    ],
    ("auth.Group", "change"): [
        Change(
            partial(save_group, {"members": "maria"}),
            "ada",
            "membership.synced",
            STRANGERS,
            {"added": ..., "removed": []},
        ),
        Change(
            partial(save_group, {"rights": "audit.view_auditevent"}),
            "ada",
            "grant.added",
            STRANGERS,
            {"before": [], "after": ["audit.view_auditevent"]},
        ),
    ],
    ("accounts.User", "change"): [
        Change(
            partial(save_person, {}),
            "ada",
            "user.deactivated",
            ("person", "person:*"),
            {"before": True, "after": False},
            reason="left",
        ),
    ],
    ("accounts.ServiceAccount", "add"): [
        Change(
            add_account,
            "ada",
            "service_account.created",
            ("service_account", "service:*"),
            {"name": "checkout", "owner_group": ..., "rights": []},
        ),
    ],
    ("accounts.ServiceAccount", "change"): [
        Change(
            disable_account,
            "ada",
            "service_account.disabled",
            ("service_account", "service:*"),
            {"name": "owner"},
        ),
    ],
    ("accounts.ApiKey", "add"): [
        Change(
            add_key,
            "ada",
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
    ],
    ("accounts.ApiKey", "change"): [
        Change(
            revoke_key,
            "ada",
            "key.revoked",
            ("api_key", "????????????"),
            {"label": "second"},
            with_a_key,
            "leaked",
        ),
    ],
}
