"""Figures as lines of statsd and DogStatsD."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lictor_agent.telemetry.lines import (
    DATAGRAM_BYTES_MAX,
    DogStatsd,
    Statsd,
    counter_lines,
    gauge_lines,
    packed,
    sample_lines,
)
from lictor_core.metrics import Aggregate, Gauge, Series


def told(*values: float) -> Aggregate:
    found = Aggregate()
    for value in values:
        found.add(value)
    return found


def test_statsd_has_values_of_labels_behind_the_name() -> None:
    gauges = [Gauge("consul.judge.agent.checks", 3, (("status", "passing"),))]
    assert list(gauge_lines(Statsd(), gauges)) == ["consul.judge.agent.checks.passing:3.000000|g"]
    assert list(counter_lines(Statsd(), [(Series("consul.rpc.request"), told(1.0, 2.0))])) == [
        "consul.rpc.request:3.000000|c"
    ]


def test_dogstatsd_has_labels_as_tags_and_no_host() -> None:
    dialect = DogStatsd(("env:prod", "a b"), "judge")
    gauges = [Gauge("consul.judge.agent.checks", 3, (("status", "passing"),))]
    assert list(gauge_lines(dialect, gauges)) == ["consul.agent.checks:3.000000|g|#env:prod,a_b,status:passing"]
    assert list(gauge_lines(DogStatsd((), "judge"), [Gauge("consul.x", 1)])) == ["consul.x:1.000000|g"]


def test_what_would_end_a_name_or_a_tag_is_replaced() -> None:
    gauges = [Gauge("consul.a:b|c d", 1, (("k", "x,y|z#"),))]
    assert list(gauge_lines(Statsd(), gauges)) == ["consul.a_b_c_d.x,y_z_:1.000000|g"]
    assert list(gauge_lines(DogStatsd((), ""), gauges)) == ["consul.a_b_c_d:1.000000|g|#k:x_y_z_"]


def test_many_samples_are_three_lines() -> None:
    lines = list(sample_lines(Statsd(), [(Series("consul.x"), told(1.0, 2.0, 3.0, 6.0))]))
    assert lines == ["consul.x:1.000000|ms", "consul.x:6.000000|ms", "consul.x:2.500000|ms|@0.500000000"]
    assert list(sample_lines(Statsd(), [(Series("consul.x"), told(4.0))])) == ["consul.x:4.000000|ms"]
    assert list(sample_lines(Statsd(), [(Series("consul.x"), told(4.0, 5.0))])) == [
        "consul.x:4.000000|ms",
        "consul.x:5.000000|ms",
    ]


@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=60))
def test_count_and_sum_come_out_right(values: list[float]) -> None:
    count = total = 0.0
    for line in sample_lines(Statsd(), [(Series("x"), told(*values))]):
        value, _, *rate = line.partition(":")[2].split("|")
        weight = 1 / float(rate[0].removeprefix("@")) if rate else 1.0
        count += weight
        total += weight * float(value)
    assert abs(count - len(values)) < 1e-3
    assert abs(total - sum(values)) < 1e-3 * max(1.0, sum(values))


def test_datagrams_are_bounded_and_hold_whole_lines() -> None:
    lines = [f"consul.figure.{number}:1.000000|c" for number in range(500)]
    datagrams = list(packed([*lines, "x" * DATAGRAM_BYTES_MAX]))
    assert all(len(one) <= DATAGRAM_BYTES_MAX and one.endswith(b"\n") for one in datagrams)
    assert b"".join(datagrams).decode().splitlines() == lines, "what fits no datagram is left out whole"
    assert len(datagrams) < 20
    assert list(packed([])) == []
