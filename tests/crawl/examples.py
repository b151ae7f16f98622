"""How each route is asked for something: of team A, which others may not see, or of anybody.

Routes of the registry are read off its table: a new one is asked with all the names, ids and versions here, and fails
for want of a value if it takes something else.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from string import Formatter
from typing import Any
from urllib.parse import quote

from config import permissions
from registry import names
from registry.permissions import TABLE

Where = tuple[str, str]

RECORD = {"type": "record", "name": "Secret", "namespace": "corp", "fields": [{"name": "a", "type": "int"}]}
TEXT = json.dumps(RECORD)
REFERRING = json.dumps(
    {"type": "record", "name": "Mine", "namespace": "corp", "fields": [{"name": "s", "type": "corp.Secret"}]}
)
ENTITY = {"entityPath": "corp.Secret", "entityType": "sr_record"}
REFERENCE = {"name": "corp.Secret", "subject": "secret", "version": 1}

SUBJECTS = ("secret", "secret-gone", ":.vault:secret", "nickname")
ARGUMENTS = {
    "subject": SUBJECTS,
    "version": ("1", "latest", "2", "9"),
    # 1 is a content of team B, and of team A as well; guids are told by the stage.
    "schema_id": ("1", "2", "3", "4", "5"),
    "context": (".vault",),
}
QUERIES: dict[str, tuple[str, ...]] = {
    "subjects": (
        "",
        "?subjectPrefix=secret",
        "?subjectPrefix=:.vault:",
        "?subjectPrefix=:*:&deleted=true",
        "?deletedOnly=true",
        "?offset=1&limit=1",
    ),
    "schemas": (
        "",
        "?subjectPrefix=secret",
        "?subjectPrefix=:*:&deleted=true",
        "?latestOnly=true",
        "?subjectPrefix=nick&aliases=true",
        "?ruleType=DOMAIN",
        "?lifecycle=NONE",
    ),
    "contexts": ("", "?contextPrefix=.v"),
    "versions": ("", "?deleted=true", "?deletedOnly=true", "?deletedAsNegative=true"),
    "version": ("", "?deleted=true", "?permanent=true", "?format=resolved", "?referenceFormat=qualified&findTags=*"),
    "subject": ("", "?deleted=true", "?normalize=true", "?permanent=true"),
    "subject_metadata": ("", "?key=owner&value=a", "?deleted=true"),
    "version_referencedby": ("", "?deleted=true"),
    "schema_id": ("", "?subject=secret", "?subject=:.vault:secret", "?subject=:.vault:", "?format=resolved"),
    "schema_id_schema": ("", "?subject=secret", "?subject=:.vault:"),
    "schema_id_subjects": ("", "?deleted=true", "?subject=secret", "?subject=:.vault:"),
    "schema_id_versions": ("", "?deleted=true", "?subject=secret", "?subject=:.vault:"),
    "schema_guid": ("", "?format=resolved"),
    "compatibility": ("", "?verbose=true"),
    "compatibility_version": ("", "?verbose=true"),
    "subject_config": ("", "?defaultToGlobal=true"),
    "subject_mode": ("", "?defaultToGlobal=true", "?recursive=true", "?force=true"),
}
BODIES: dict[Where, tuple[Any, ...]] = {
    ("root", "POST"): ({},),
    ("subject", "POST"): ({"schema": TEXT}, {"schema": '"int"'}, {"schema": ""}, {"version": -1, "schema": TEXT}),
    ("versions", "POST"): ({"schema": TEXT}, {"schema": '"bytes"'}, {"schema": TEXT, "id": 77, "version": 1}),
    ("version_tags", "POST"): ({"tagsToAdd": [{"schemaEntity": ENTITY, "tags": ["PII"]}]},),
    ("compatibility", "POST"): ({"schema": TEXT}, {"schema": '"bytes"'}),
    ("compatibility_version", "POST"): ({"schema": TEXT}, {"schema": '"bytes"'}),
    ("config", "PUT"): ({"compatibility": "FULL"},),
    ("mode", "PUT"): ({"mode": "READONLY"},),
    ("subject_config", "PUT"): ({"compatibility": "FULL"}, {"alias": "open"}),
    ("subject_mode", "PUT"): ({"mode": "READONLY"}, {"mode": "IMPORT"}),
}


@dataclass(frozen=True)
class Ask:
    """`body` is JSON, `form` what a page posts."""

    route: str
    method: str
    path: str
    body: Any = None
    form: Any = None

    def __str__(self) -> str:
        return f"{self.method} {self.path} {json.dumps(self.body or self.form or '')}"


def registry(guids: tuple[str, ...]) -> Iterator[Ask]:
    arguments = {**ARGUMENTS, "guid": guids}
    for route, method in sorted(TABLE):
        template = names.ROUTES[route]
        wanted = [name for _, name, _, _ in Formatter().parse(template) if name]
        for values in product(*(arguments[name] for name in wanted)):
            path = "/" + template.format(**{n: quote(v, safe=":.") for n, v in zip(wanted, values, strict=True)})
            for query, body in product(QUERIES.get(route, ("",)), BODIES.get((route, method), (None,))):
                yield Ask(route, method, path + query, body)


# Of team B's own subject, and what it may show of team A.
ACROSS = (
    Ask("subject", "POST", "/subjects/open", {"schema": REFERRING, "references": [REFERENCE]}),
    Ask("versions", "POST", "/subjects/open/versions", {"schema": REFERRING, "references": [REFERENCE]}),
    Ask("versions", "POST", "/subjects/fresh/versions", {"schema": REFERRING, "references": [REFERENCE]}),
    Ask(
        "versions",
        "POST",
        "/subjects/fresh/versions",
        {"schema": REFERRING, "references": [{**REFERENCE, "subject": ":.vault:secret", "version": -1}]},
    ),
    Ask(
        "compatibility_version",
        "POST",
        "/compatibility/subjects/open/versions/latest?verbose=true",
        {"schema": REFERRING, "references": [REFERENCE]},
    ),
    Ask("compatibility", "POST", "/compatibility/subjects/open/versions", {"schema": '"long"'}),
    Ask("version_referencedby", "GET", "/subjects/open/versions/1/referencedby?deleted=true"),
    Ask("version", "GET", "/subjects/open/versions/latest"),
    Ask("subjects", "GET", "/contexts/.vault/subjects"),
    Ask("schemas", "GET", "/contexts/.vault/schemas"),
    Ask("schema_id", "GET", "/contexts/.vault/schemas/ids/1"),
    Ask("versions", "GET", "/contexts/.vault/subjects/secret/versions"),
    Ask("subject_config", "GET", "/contexts/.vault/config/secret"),
    Ask("subject_config", "GET", "/contexts/.vault/config"),
    Ask("subject_mode", "GET", "/contexts/.vault/mode"),
    Ask("context", "DELETE", "/contexts/vault"),
)


def _subjects(route: str, method: str, path: str, **body: Any) -> list[Ask]:
    """The same for each of team A's subjects; in the query where there is no body."""
    if method in {"GET", "DELETE"}:
        query = "".join(f"&{name}={quote(str(value))}" for name, value in body.items())
        return [Ask(route, method, f"/api/v1/{path}?subject={quote(name)}{query}") for name in SUBJECTS]
    return [Ask(route, method, f"/api/v1/{path}", {"subject": name, **body}) for name in SUBJECTS]


