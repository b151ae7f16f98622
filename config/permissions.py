"""What every route asks of whoever calls, in one table: a test walks the URLconf, and each entry is tried.

Where a route concerns a subject, the rights on that subject come on top; the registry's own tables say which.
"""

from dataclasses import dataclass
from enum import StrEnum

from registry import permissions
from registry.permissions import Need

CATALOG_READ = "catalog:read"
AUDIT_READ = "audit:read"
VIEW_AUDIT = "audit.view_auditevent"
EXPORT_AUDIT = "audit.export_auditevent"

Where = tuple[str, str]


class Proof(StrEnum):
    """By what a caller may be known."""

    NONE = "anybody, known or not"
    HEADER = "a key or token in the Authorization header; no cookie is looked at"
    EITHER = "a key or token in the header, or the session of a page"
    SESSION = "the session of a person; no key counts"
    STAFF = "the session of a member of the staff"


@dataclass(frozen=True, slots=True)
class Entry:
    """`scope` is what a key needs, `need` what its holder, or the person, must be allowed."""

    proof: Proof
    scope: str | None = None
    need: str = Need.AUTHENTICATED


def _registry() -> dict[Where, Entry]:
    return {where: Entry(Proof.HEADER, rule.scope, rule.need) for where, rule in permissions.TABLE.items()}


def _own() -> dict[Where, Entry]:
    return {
        where: Entry(Proof.SESSION if rule.people_only else Proof.EITHER, rule.scope, "by subject or scope")
        for where, rule in permissions.OWN_TABLE.items()
    }


_OPEN = Entry(Proof.NONE, need="nothing")
_ADMINISTERED = Entry(Proof.SESSION, need="member of the owner group, or manage_global")
_PAGE = Entry(Proof.SESSION)
_EXPORT = Entry(Proof.SESSION, need=EXPORT_AUDIT)
_FEED = Entry(Proof.HEADER, CATALOG_READ, Need.VIEW)

TABLE: dict[Where, Entry] = {
    **_registry(),
    **_own(),
    ("own_me", "GET"): Entry(Proof.EITHER),
    ("own_groups", "GET"): _PAGE,
    ("own_groups", "POST"): Entry(Proof.SESSION, need=Need.GLOBAL),
    ("own_service_accounts", "GET"): _ADMINISTERED,
    ("own_service_accounts", "POST"): _ADMINISTERED,
    ("own_service_account", "DELETE"): _ADMINISTERED,
    ("own_keys", "GET"): _ADMINISTERED,
    ("own_keys", "POST"): _ADMINISTERED,
    ("own_key", "PATCH"): _ADMINISTERED,
    ("own_key", "DELETE"): _ADMINISTERED,
    ("own_key_rotation", "POST"): Entry(Proof.EITHER, need="the key itself, or as for issuing one"),
    ("own_my_keys", "POST"): _PAGE,
    # The token that is sent proves whose pipeline it is.
    ("own_token_exchange", "POST"): _OPEN,
    ("audit_events", "GET"): Entry(Proof.EITHER, AUDIT_READ, VIEW_AUDIT),
    ("audit_exports", "GET"): _EXPORT,
    ("audit_exports", "POST"): _EXPORT,
    ("audit_export", "GET"): _EXPORT,
    ("audit_link", "POST"): _EXPORT,
    # The first two also for the feed token in the address, where one is set.
    ("feed_entry", "GET"): _FEED,
    ("feed_shard", "GET"): _FEED,
    ("feed_entities", "GET"): _FEED,
    ("feed_entity", "GET"): _FEED,
    ("portal", "GET"): _PAGE,
    ("home", "GET"): _PAGE,
    ("subject_page", "GET"): Entry(Proof.SESSION, need=Need.VIEW),
    ("subject_lifecycle", "POST"): Entry(Proof.SESSION, need="change_lifecycle"),
    ("health", "GET"): _PAGE,
    ("no_such_page", "GET"): _PAGE,
    ("no_such_page", "POST"): _PAGE,
    ("audit", "GET"): _EXPORT,
    ("audit", "POST"): _EXPORT,
    ("audit_download", "GET"): _EXPORT,
    ("audit_download", "POST"): _EXPORT,
    # A browser is sent to the portal, everybody else to the registry, whose entry `root` counts then.
    ("front_door", "GET"): Entry(Proof.HEADER),
    ("front_door", "POST"): Entry(Proof.HEADER),
    ("alive", "GET"): _OPEN,
    ("ready", "GET"): _OPEN,
    ("login", "GET"): _OPEN,
    ("login", "POST"): _OPEN,
    ("login", "PUT"): _OPEN,
    ("login_link", "GET"): _OPEN,
    ("login_link", "POST"): _OPEN,
    ("login_failed", "GET"): _OPEN,
    ("logout", "POST"): _OPEN,
    ("signed_out", "GET"): _OPEN,
    ("oidc_authentication_init", "GET"): _OPEN,
    ("oidc_authentication_callback", "GET"): _OPEN,
    # The provider's message proves itself by its signature.
    ("backchannel_logout", "POST"): _OPEN,
    ("admin_login", "GET"): _OPEN,
    ("admin_login", "POST"): _OPEN,
    ("admin_logout", "POST"): _OPEN,
    ("admin_password", "GET"): _PAGE,
}
# Everything below the admin's path; there, Django's rights on the models count besides.
ADMIN = Entry(Proof.STAFF, need="Django's right on the model")
