"""Spare time is a share of what passes: neither saved up without end nor owed without end."""

from lictor_dns.spare import SpareTime


def test_there_is_some_at_first_until_it_is_spent() -> None:
    spare = SpareTime()
    assert spare.is_left
    spare.spend(1.0)
    assert not spare.is_left


def test_a_tenth_of_what_passes_is_earned() -> None:
    spare = SpareTime()
    spare.earn(100.0)
    spare.spend(0.015)
    spare.earn(100.04)
    assert not spare.is_left
    spare.earn(100.06)
    assert spare.is_left


def test_a_long_rest_saves_no_more_than_the_bound() -> None:
    spare = SpareTime()
    spare.earn(0.0)
    spare.earn(1e6)
    spare.spend(0.011)
    assert not spare.is_left


def test_whoever_spent_much_more_than_there_was_owes_no_more_than_the_bound() -> None:
    spare = SpareTime()
    spare.earn(0.0)
    spare.spend(1000.0)
    spare.earn(0.11)
    assert spare.is_left


def test_no_time_passes_no_time_is_spent() -> None:
    spare = SpareTime()
    for _ in range(100):
        spare.earn(5.0)
        spare.spend(0.0)
    assert spare.is_left
