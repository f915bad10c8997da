"""Figures: aggregates of an interval, totals since the start, gauges when somebody looks."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.metrics import INTERVAL_S, SERIES_MAX, Aggregate, Gauge, Interval, Meter, Series
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
