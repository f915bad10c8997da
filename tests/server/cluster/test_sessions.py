"""Sessions and locks with several servers: whoever leads, none ends too early, and none lives on for ever."""

from __future__ import annotations

import asyncio
import dataclasses
import time

import pytest

from lictor_core.commands import EventFire, KVSet, SessionCreate, SessionDestroy
from lictor_core.errors import LictorError
from lictor_core.queries import EventsQuery, KeyQuery, SessionQuery
from lictor_core.registry import ReadOptions
from lictor_server import Server, ServerSettings
from tests.server.build import event, session
from tests.server.cluster.servers import Cluster, cluster_of, until
from tests.server.conftest import Log

A = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
B = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"
TTL_S = 2.0
NOW = ReadOptions()


@pytest.fixture(autouse=True)
def short_ttls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions of seconds; they end after their TTL and not, as for Consul's clients, after twice that."""
    usual = Cluster.settings

    def quick(cluster: Cluster, number: int) -> ServerSettings:
        return dataclasses.replace(usual(cluster, number), session_ttl_min_s=0.1, session_ttl_factor=1.0)

    monkeypatch.setattr(Cluster, "settings", quick)


async def any_server(cluster: Cluster) -> Server:
    return next(iter(cluster.servers.values()))


async def has(server: Server, id: str) -> bool:
    return (await server.read(SessionQuery(id=id), NOW)).value is not None


async def test_any_server_renews_and_what_is_not_renewed_ends_everywhere(log: Log) -> None:
    async with cluster_of(3, log) as cluster:
        servers = list(cluster.servers.values())
        await servers[0].write(SessionCreate(session=session(A, node="s1", ttl=f"{TTL_S}s", delay_s=0)))
        await servers[1].write(KVSet(key="k", value=b"1", acquire=A))
        end = time.monotonic() + 2 * TTL_S
        while time.monotonic() < end:
            for server in servers:
                assert await server.renew_session(A) is not None
            await asyncio.sleep(0.2)
        began = time.monotonic()

        async def is_over() -> bool:
            return not await has(servers[2], A)

        await until(is_over, what="the end of the session")
        assert time.monotonic() - began > TTL_S * 0.8
        assert await servers[1].renew_session(A) is None
        entry = (await servers[0].read(KeyQuery(key="k"), NOW)).value
        assert entry is not None
        assert entry.session == ""


async def test_a_session_that_is_renewed_survives_the_leaders_and_the_others_end(log: Log) -> None:
    """A new leader gives the full time anew: none ends early, and one that nobody renews ends all the same."""
    async with cluster_of(3, log) as cluster:
        server = await any_server(cluster)
        for id in (A, B):
            await server.write(SessionCreate(session=session(id, node="s1", ttl=f"{TTL_S}s", delay_s=0)))
        leader = await cluster.leader()
        await asyncio.sleep(TTL_S / 2)
        killed_at = time.monotonic()
        await cluster.stop(leader)
        survivor = await any_server(cluster)

        async def renewed() -> bool:
            try:
                return await survivor.renew_session(A) is not None
            except LictorError:
                return False

        await until(renewed, what="a renewal at the new leader")
        assert await has(survivor, B), "half of its time was over, and it has all of it again"
        seen_at = time.monotonic()

        async def only_one() -> bool:
            assert await survivor.renew_session(A) is not None
            return not await has(survivor, B)

        await until(only_one, what="the end of the session that nobody renewed")
        assert time.monotonic() - killed_at > TTL_S, f"seen {seen_at - killed_at:.1f} s after the leader was gone"
        assert await has(survivor, A)


async def test_a_lock_delay_outlives_the_leader(log: Log) -> None:
    async with cluster_of(3, log) as cluster:
        server = await any_server(cluster)
        for id in (A, B):
            await server.write(SessionCreate(session=session(id, node="s1", delay_s=4)))
        await server.write(KVSet(key="k", value=b"1", acquire=A))
        await server.write(SessionDestroy(id=A))
        ended_at = time.monotonic()
        await cluster.stop(await cluster.leader())
        survivor = await any_server(cluster)

        async def taken() -> bool:
            return (await survivor.write(KVSet(key="k", value=b"2", acquire=B))).value is True

        await cluster.leader()
        await until(taken, what="the lock")
        assert time.monotonic() - ended_at >= 4


async def test_events_are_the_same_and_in_one_order_at_every_server(log: Log) -> None:
    async with cluster_of(3, log) as cluster:
        servers = list(cluster.servers.values())
        ids = [f"00000000-0000-4000-8000-{number:012d}" for number in range(9)]
        await asyncio.gather(*(servers[number % 3].write(EventFire(event=event(id))) for number, id in enumerate(ids)))
        seen = [(await server.read(EventsQuery(), NOW)).value for server in servers]
        assert seen[0] == seen[1] == seen[2]
        assert [one.l_time for one in seen[0]] == list(range(1, 10))
        assert {one.id for one in seen[0]} == set(ids)


async def test_a_session_of_a_restored_state_has_its_full_time_and_ends(log: Log) -> None:
    async with cluster_of(1, log) as cluster:
        server = await any_server(cluster)
        await server.write(SessionCreate(session=session(A, node="s1", ttl=f"{TTL_S}s", delay_s=0)))
        await server.write(KVSet(key="k", value=b"1", acquire=A))
        saved = await server.save_state(NOW)
        await server.write(SessionDestroy(id=A))
        await server.restore_state(saved.archive)
        restored_at = time.monotonic()
        entry = (await server.read(KeyQuery(key="k"), NOW)).value
        assert entry is not None
        assert entry.session == A

        async def is_over() -> bool:
            return not await has(server, A)

        await until(is_over, what="the end of the session")
        assert time.monotonic() - restored_at > TTL_S * 0.8
