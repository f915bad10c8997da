from collections.abc import Sequence

import pytest

from lictor_connect_proxy.layers.authorize import SOURCES_MAX, Decisions, authorize
from lictor_connect_proxy.layers.stages import Permitted, Refusal
from lictor_core.intentions import Decision, Rule, decide
from tests.connect_proxy.build import identified, rule, snapshot


@pytest.mark.parametrize(
    ("rules", "default_allow", "allowed"),
    [
        ((), True, True),
        ((), False, False),
        ((), None, False),
        ((rule("web", "deny"),), True, False),
        ((rule("web", "allow"),), False, True),
        ((rule("web", "allow"),), None, True),
        ((rule("*", "deny"), rule("web", "allow")), True, True),
        ((rule("*", "allow"), rule("web", "deny")), True, False),
        ((rule("*", "deny", "*"),), True, False),
        ((rule("api", "deny"),), True, True),
    ],
)
def test_rules_and_default_decide(rules: tuple[Rule, ...], default_allow: bool | None, allowed: bool) -> None:
    verdict = authorize(identified("web"), snapshot(*rules, default_allow=default_allow), Decisions())
    assert isinstance(verdict, Permitted if allowed else Refusal)


def test_without_a_policy_nobody_is_let_in() -> None:
    verdict = authorize(identified("web"), snapshot(has_policy=False, default_allow=True), Decisions())
    assert isinstance(verdict, Refusal)
    assert "no usable set of intentions" in verdict.reason


def test_a_refusal_carries_the_deciding_rule() -> None:
    verdict = authorize(identified("web"), snapshot(rule("web", "deny")), Decisions())
    assert isinstance(verdict, Refusal)
    assert verdict.decision is not None
    assert verdict.decision.rule == rule("web", "deny")
    assert verdict.source == "web"


def test_an_unknown_default_is_told_as_such() -> None:
    verdict = authorize(identified("web"), snapshot(default_allow=None), Decisions())
    assert isinstance(verdict, Refusal)
    assert "default policy is not known" in verdict.reason


def test_a_permit_cannot_be_made_of_a_denial() -> None:
    denial = decide("web", "db", [], default_allow=False)
    with pytest.raises(AssertionError):
        Permitted(identified("web"), denial)


def test_a_source_is_judged_once_for_a_policy_and_anew_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    decisions = Decisions()
    judged: list[str] = []

    def counted(source: str, destination: str, rules: Sequence[Rule], *, default_allow: bool) -> Decision:
        judged.append(source)
        return decide(source, destination, rules, default_allow=default_allow)

    monkeypatch.setattr("lictor_connect_proxy.layers.authorize.decide", counted)
    before, after = snapshot(rule("web", "allow")), snapshot(rule("web", "deny"))
    for _ in range(3):
        assert isinstance(authorize(identified("web"), before, decisions), Permitted)
    assert judged == ["web"]
    assert isinstance(authorize(identified("web"), after, decisions), Refusal)
    assert isinstance(authorize(identified("web"), before, decisions), Permitted)


def test_no_more_judgements_are_kept_than_its_bound() -> None:
    decisions = Decisions()
    policy = snapshot(rule("web", "allow")).policy
    assert policy is not None
    first = decisions.of("first", "db", policy, default_allow=True)
    for number in range(SOURCES_MAX):
        decisions.of(f"source-{number}", "db", policy, default_allow=True)
    again = decisions.of("first", "db", policy, default_allow=True)
    assert again == first
    assert again is not first
