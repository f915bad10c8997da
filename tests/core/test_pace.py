"""A thread that keeps pace rests as long as it worked, and only when that is worth it."""

from __future__ import annotations

from lictor_core.pace import WORK_S, Pace


def test_it_rests_as_long_as_it_worked() -> None:
    worked = iter([0.0, WORK_S / 2, WORK_S, 6.0, 6.0 + WORK_S / 2, 7.0, 7.0])
    rests: list[float] = []
    pace = Pace(worked=lambda: next(worked), rest=rests.append)
    pace()
    pace()
    assert rests == []
    pace()
    assert rests == [WORK_S]
    pace()
    pace()
    assert rests == [WORK_S, 1.0]
