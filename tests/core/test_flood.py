"""Floods of events: some are told, all are counted."""

from __future__ import annotations

from lictor_core.flood import EVENTS_MAX, REMEMBERED_MAX, WINDOW_S, Flood, Once
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


def test_of_a_thing_the_same_is_told_once_until_it_is_forgotten() -> None:
    once = Once()
    assert [once.is_news("a", "x"), once.is_news("a", "x"), once.is_news("b", "x"), once.is_news("a", "y")] == [
        True,
        False,
        True,
        True,
    ]
    once.forget("a")
    assert once.is_news("a", "y")


def test_of_many_things_the_oldest_is_forgotten() -> None:
    once = Once()
    for number in range(REMEMBERED_MAX + 1):
        assert once.is_news(str(number), "x")
    assert not once.is_news("1", "x")
    assert once.is_news("0", "x")
