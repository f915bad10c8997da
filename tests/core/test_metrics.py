"""Figures: aggregates of an interval, totals since the start, gauges when somebody looks."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.metrics import INTERVAL_S, SERIES_MAX, Aggregate, Gauge, Interval, Meter, Series, Slice
from tests.support.clock import ManualClock


def test_the_last_whole_interval_is_shown() -> None:
    clock = ManualClock()
    meter = Meter(clock)
    meter.count("rpc.request")
    assert meter.latest().counters[Series("rpc.request")].count == 1, "while there is no whole one"
    meter.count("rpc.request", by=2)
    clock.advance(INTERVAL_S)
    meter.count("rpc.request")
    found = meter.latest().counters[Series("rpc.request")]
    assert (found.count, found.sum, found.min, found.max) == (2, 3.0, 1.0, 2.0)
    clock.advance(INTERVAL_S)
    assert meter.latest().counters[Series("rpc.request")].count == 1
    clock.advance(5 * INTERVAL_S)
    assert meter.latest().counters == {}, "nothing was told in the last one"


def test_intervals_begin_at_whole_tens_of_seconds() -> None:
    clock = ManualClock(now=1_767_225_603.5)
    meter = Meter(clock)
    assert meter.latest().began == 1_767_225_600.0
    clock.advance(6.4)
    assert meter.latest().began == 1_767_225_600.0
    clock.advance(0.2)
    meter.count("x")
    assert meter.latest() == Interval(1_767_225_600.0)


def test_totals_go_on_over_intervals_and_labels_are_apart() -> None:
    clock = ManualClock()
    meter = Meter(clock)
    for status in ("a", "a", "b"):
        meter.sample("x", 2.0, (("status", status),))
        clock.advance(INTERVAL_S)
    totals = {series.labels: (total.count, total.sum) for series, total in meter.samples.items()}
    assert totals == {(("status", "a"),): (2, 4.0), (("status", "b"),): (1, 2.0)}


def test_series_are_bounded() -> None:
    meter = Meter(ManualClock())
    for number in range(SERIES_MAX + 5):
        meter.count(f"c{number}")
    meter.count("c0")
    assert (len(meter.counters), meter.lost) == (SERIES_MAX, 5)
    assert meter.counters[Series("c0")].count == 2


def test_gauges_are_asked_when_somebody_looks() -> None:
    meter = Meter(ManualClock())
    asked: list[int] = []

    def gauges() -> list[Gauge]:
        asked.append(1)
        return [Gauge("b", 2.0), Gauge("a", 1.0)]

    meter.watch(gauges)
    assert asked == []
    assert [one.name for one in meter.gauges()] == ["a", "b"]


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=50))
def test_mean_and_deviation_are_those_of_the_values(values: list[float]) -> None:
    found = Aggregate()
    for value in values:
        found.add(value)
    assert found.mean == pytest.approx(statistics.fmean(values), abs=1e-6)
    assert found.deviation == pytest.approx(statistics.stdev(values), rel=1e-3, abs=1.0)
    assert (found.min, found.max) == (min(values), max(values))


def test_nothing_has_no_mean_and_no_deviation() -> None:
    assert (Aggregate().mean, Aggregate().deviation) == (0.0, 0.0)


def test_what_samplers_and_followed_numbers_hold_is_taken_over_at_a_turn() -> None:
    clock = ManualClock()
    meter = Meter(clock)
    told = meter.sampler("kvs.apply")
    passed = [5]
    meter.follow("rpc.request", lambda: passed[0])
    told.add(2.0)
    told.add(4.0)
    passed[0] += 3
    meter.turn()
    assert meter.latest().samples[Series("kvs.apply")] == Aggregate(2, 6.0, 20.0, 2.0, 4.0)
    counted = meter.latest().counters[Series("rpc.request")]
    assert (counted.count, counted.sum, counted.min, counted.max) == (3, 3.0, 1.0, 1.0), "not what was before"
    meter.turn()
    assert meter.samples[Series("kvs.apply")].count == 2, "nothing is taken over twice"
    assert meter.counters[Series("rpc.request")].sum == 3.0


def test_what_was_told_before_an_interval_ended_is_in_it() -> None:
    clock = ManualClock()
    meter = Meter(clock)
    told = meter.sampler("x")
    told.add(1.0)
    clock.advance(INTERVAL_S)
    meter.turn()
    assert meter.latest().samples[Series("x")].count == 1


def test_nothing_told_is_no_series() -> None:
    meter = Meter(ManualClock())
    meter.sampler("x")
    meter.turn()
    assert (meter.samples, meter.latest().samples) == ({}, {})


def test_who_takes_slices_gets_each_value_once() -> None:
    clock = ManualClock()
    meter = Meter(clock)
    slices: list[Slice] = []
    end = meter.on_slice(slices.append)
    meter.count("a")
    meter.sample("b", 3.0)
    meter.turn()
    meter.turn()
    meter.count("a", by=2)
    clock.advance(INTERVAL_S)
    meter.turn()
    end()
    meter.count("a")
    meter.turn()
    assert slices == [
        Slice([(Series("a"), Aggregate(1, 1.0, 1.0, 1.0, 1.0))], [(Series("b"), Aggregate(1, 3.0, 9.0, 3.0, 3.0))]),
        Slice([(Series("a"), Aggregate(1, 2.0, 4.0, 2.0, 2.0))], []),
    ]


def test_samples_can_be_taken_before_every_turn() -> None:
    meter = Meter(ManualClock())
    told = meter.sampler("raft.leader.lastContact")
    meter.before_turn(lambda: told.add(7.0))
    meter.turn()
    assert meter.samples[Series("raft.leader.lastContact")].count == 1
    meter.latest()
    assert meter.samples[Series("raft.leader.lastContact")].count == 1, "to look is no turn"


def test_a_total_knows_when_it_was_told_last() -> None:
    clock = ManualClock(monotonic=100.0)
    meter = Meter(clock)
    meter.count("x")
    meter.turn()
    clock.advance(4.0)
    meter.turn()
    assert meter.counters[Series("x")].told_at == 100.0


def test_handles_beyond_the_bound_are_to_nothing() -> None:
    meter = Meter(ManualClock())
    for number in range(SERIES_MAX):
        meter.sampler(f"s{number}")
    meter.sampler("more").add(1.0)
    assert (meter.lost, dict(meter.samples)) == (1, {})


@given(st.integers(1, 10_000), st.floats(0, 1e6))
def test_values_of_which_only_the_sum_is_known_count_as_their_mean(count: int, total: float) -> None:
    found = Aggregate()
    found.add_even(count, total)
    assert (found.count, found.sum) == (count, total)
    assert found.min == found.max == total / count
    assert found.deviation == pytest.approx(0.0, abs=1.0)


def test_no_values_change_nothing() -> None:
    found = Aggregate()
    found.add_even(0, 0.0)
    assert found == Aggregate()
