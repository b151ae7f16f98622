"""How the installation is doing: what the health page shows. What is not there yet is not shown."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from django.conf import settings
from django.core import checks
from django.core.checks import Tags
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from accounts import keys, local, people
from accounts.principals import Principal
from audit import services, triggers
from audit.events import Action
from audit.models import AuditEvent
from catalog import feed
from registry.permissions import MANAGE_GLOBAL

State = Literal["good", "look", "bad"]
VIEW_AUDIT = "audit.view_auditevent"
SOON = timedelta(days=14)
BREAKGLASS_ALARM = timedelta(days=7)
FEW_EVENTS = 50_000
# They are made every hour.
CHECKPOINT_LATE = timedelta(hours=3)
VERIFICATION_LATE = timedelta(days=2)
_URGENT: dict[State, int] = {"bad": 0, "look": 1, "good": 2}


@dataclass(frozen=True)
class Finding:
    """`hint` is what to do, or the command that shows more."""

    what: str
    state: State
    text: str
    hint: str = ""


def findings(principal: Principal) -> list[Finding]:
    """The worst first. How it is set up is for those who manage it; that it works is for everybody."""
    found = [_database(), _migrations(), _guards()]
    if VIEW_AUDIT in principal.rights:
        found += [_audit_head(), _verification(), _checkpoints()]
    if MANAGE_GLOBAL in principal.rights:
        found += [*_doors(), *_ending_keys(), *_left_out(), *_settings()]
    return sorted(found, key=lambda finding: _URGENT[finding.state])


def _database() -> Finding:
    with connection.cursor() as cursor:
        cursor.execute("SELECT sqlite_version()" if connection.vendor == "sqlite" else "SHOW server_version")
        (version,) = cursor.fetchone()
    return Finding("Database", "good", f"{connection.display_name} {version.split()[0]} answers")


def _migrations() -> Finding:
    executor = MigrationExecutor(connection)
    pending = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if pending:
        return Finding("Migrations", "bad", f"{pending} are to be applied", "manage.py migrate")
    return Finding("Migrations", "good", "all applied")


def _guards() -> Finding:
    missing = len(triggers.missing(connection))
    if missing:
        return Finding("Audit guards", "bad", f"{missing} triggers are missing or off", "manage.py migrate")
    return Finding("Audit guards", "good", "no change without its event")


def _audit_head() -> Finding:
    last = AuditEvent.objects.order_by("-seq").first()
    if last is None:
        return Finding("Audit log", "good", "no event yet")
    text = f"event {last.seq} of {last.at:%Y-%m-%d %H:%M:%S} UTC, hash {bytes(last.hash).hex()}"
    return Finding("Audit log", "good", text, "manage.py audit_verify")


def _verification() -> Finding:
    what, hint = "Verification", "manage.py audit_verify"
    last = AuditEvent.objects.order_by("-seq").first()
    recent = AuditEvent.objects.filter(seq__gt=last.seq - FEW_EVENTS if last else 0)
    found = recent.filter(action=Action.AUDIT_VERIFIED).order_by("-seq").first()
    if found is None:
        return Finding(what, "good", "every night; not yet among the last events", hint)
    detail = json.loads(found.payload)["detail"]
    text = f"{found.at:%Y-%m-%d %H:%M} UTC: {detail['message']}"
    late = timezone.now() - found.at > VERIFICATION_LATE
    return Finding(what, "bad" if detail["exit_code"] else "look" if late else "good", text, hint)


def _checkpoints() -> Finding:
    last, hint = services.last_delivered(), "CALLBOARD_CHECKPOINT_TARGETS"
    if last is None:
        return Finding("Checkpoints", "look", "none has left the server yet", hint)
    late = timezone.now() - last.at > CHECKPOINT_LATE and AuditEvent.objects.filter(seq__gt=last.seq).exists()
    text = f"the last one that left the server is of event {last.seq}, {last.at:%Y-%m-%d %H:%M} UTC"
    if not settings.CALLBOARD["CHECKPOINT_TARGETS"]:
        return Finding("Checkpoints", "look", f"{text}, in the log only", hint)
    return Finding("Checkpoints", "bad" if late else "good", text, hint if late else "")


def _doors() -> list[Finding]:
    found = []
    if local.is_breakglass():
        text = "passwords open although there is an identity provider; every use is recorded"
        found.append(Finding("Break-glass", "look", text, "CALLBOARD_BREAKGLASS_LOCAL_LOGIN=off"))
    found += _breakglass_uses()
    if (anonymous := settings.CALLBOARD["ANONYMOUS"]) != "off":
        found.append(Finding("Strangers", "bad", f"may {anonymous} without a key", "CALLBOARD_ANONYMOUS=off"))
    return found


def _breakglass_uses() -> list[Finding]:
    """An alarm for a week, also after the door was closed again."""
    last = AuditEvent.objects.order_by("-seq").first()
    if last is None:
        return []
    # No index knows of actions, and the log may be long.
    recent = AuditEvent.objects.filter(seq__gt=last.seq - FEW_EVENTS, at__gt=timezone.now() - BREAKGLASS_ALARM)
    uses = list(recent.filter(action=Action.AUTH_BREAKGLASS).order_by("-seq"))
    if not uses:
        return []
    refs = dict.fromkeys(event.object_ref for event in uses)
    names = people.names_of(refs)
    who = ", ".join(names.get(ref, ref) for ref in refs)
    text = f"{len(uses)} sign-ins with a local password in a week, the last {uses[0].at:%Y-%m-%d %H:%M} UTC: {who}"
    return [Finding("Break-glass used", "bad", text, "CALLBOARD_BREAKGLASS_LOCAL_LOGIN=off")]


def _ending_keys() -> list[Finding]:
    labels = [f"{each.key.label} ({each.key.id12}) on {each.expires_at:%Y-%m-%d}" for each in keys.ending(SOON)[:5]]
    return [Finding("Keys that end soon", "look", ", ".join(labels), "manage.py api_key ACCOUNT")] if labels else []


def _left_out() -> list[Finding]:
    left_out = feed.unmapped()
    if not left_out:
        return []
    named = ", ".join(f"{each.subject} ({each.reason})" for each in left_out[:5])
    more = f", and {len(left_out) - 5} more" if len(left_out) > 5 else ""
    return [Finding("Not in Backstage", "look", f"{named}{more}", "CALLBOARD_BACKSTAGE_OWNERS")]


def _settings() -> list[Finding]:
    return [
        Finding("Settings", "bad" if message.is_serious() else "look", message.msg, message.hint or "")
        for message in checks.run_checks(tags=[Tags.security])
        if not message.is_silenced()
    ]
