"""Ticks go on until their server ends, and are refused by one that cannot tell."""

from __future__ import annotations

import asyncio

import pytest

from lictor_core.errors import CatchingUpError, NoLeaderError
from lictor_core.feed import Tick, decode_tick
from lictor_server.streams import Ticks


async def test_ticks_are_told_anew_each_time() -> None:
    count = 0

    def now() -> Tick:
        nonlocal count
        count += 1
        return Tick("c1", count, 0, True)

    ticks = Ticks(now, tick_s=0.001)
    told = ticks.follow()
    async with asyncio.timeout(20):
        assert [decode_tick(await anext(told)).index for _ in range(3)] == [1, 2, 3]
    ticks.close()
    with pytest.raises(NoLeaderError, match="stopping"):
        await anext(told)


async def test_a_server_that_cannot_tell_says_so() -> None:
    def now() -> Tick:
        raise CatchingUpError("not yet")

    with pytest.raises(CatchingUpError):
        await anext(Ticks(now).follow())
