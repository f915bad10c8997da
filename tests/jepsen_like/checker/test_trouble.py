"""When faults lasted."""

from __future__ import annotations

from lictor_jepsen.checker.trouble import EARLY_MS, Trouble, settled_ms, troubles
from lictor_jepsen.op import NEMESIS, Kind, Op


def step(time_ms: float, name: str) -> Op:
    return Op(time_ms, NEMESIS, Kind.INFO, name)


def test_the_second_step_of_a_name_ends_what_the_first_began() -> None:
    steps = [step(1, "kill"), step(3, "kill"), step(5, "kill"), step(8, "kill")]
    assert troubles(steps) == [Trouble(1, 3), Trouble(5, 8)]


def test_a_fault_that_took_long_to_be_made_is_felt_from_its_first_moment() -> None:
    steps = [step(10_000, "elections")._replace(took_ms=7_000), step(12_000, "elections")._replace(took_ms=500)]
    assert troubles(steps) == [Trouble(3_000, 12_000)]


def test_faults_that_overlap_are_one_trouble() -> None:
    assert troubles([step(1, "kill"), step(2, "pause"), step(3, "kill"), step(6, "pause")]) == [Trouble(1, 6)]


def test_healing_ends_all_that_goes_on() -> None:
    assert troubles([step(1, "kill"), step(2, "pause"), step(4, "heal")]) == [Trouble(1, 4)]


def test_what_nothing_ends_lasts() -> None:
    assert troubles([step(1, "kill")]) == [Trouble(1, float("inf"))]


def test_operations_of_clients_are_no_faults() -> None:
    assert troubles([Op(1, 0, Kind.INVOKE, "kill"), step(2, "heal")]) == []


FAULT = [Trouble(10_000, 20_000)]


def test_without_trouble_something_takes_the_usual_time() -> None:
    assert settled_ms(FAULT, 1_000, 500, 5_000) == 1_500
    assert settled_ms(FAULT, 25_001, 500, 5_000) == 25_501


def test_what_trouble_comes_into_may_take_until_it_is_over_and_some_time_longer() -> None:
    assert settled_ms(FAULT, 9_800, 500, 5_000) == 25_000
    assert settled_ms(FAULT, 24_000, 500, 5_000) == 25_000


def test_a_fault_counts_from_before_its_step_is_told() -> None:
    assert settled_ms(FAULT, 10_000 - EARLY_MS - 500, 500, 5_000) == 25_000
    assert settled_ms(FAULT, 10_000 - EARLY_MS - 501, 500, 5_000) == 10_000 - EARLY_MS - 1


def test_trouble_in_the_time_after_trouble_adds_to_it() -> None:
    assert settled_ms([*FAULT, Trouble(24_000, 30_000)], 9_800, 500, 5_000) == 35_000
