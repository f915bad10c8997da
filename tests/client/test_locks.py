"""Locks and semaphores against a running agent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from lictor.api.asynchronous import AsyncClient
from lictor.api.calls import kv, session
from lictor.api.lock_rules import LockConflictError
from lictor.api.locks import AsyncLock, LockSettings
from lictor.api.settings import Settings
from lictor_core.clock import SystemClock, SystemRng
from lictor_core.errors import RequestError

WITHIN_S = 20
SOON = LockSettings(lock_delay_s=0)


@pytest.fixture
async def client(live_settings: Settings) -> AsyncGenerator[AsyncClient]:
    async with AsyncClient(live_settings) as made:
        yield made


def lock_of(client: AsyncClient, key: str, settings: LockSettings = SOON) -> AsyncLock:
    return AsyncLock(client, key, settings, clock=SystemClock(), rng=SystemRng())


async def test_a_lock_is_held_by_one_and_then_by_the_next(client: AsyncClient) -> None:
    one, two = lock_of(client, "locks/one"), lock_of(client, "locks/one")
    async with asyncio.timeout(WITHIN_S), one:
        assert not await two.acquire(0.5)
        waiting = asyncio.ensure_future(two.acquire())
        await asyncio.wait([waiting], timeout=0.3)
        assert not waiting.done()
        await one.release()
        assert await waiting
        assert (one.lock_index, two.lock_index) == (1, 2)
        assert two.fencing_token > one.fencing_token
        await two.release()


async def test_a_fencing_token_rises_though_the_key_was_deleted(client: AsyncClient) -> None:
    lock = lock_of(client, "locks/deleted")
    async with asyncio.timeout(WITHIN_S):
        assert await lock.acquire()
        first = lock.fencing_token
        await lock.release(delete=True)
        assert await client.send(kv.get("locks/deleted")) is None
        assert await lock.acquire()
        assert (lock.lock_index, lock.fencing_token > first) == (1, True)
        await lock.release()


async def test_a_lock_whose_session_is_destroyed_is_lost(client: AsyncClient) -> None:
    lock = lock_of(client, "locks/lost")
    async with asyncio.timeout(WITHIN_S), lock:
        entry = await client.send(kv.get("locks/lost"))
        assert entry is not None
        await client.send(session.destroy(entry.session))
        await lock.lost.wait()


async def test_a_lock_that_is_taken_away_is_lost(client: AsyncClient) -> None:
    lock = lock_of(client, "locks/away")
    async with asyncio.timeout(WITHIN_S), lock:
        await client.send(kv.delete("locks/away"))
        await lock.lost.wait()


async def test_a_lock_that_is_barred_is_had_after_its_lock_delay(client: AsyncClient) -> None:
    delayed = lock_of(client, "locks/delayed", LockSettings(lock_delay_s=1))
    next_one = lock_of(client, "locks/delayed")
    async with asyncio.timeout(WITHIN_S):
        assert await delayed.acquire()
        entry = await client.send(kv.get("locks/delayed"))
        assert entry is not None
        await client.send(session.destroy(entry.session))
        assert not await next_one.acquire(0.3)
        assert await next_one.acquire()
        await next_one.release()
        await delayed.release()


async def test_nothing_is_left_of_who_gave_up(client: AsyncClient) -> None:
    before = {one.id for one in await client.send(session.sessions())}
    async with asyncio.timeout(WITHIN_S):
        for limit in (1, 2):
            settings = LockSettings(lock_delay_s=0, limit=limit)
            holders = [lock_of(client, f"locks/left{limit}", settings) for _ in range(limit)]
            for one in holders:
                assert await one.acquire()
            assert not await lock_of(client, f"locks/left{limit}", settings).acquire(0.5)
            for one in holders:
                await one.release(delete=True)
            assert await client.send(kv.keys(f"locks/left{limit}")) == []
    assert {one.id for one in await client.send(session.sessions())} == before


async def test_a_semaphore_has_room_for_its_limit(client: AsyncClient) -> None:
    settings = LockSettings(lock_delay_s=0, limit=2)
    one, two, three = (lock_of(client, "locks/two", settings) for _ in range(3))
    async with asyncio.timeout(WITHIN_S):
        assert await one.acquire()
        assert await two.acquire()
        assert two.fencing_token > one.fencing_token
        assert not await three.acquire(0.5)
        waiting = asyncio.ensure_future(three.acquire())
        await one.release()
        assert await waiting
        entries = await client.send(kv.tree("locks/two/"))
        holder = next(entry for entry in entries if entry.session)
        lost = asyncio.ensure_future(
            asyncio.wait(
                [asyncio.ensure_future(each.lost.wait()) for each in (two, three)], return_when=asyncio.FIRST_COMPLETED
            )
        )
        await client.send(session.destroy(holder.session))
        await lost
        assert [two.lost.is_set(), three.lost.is_set()].count(True) == 1
        await two.release()
        await three.release()


async def test_what_is_used_for_something_else_is_no_lock(client: AsyncClient) -> None:
    await client.send(kv.put("locks/value", b"1"))
    with pytest.raises(LockConflictError):
        await lock_of(client, "locks/value").acquire(5)
    async with asyncio.timeout(WITHIN_S), lock_of(client, "locks/three", LockSettings(limit=3)):
        with pytest.raises(LockConflictError):
            await lock_of(client, "locks/three", LockSettings(limit=2)).acquire(5)
    with pytest.raises(RequestError):
        lock_of(client, "locks/none", LockSettings(limit=0))


async def test_many_who_count_under_one_lock_count_right(client: AsyncClient) -> None:
    async def count() -> None:
        for _ in range(3):
            async with lock_of(client, "locks/counted"):
                entry = await client.send(kv.get("locks/count"))
                value = int((entry.value or b"0") if entry is not None else b"0")
                await client.send(kv.put("locks/count", str(value + 1).encode()))

    async with asyncio.timeout(60):
        await asyncio.gather(*(count() for _ in range(5)))
    entry = await client.send(kv.get("locks/count"))
    assert entry is not None
    assert entry.value == b"15"
