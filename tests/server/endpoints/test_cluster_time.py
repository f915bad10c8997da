"""The cluster's own time."""

from __future__ import annotations

from lictor_server.endpoints.cluster_time import ClusterTime
from tests.support.clock import ManualClock


def test_time_goes_on_from_where_the_log_is_when_the_leader_changes() -> None:
    clock, reached = ManualClock(), [0]
    time = ClusterTime(clock, lambda: reached[0])
    clock.advance(3600)
    reached[0] = 5_000
    time.begin()
    assert time.now_ms() == 5_000, "the hour in which others led was counted by them"
    clock.advance(1.5)
    assert time.now_ms() == 6_500


def test_no_jump_of_the_wall_clock_moves_it() -> None:
    clock = ManualClock()
    time = ClusterTime(clock, lambda: 0)
    time.begin()
    clock.jump(-7200)
    clock.advance(2)
    clock.jump(86_400)
    assert time.now_ms() == 2_000


def test_it_is_never_behind_the_log() -> None:
    reached = [0]
    time = ClusterTime(ManualClock(), lambda: reached[0])
    time.begin()
    reached[0] = 700
    assert time.now_ms() == 700
