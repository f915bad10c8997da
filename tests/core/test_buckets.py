"""Token buckets: laws of one, bounds of many."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.buckets import Bucket, Buckets


def test_a_burst_is_allowed_and_then_the_rate() -> None:
    bucket = Bucket(10, 5)
    assert sum(bucket.take(7.0) for _ in range(50)) == 5
    assert not bucket.take(7.05)
    assert bucket.take(7.15)


@given(
    st.lists(st.floats(min_value=0, max_value=0.5), max_size=200),
    st.integers(min_value=1, max_value=20),
    st.integers(min_value=1, max_value=30),
)
def test_never_more_than_the_rate_and_one_burst(pauses: list[float], rate: int, burst: int) -> None:
    bucket, now, taken = Bucket(rate, burst), 0.0, 0
    for pause in pauses:
        now += pause
        taken += bucket.take(now)
    assert taken <= burst + now * rate + 1e-6


@given(st.floats(min_value=0.01, max_value=1000), st.integers(min_value=1, max_value=30))
def test_whoever_waits_as_told_is_allowed(rate: float, burst: int) -> None:
    bucket = Bucket(rate, burst)
    while bucket.take(1.0):
        pass
    wait_s = bucket.wait_s
    assert wait_s > 0
    assert not bucket.take(1.0 + wait_s * 0.9)
    assert bucket.take(1.0 + wait_s * 1.01)


def test_infinite_rate_allows_all() -> None:
    bucket = Bucket(math.inf, 1)
    assert all(bucket.take(0.0) for _ in range(10_000))


@pytest.mark.parametrize(("rate", "burst", "allowed"), [(5, 0, 0), (0, 3, 3)])
def test_what_never_fills_again_says_so(rate: float, burst: float, allowed: int) -> None:
    bucket = Bucket(rate, burst)
    assert sum(bucket.take(float(second)) for second in range(100)) == allowed
    assert bucket.wait_s == math.inf


def test_bounds_that_change_hold_from_then_on() -> None:
    bucket = Bucket(1, 10)
    bucket.rate, bucket.burst = 2, 3
    bucket.take(0.0)
    assert sum(bucket.take(100.0) for _ in range(20)) == 3


def test_names_do_not_share_a_bucket() -> None:
    buckets = Buckets(1, 1, 10)
    assert buckets.of("a").take(0.0)
    assert buckets.of("b").take(0.0)
    assert not buckets.of("a").take(0.0)


def test_the_name_not_asked_for_longest_goes_first() -> None:
    buckets = Buckets(1, 1, 2)
    for name in ("a", "b"):
        assert buckets.of(name).take(0.0)
    assert not buckets.of("a").take(0.0)
    buckets.of("c").take(0.0)  # in place of b
    assert len(buckets) == 2
    assert not buckets.of("a").take(0.0)
    assert buckets.of("b").take(0.0)
