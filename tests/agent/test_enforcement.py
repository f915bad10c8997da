"""Who runs which policy, against what was written."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lictor_agent.enforcement import compared
from lictor_core.proxy_status import ProxyPolicy


def proxy(service: str, index: int, *, node: str = "n1", age_ms: int = 0) -> ProxyPolicy:
    return ProxyPolicy(proxy_id=f"{service}-proxy", node=node, service=service, policy_index=index, age_ms=age_ms)


def test_a_proxy_at_or_past_the_index_enforces() -> None:
    told = [proxy("db", 6, node="n1"), proxy("db", 7, node="n2"), proxy("db", 8, node="n3")]
    found = compared({"db": 7}, [], told)
    assert [one.node for one in found.enforced] == ["n2", "n3"]
    assert [one.node for one in found.pending] == ["n1"]
    assert (found.index, found.is_complete) == (7, False)


def test_who_told_nothing_is_pending() -> None:
    found = compared({"db": 7}, [proxy("db", 0, node="N1", age_ms=-1)], [])
    assert [(one.node, one.age_ms) for one in found.pending] == [("N1", -1)]
    assert compared({"db": 7}, [proxy("db", 0, node="N1")], [proxy("db", 7, node="n1")]).is_complete


def test_each_service_has_its_own_index() -> None:
    assert compared({"db": 9, "api": 7}, [], [proxy("db", 9), proxy("api", 7)]).is_complete
    assert not compared({"db": 9, "api": 7}, [], [proxy("db", 8), proxy("api", 9)]).is_complete


def test_an_intention_for_all_is_waited_for_everywhere() -> None:
    found = compared({"*": 5}, [proxy("api", 0)], [proxy("db", 5), proxy("web", 4)])
    assert [one.service for one in found.enforced] == ["db"]
    assert [one.service for one in found.pending] == ["api", "web"]


def test_no_proxy_at_all_is_complete() -> None:
    assert compared({"db": 9}, [], []).is_complete


def test_a_proxy_without_a_policy_never_enforces() -> None:
    assert not compared({"db": 0}, [proxy("db", 0)], []).is_complete


@given(
    st.dictionaries(st.sampled_from(["db", "web", "*"]), st.integers(1, 5), min_size=1),
    st.lists(
        st.builds(proxy, st.sampled_from(["db", "web"]), st.integers(0, 6), node=st.sampled_from(["a", "b"])),
        unique_by=lambda one: (one.node, one.proxy_id),
    ),
)
def test_each_proxy_is_on_one_side(wanted: dict[str, int], told: list[ProxyPolicy]) -> None:
    found = compared(wanted, [], told)
    assert sorted(map(repr, (*found.enforced, *found.pending))) == sorted(map(repr, told))
    for one in told:
        behind = any(one.policy_index < wanted.get(name, 0) for name in (one.service, "*"))
        assert (one in found.pending) is (behind or one.policy_index == 0)