UNKNOWN = "00000000-0000-4000-8000-000000000000"
# Our own API, the feed and the pages, by entry of the table.
OTHERS: dict[Where, list[Ask]] = {
    ("own_subjects", "GET"): [
        Ask("own_subjects", "GET", f"/api/v1/subjects{query}")
        for query in ("", "?prefix=secret", "?prefix=:.vault:", "?prefix=:*:", "?limit=1", "?after=open&limit=1")
    ],
    ("own_subject", "GET"): _subjects("own_subject", "GET", "subjects/detail"),
    ("own_lifecycle", "POST"): [
        *_subjects("own_lifecycle", "POST", "subjects/lifecycle", to="deprecated", reason="old"),
        *_subjects("own_lifecycle", "POST", "subjects/lifecycle", to="deprecated", version="1"),
        *_subjects("own_lifecycle", "POST", "subjects/lifecycle", to="draft", version="latest"),
    ],
    ("own_owner", "PUT"): _subjects("own_owner", "PUT", "subjects/owner", owner="team-b"),
    ("own_visibility", "PUT"): _subjects("own_visibility", "PUT", "subjects/visibility", visibility="internal"),
    ("own_grants", "GET"): _subjects("own_grants", "GET", "grants"),
    ("own_grants", "PUT"): _subjects("own_grants", "PUT", "grants", group="team-b", role="reader"),
    ("own_grants", "DELETE"): _subjects("own_grants", "DELETE", "grants", group="partners"),
    ("own_scopes", "GET"): [Ask("own_scopes", "GET", "/api/v1/scopes")],
    ("own_scopes", "POST"): [
        Ask("own_scopes", "POST", "/api/v1/scopes", {"prefix": "secret-", "context": context})
        for context in (".", ".vault")
    ],
    ("own_scope", "DELETE"): [Ask("own_scope", "DELETE", "/api/v1/scopes/{scope}")],
    ("own_scope_grants", "GET"): [Ask("own_scope_grants", "GET", "/api/v1/scopes/{scope}/grants")],
    ("own_scope_grants", "PUT"): [
        Ask("own_scope_grants", "PUT", "/api/v1/scopes/{scope}/grants", {"group": "team-b", "role": "reader"})
    ],
    ("own_scope_grants", "DELETE"): [Ask("own_scope_grants", "DELETE", "/api/v1/scopes/{scope}/grants?group=team-a")],
    ("own_policies", "GET"): [Ask("own_policies", "GET", "/api/v1/policies")],
    ("own_policies", "PUT"): [
        *_subjects("own_policies", "PUT", "policies", key="initial_state", value="draft"),
        Ask(
            "own_policies",
            "PUT",
            "/api/v1/policies",
            {"key": "initial_state", "value": "draft", "prefix": "secret"},
        ),
    ],
    ("own_policies", "DELETE"): _subjects("own_policies", "DELETE", "policies", key="initial_state"),
    ("own_document", "GET"): [Ask("own_document", "GET", "/api/openapi.json")],
    ("own_me", "GET"): [Ask("own_me", "GET", "/api/v1/me")],
    ("own_groups", "GET"): [Ask("own_groups", "GET", "/api/v1/groups")],
    ("own_groups", "POST"): [Ask("own_groups", "POST", "/api/v1/groups", {"name": "team-c"})],
    ("own_service_accounts", "GET"): [Ask("own_service_accounts", "GET", "/api/v1/service-accounts")],
    ("own_service_accounts", "POST"): [
        Ask(
            "own_service_accounts",
            "POST",
            "/api/v1/service-accounts",
            {"name": "spy", "owner_group": "team-a", "description": ""},
        )
    ],
    ("own_service_account", "DELETE"): [Ask("own_service_account", "DELETE", "/api/v1/service-accounts/a")],
    ("own_keys", "GET"): [Ask("own_keys", "GET", "/api/v1/keys")],
    ("own_keys", "POST"): [Ask("own_keys", "POST", "/api/v1/keys", {"service_account": "a", "label": "spy"})],
    ("own_key", "PATCH"): [Ask("own_key", "PATCH", "/api/v1/keys/{key}", {"prefixes": ["spied-"]})],
    ("own_key_rotation", "POST"): [Ask("own_key_rotation", "POST", "/api/v1/keys/{key}/rotate", {})],
    ("own_my_keys", "POST"): [Ask("own_my_keys", "POST", "/api/v1/me/keys", {"label": "spy", "minutes": 1})],
    ("own_token_exchange", "POST"): [Ask("own_token_exchange", "POST", "/api/v1/tokens/exchange", {})],
    ("own_key", "DELETE"): [Ask("own_key", "DELETE", "/api/v1/keys/{key}")],
    ("audit_events", "GET"): [
        Ask("audit_events", "GET", "/api/v1/audit/events"),
        Ask("audit_events", "GET", "/api/v1/audit/events?object_ref=:.:secret"),
    ],
    ("audit_exports", "GET"): [Ask("audit_exports", "GET", "/api/v1/audit/exports")],
    ("audit_exports", "POST"): [Ask("audit_exports", "POST", "/api/v1/audit/exports", {})],
    ("audit_export", "GET"): [Ask("audit_export", "GET", f"/api/v1/audit/exports/{UNKNOWN}")],
    ("audit_link", "POST"): [Ask("audit_link", "POST", f"/api/v1/audit/exports/{UNKNOWN}/link", {})],
    ("feed_entry", "GET"): [
        Ask("feed_entry", "GET", f"/backstage/v1/catalog.yaml{query}") for query in ("", "?token={token}")
    ],
    ("feed_shard", "GET"): [
        Ask("feed_shard", "GET", f"/backstage/v1/shards/{number:02}.yaml{query}")
        for number in range(10)
        for query in ("", "?token={token}")
    ],
    ("feed_entities", "GET"): [
        Ask("feed_entities", "GET", f"/backstage/v1/entities{query}") for query in ("", "?limit=1")
    ],
    ("feed_entity", "GET"): [
        Ask("feed_entity", "GET", f"/backstage/v1/entities/default/{name}") for name in ("secret", "secret-gone")
    ],
    ("portal", "GET"): [Ask("portal", "GET", "/ui")],
    ("home", "GET"): [
        Ask("home", "GET", f"/ui/{query}")
        for query in ("", "?prefix=secret", "?prefix=:.vault:", "?show=mine", "?after=open")
    ],
    ("subject_page", "GET"): [
        Ask("subject_page", "GET", f"/ui/subject?name={quote(name)}{query}")
        for name in SUBJECTS
        for query in ("", "&version=1", "&version=9", "&before=2")
    ],
    ("subject_lifecycle", "POST"): [
        Ask("subject_lifecycle", "POST", "/ui/subject/lifecycle", form={"name": name, "version": version, "to": to})
        for name in SUBJECTS
        for version in ("", "1")
        for to in ("deprecated", "nonsense")
    ],
    ("health", "GET"): [Ask("health", "GET", "/ui/health")],
    ("no_such_page", "GET"): [Ask("no_such_page", "GET", "/ui/secret")],
    ("no_such_page", "POST"): [Ask("no_such_page", "POST", "/ui/secret", form={})],
    ("audit", "GET"): [Ask("audit", "GET", "/ui/audit")],
    ("audit", "POST"): [Ask("audit", "POST", "/ui/audit", form={"object_ref": ":.:secret"})],
    ("audit_download", "GET"): [Ask("audit_download", "GET", "/ui/audit/download?token=x")],
    ("audit_download", "POST"): [Ask("audit_download", "POST", "/ui/audit/download", form={"export": UNKNOWN})],
    ("front_door", "GET"): [Ask("front_door", "GET", "/")],
    ("front_door", "POST"): [Ask("front_door", "POST", "/", {})],
    ("admin_password", "GET"): [Ask("admin_password", "GET", "/{admin}/password_change/")],
}
# The ways in, which are not about anything that is stored; what they let in is tested with each of them.
DOORS = {where for where, entry in permissions.TABLE.items() if entry.proof is permissions.Proof.NONE}
