"""An explanation says of every rule why it spoke or not, and its verdict is the engine's."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.entries.permissions import Permission, PermissionHTTP
from lictor_core.intention_explanations import explain
from lictor_core.intentions import Rule, decide, precedence
from lictor_core.records import IntentionAction
from lictor_core.request_judging import RequestFacts
from tests.core import requests as any_of

SOURCES = st.sampled_from(["web", "api", "*"])


def rule(source: str, destination: str = "db", **more: object) -> Rule:
    strength = precedence(source, destination)
    plain = Rule(source=source, destination=destination, action=IntentionAction.DENY, precedence=strength)
    return msgspec.structs.replace(plain, **more)


@st.composite
def rule_sets(draw: st.DrawFn) -> list[Rule]:
    pairs = draw(st.lists(st.tuples(SOURCES, st.sampled_from(["db", "*"])), unique=True, max_size=5))
    return [
        rule(*pair, unreadable=True)
        if draw(st.integers(0, 9)) == 0
        else rule(
            *pair,
            action=draw(st.sampled_from(list(IntentionAction))),
            permissions=draw(any_of.permissions | st.just(())),
            jwt=draw(st.none() | any_of.demands),
        )
        for pair in pairs
    ]


@given(rule_sets(), st.none() | any_of.request_facts, st.booleans())
def test_the_verdict_is_the_engines(rules: list[Rule], request: RequestFacts | None, default_allow: bool) -> None:
    found = explain("web", "db", rules, default_allow=default_allow, request=request)
    decision = decide("web", "db", rules, default_allow=default_allow, request=request)
    assert (found.verdict, found.allowed, found.reason) == (decision.verdict, decision.allowed, decision.reason)
    assert (found.rule, found.summary) == (decision.rule_key, decision.summary())
    assert found.default_applied is decision.by_default
    assert len(found.rules) == len(rules)
    assert sum(one.decided for one in found.rules) == (decision.rule is not None)
    assert {(one.source, one.destination) for one in found.rules if one.matches} == {
        (one.source, one.destination) for one in decision.considered
    }
    assert all(one.reason for one in found.rules)
    deciding = [one.number for shown in found.rules for one in shown.permissions if one.decided]
    assert deciding == ([] if decision.permission is None else [decision.permission + 1])
    assert all(one.reason for shown in found.rules for one in shown.permissions)


def test_each_rule_says_why_it_does_not_speak() -> None:
    rules = [rule("*"), rule("web"), rule("api"), rule("*", "*")]
    found = explain("web", "db", rules, default_allow=True)
    assert [(one.source, one.decided, one.reason) for one in found.rules] == [
        ("api", False, "speaks of the source api"),
        ("web", True, "decides: no other that matches has a precedence of 9 or more"),
        ("*", False, "matches, but web->db has precedence 9"),
        ("*", False, "matches, but web->db has precedence 9"),
    ]


def test_each_permission_says_why_it_does_not_match() -> None:
    permissions = (
        Permission(action="deny", http=PermissionHTTP(path_prefix="/admin")),
        Permission(action="allow", http=PermissionHTTP(methods=("GET",))),
        Permission(action="deny", http=PermissionHTTP(path_prefix="/")),
    )
    rules = [rule("web", permissions=permissions)]
    found = explain("web", "db", rules, default_allow=False, request=RequestFacts(method="GET", path="/x"))
    assert [(one.number, one.matches, one.decided, one.reason) for one in found.rules[0].permissions] == [
        (1, False, False, "the path does not begin with /admin"),
        (2, True, True, "decides: the first that matches"),
        (3, True, False, "not looked at: an earlier one decides"),
    ]
    assert found.request == "GET /x"


def test_a_protocol_of_which_nobody_sees_requests_is_noted() -> None:
    asking = rule("web", permissions=(Permission(action="allow", http=PermissionHTTP(path_prefix="/")),))
    told = explain("web", "db", [asking], default_allow=True, protocol="tcp").note
    assert "db speaks tcp" in told
    for rules, protocol in (([asking], "http"), ([asking], ""), ([rule("web")], "tcp"), ([], "tcp")):
        assert explain("web", "db", rules, default_allow=True, protocol=protocol).note == ""
    alone = explain("web", "db", [asking], default_allow=True, protocol="http", takes_entries=False)
    assert "enable_central_service_config" in alone.note


def test_a_default_that_applied_is_told() -> None:
    asked = RequestFacts(path="/x")
    only_admin = rule("web", permissions=(Permission(action="deny", http=PermissionHTTP(path_exact="/admin")),))
    assert explain("web", "db", [], default_allow=True).default_applied
    assert explain("web", "db", [only_admin], default_allow=True, request=asked).default_applied
    assert not explain("web", "db", [only_admin], default_allow=True).default_applied
    assert not explain("web", "db", [rule("web")], default_allow=True, request=asked).default_applied
