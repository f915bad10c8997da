"""Intentions about requests, as RBAC rules for the routes of a public listener.

The rules that decide are a list of who may do what: what is in none of its policies is denied, so a mistake here shuts
out. A filter before theirs has shadow rules, which change nothing: of a request that will be denied they name what
denies it. Envoy leaves the name behind, and the listener puts it into `x-lictor-deny-reason`; the filter that denies
would leave it behind too late. Shadow rules exclude one another, since Envoy looks at policies in the order of their
names, and these are for people.

What is true of a request is `lictor_core.request_judging.judge`'s to say; this only writes it down for Envoy.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from lictor_connect_proxy.xds.forms import any_of
from lictor_connect_proxy.xds.intentions import Admission, Sources, principals
from lictor_connect_proxy.xds.predicates import ALWAYS, NEVER, all_of, any_of_these, carries, negated, speaks_of
from lictor_core.entries.permissions import Permission
from lictor_core.intentions import Decision, Rule
from lictor_core.records import JsonObject

__all__ = ["NAMED_MAX", "RBAC_FILTER", "REASONS_FILTER", "route_rules"]

RBAC_FILTER: Final = "envoy.filters.http.rbac"
"""The filter that denies; what both leave behind stands under this name."""
REASONS_FILTER: Final = "intentions.reasons"
"""The filter before it, which only names."""
NAMED_MAX: Final = 32
"""Permissions of one source that are named one by one when they deny; of more only the intention is named. Also the
sources whose plain denials are named: each is looked at with each request."""
_RBAC: Final = "envoy.extensions.filters.http.rbac.v3"


def route_rules(sources: Sources | None, trust_domain: str, *, default_allow: bool) -> JsonObject:
    """What a route says to both filters, by their names; without `sources` nobody may do anything."""
    allowing: JsonObject = {}
    denying: JsonObject = {}
    for who, decision, names in _classes(sources, trust_domain):
        allowed = _allowed(decision, default_allow)
        if allowed != NEVER:
            allowing[names] = {"permissions": [allowed], "principals": who}
        for reason, cases in _gathered(_reasons(decision, default_allow)).items():
            denying[reason] = {"permissions": cases, "principals": who}
    return {
        REASONS_FILTER: _per_route(shadow_rules={"action": "DENY", "policies": denying}),
        RBAC_FILTER: _per_route(rules={"action": "ALLOW", "policies": allowing}),
    }


def _per_route(**rules: JsonObject) -> JsonObject:
    return any_of(f"{_RBAC}.RBACPerRoute", rbac=rules)


def _classes(sources: Sources | None, trust_domain: str) -> Iterable[tuple[list[JsonObject], Decision, str]]:
    """Principals, what is decided of them, and a name; together they are all sources, none of them twice.

    Sources that are plainly allowed are taken together: most intentions are about connections. One of which the same
    rule decides as of all others is one of the others.
    """
    if sources is None:
        return
    special = {name: one for name, one in sources.named.items() if one.rule != sources.others.rule}
    allowed: list[str] = []
    denied: list[str] = []
    for name, decision in sorted(special.items()):
        if decision.rule is not None and not decision.rule.looks_at_requests:
            (allowed if decision.allowed else denied).append(name)
        else:
            yield principals(Admission((name,), False), trust_domain), decision, f"source {name}"
    if allowed:
        yield principals(Admission(tuple(allowed), False), trust_domain), special[allowed[0]], "sources"
    # Whoever is plainly denied cannot connect: this is for connections from before, and need not name very many.
    for name in denied[:NAMED_MAX]:
        yield principals(Admission((name,), False), trust_domain), special[name], f"source {name}"
    others = Admission(tuple(sorted(special)), True)
    yield principals(others, trust_domain), sources.others, "others"


def _allowed(decision: Decision, default_allow: bool) -> JsonObject:
    """When a request is allowed."""
    rule = decision.rule
    if rule is None or not rule.looks_at_requests:
        return ALWAYS if decision.allowed else NEVER
    if rule.unreadable:
        return NEVER
    if rule.permissions:
        allowed = _by_permissions(rule.permissions, default_allow)
    else:
        allowed = ALWAYS if decision.may_allow else NEVER
    return all_of(allowed, ALWAYS if rule.jwt is None else carries(rule.jwt))


def _by_permissions(permissions: Sequence[Permission], otherwise: bool) -> JsonObject:
    """Flat, whatever the number of permissions: messages may be nested only so deep."""
    ways: list[JsonObject] = []
    run: list[JsonObject] = []
    denied: list[JsonObject] = []
    tempted: list[JsonObject] = []
    for one in permissions:
        if one.action == "allow":
            run.append(_matches(one))
            if one.jwt is not None:
                tempted.append(speaks_of(one.http))
            continue
        if run:
            ways.append(all_of(any_of_these(run), negated(any_of_these(denied))))
            run = []
        denied.append(_matches(one))
    if run:
        ways.append(all_of(any_of_these(run), negated(any_of_these(denied))))
    if otherwise:
        ways.append(all_of(negated(any_of_these(denied)), negated(any_of_these(tempted))))
    return any_of_these(ways)


def _reasons(decision: Decision, default_allow: bool) -> Iterable[tuple[str, JsonObject]]:
    """Of a request that is denied: what denied it, and when that is the case."""
    rule = decision.rule
    if rule is None or rule.unreadable or not (rule.permissions or decision.depends):
        if not decision.allowed:
            yield decision.summary(), ALWAYS
        return
    if len(rule.permissions) > NAMED_MAX:
        yield _said(decision, rule), ALWAYS
        return
    demanded = () if rule.jwt is None else tuple(one.name for one in rule.jwt.providers)
    without = NEVER if rule.jwt is None else negated(carries(rule.jwt))
    before: list[JsonObject] = []
    for number, one in enumerate(rule.permissions):
        first = all_of(_matches(one), negated(any_of_these(before)))
        if one.action == "deny":
            yield _said(decision, rule, permission=number), first
        elif demanded:
            yield _said(decision, rule, permission=number, demanded=demanded), all_of(first, without)
        before.append(_matches(one))
    for one in rule.permissions:
        if one.action == "allow" and one.jwt is not None:
            names = tuple(each.name for each in one.jwt.providers)
            case = all_of(speaks_of(one.http), negated(any_of_these(before)))
            yield _said(decision, rule, demanded=names), case
            before.append(speaks_of(one.http))
    if not rule.permissions or default_allow:
        yield _said(decision, rule, demanded=demanded), all_of(negated(any_of_these(before)), without)
    else:
        yield _said(decision, rule, fell_through=True), negated(any_of_these(before))


def _gathered(reasons: Iterable[tuple[str, JsonObject]]) -> dict[str, list[JsonObject]]:
    """Cases by reason: two permissions may demand a token of the same provider."""
    found: dict[str, list[JsonObject]] = {}
    for reason, case in reasons:
        if case != NEVER:
            found.setdefault(reason, []).append(case)
    return found


def _said(
    decision: Decision,
    rule: Rule,
    *,
    permission: int | None = None,
    demanded: tuple[str, ...] = (),
    fell_through: bool = False,
) -> str:
    return Decision(
        allowed=False,
        rule=rule,
        reason="",
        considered=(),
        source=decision.source,
        destination=decision.destination,
        default_allow=decision.default_allow,
        permission=permission,
        demanded=demanded,
        fell_through=fell_through,
    ).summary()


def _matches(permission: Permission) -> JsonObject:
    return all_of(speaks_of(permission.http), ALWAYS if permission.jwt is None else carries(permission.jwt))
