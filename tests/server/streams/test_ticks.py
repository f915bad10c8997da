"""Ticks go on until their server ends, and are refused by one that cannot tell; followers share them, in turns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from lictor_core.errors import CatchingUpError, NoLeaderError
from lictor_core.feed import Tick, decode_tick
from lictor_server.streams import Ticks


class Source:
    """Counts how often it was asked; with `error` set it cannot tell."""

    def __init__(self) -> None:
        self.asked = 0
        self.error: CatchingUpError | None = None

    def __call__(self) -> Tick:
        if self.error is not None:
            raise self.error
        self.asked += 1
        return Tick("c1", self.asked, 0, True)


async def index(told: AsyncGenerator[bytes]) -> int:
    async with asyncio.timeout(20):
        return decode_tick(await anext(told)).index


async def test_ticks_are_told_anew_each_time() -> None:
    ticks = Ticks(Source(), tick_s=0.001)
    told = ticks.follow()
    assert [await index(told) for _ in range(3)] == [1, 2, 3]
    ticks.close()
    with pytest.raises(NoLeaderError, match="stopping"):
        await anext(told)


async def test_who_waits_when_the_server_stops_is_told() -> None:
    ticks = Ticks(Source(), tick_s=60.0)
    told = ticks.follow()
    await index(told)
    waiting = asyncio.ensure_future(index(told))
    await asyncio.sleep(0)
    ticks.close()
    with pytest.raises(NoLeaderError, match="stopping"):
        await waiting
    with pytest.raises(NoLeaderError, match="stopping"):
        await anext(ticks.follow())


async def test_a_server_that_cannot_tell_says_so() -> None:
    source = Source()
    ticks = Ticks(source, tick_s=0.001)
    told = ticks.follow()
    await index(told)
    source.error = CatchingUpError("not yet")
    with pytest.raises(CatchingUpError):
        await index(told)
    with pytest.raises(CatchingUpError):
        await anext(ticks.follow())


async def test_followers_of_a_share_are_told_the_same_tick_and_shares_take_turns() -> None:
    source = Source()
    ticks = Ticks(source, tick_s=0.01, shares=2)
    followers = [ticks.follow() for _ in range(6)]
    await asyncio.gather(*(index(one) for one in followers))
    assert source.asked == 6
    told = await asyncio.gather(*(index(one) for one in followers))
    assert sorted(told) == [7, 7, 7, 8, 8, 8]
    ticks.close()


async def test_without_followers_nothing_is_made() -> None:
    source = Source()
    ticks = Ticks(source, tick_s=0.001, shares=1)
    told = ticks.follow()
    assert [await index(told), await index(told)] == [1, 2]
    await told.aclose()
    await asyncio.sleep(0.05)
    assert source.asked == 2
    again = ticks.follow()
    assert [await index(again), await index(again)] == [3, 4]
    ticks.close()
