"""Floods of events: some are told, all are counted."""

from __future__ import annotations

from lictor_core.flood import EVENTS_MAX, WINDOW_S, Flood
from tests.support.clock import ManualClock


def test_a_few_in_a_window_pass_and_the_rest_is_counted() -> None:
    clock = ManualClock()
    flood = Flood(clock.monotonic)
    assert sum(flood.passes() for _ in range(1000)) == EVENTS_MAX
    assert flood.take_left_out() == 1000 - EVENTS_MAX
    assert flood.take_left_out() == 0


def test_the_next_window_begins_when_something_happens_after_the_last() -> None:
    clock = ManualClock()
    flood = Flood(clock.monotonic)
    for _ in range(20):
        flood.passes()
    clock.advance(WINDOW_S / 2)
    assert not flood.passes()
    clock.advance(WINDOW_S / 2)
    assert flood.passes()
    assert flood.take_left_out() == 11
