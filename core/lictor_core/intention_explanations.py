"""Why something may or may not reach a service, rule by rule, as `/v1/internal/intentions/explain` tells it.

The verdict is that of the engine (`intentions.decide`); here is added why each rule that was looked at spoke or did
not. Pure. Consul has no such thing.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from lictor_core.entries.permissions import Permission
from lictor_core.errors import RequestError
from lictor_core.intentions import WILDCARD, Decision, Rule, decide
from lictor_core.records import Record
from lictor_core.request_judging import RequestFacts, misses

__all__ = ["IntentionExplanation", "PermissionExplanation", "RuleExplanation", "explain"]


class PermissionExplanation(Record, frozen=True, kw_only=True, omit_defaults=False):
    """One permission of a rule, counted from 1: whether it speaks of the request, and decided; and why or why not."""

    number: int
    action: str
    matches: bool
    decided: bool
    reason: str


class RuleExplanation(Record, frozen=True, kw_only=True, omit_defaults=False):
    """One intention that was looked at, in deciding order: what it says, whether it speaks of the pair, and why."""

    id: str = msgspec.field(name="ID")
    source: str
    destination: str
    precedence: int
    says: str
    matches: bool
    decided: bool
    reason: str
    permissions: list[PermissionExplanation]


class IntentionExplanation(Record, frozen=True, kw_only=True, omit_defaults=False):
    """A verdict, and every rule that was looked at.

    `verdict` is `allow`, `deny` or, where no request was given and the rule is about requests, `depends`. `default` is
    what holds where nothing matches, and `default_applied` whether it did. `certificate` is the name (SPIFFE id) by
    which proxies know the source; `policy_index` the index of the intentions, as proxies report it. `note` is what else
    must be known to see what happens.
    """

    source: str
    destination: str
    request: str
    verdict: str
    allowed: bool
    rule: str
    reason: str
    summary: str
    default: str
    default_applied: bool
    demanded: list[str]
    certificate: str
    policy_index: int
    note: str
    rules: list[RuleExplanation]


def explain(
    source: str,
    destination: str,
    rules: Sequence[Rule],
    *,
    default_allow: bool,
    request: RequestFacts | None = None,
    certificate: str = "",
    policy_index: int = 0,
    protocol: str = "",
    takes_entries: bool = True,
) -> IntentionExplanation:
    """The decision on `request`, or without one on a connection, and why each of `rules` spoke or did not.

    `protocol` is that of the destination as entries say it, empty where that does not matter; `takes_entries` whether
    the proxies of the agent that answers hear of it.
    """
    decision = decide(source, destination, rules, default_allow=default_allow, request=request)
    ordered = sorted(rules, key=lambda rule: (-rule.precedence, rule.destination, rule.source))
    return IntentionExplanation(
        source=source,
        destination=destination,
        request="" if request is None else f"{request.method} {request.path}",
        verdict=decision.verdict.value,
        allowed=decision.allowed,
        rule=decision.rule_key,
        reason=decision.reason,
        summary=decision.summary(),
        default="allow" if default_allow else "deny",
        default_applied=decision.by_default,
        demanded=list(decision.demanded),
        certificate=certificate,
        policy_index=policy_index,
        note=_note(decision, protocol, takes_entries=takes_entries),
        rules=[_explained(rule, decision, request) for rule in ordered],
    )


def _note(decision: Decision, protocol: str, *, takes_entries: bool) -> str:
    """That nobody sees the requests on which a rule depends, where that is so, or may be."""
    from lictor_core.entries.defaults import is_http_like  # kinds of entries are much to carry for who asks nothing

    rule = decision.rule
    if rule is None or not rule.looks_at_requests or not protocol or (is_http_like(protocol) and takes_entries):
        return ""
    if is_http_like(protocol):
        return (
            "this agent has no enable_central_service_config: its proxies hear of no protocol from entries, and deny "
            "what depends on requests unless their registration names one"
        )
    return (
        f"{decision.destination} speaks {protocol}, so that no proxy sees its requests: what depends on them is "
        "denied; set its Protocol to http, http2 or grpc by a service-defaults entry"
    )


def _explained(rule: Rule, decision: Decision, request: RequestFacts | None) -> RuleExplanation:
    matches, decided = rule in decision.considered, rule == decision.rule
    return RuleExplanation(
        id=rule.id,
        source=rule.source,
        destination=rule.destination,
        precedence=rule.precedence,
        says=rule.says(),
        matches=matches,
        decided=decided,
        reason=_reason(rule, decision, matches=matches, decided=decided),
        permissions=_permissions(rule, decision, request) if decided else [],
    )


def _reason(rule: Rule, decision: Decision, *, matches: bool, decided: bool) -> str:
    if not matches:
        if rule.source not in (WILDCARD, decision.source):
            return f"speaks of the source {rule.source}"
        return f"speaks of the destination {rule.destination}"
    if decided:
        return f"decides: no other that matches has a precedence of {rule.precedence} or more"
    assert decision.rule is not None, "what matches is outranked by what decides"
    return f"matches, but {decision.rule.key} has precedence {decision.rule.precedence}"


def _permissions(rule: Rule, decision: Decision, request: RequestFacts | None) -> list[PermissionExplanation]:
    shown: list[PermissionExplanation] = []
    for number, one in enumerate(rule.permissions):
        decided = number == decision.permission
        later = decision.permission is not None and number > decision.permission
        missed = "depends on the request" if request is None else _missed(one, request)
        if decided:
            reason = "decides: the first that matches"
        elif later:
            reason = "not looked at: an earlier one decides"
        else:
            reason = missed
        shown.append(
            PermissionExplanation(
                number=number + 1, action=one.action, matches=not missed, decided=decided, reason=reason
            )
        )
    return shown


def _missed(permission: Permission, request: RequestFacts) -> str:
    try:
        return misses(permission, request)
    except RequestError as error:
        return f"cannot be judged: {error}"
