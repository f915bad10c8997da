"""A loop rests until it is poked or its time is up."""

from __future__ import annotations

import asyncio

from lictor_server.poke import Poke


async def test_a_poke_ends_the_rest() -> None:
    poke = Poke()
    resting = asyncio.ensure_future(poke.rest(600.0))
    await asyncio.sleep(0)
    poke.poke()
    await asyncio.wait_for(resting, 30)


async def test_a_poke_before_the_rest_is_kept_for_it_and_for_no_other() -> None:
    poke = Poke()
    poke.poke()
    await asyncio.wait_for(poke.rest(600.0), 30)
    resting = asyncio.ensure_future(poke.rest(600.0))
    await asyncio.sleep(0)
    assert not resting.done()
    resting.cancel()


async def test_the_rest_ends_by_itself() -> None:
    await asyncio.wait_for(Poke().rest(0.01), 30)
