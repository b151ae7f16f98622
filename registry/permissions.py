"""What may be allowed, and what each route asks for: one table, walked by a test, read by the edge."""

from dataclasses import dataclass
from enum import StrEnum

MANAGE_GLOBAL = "registry.manage_global"


class Permission(StrEnum):
    """Rights on one subject. Members of its owner group hold all of them."""

    VIEW = "view"
    REGISTER = "register"
    SET_COMPATIBILITY = "set_compatibility"
    CHANGE_LIFECYCLE = "change_lifecycle"
    DELETE = "delete"
    MANAGE = "manage"


ALL = frozenset(Permission)

# As the grant tables store them: on a subject, and on a scope.
SUBJECT_CODENAMES = {
    Permission.VIEW: "view_subject",
    Permission.REGISTER: "register_version",
    Permission.SET_COMPATIBILITY: "set_compatibility",
    Permission.CHANGE_LIFECYCLE: "change_lifecycle",
    Permission.DELETE: "delete_subject",
    Permission.MANAGE: "manage_subject",
}
SCOPE_CODENAMES = {permission: f"{permission}_in_scope" for permission in Permission}
CODENAMES = {
    codename: permission
    for codenames in (SUBJECT_CODENAMES, SCOPE_CODENAMES)
    for permission, codename in codenames.items()
}

# Constants that expand to permissions when a grant is given; nothing stores a role.
ROLES = {
    "reader": frozenset({Permission.VIEW}),
    "writer": frozenset({Permission.VIEW, Permission.REGISTER}),
    "maintainer": ALL - {Permission.MANAGE},
    "owner": ALL,
}


class Scope(StrEnum):
    """What a key is good for, whatever its holder may do."""

    SUBJECTS_READ = "subjects:read"
    SUBJECTS_WRITE = "subjects:write"
    SUBJECTS_DELETE = "subjects:delete"
    CONFIG_WRITE = "config:write"
    LIFECYCLE_WRITE = "lifecycle:write"


class Need(StrEnum):
    """What a route asks for besides the scope. The service looks at the subject; the edge does the rest."""

    AUTHENTICATED = "authenticated"
    GLOBAL = "global"
    VIEW = "view"
    REGISTER = "register, or the right to create"
    SET_COMPATIBILITY = "set_compatibility"
    MANAGE_CONTEXT = "manage in the whole context"
    SET_MODE = "set_compatibility; manage for IMPORT, FORWARD and force"
    DELETE = "delete; also manage if permanent"


@dataclass(frozen=True, slots=True)
class Rule:
    scope: Scope | None
    need: Need


_ANYBODY = Rule(None, Need.AUTHENTICATED)
_READ = Rule(Scope.SUBJECTS_READ, Need.VIEW)

# HEAD and OPTIONS follow GET. Reading lists and settings that belong to no subject needs no more than the scope.
TABLE = {
    ("root", "GET"): _ANYBODY,
    ("root", "POST"): _ANYBODY,
    ("subjects", "GET"): _READ,
    ("subject", "POST"): _READ,
    ("subject", "DELETE"): Rule(Scope.SUBJECTS_DELETE, Need.DELETE),
    ("versions", "GET"): _READ,
    ("versions", "POST"): Rule(Scope.SUBJECTS_WRITE, Need.REGISTER),
    ("subject_metadata", "GET"): _READ,
    ("version", "GET"): _READ,
    ("version", "DELETE"): Rule(Scope.SUBJECTS_DELETE, Need.DELETE),
    ("version_schema", "GET"): _READ,
    ("version_referencedby", "GET"): _READ,
    ("version_tags", "POST"): Rule(Scope.SUBJECTS_WRITE, Need.REGISTER),
    ("compatibility", "POST"): _READ,
    ("compatibility_version", "POST"): _READ,
    ("schemas", "GET"): _READ,
    ("schema_types", "GET"): _ANYBODY,
    ("schema_id", "GET"): _READ,
    ("schema_id_schema", "GET"): _READ,
    ("schema_id_subjects", "GET"): _READ,
    ("schema_id_versions", "GET"): _READ,
    ("schema_guid", "GET"): _READ,
    ("schema_guid_ids", "GET"): _READ,
    ("contexts", "GET"): _READ,
    ("context", "DELETE"): Rule(Scope.SUBJECTS_DELETE, Need.MANAGE_CONTEXT),
    ("config", "GET"): Rule(Scope.SUBJECTS_READ, Need.AUTHENTICATED),
    ("config", "PUT"): Rule(Scope.CONFIG_WRITE, Need.GLOBAL),
    ("config", "DELETE"): Rule(Scope.CONFIG_WRITE, Need.GLOBAL),
    ("subject_config", "GET"): _READ,
    ("subject_config", "PUT"): Rule(Scope.CONFIG_WRITE, Need.SET_COMPATIBILITY),
    ("subject_config", "DELETE"): Rule(Scope.CONFIG_WRITE, Need.SET_COMPATIBILITY),
    ("mode", "GET"): Rule(Scope.SUBJECTS_READ, Need.AUTHENTICATED),
    ("mode", "PUT"): Rule(Scope.CONFIG_WRITE, Need.GLOBAL),
    ("mode", "DELETE"): Rule(Scope.CONFIG_WRITE, Need.GLOBAL),
    ("subject_mode", "GET"): _READ,
    ("subject_mode", "PUT"): Rule(Scope.CONFIG_WRITE, Need.SET_MODE),
    ("subject_mode", "DELETE"): Rule(Scope.CONFIG_WRITE, Need.SET_COMPATIBILITY),
    ("metadata_id", "GET"): _ANYBODY,
    ("metadata_version", "GET"): _ANYBODY,
    ("metadata_deployment", "GET"): _ANYBODY,
}


@dataclass(frozen=True, slots=True)
class OwnRule:
    """What a route of our own API asks for besides the rights on the subject, which the service looks at."""

    scope: Scope | None
    people_only: bool = False


_OWN_READ = OwnRule(Scope.SUBJECTS_READ)
_PEOPLE = OwnRule(None, people_only=True)

OWN_TABLE = {
    ("own_document", "GET"): OwnRule(None),
    ("own_subjects", "GET"): _OWN_READ,
    ("own_subject", "GET"): _OWN_READ,
    ("own_lifecycle", "POST"): OwnRule(Scope.LIFECYCLE_WRITE),
    ("own_owner", "PUT"): _PEOPLE,
    ("own_visibility", "PUT"): _PEOPLE,
    ("own_grants", "GET"): _PEOPLE,
    ("own_grants", "PUT"): _PEOPLE,
    ("own_grants", "DELETE"): _PEOPLE,
    ("own_scopes", "GET"): _PEOPLE,
    ("own_scopes", "POST"): _PEOPLE,
    ("own_scope", "DELETE"): _PEOPLE,
    ("own_scope_grants", "GET"): _PEOPLE,
    ("own_scope_grants", "PUT"): _PEOPLE,
    ("own_scope_grants", "DELETE"): _PEOPLE,
    ("own_policies", "GET"): _OWN_READ,
    ("own_policies", "PUT"): _PEOPLE,
    ("own_policies", "DELETE"): _PEOPLE,
}
