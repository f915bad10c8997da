"""How many requests a client agent may send."""

from __future__ import annotations

import math

import pytest

from lictor_agent.remote.allowance import Allowance
from lictor_core.errors import RateLimitedError
from tests.support.clock import ManualClock


def test_a_burst_is_allowed_and_then_the_rate() -> None:
    clock = ManualClock()
    allowance = Allowance(0.5, 3, clock)
    assert [allowance.allows("read") for _ in range(5)] == [True, True, True, False, False]
    clock.advance(2.0)
    assert allowance.allows("read")
    assert not allowance.allows("read")
    assert allowance.exceeded == 3


def test_what_is_one_too_many_says_when_to_ask_again() -> None:
    allowance = Allowance(0.1, 1, ManualClock())
    allowance.check("read")
    with pytest.raises(RateLimitedError) as refused:
        allowance.check("read")
    assert refused.value.retry_after_s == 10


def test_nothing_is_counted_without_a_rate_and_membership_never() -> None:
    free = Allowance(math.inf, 1, ManualClock())
    assert all(free.allows("read") for _ in range(1000))
    spent = Allowance(0.1, 0, ManualClock())
    assert spent.allows("renew")
    assert not spent.allows("read")


def test_another_rate_holds_from_then_on() -> None:
    clock = ManualClock()
    allowance = Allowance(math.inf, 1000, clock)
    allowance.allows("read")
    allowance.follow(1, 2)
    assert sum(allowance.allows("read") for _ in range(10)) == 2
