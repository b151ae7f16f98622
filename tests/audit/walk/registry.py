"""Routes of the registry, by name and method."""

from functools import partial

from tests.audit.walk.changes import INT, Change, Stage

ORDERS = ("subject", ":.:orders")
# The default context has what the protocol calls global.
GLOBAL = ("context", ":.:")


def registered(stage: Stage) -> None:
    stage.register()


def soft_deleted(stage: Stage) -> None:
    stage.register()
    stage.ask(stage.admin, "DELETE", "/subjects/orders")


def version_soft_deleted(stage: Stage) -> None:
    stage.register()
    stage.register(text='"long"')
    stage.ask(stage.admin, "DELETE", "/subjects/orders/versions/1")


def with_a_context(stage: Stage) -> None:
    stage.ask(stage.admin, "POST", "/subjects/:.left:orders/versions", INT)
    for query in ("", "?permanent=true"):
        stage.ask(stage.admin, "DELETE", f"/subjects/:.left:orders{query}")


def with_levels(stage: Stage) -> None:
    stage.register()
    stage.ask(stage.owner, "PUT", "/config/orders", {"compatibility": "FULL"})
    stage.ask(stage.admin, "PUT", "/config", {"compatibility": "NONE"})


def with_modes(stage: Stage) -> None:
    stage.register()
    stage.ask(stage.owner, "PUT", "/mode/orders", {"mode": "READONLY"})
    stage.ask(stage.admin, "PUT", "/mode", {"mode": "READONLY"})


def _ask(who: str, method: str, path: str, body: object, stage: Stage) -> object:
    return stage.ask(getattr(stage, who), method, path, body)


def ask(who: str, method: str, path: str, body: object = None) -> "partial[object]":
    return partial(_ask, who, method, path, body)


REGISTERED = {
    "version": 1,
    "id": 1,
    "guid": ...,
    "level": "BACKWARD",
    "verdict": "first version",
    "state": "approved",
    "owner": ...,
}
CHANGES: dict[tuple[str, str], list[Change]] = {
    ("versions", "POST"): [
        Change(
            ask("owner", "POST", "/subjects/orders/versions", INT), "owner", "subject.registered", ORDERS, REGISTERED
        ),
    ],
    ("subject", "DELETE"): [
        Change(
            ask("admin", "DELETE", "/subjects/orders"),
            "admin",
            "subject.soft_deleted",
            ORDERS,
            {"versions": [1]},
            registered,
        ),
        Change(
            ask("admin", "DELETE", "/subjects/orders?permanent=true"),
            "admin",
            "subject.hard_deleted",
            ORDERS,
            {"versions": [1], "ids": [1]},
            soft_deleted,
        ),
    ],
    ("version", "DELETE"): [
        Change(
            ask("admin", "DELETE", "/subjects/orders/versions/1"),
            "admin",
            "version.soft_deleted",
            ORDERS,
            {"versions": [1]},
            registered,
        ),
        Change(
            ask("admin", "DELETE", "/subjects/orders/versions/1?permanent=true"),
            "admin",
            "version.hard_deleted",
            ORDERS,
            {"versions": [1], "ids": [1]},
            version_soft_deleted,
        ),
    ],
    ("version_tags", "POST"): [
        Change(
            ask("owner", "POST", "/subjects/orders/versions/1/tags", {"newVersion": 2}),
            "owner",
            "subject.registered",
            ORDERS,
            {
                "version": 2,
                "id": 2,
                "guid": ...,
                "level": "BACKWARD",
                "verdict": "compatible",
                "state": "approved",
            },
            registered,
        ),
    ],
    ("context", "DELETE"): [
        Change(
            ask("admin", "DELETE", "/contexts/.left"),
            "admin",
            "context.deleted",
            ("context", ":.left:"),
            {},
            with_a_context,
        ),
    ],
    ("config", "PUT"): [
        Change(
            ask("admin", "PUT", "/config", {"compatibility": "FULL"}),
            "admin",
            "compatibility.changed",
            GLOBAL,
            {"before": {}, "after": {"compatibility_level": "FULL"}},
        ),
    ],
    ("config", "DELETE"): [
        Change(
            ask("admin", "DELETE", "/config"),
            "admin",
            "compatibility.changed",
            GLOBAL,
            {"before": {"compatibility_level": "NONE"}, "after": {}},
            with_levels,
        ),
    ],
    ("subject_config", "PUT"): [
        Change(
            ask("owner", "PUT", "/config/orders", {"compatibility": "NONE", "alias": "other"}),
            "owner",
            "config.changed",
            ORDERS,
            {"before": {"compatibility_level": "FULL"}, "after": {"compatibility_level": "NONE", "alias": "other"}},
            with_levels,
        ),
    ],
    ("subject_config", "DELETE"): [
        Change(
            ask("owner", "DELETE", "/config/orders"),
            "owner",
            "compatibility.changed",
            ORDERS,
            {"before": {"compatibility_level": "FULL"}, "after": {}},
            with_levels,
        ),
    ],
    ("mode", "PUT"): [
        Change(
            ask("admin", "PUT", "/mode", {"mode": "READONLY"}),
            "admin",
            "mode.changed",
            GLOBAL,
            {"before": None, "after": "READONLY"},
        ),
    ],
    ("mode", "DELETE"): [
        Change(
            ask("admin", "DELETE", "/mode"),
            "admin",
            "mode.changed",
            GLOBAL,
            {"before": "READONLY", "after": None},
            with_modes,
        ),
    ],
    ("subject_mode", "PUT"): [
        Change(
            ask("owner", "PUT", "/mode/orders", {"mode": "READWRITE"}),
            "owner",
            "mode.changed",
            ORDERS,
            {"before": "READONLY", "after": "READWRITE"},
            with_modes,
        ),
    ],
    ("subject_mode", "DELETE"): [
        Change(
            ask("owner", "DELETE", "/mode/orders"),
            "owner",
            "mode.changed",
            ORDERS,
            {"before": "READONLY", "after": None},
            with_modes,
        ),
    ],
}
# These are sent with a body, and only ask.
ASKS = {
    ("root", "POST"): "echoes",
    ("subject", "POST"): "looks a schema up",
    ("compatibility", "POST"): "compares",
    ("compatibility_version", "POST"): "compares",
}
