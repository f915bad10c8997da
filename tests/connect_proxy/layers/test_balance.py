from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from lictor_connect_proxy.layers.balance import ATTEMPTS_MAX, EJECTION_S_FIRST, EJECTION_S_MAX, Balancer
from tests.connect_proxy.build import endpoint


def _balancer(count: int, first: int = 0) -> Balancer:
    balancer = Balancer(first)
    balancer.update(endpoint(number) for number in range(count))
    return balancer


def test_without_instances_there_are_no_candidates() -> None:
    assert _balancer(0).candidates(0.0) == ()


@given(count=st.integers(1, 20), rounds=st.integers(1, 5), first=st.integers(0, 2**16))
def test_every_instance_comes_first_equally_often(count: int, rounds: int, first: int) -> None:
    balancer = _balancer(count, first)
    firsts = Counter(balancer.candidates(0.0)[0] for _ in range(count * rounds))
    assert firsts == {endpoint(number): rounds for number in range(count)}


@given(count=st.integers(0, 20), failing=st.sets(st.integers(0, 19)), now=st.floats(0, 100))
def test_candidates_are_distinct_known_and_bounded(count: int, failing: set[int], now: float) -> None:
    balancer = _balancer(count)
    for number in failing:
        balancer.failed(endpoint(number), 0.0)
    candidates = balancer.candidates(now)
    assert len(candidates) == min(count, ATTEMPTS_MAX)
    assert len(set(candidates)) == len(candidates)
    assert set(candidates) <= {endpoint(number) for number in range(count)}


def test_an_ejected_instance_is_tried_last() -> None:
    balancer = _balancer(3)
    balancer.failed(endpoint(0), 0.0)
    assert balancer.candidates(0.5) == (endpoint(1), endpoint(2), endpoint(0))


def test_an_ejection_ends_by_itself() -> None:
    balancer = _balancer(2)
    balancer.failed(endpoint(0), 0.0)
    assert balancer.is_ejected(endpoint(0), EJECTION_S_FIRST - 0.01)
    assert balancer.candidates(EJECTION_S_FIRST)[0] == endpoint(0)


def test_ejections_grow_with_failures_in_a_row_up_to_their_bound() -> None:
    balancer = _balancer(1)
    assert [balancer.failed(endpoint(0), 0.0) for _ in range(7)] == [1, 2, 4, 8, 16, 30, EJECTION_S_MAX]


def test_a_success_forgets_failures() -> None:
    balancer = _balancer(1)
    balancer.failed(endpoint(0), 0.0)
    balancer.succeeded(endpoint(0))
    assert not balancer.is_ejected(endpoint(0), 0.0)
    assert balancer.failed(endpoint(0), 0.0) == EJECTION_S_FIRST


def test_when_all_are_ejected_the_one_that_returns_first_is_tried_first() -> None:
    balancer = _balancer(2)
    balancer.failed(endpoint(0), 0.0)
    balancer.failed(endpoint(0), 0.0)
    balancer.failed(endpoint(1), 0.0)
    assert balancer.candidates(0.1) == (endpoint(1), endpoint(0))


def test_an_instance_that_stays_keeps_its_ejection_and_one_that_goes_loses_it() -> None:
    balancer = _balancer(2)
    balancer.failed(endpoint(0), 0.0)
    balancer.failed(endpoint(1), 0.0)
    balancer.update([endpoint(0)])
    balancer.update([endpoint(0), endpoint(1)])
    assert balancer.is_ejected(endpoint(0), 0.5)
    assert not balancer.is_ejected(endpoint(1), 0.5)


def test_an_instance_that_is_gone_is_not_remembered() -> None:
    balancer = _balancer(1)
    balancer.update([])
    balancer.failed(endpoint(0), 0.0)
    assert not balancer.is_ejected(endpoint(0), 0.0)
