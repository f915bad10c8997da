"""What agents are told of the servers."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from lictor_core.calls import ATTEND, LOOK, Attendance, Bulletin
from lictor_core.clock import SeededRng
from lictor_core.codec import pack, unpack
from lictor_core.errors import RequestError
from lictor_server import RpcPool, Server
from tests.server.cluster.servers import cluster_of
from tests.server.conftest import Log

pytestmark = pytest.mark.timeout(60)
ATTENDANCE = pack(Attendance(name="a1", datacenter="DC1"))


def place(server: Server) -> str:
    return f"127.0.0.1:{server.server_port}"


async def look(pool: RpcPool, server: Server, attendance: bytes = ATTENDANCE) -> Bulletin:
    return unpack(await pool.call(place(server), LOOK, attendance, timeout_s=5.0), Bulletin)


async def test_a_server_names_itself_all_servers_and_how_far_it_is(server: Server) -> None:
    pool = RpcPool(rng=SeededRng(1))
    said = await look(pool, server)
    assert (said.name, said.address, said.servers, said.is_ready) == ("n1", place(server), (place(server),), True)
    assert said.applied_index > 0
    await pool.stop()


async def test_an_agent_of_another_datacenter_is_refused_by_call_and_stream(server: Server) -> None:
    pool = RpcPool(rng=SeededRng(1))
    stranger = pack(Attendance(name="a1", datacenter="dc2"))
    with pytest.raises(RequestError, match="datacenter 'dc2', these servers of 'dc1'"):
        await look(pool, server, stranger)
    async with aclosing(pool.stream(place(server), ATTEND, stranger)) as items:
        with pytest.raises(RequestError, match="datacenter 'dc2'"):
            await anext(items)
    await pool.stop()


async def test_those_who_attend_hear_when_the_servers_or_their_leader_change(log: Log) -> None:
    pool = RpcPool(rng=SeededRng(1))
    async with cluster_of(3, log) as cluster:
        follower = cluster.servers[(await cluster.followers())[0]]
        async with aclosing(pool.stream(place(follower), ATTEND, ATTENDANCE)) as items, asyncio.timeout(30):
            said = unpack(await anext(items), Bulletin)
            assert said.servers == tuple(sorted(place(one) for one in cluster.servers.values()))
            others = [number for number, one in cluster.servers.items() if one is not follower]
            for number in others:  # nobody is left to lead
                await cluster.stop(number)
            while said.is_ready:
                said = unpack(await anext(items), Bulletin)
    await pool.stop()
