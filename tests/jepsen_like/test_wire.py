"""What a bad link does to packets."""

from __future__ import annotations

import itertools
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_jepsen.wire import BACKLOG_S_MAX, HELD_BACK_S, Shape, Wire

SHARES = st.floats(0, 1)
SHAPES = st.builds(
    Shape,
    delay_ms=st.floats(0, 500),
    jitter_ms=st.floats(0, 200),
    loss=SHARES,
    doubled=SHARES,
    reordered=SHARES,
    kbit_s=st.sampled_from([0.0, 64.0, 1000.0]),
)
PACKETS = st.lists(st.tuples(st.floats(0, 1), st.integers(20, 1500)), max_size=60)


def _offered(shape: Shape, packets: list[tuple[float, int]], seed: int) -> list[tuple[float, tuple[float, ...]]]:
    """Packets sent so many seconds after each other: when each was sent, and when it arrives."""
    wire = Wire(shape, Random(seed))
    now = 0.0
    found: list[tuple[float, tuple[float, ...]]] = []
    for pause_s, size in packets:
        now += pause_s
        found.append((now, wire.offer(now, size)))
    return found


@given(SHAPES, PACKETS, st.integers(0, 2**32))
def test_none_arrives_before_its_delay_and_a_seed_does_the_same_again(
    shape: Shape, packets: list[tuple[float, int]], seed: int
) -> None:
    found = _offered(shape, packets, seed)
    assert found == _offered(shape, packets, seed)
    for sent, times in found:
        assert len(times) <= 2
        assert all(time >= sent + shape.delay_ms / 1000 - 1e-9 for time in times)


@given(SHAPES, PACKETS, st.integers(0, 2**32))
def test_without_overtaking_the_order_stays(shape: Shape, packets: list[tuple[float, int]], seed: int) -> None:
    arrived = [time for _, times in _offered(shape._replace(reordered=0), packets, seed) for time in times]
    assert arrived == sorted(arrived)


@given(PACKETS)
def test_a_good_link_passes_everything_at_once(packets: list[tuple[float, int]]) -> None:
    assert all(times == (sent,) for sent, times in _offered(Shape(), packets, 7))


@given(PACKETS, st.sampled_from([64.0, 1000.0]))
def test_no_more_passes_a_narrow_link_than_its_rate_and_what_waits_too_long_is_lost(
    packets: list[tuple[float, int]], kbit_s: float
) -> None:
    found = _offered(Shape(kbit_s=kbit_s), packets, 7)
    passed = [(sent, times[0], size) for (sent, times), (_, size) in zip(found, packets, strict=True) if times]
    for before, after in itertools.pairwise(passed):
        assert after[1] - before[1] >= after[2] * 8 / 1000 / kbit_s - 1e-9
    for sent, arrived, size in passed:
        assert arrived - sent <= BACKLOG_S_MAX + size * 8 / 1000 / kbit_s + 1e-9


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_shares_are_about_what_they_say(share: float) -> None:
    packets = [(0.01, 100)] * 4000
    lost = sum(not times for _, times in _offered(Shape(loss=share), packets, 7))
    doubled = sum(len(times) == 2 for _, times in _offered(Shape(doubled=share), packets, 7))
    late = sum(times[0] - sent >= HELD_BACK_S[0] for sent, times in _offered(Shape(reordered=share), packets, 7))
    for count in (lost, doubled, late):
        assert abs(count / 4000 - share) < 0.03


def test_a_shape_tells_what_is_bad() -> None:
    assert str(Shape()) == "good"
    assert str(Shape(delay_ms=20)) == "20 ms late"
    assert str(Shape(20, 10, 0.05, 0.1, 0.2, 64)) == "20 to 30 ms late, 5% lost, 10% doubled, 20% overtaken, 64 kbit/s"
