"""Time and chance of the machine keep the promises of their interfaces."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.clock import Rng, SeededRng, SystemClock, SystemRng

RNGS = [SystemRng(), SeededRng(7)]


def test_monotonic_time_never_goes_backwards() -> None:
    clock = SystemClock()
    times = [clock.monotonic() for _ in range(100)]
    assert times == sorted(times)
    assert clock.now() > 1_700_000_000


@pytest.mark.parametrize("rng", RNGS, ids=lambda rng: type(rng).__name__)
def test_chance_stays_within_its_bounds(rng: Rng) -> None:
    for _ in range(100):
        assert 2.0 <= rng.uniform(2.0, 3.0) <= 3.0
        assert 0 <= rng.below(3) < 3
        assert 0 <= rng.bits(8) < 256
        assert uuid.UUID(rng.uuid4()).version == 4


@given(st.lists(st.integers()))
def test_a_shuffle_loses_nothing(items: list[int]) -> None:
    shuffled = list(items)
    SeededRng(1).shuffle(shuffled)
    assert sorted(shuffled) == sorted(items)


def test_the_same_seed_gives_the_same_chance() -> None:
    assert [SeededRng(5).bits(64) for _ in range(3)] == [SeededRng(5).bits(64) for _ in range(3)]
    assert SeededRng(5).uuid4() != SeededRng(6).uuid4()
