"""The intention engine against Consul's precedence table and a twin that cannot be wrong because it is too dumb."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.entries.base import as_json
from lictor_core.entries.permissions import IntentionJWT, Permission
from lictor_core.intentions import Decision, Rule, Verdict, decide, in_deciding_order, precedence, rule_of
from lictor_core.records import Intention, IntentionAction, JsonObject
from lictor_core.request_judging import RequestFacts
from tests.core import requests as any_of

NAMES = st.sampled_from(["*", "web", "db", "api"])
EXACT = st.sampled_from(["web", "db", "api"])
ACTIONS = st.sampled_from(list(IntentionAction))


def intention(source: str, destination: str, action: IntentionAction = IntentionAction.ALLOW) -> Intention:
    return Intention(
        id=f"{source}-{destination}",
        description="",
        source_ns="default",
        source_name=source,
        destination_ns="default",
        destination_name=destination,
        source_type="consul",
        action=action,
        default_addr="",
        default_port=0,
        meta=None,
        precedence=precedence(source, destination),
        created_at="",
        updated_at="",
        hash="",
        create_index=1,
        modify_index=1,
    )


RULES = st.dictionaries(st.tuples(NAMES, NAMES), ACTIONS, max_size=16).map(
    lambda pairs: [rule_of(intention(source, destination, action)) for (source, destination), action in pairs.items()]
)


@pytest.mark.parametrize(
    ("source", "destination", "expected"), [("web", "db", 9), ("*", "db", 8), ("web", "*", 6), ("*", "*", 5)]
)
def test_precedence_is_consuls_table(source: str, destination: str, expected: int) -> None:
    assert precedence(source, destination) == expected


def dumb(source: str, destination: str, rules: list[Rule], default_allow: bool) -> bool:
    table = {(rule.source, rule.destination): rule.action for rule in rules}
    for pair in ((source, destination), ("*", destination), (source, "*"), ("*", "*")):
        if pair in table:
            return table[pair] is IntentionAction.ALLOW
    return default_allow


@given(EXACT, EXACT, RULES, st.booleans())
def test_the_verdict_is_the_dumb_twins(source: str, destination: str, rules: list[Rule], default_allow: bool) -> None:
    decision = decide(source, destination, rules, default_allow=default_allow)
    assert decision.allowed == dumb(source, destination, rules, default_allow)


@given(EXACT, EXACT, RULES, st.booleans())
def test_the_order_of_rules_decides_nothing(
    source: str, destination: str, rules: list[Rule], default_allow: bool
) -> None:
    shuffled = sorted(rules, key=lambda rule: (rule.destination, rule.source), reverse=True)
    assert decide(source, destination, rules, default_allow=default_allow) == decide(
        source, destination, shuffled, default_allow=default_allow
    )


@given(EXACT, EXACT, RULES, st.booleans())
def test_a_decision_explains_itself(source: str, destination: str, rules: list[Rule], default_allow: bool) -> None:
    decision = decide(source, destination, rules, default_allow=default_allow)
    assert set(decision.considered) == {rule for rule in rules if rule.matches(source, destination)}
    assert list(decision.considered) == sorted(decision.considered, key=lambda rule: -rule.precedence)
    if decision.rule is None:
        assert decision.considered == ()
        assert decision.precedence == 0
        assert ("allow" if default_allow else "deny") in decision.reason
    else:
        assert decision.rule == decision.considered[0]
        assert decision.precedence == decision.rule.precedence
        assert f"precedence {decision.precedence}" in decision.reason


@given(st.lists(st.tuples(NAMES, NAMES), unique=True))
def test_the_deciding_order_is_by_precedence_then_by_name(pairs: list[tuple[str, str]]) -> None:
    ordered = in_deciding_order(intention(*pair) for pair in pairs)
    keys = [(-one.precedence, one.destination_name, one.source_name) for one in ordered]
    assert keys == sorted(keys)
    assert len(ordered) == len(pairs)


def test_names_compare_exactly() -> None:
    rules = [rule_of(intention("web", "db", IntentionAction.DENY))]
    assert decide("web", "db", rules, default_allow=True).allowed is False
    assert decide("Web", "db", rules, default_allow=True).allowed is True
    assert decide("web", "db2", rules, default_allow=True).allowed is True


def test_nothing_said_is_the_default() -> None:
    decision = decide("a", "b", [], default_allow=False)
    assert decision == Decision(
        allowed=False,
        rule=None,
        reason="no intention matches a -> b; the default policy is deny",
        considered=(),
        source="a",
        destination="b",
    )
    assert decision.summary() == "deny default (no intention matches)"


PERMISSIONS: list[JsonObject] = [
    {"Action": "deny", "HTTP": {"PathPrefix": "/admin"}},
    {"Action": "allow", "HTTP": {"Methods": ["GET"]}},
]
OKTA: JsonObject = {"Providers": [{"Name": "okta"}]}


def asking(permissions: list[JsonObject], jwt: JsonObject | None = None) -> Rule:
    said = intention("web", "db", IntentionAction.DENY)
    return rule_of(msgspec.structs.replace(said, permissions=permissions, jwt=jwt))


def test_the_request_decides_where_the_rule_asks_for_it() -> None:
    rules = [asking(PERMISSIONS), rule_of(intention("*", "*"))]
    verdicts = {
        (method, path): decide(
            "web", "db", rules, default_allow=False, request=RequestFacts(method=method, path=path)
        ).summary()
        for method, path in (("GET", "/x"), ("GET", "/admin"), ("PUT", "/x"))
    }
    assert verdicts == {
        ("GET", "/x"): "allow web->db#2 (precedence 9)",
        ("GET", "/admin"): "deny web->db#1 (precedence 9)",
        ("PUT", "/x"): "deny web->db (no permission matches, default)",
    }


def test_a_connection_alone_may_leave_it_open() -> None:
    for rule, verdict in (
        (asking(PERMISSIONS), Verdict.DEPENDS),
        (asking([], OKTA), Verdict.DEPENDS),
        (asking(PERMISSIONS[:1]), Verdict.DENY),
    ):
        decision = decide("web", "db", [rule], default_allow=False)
        assert (decision.verdict, decision.allowed) == (verdict, False)
        assert decision.may_allow is (verdict is Verdict.DEPENDS)
    assert decide("web", "db", [asking(PERMISSIONS[:1])], default_allow=True).verdict is Verdict.DEPENDS


@given(any_of.permissions | st.just(()), st.none() | any_of.demands, st.booleans(), any_of.request_facts)
def test_where_some_request_passes_the_connection_is_not_denied(
    permissions: tuple[Permission, ...], jwt: IntentionJWT | None, default_allow: bool, request: RequestFacts
) -> None:
    rule = asking([as_json(one) for one in permissions], None if jwt is None else as_json(jwt))
    judged = decide("web", "db", [rule], default_allow=default_allow, request=request)
    connection = decide("web", "db", [rule], default_allow=default_allow)
    assert connection.may_allow or not judged.allowed
    assert connection.allowed is False or not rule.looks_at_requests
    assert judged.verdict is not Verdict.DEPENDS


def test_rules_that_cannot_be_read_deny_everything() -> None:
    for rule in (asking([{"Action": "allow", "Body": "x"}]), asking([], {"Providers": "all"})):
        assert rule.unreadable
        for request in (None, RequestFacts()):
            decision = decide("web", "db", [rule], default_allow=True, request=request)
            assert (decision.verdict, decision.rule) == (Verdict.DENY, rule)


def test_an_expression_that_cannot_be_compiled_denies() -> None:
    rule = asking([{"Action": "allow", "HTTP": {"PathRegex": "("}}])
    decision = decide("web", "db", [rule], default_allow=True, request=RequestFacts())
    assert not decision.allowed
    assert "RE2" in decision.reason


def test_a_missing_token_is_told() -> None:
    decision = decide("web", "db", [asking([], OKTA)], default_allow=True, request=RequestFacts())
    assert decision.demanded == ("okta",)
    assert decision.summary() == "deny web->db (precedence 9) token of okta missing"


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_summary_is_fit_for_a_header(source: str, destination: str) -> None:
    rule = Rule(source=source, destination=destination, action=IntentionAction.DENY, precedence=9)
    said = decide(source, destination, [rule], default_allow=True).summary()
    assert said.isascii()
    assert said.isprintable()
    assert 0 < len(said) <= 256
