"""Leases at servers that vouch for them, with real servers, connections and a leader."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from lictor_core.clock import SeededRng, SystemClock
from lictor_core.codec import pack, unpack
from lictor_core.errors import NoLeaderError, RequestError
from lictor_core.membership import LeaseGrant
from lictor_core.queries import NodeChecksQuery
from lictor_core.records import MemberStatus
from lictor_core.registry import ReadOptions
from lictor_server import RpcPool, Server
from lictor_server.leases import Answer, Digest, KeptLeases
from lictor_server.vouching import Vouching
from tests.server.build import member, renewal
from tests.server.cluster.servers import Cluster, cluster_of, until
from tests.server.conftest import Log
from tests.support.conditions import eventually

AGENTS = 300
ID = "5c1e2f30-0000-4000-8000-0000000000aa"


@asynccontextmanager
async def agents_of(count: int) -> AsyncGenerator[list[RpcPool]]:
    """As many agents, each with connections of its own."""
    # All of them and the servers share one loop here: what agents give a server to answer may not be enough for that.
    pools = [RpcPool(rng=SeededRng(number), connect_s=20.0) for number in range(count)]
    try:
        yield pools
    finally:
        await asyncio.gather(*(pool.stop() for pool in pools))


def address(server: Server) -> str:
    return f"127.0.0.1:{server.server_port}"


async def renewed(pool: RpcPool, server: Server, name: str, counter: int, *, last: str = "") -> LeaseGrant:
    wish = renewal(member(name, id=f"id-{name}"), counter, server=last)
    return unpack(await pool.call(address(server), "renew", pack(wish), timeout_s=20.0), LeaseGrant)


async def statuses(cluster: Cluster) -> dict[str, MemberStatus]:
    found = await next(iter(cluster.servers.values())).members()
    return {one.name: one.status for one in found if one.name.startswith("a")}


async def output_of(server: Server, node: str) -> list[tuple[str, str]]:
    reading = await server.read(NodeChecksQuery(node=node), ReadOptions())
    return [(check.status, check.output) for check in reading.value]


@pytest.mark.slow
async def test_hundreds_of_agents_move_when_a_server_stops_and_none_fails(log: Log) -> None:
    async with cluster_of(3, log) as cluster, agents_of(AGENTS) as pools:
        homes = list(cluster.servers)
        names = [f"a{number}" for number in range(AGENTS)]
        grants = await asyncio.gather(
            *(
                renewed(pool, cluster.servers[homes[number % 3]], name, 1)
                for number, (name, pool) in enumerate(zip(names, pools, strict=True))
            )
        )
        assert {grant.seen for grant in grants} == {0}
        stopped = (await cluster.followers())[0]
        left = [number for number in homes if number != stopped]
        await cluster.stop(stopped)
        movers = [number for number in range(AGENTS) if homes[number % 3] == stopped]
        await asyncio.gather(
            *(
                renewed(pools[one], cluster.servers[left[one % 2]], names[one], 2, last=grants[one].server)
                for one in movers
            )
        )
        assert await statuses(cluster) == dict.fromkeys(names, MemberStatus.ALIVE)
        assert [entry for entry in log.named("member.lease.expired") if entry["member"].startswith("a")] == []


async def test_an_agent_whose_connection_ends_fails_soon_with_who_saw_it(log: Log) -> None:
    async with cluster_of(3, log) as cluster, agents_of(1) as (pool,):
        follower = cluster.servers[(await cluster.followers())[0]]
        await renewed(pool, follower, "a1", 1)
        assert await statuses(cluster) == {"a1": MemberStatus.ALIVE}
        await pool.stop()

        async def failed() -> bool:
            return [status for status, _ in await output_of(follower, "a1")] == ["critical"]

        async with asyncio.timeout(6.0):  # the grace is 2 s, and a lease 10
            await until(failed, what="the end of an agent whose connection closed")
        (found,) = await output_of(follower, "a1")
        name = follower.member().name
        assert found[1].startswith(f"Agent not live or unreachable: server {name} saw its connection close at 20")


async def test_a_name_is_refused_at_every_server_while_its_holder_lives(log: Log) -> None:
    async with cluster_of(3, log) as cluster:
        first, second, _ = cluster.servers.values()
        await first.renew(renewal(member("a1", id=ID)))
        with pytest.raises(RequestError, match=ID):
            await second.renew(renewal(member("A1", id="another")))
        await first.leave("a1")
        granted = await second.renew(renewal(member("A1", id="another")))
        assert granted.renew_s > 0


async def test_a_new_process_of_an_agent_is_told_what_the_servers_know_of_the_former(log: Log) -> None:
    async with cluster_of(3, log) as cluster:
        first, second, _ = cluster.servers.values()
        await first.renew(renewal(member("a1", id=ID), 70))
        told = await second.renew(renewal(member("a1", id=ID), 1))
        assert told.seen >= 70
        assert (await second.renew(renewal(member("a1", id=ID), told.seen + 1))).seen == 0


async def test_without_a_leader_a_newcomer_is_told_so_and_a_known_one_is_renewed(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lictor_server.vouching.CLAIM_S_MAX", 0.05)
    leads = True

    async def vouch(digest: Digest) -> Answer:
        if not leads:
            raise NoLeaderError
        return Answer()

    async def leave(name: str) -> None:
        raise NoLeaderError

    table = KeptLeases(server="id", server_name="s1", epoch="e", lease_s=10.0, grace_s=2.0, leases_max=9)
    vouching = Vouching(table, vouch, leave, lease_s=10.0, clock=SystemClock(), log=log.logger)
    running = asyncio.ensure_future(vouching.run())
    try:
        assert (await vouching.renew(renewal(member("a1", id=ID), 1))).renew_s == pytest.approx(10 / 3)
        leads = False
        assert (await vouching.renew(renewal(member("a1", id=ID), 2, server="id"))).renew_s > 0
        with pytest.raises(NoLeaderError, match="none said"):
            await vouching.renew(renewal(member("b1", id="b"), 1))
        leads = True
        await eventually(lambda: not table.has_news, what="the claim is told once there is a leader")
        assert (await vouching.renew(renewal(member("b1", id="b"), 2, server="id"))).renew_s > 0
    finally:
        running.cancel()
        await asyncio.wait([running])
