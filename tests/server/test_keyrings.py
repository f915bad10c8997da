"""What servers are told of agents' keys."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from lictor_core.calls import KEYS, TELL_KEYS
from lictor_core.clock import SeededRng
from lictor_core.codec import pack, unpack
from lictor_core.errors import RequestError
from lictor_core.keyring import KEYS_MAX
from lictor_core.sealed_ring import KeyTidings
from lictor_server import RpcPool, Server
from lictor_server.keyrings import ServerKeyrings
from lictor_server.rpc.visitor import Visitor
from tests.server.cluster.servers import cluster_of
from tests.server.conftest import Log, made_log
from tests.support.clock import ManualClock
from tests.support.conditions import eventually


def keyrings(servers: Mapping[str, str] | None = None, clock: ManualClock | None = None) -> ServerKeyrings:
    return ServerKeyrings(lambda: servers or {}, RpcPool(rng=SeededRng(1)), clock or ManualClock(), made_log().logger)


def test_what_was_told_is_known_as_long_as_its_connection_lasts() -> None:
    clock = ManualClock()
    told, visitor = keyrings(clock=clock), Visitor("x")
    told.note(KeyTidings(node="own", keys=("a",)))
    told.note(KeyTidings(node="a1", keys=("a",)), visitor)
    told.note(KeyTidings(node="a1", keys=("b", "a"), index=3), visitor)
    clock.advance(1.5)
    assert told.own() == [
        KeyTidings(node="own", keys=("a",), age_ms=1500),
        KeyTidings(node="a1", keys=("b", "a"), index=3, age_ms=1500),
    ]
    visitor.end()
    assert [one.node for one in told.own()] == ["own"]
    told.note(KeyTidings(node="a1", keys=()), visitor)
    assert [one.node for one in told.own()] == ["own"], "a connection that is over says nothing more"


async def test_of_what_was_told_twice_the_later_counts() -> None:
    clock = ManualClock()
    told = keyrings(clock=clock)
    told.note(KeyTidings(node="a1", keys=("old",)), Visitor("x"))
    clock.advance(1.0)
    told.note(KeyTidings(node="A1", keys=("new",)), Visitor("y"))
    assert [one.keys for one in await told.all()] == [("new",)]


async def test_a_server_that_does_not_answer_is_left_out() -> None:
    told = keyrings({"other": "127.0.0.1:1"})
    told.note(KeyTidings(node="a1", keys=("a",)))
    async with asyncio.timeout(30):
        assert [one.node for one in await told.all()] == ["a1"]


@pytest.mark.parametrize(
    "tidings",
    [
        KeyTidings(node="a1", keys=("a",) * (KEYS_MAX + 1)),
        KeyTidings(node="a" * 257, keys=()),
        KeyTidings(node="a", keys=("k" * 257,)),
    ],
)
def test_more_than_a_ring_has_is_refused(tidings: KeyTidings) -> None:
    with pytest.raises(RequestError):
        keyrings().note(tidings, Visitor("x"))


async def test_agents_tell_over_their_connection_and_ask_for_all(server: Server, log: Log) -> None:
    pool, address = RpcPool(rng=SeededRng(1)), f"127.0.0.1:{server.server_port}"
    await pool.call(address, TELL_KEYS, pack(KeyTidings(node="a1", keys=("a",))), timeout_s=10.0)
    answer = unpack(await pool.call(address, KEYS, b"", timeout_s=10.0), list[KeyTidings])
    assert [(one.node, one.keys) for one in answer] == [("a1", ("a",))]
    await pool.stop()
    own = server._keyrings.own  # pyright: ignore[reportPrivateUsage]
    await eventually(lambda: own() == [], what="the end of the connection")


async def test_every_server_knows_what_was_told_to_another(log: Log) -> None:
    pools = [RpcPool(rng=SeededRng(number)) for number in range(2)]
    async with cluster_of(3, log) as cluster:
        servers = list(cluster.servers.values())
        for number, (pool, server) in enumerate(zip(pools, servers, strict=False)):
            told = KeyTidings(node=f"a{number}", keys=("a",), index=number)
            await pool.call(f"127.0.0.1:{server.server_port}", TELL_KEYS, pack(told), timeout_s=10.0)
        for server in servers:
            assert [(one.node, one.index) for one in await server.keys()] == [("a0", 0), ("a1", 1)]
        for pool in pools:
            await pool.stop()
