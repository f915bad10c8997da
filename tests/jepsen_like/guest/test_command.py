"""Which workloads may be guests."""

from lictor_jepsen.guest.command import GUESTS


def test_guests_are_those_that_touch_keys_alone() -> None:
    assert set(GUESTS) == {"append", "cas", "lock", "register", "set"}
