"""The balancer of one target: shares, ejection, trials, and what is kept over changes."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_connect_proxy.layers.balance import EJECTION_S_FIRST, Balancer, key_of
from lictor_connect_proxy.layers.outliers import Ejection
from lictor_connect_proxy.layers.picking import Picking
from lictor_connect_proxy.snapshot import Endpoint
from lictor_core.clock import SeededRng
from tests.connect_proxy.build import endpoint


def _balancer(count: int, *, seed: int = 1, picking: Picking = Picking.ROUND_ROBIN) -> Balancer:
    balancer = Balancer(SeededRng(seed), picking)
    balancer.update(endpoint(number) for number in range(count))
    return balancer


def _weighted(number: int, weight: int) -> Endpoint:
    return endpoint(number)._replace(weight=weight)


def _picked(balancer: Balancer, now: float = 0.0) -> Endpoint:
    """The next pick, reached and left again."""
    found = balancer.pick(now)
    assert found is not None
    balancer.succeeded(found, now)
    balancer.released(found)
    return found


@pytest.mark.parametrize("picking", Picking)
def test_without_instances_nothing_is_picked(picking: Picking) -> None:
    balancer = _balancer(0, picking=picking)
    assert balancer.pick(0.0) is None
    assert balancer.pick_ejected(0.0) is None


@given(count=st.integers(1, 20), rounds=st.integers(1, 5), seed=st.integers(0, 2**16))
def test_every_instance_gets_equally_many_connections(count: int, rounds: int, seed: int) -> None:
    balancer = _balancer(count, seed=seed)
    firsts = Counter(_picked(balancer) for _ in range(count * rounds))
    assert firsts == {endpoint(number): rounds for number in range(count)}


@given(weights=st.lists(st.integers(1, 20), min_size=1, max_size=8), rounds=st.integers(1, 4), seed=st.integers(0, 99))
def test_every_instance_gets_its_weighted_share_but_for_one_turn(weights: list[int], rounds: int, seed: int) -> None:
    balancer = Balancer(SeededRng(seed))
    balancer.update(_weighted(number, weight) for number, weight in enumerate(weights))
    turns = Counter(key_of(_picked(balancer)) for _ in range(sum(weights) * rounds))
    for number, weight in enumerate(weights):
        assert abs(turns[key_of(endpoint(number))] - weight * rounds) <= 1


def test_of_many_proxies_with_one_connection_each_the_weights_hold_as_well() -> None:
    firsts: Counter[str] = Counter()
    for seed in range(4000):
        balancer = Balancer(SeededRng(seed))
        balancer.update([_weighted(0, 9), _weighted(1, 1)])
        firsts[_picked(balancer).instance] += 1
    assert 0.88 < firsts[endpoint(0).instance] / 4000 < 0.92


@pytest.mark.parametrize("picking", Picking)
def test_those_without_weight_and_those_that_are_not_healthy_get_nothing(picking: Picking) -> None:
    balancer = Balancer(SeededRng(1), picking)
    balancer.update([endpoint(0), _weighted(1, 0), endpoint(2)._replace(healthy=False)])
    assert len(balancer) == 1
    assert {_picked(balancer) for _ in range(20)} == {endpoint(0)}
    assert balancer.pick(0.0, tried=[key_of(endpoint(0))]) is None
    assert balancer.pick_ejected(0.0) is None


def test_chance_gives_each_its_weighted_share() -> None:
    balancer = Balancer(SeededRng(3), Picking.RANDOM)
    balancer.update([_weighted(0, 3), _weighted(1, 1)])
    turns = Counter(_picked(balancer).instance for _ in range(8000))
    assert 0.73 < turns[endpoint(0).instance] / 8000 < 0.77


def test_the_least_busy_gets_the_next_connection() -> None:
    balancer = _balancer(3, picking=Picking.LEAST_REQUEST)
    held = [balancer.pick(0.0) for _ in range(3)]
    assert len(set(held)) == 3
    assert held[1] is not None
    balancer.released(held[1])
    assert balancer.pick(0.0) == held[1]


def test_the_least_busy_is_measured_by_weight() -> None:
    balancer = Balancer(SeededRng(1), Picking.LEAST_REQUEST)
    balancer.update([_weighted(0, 3), _weighted(1, 1)])
    for _ in range(40):
        assert balancer.pick(0.0) is not None
    assert (balancer.active(endpoint(0)), balancer.active(endpoint(1))) == (30, 10)


@pytest.mark.parametrize("picking", Picking)
@given(failing=st.sets(st.integers(0, 9), max_size=9), seed=st.integers(0, 99))
def test_none_that_stands_aside_is_picked_while_another_is_good(picking: Picking, failing: set[int], seed: int) -> None:
    balancer = _balancer(10, seed=seed, picking=picking)
    for number in failing:
        balancer.failed(endpoint(number), 0.0)
    for turn in range(30):
        found = balancer.pick(0.5, f"192.0.2.{turn}")
        assert found is not None
        assert not balancer.is_ejected(found, 0.5)
        balancer.released(found)


def test_what_was_tried_is_not_picked_again_even_if_its_weight_changes() -> None:
    balancer = _balancer(2)
    first = balancer.pick(0.0)
    assert first is not None
    balancer.update([_weighted(0, 5), _weighted(1, 5)])
    second = balancer.pick(0.0, tried=[key_of(first)])
    assert second is not None
    assert key_of(second) != key_of(first)
    assert balancer.pick(0.0, tried=[key_of(first), key_of(second)]) is None


def test_when_all_are_ejected_the_one_that_returns_first_is_tried_first() -> None:
    balancer = _balancer(2)
    balancer.failed(endpoint(1), 0.0)
    balancer.failed(endpoint(0), 0.3)
    assert balancer.pick(0.5) is None
    assert balancer.pick_ejected(0.5) == endpoint(1)
    assert balancer.pick_ejected(0.5, [key_of(endpoint(1))]) == endpoint(0)
    assert balancer.pick_ejected(0.5, [key_of(endpoint(0)), key_of(endpoint(1))]) is None


def test_one_connection_alone_tries_an_instance_that_returns() -> None:
    balancer = _balancer(2)
    balancer.failed(endpoint(0), 0.0)
    picked = [balancer.pick(EJECTION_S_FIRST) for _ in range(6)]
    assert picked.count(endpoint(0)) == 1


def test_a_trial_that_nobody_waited_for_leaves_room_for_the_next() -> None:
    balancer = _balancer(1)
    balancer.failed(endpoint(0), 0.0)
    assert balancer.pick(EJECTION_S_FIRST) == endpoint(0)
    assert balancer.pick(EJECTION_S_FIRST) is None
    balancer.abandoned(endpoint(0))
    assert balancer.pick(EJECTION_S_FIRST) == endpoint(0)


def test_the_end_of_an_old_connection_does_not_end_a_trial() -> None:
    balancer = _balancer(1)
    assert balancer.pick(0.0) == endpoint(0)
    balancer.succeeded(endpoint(0), 0.0)
    balancer.failed(endpoint(0), 0.0)
    assert balancer.pick(EJECTION_S_FIRST) == endpoint(0)
    balancer.released(endpoint(0))
    assert balancer.pick(EJECTION_S_FIRST) is None


def test_an_instance_that_returned_gets_its_share_little_by_little() -> None:
    balancer = _balancer(2)
    balancer.failed(endpoint(0), 0.0)
    while _picked(balancer, 1.0) != endpoint(0):
        pass
    early = Counter(_picked(balancer, 1.0) for _ in range(110))
    assert 9 <= early[endpoint(0)] <= 11
    late = Counter(_picked(balancer, 20.0) for _ in range(100))
    assert 49 <= late[endpoint(0)] <= 51


def test_so_many_may_stand_aside_as_the_bound_says_and_one_always() -> None:
    balancer = _balancer(4)
    balancer.ejection = Ejection(percent_max=50)
    assert [balancer.failed(endpoint(number), 0.0) for number in range(4)] == [1.0, 1.0, 0.0, 0.0]
    assert balancer.ejected(0.5) == 2
    alone = _balancer(1)
    alone.ejection = Ejection(percent_max=10)
    assert alone.failed(endpoint(0), 0.0) == 1.0


def test_so_many_of_those_that_failed_are_put_aside_as_the_settings_enforce() -> None:
    balancer = _balancer(400)
    balancer.ejection = Ejection(enforced_percent=25)
    for number in range(400):
        balancer.failed(endpoint(number), 0.0)
    assert 70 <= balancer.ejected(0.5) <= 130
    nobody = _balancer(1)
    nobody.ejection = Ejection(enforced_percent=0)
    assert nobody.failed(endpoint(0), 0.0) == 0.0


def test_an_instance_that_stays_keeps_its_ejection_and_one_that_goes_loses_it() -> None:
    balancer = _balancer(2)
    balancer.failed(endpoint(0), 0.0)
    balancer.failed(endpoint(1), 0.0)
    balancer.update([_weighted(0, 7)])
    balancer.update([endpoint(0), endpoint(1)])
    assert balancer.is_ejected(endpoint(0), 0.5)
    assert not balancer.is_ejected(endpoint(1), 0.5)


def test_an_instance_that_comes_back_before_its_connections_end_does_not_count_as_idle() -> None:
    balancer = _balancer(2, picking=Picking.LEAST_REQUEST)
    for _ in range(4):
        balancer.pick(0.0)
    balancer.update([endpoint(0)])
    balancer.update([endpoint(0), endpoint(1)])
    assert balancer.active(endpoint(1)) == 2
    balancer.update([endpoint(0)])
    balancer.released(endpoint(1))
    balancer.released(endpoint(1))
    balancer.update([endpoint(0), endpoint(1)])
    assert balancer.active(endpoint(1)) == 0


def test_an_instance_that_is_gone_is_not_remembered() -> None:
    balancer = _balancer(1)
    balancer.update([])
    assert balancer.failed(endpoint(0), 0.0) == 0.0
    assert not balancer.is_ejected(endpoint(0), 0.0)
    balancer.abandoned(endpoint(0))
    balancer.released(endpoint(0))
    balancer.succeeded(endpoint(0), 0.0)


def test_a_new_instance_does_not_make_up_for_turns_before_its_time() -> None:
    balancer = _balancer(1)
    for _ in range(50):
        _picked(balancer)
    balancer.update([endpoint(0), endpoint(1)])
    turns = Counter(_picked(balancer) for _ in range(20))
    assert abs(turns[endpoint(0)] - turns[endpoint(1)]) <= 1
