import pytest

from lictor_server.leases.flapping import HALF_LIFE_S, HOLD_S_MAX, HOLD_S_MIN, Flaps


def after(*failures: float) -> Flaps:
    flaps = Flaps()
    for moment in failures:
        flaps = flaps.failed(moment)
    return flaps


def test_a_first_failure_costs_nothing() -> None:
    assert after(100.0).hold_s(100.0) == 0.0


def test_one_that_fails_again_at_once_is_held_and_longer_each_time() -> None:
    holds = [after(*range(count)).hold_s(count) for count in range(2, 5)]
    assert holds[0] >= HOLD_S_MIN
    assert holds == sorted(set(holds))


def test_no_hold_is_longer_than_the_bound() -> None:
    assert after(*[float(moment) for moment in range(50)]).hold_s(50.0) == HOLD_S_MAX


def test_a_failure_every_ten_minutes_is_never_held() -> None:
    flaps = after(*[600.0 * count for count in range(100)])
    assert flaps.hold_s(600.0 * 99) == 0.0


def test_half_of_the_penalty_is_forgiven_in_its_half_life() -> None:
    assert after(0.0).penalty_at(HALF_LIFE_S) == pytest.approx(0.5)
    assert after(10.0).penalty_at(0.0) == 1.0, "a clock that was set back forgives nothing"
