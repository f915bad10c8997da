"""What agents tell of their proxies, at the server they tell it and at the others."""

from __future__ import annotations

import pytest

from lictor_core.calls import PROXIES, TELL_PROXIES, ProxiesRequest
from lictor_core.clock import SeededRng
from lictor_core.codec import pack, unpack
from lictor_core.errors import RequestError
from lictor_core.proxy_status import PROXIES_OF_AGENT_MAX, ProxyPolicy, ProxyTidings
from lictor_server import RpcPool, Server
from lictor_server.proxies import ServerProxies
from lictor_server.rpc.visitor import Visitor
from tests.server.cluster.servers import cluster_of, until
from tests.server.conftest import Log
from tests.support.clock import ManualClock


def policy(service: str = "db", index: int = 7, *, node: str = "n1", age_ms: int = 0) -> ProxyPolicy:
    return ProxyPolicy(proxy_id=f"{service}-proxy", node=node, service=service, policy_index=index, age_ms=age_ms)


def tidings(*policies: ProxyPolicy, node: str = "n1") -> ProxyTidings:
    return ProxyTidings(node=node, policies=policies)


def lonely(clock: ManualClock, log: Log) -> ServerProxies:
    return ServerProxies(dict, RpcPool(rng=SeededRng(1)), clock, log.logger)


def test_what_an_agent_tells_takes_the_place_of_what_it_told(log: Log) -> None:
    clock = ManualClock()
    known = lonely(clock, log)
    known.note(tidings(policy(), policy("web")))
    clock.advance(2.0)
    assert known.own("db") == [policy(age_ms=2000)]
    assert len(known.own("")) == 2
    known.note(tidings(policy(index=8), node="N1"))
    assert known.own("") == [policy(index=8)]
    known.note(tidings())
    assert known.own("") == []


def test_what_came_over_a_connection_ends_with_it(log: Log) -> None:
    known = lonely(ManualClock(), log)
    former, later = Visitor("127.0.0.1:1"), Visitor("127.0.0.1:2")
    known.note(tidings(policy()), former)
    known.note(tidings(policy(index=9)), later)
    former.end()
    assert known.own("") == [policy(index=9)]
    later.end()
    assert known.own("") == []


def test_a_connection_speaks_for_one_node(log: Log) -> None:
    known, visitor = lonely(ManualClock(), log), Visitor("127.0.0.1:1")
    for number in range(1000):
        known.note(tidings(policy(node=f"n{number}"), node=f"n{number}"), visitor)
    assert known.own("") == [policy(node="n999")]
    visitor.end()
    assert known.own("") == []
    known.note(tidings(policy()), visitor)
    assert known.own("") == [], "a connection that has ended says nothing any more"


def test_an_agent_tells_of_so_many_and_no_more(log: Log) -> None:
    known = lonely(ManualClock(), log)
    known.note(tidings(*[policy()] * PROXIES_OF_AGENT_MAX))
    with pytest.raises(RequestError, match=str(PROXIES_OF_AGENT_MAX)):
        known.note(tidings(*[policy()] * (PROXIES_OF_AGENT_MAX + 1)))


async def test_every_server_knows_what_was_told_to_another(log: Log) -> None:
    pools = [RpcPool(rng=SeededRng(number)) for number in range(2)]
    async with cluster_of(3, log) as cluster:
        servers = list(cluster.servers.values())
        for number, (pool, server) in enumerate(zip(pools, servers, strict=False)):
            told = tidings(policy(node=f"n{number}", index=number + 1), node=f"n{number}")
            await pool.call(place(server), TELL_PROXIES, pack(told), timeout_s=10.0)
        for server in servers:
            found = unpack(
                await pools[0].call(place(server), PROXIES, pack(ProxiesRequest(service="db")), timeout_s=10.0),
                list[ProxyPolicy],
            )
            assert [(one.node, one.policy_index) for one in found] == [("n0", 1), ("n1", 2)]
            assert await server.proxies("web") == []
        await pools[1].stop()

        async def gone() -> bool:
            return [one.node for one in await servers[2].proxies("")] == ["n0"]

        await until(gone, what="the end of what came over a connection that ended")
        await pools[0].stop()


async def test_of_an_agent_that_moved_the_last_word_counts(log: Log) -> None:
    pools = [RpcPool(rng=SeededRng(number)) for number in range(2)]
    async with cluster_of(3, log) as cluster:
        servers = list(cluster.servers.values())
        for index, (pool, server) in enumerate(zip(pools, servers, strict=False)):
            await pool.call(place(server), TELL_PROXIES, pack(tidings(policy(index=index + 1))), timeout_s=10.0)
        assert [one.policy_index for one in await servers[2].proxies("db")] == [2]
        for pool in pools:
            await pool.stop()


def place(server: Server) -> str:
    return f"127.0.0.1:{server.server_port}"
