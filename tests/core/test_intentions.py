"""The intention engine against Consul's precedence table and a twin that cannot be wrong because it is too dumb."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.intentions import Decision, Rule, decide, in_deciding_order, precedence, rule_of
from lictor_core.records import Intention, IntentionAction

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
        allowed=False, rule=None, reason="no intention matches a -> b; the default policy is deny", considered=()
    )
