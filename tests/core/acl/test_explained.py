"""A judgement as it is shown."""

from __future__ import annotations

from lictor_core.acl.authorizer import Authorizer
from lictor_core.acl.explained import explained
from lictor_core.acl.granted import DefaultPolicy, GrantedPolicy, Grants
from lictor_core.acl.rules import Access, Resource, Rule

_RULES = (
    Rule(resource=Resource.SERVICE, name="we", is_prefix=True, access=Access.READ),
    Rule(resource=Resource.SERVICE, name="web", access=Access.WRITE),
)
_GRANTS = Grants(accessor_id="a", policies=(GrantedPolicy(name="p", rules=_RULES),), default=DefaultPolicy.DENY)


def test_every_rule_that_speaks_is_told_and_the_first_decides() -> None:
    shown = explained(Authorizer(_GRANTS).judge(Resource.SERVICE, "web", Access.WRITE))
    assert shown.allowed
    assert [(one.rule, one.policy, one.grants, one.decides) for one in shown.considered] == [
        ('service "web" { policy = "write" }', "p", "write", True),
        ('service_prefix "we" { policy = "read" }', "p", "read", False),
    ]


def test_where_no_rule_speaks_the_default_is_told() -> None:
    shown = explained(Authorizer(_GRANTS).judge(Resource.KEY, "k", Access.READ))
    assert (shown.allowed, shown.by_default, shown.default_policy, shown.considered) == (False, True, "deny", ())
    assert "the default" in shown.reason
