"""Many who ask at once have their turns in several passes of the loop, in order."""

from __future__ import annotations

import asyncio

from lictor_server.endpoints.turns import TURNS_MAX, Turns


async def test_a_few_need_not_wait() -> None:
    turns = Turns()
    async with asyncio.timeout(30):
        for _ in range(TURNS_MAX):
            await turns.take()


async def test_many_have_their_turns_in_order_with_others_in_between() -> None:
    turns, had, passes = Turns(), list[int](), list[int]()
    count = 5 * TURNS_MAX

    async def one(number: int) -> None:
        await turns.take()
        had.append(number)

    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(one(number))
        while len(had) < count:
            passes.append(len(had))
            await asyncio.sleep(0)
    assert had == list(range(count))
    steps = [later - earlier for earlier, later in zip(passes, [*passes[1:], count], strict=True)]
    assert max(steps) <= TURNS_MAX


async def test_who_is_gone_costs_nobody_a_turn() -> None:
    turns = Turns()
    async with asyncio.timeout(30):
        for _ in range(TURNS_MAX):
            await turns.take()
        async with asyncio.TaskGroup() as group:
            gone = [group.create_task(turns.take()) for _ in range(10 * TURNS_MAX)]
            await asyncio.sleep(0)
            for task in gone:
                task.cancel()
        await turns.take()
