"""Keys that are barred for a while."""

from __future__ import annotations

from lictor_server.state.lock_delays import LockDelays


def test_a_key_is_barred_until_its_time_is_over() -> None:
    delays = LockDelays()
    delays.bar("k", 1000, 500)
    assert delays.bars("k", 1499)
    assert not delays.bars("k", 1500)
    assert not delays.bars("other", 1000)


def test_a_later_shorter_delay_does_not_shorten_an_earlier_one() -> None:
    delays = LockDelays()
    delays.bar("k", 0, 1000)
    delays.bar("k", 100, 10)
    assert delays.bars("k", 999)


def test_what_is_over_is_dropped_when_something_new_comes() -> None:
    delays = LockDelays()
    for number in range(100):
        delays.bar(f"k{number}", number * 10, 10)
        assert len(delays) == 1


def test_rows_put_back_bar_the_same_keys_and_are_dropped_in_time() -> None:
    delays, again = LockDelays(), LockDelays()
    delays.bar("b", 0, 100)
    delays.bar("a", 0, 200)
    again.restore(delays.rows())
    assert list(again.rows()) == [("a", 200), ("b", 100)]
    again.bar("c", 150, 100)
    assert list(again.rows()) == [("a", 200), ("c", 250)]
