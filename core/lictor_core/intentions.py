"""The intention engine: may this source connect to this destination, and which rule says so (architecture, decision 9).

Every part that judges or shows a judgement calls `decide`: the check and match APIs, `authorize`, the proxies, the
command line. Precedence is Consul's (document `docs/connect/intentions`): an exact destination outranks an exact
source, both outrank `*`; among equals nothing is left to chance, since source and destination together are unique.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from lictor_core.records import Intention, IntentionAction

__all__ = [
    "SOURCE_TYPE",
    "WILDCARD",
    "Decision",
    "Rule",
    "decide",
    "in_deciding_order",
    "intention_hash",
    "precedence",
    "rule_of",
]

WILDCARD: Final = "*"
SOURCE_TYPE: Final = "consul"
"""The only kind of source: a service of this registry, by name."""

_PRECEDENCE: Final = {
    # (source is exact, destination is exact): Consul's table without namespaces, which are always `default` here
    (True, True): 9,
    (False, True): 8,
    (True, False): 6,
    (False, False): 5,
}


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What the engine needs of an intention.

    One that `looks_at_requests` speaks of what no connection shows: it denies, and its reason says so.
    """

    source: str
    destination: str
    action: IntentionAction
    precedence: int
    id: str = ""
    looks_at_requests: bool = False

    def matches(self, source: str, destination: str) -> bool:
        """Whether this rule speaks of a connection from `source` to `destination`."""
        return self.source in (source, WILDCARD) and self.destination in (destination, WILDCARD)


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict that explains itself.

    `rule` is the one that decided, None when the default did. `considered` are the matching rules in deciding order.
    """

    allowed: bool
    rule: Rule | None
    reason: str
    considered: tuple[Rule, ...]

    @property
    def precedence(self) -> int:
        """Precedence of the deciding rule; 0 when the default decided."""
        return self.rule.precedence if self.rule is not None else 0


def precedence(source: str, destination: str) -> int:
    """How strongly these names speak: 9 exact to exact, 8 any to exact, 6 exact to any, 5 any to any."""
    return _PRECEDENCE[source != WILDCARD, destination != WILDCARD]


def rule_of(intention: Intention) -> Rule:
    """The rule that an intention states."""
    return Rule(
        source=intention.source_name,
        destination=intention.destination_name,
        action=intention.action,
        precedence=precedence(intention.source_name, intention.destination_name),
        id=intention.id,
        looks_at_requests=bool(intention.permissions) or intention.jwt is not None,
    )


def in_deciding_order(intentions: Iterable[Intention]) -> list[Intention]:
    """The intentions as they decide: highest precedence first, then by names."""
    return sorted(
        intentions,
        key=lambda one: (
            -precedence(one.source_name, one.destination_name),
            one.destination_name,
            one.source_name,
        ),
    )


def intention_hash(intention: Intention) -> str:
    """A digest of what the intention says, not of when: equal rules have equal hashes."""
    said = msgspec.structs.replace(intention, created_at="", updated_at="", hash="", create_index=0, modify_index=0)
    return base64.b64encode(hashlib.blake2b(msgspec.msgpack.encode(said), digest_size=32).digest()).decode()


def decide(source: str, destination: str, rules: Sequence[Rule], *, default_allow: bool) -> Decision:
    """Judge a connection from `source` to `destination`. Names compare exactly, as certificates carry them."""
    considered = tuple(
        sorted(
            (rule for rule in rules if rule.matches(source, destination)),
            key=lambda rule: (-rule.precedence, rule.destination, rule.source),
        )
    )
    if not considered:
        verdict = "allow" if default_allow else "deny"
        return Decision(
            allowed=default_allow,
            rule=None,
            reason=f"no intention matches {source} -> {destination}; the default policy is {verdict}",
            considered=(),
        )
    rule = considered[0]
    reason = f"intention {rule.source} -> {rule.destination} ({rule.action.value}, precedence {rule.precedence})"
    if rule.looks_at_requests:
        reason += ": it has rules about requests, which cannot be checked of a connection"
    return Decision(
        allowed=rule.action is IntentionAction.ALLOW and not rule.looks_at_requests,
        rule=rule,
        reason=reason,
        considered=considered,
    )
