"""Why a token may do something or not, as the explain API shows it."""

from __future__ import annotations

import msgspec

from lictor_core.acl.authorizer import Judgement
from lictor_core.acl.denial import reason
from lictor_core.records import Record

__all__ = ["AclExplanation", "ConsideredRule", "explained"]


class ConsideredRule(Record, frozen=True, kw_only=True):
    """A rule that speaks of what was asked, and the policy, or identity, that brings it. The first one decided."""

    rule: str
    policy: str
    grants: str
    decides: bool


class AclExplanation(Record, frozen=True, kw_only=True):
    """A judgement. `policies` are all that the token comes to; `reason` is a sentence for people."""

    accessor_id: str = msgspec.field(name="AccessorID")
    resource: str
    segment: str
    access: str
    allowed: bool
    by_default: bool
    default_policy: str
    reason: str
    policies: tuple[str, ...]
    considered: tuple[ConsideredRule, ...]


def explained(judgement: Judgement) -> AclExplanation:
    """A judgement as it is shown."""
    return AclExplanation(
        accessor_id=judgement.accessor_id,
        resource=str(judgement.resource),
        segment=judgement.name,
        access=judgement.access.word,
        allowed=judgement.allowed,
        by_default=judgement.by_default,
        default_policy=str(judgement.default),
        reason=reason(judgement),
        policies=judgement.policies,
        considered=tuple(
            ConsideredRule(rule=one.rule.shown, policy=one.policy, grants=one.rule.access.word, decides=place == 0)
            for place, one in enumerate(judgement.considered)
        ),
    )
