"""Which connections live, with a task and without one, and how they end."""

from __future__ import annotations

import asyncio

import pytest

from lictor_connect_proxy.driver.lives import Lives


class _Relay:
    def __init__(self, lives: Lives) -> None:
        self.reason = ""
        self._lives = lives
        lives.enter()
        lives.keep(self)

    def abort(self, reason: str) -> None:
        self.reason = reason
        self._lives.leave(self)


async def test_a_drain_ends_with_the_last_connection() -> None:
    lives = Lives()
    await lives.drain(0.001)
    relays = [_Relay(lives), _Relay(lives)]
    draining = asyncio.ensure_future(lives.drain(30))
    for relay in relays:
        await asyncio.sleep(0)
        assert not draining.done()
        relay.abort("done")
    await asyncio.wait_for(draining, 30)
    assert lives.count == 0


async def test_a_drain_has_its_time_and_what_is_left_is_cut() -> None:
    lives = Lives()
    relay = _Relay(lives)
    with pytest.raises(TimeoutError):
        await lives.drain(0.01)
    lives.cut("time is up")
    assert (relay.reason, lives.count) == ("time is up", 0)


async def test_a_connection_that_still_has_its_task_is_cancelled() -> None:
    lives = Lives()
    ended: list[bool] = []

    async def handshake() -> None:
        lives.enter()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append(True)
            lives.leave(None)

    async with asyncio.TaskGroup() as group:
        lives.begin(group)
        lives.spawn(handshake())
        await asyncio.sleep(0)
        assert lives.count == 1
        lives.cut("the end")
    assert (ended, lives.count) == ([True], 0)
