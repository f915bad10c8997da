from __future__ import annotations

from lictor_core.backoff import Backoff
from lictor_core.clock import SeededRng


def test_waits_double_up_to_the_longest_and_begin_again_after_success() -> None:
    backoff = Backoff(SeededRng(1), first_s=0.1, max_s=0.5)
    for longest in (0.1, 0.2, 0.4, 0.5, 0.5):
        assert longest / 2 <= backoff.next_s() <= longest
    backoff.reset()
    assert backoff.next_s() <= 0.1


def test_two_who_lost_the_same_thing_do_not_wait_equally_long() -> None:
    one, two = (Backoff(SeededRng(seed), first_s=0.1, max_s=1.0) for seed in (1, 2))
    assert one.next_s() != two.next_s()
