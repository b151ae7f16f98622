"""A new version of a stored one that differs in its tags, its metadata or its rules."""

from dataclasses import dataclass, replace

from audit.actors import Actor
from registry import access
from registry.bodies import Body, Tagging
from registry.errors import InvalidRuleSet
from registry.names import LATEST
from registry.schemas import rules
from registry.services import reading, registration
from registry.services.lookup import Found


@dataclass(frozen=True, slots=True)
class Change:
    """`version` is the number that the new version must get; 0 takes the next one."""

    version: int
    tagging: Tagging
    metadata: Body | None
    rule_set: Body | None
    rules_to_merge: Body | None
    rules_to_remove: tuple[str, ...]

    @property
    def edits_rules(self) -> bool:
        return self.rules_to_merge is not None or bool(self.rules_to_remove)


def change_version(
    *, principal: access.Principal, actor: Actor, subject_name: str, version: int, change: Change
) -> Found:
    """The new version. What is not given it has from the latest one; the rules to merge and to remove act on those.

    Raises InvalidRuleSet, SubjectNotFound, VersionNotFound, and whatever registering it raises.
    """
    _check(change)
    base = reading.get_version(principal=principal, subject_name=subject_name, version=version)
    latest = reading.get_version(principal=principal, subject_name=str(base.subject), version=LATEST)
    definition = replace(
        base.as_definition,
        metadata=change.metadata,
        rule_set=_edited(latest.rule_set, change) if change.edits_rules else change.rule_set,
        version=change.version,
        tagging=change.tagging,
    )
    return registration.register_version(
        principal=principal,
        actor=actor,
        subject_name=str(base.subject),
        definition=definition,
        normalize=False,
        force=False,
    )


def _check(change: Change) -> None:
    if change.rule_set is not None and change.edits_rules:
        raise InvalidRuleSet("ruleSet should be omitted if specifying rulesToMerge or rulesToRemove")
    rules.check(change.rules_to_merge)


def _edited(rule_set: Body | None, change: Change) -> Body | None:
    return rules.without_rules(rules.merge_rule_sets(rule_set, change.rules_to_merge), change.rules_to_remove)
