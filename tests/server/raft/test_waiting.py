"""Who waits for an index to be applied."""

from __future__ import annotations

import asyncio

import pytest

from lictor_core.errors import NoLeaderError, OverloadedError
from lictor_server.raft import waiting
from lictor_server.raft.waiting import AppliedWaiters


async def test_who_waits_for_an_index_is_released_when_it_is_applied() -> None:
    waiters = AppliedWaiters()
    first, third, second = waiters.add(1), waiters.add(3), waiters.add(2)
    waiters.release(2)
    assert (first.done(), second.done(), third.done()) == (True, True, False)
    assert len(waiters) == 1
    waiters.release(3)
    assert third.done()


async def test_those_who_gave_up_count_for_nothing_and_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "WAITERS_MAX", 8)
    monkeypatch.setattr(waiting, "_GIVEN_UP_KEPT", 4)
    waiters = AppliedWaiters()
    patient = [waiters.add(10) for _ in range(7)]
    for index in range(100):
        impatient = waiters.add(index)
        impatient.cancel()
        waiters.give_up(impatient)
    assert len(waiters) == 7
    assert len(waiters._waiting) <= 2 * 7 + 4  # pyright: ignore[reportPrivateUsage]  # nothing outside tells
    waiters.release(10)
    assert all(future.done() for future in patient)


async def test_one_too_many_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "WAITERS_MAX", 2)
    waiters = AppliedWaiters()
    for _ in range(2):
        assert not waiters.add(1).done()
    with pytest.raises(OverloadedError):
        assert not waiters.add(1).done()
    waiters.release(1)
    assert not waiters.add(2).done()


async def test_everybody_is_told_when_it_will_not_come_to_it() -> None:
    waiters = AppliedWaiters()
    gone, waits = waiters.add(1), waiters.add(2)
    gone.cancel()
    waiters.fail(NoLeaderError())
    with pytest.raises(NoLeaderError):
        await asyncio.wait_for(waits, 30)
    assert len(waiters) == 0
