"""All of `Registry` through a connection, and what becomes of it when servers come and go."""

from __future__ import annotations

import asyncio
import io
from contextlib import aclosing

import pytest

from lictor_agent.remote import RemoteRegistry
from lictor_core.commands import KVSet, Outcome, Proposal, ReadMode
from lictor_core.errors import BodyTooLargeError, ClusterError, NoLeaderError, NotFoundError, RequestError
from lictor_core.feed import FeedRequest
from lictor_core.limits import KV_VALUE_BYTES_MAX
from lictor_core.queries import AutopilotQuery, CARootsQuery, KeyQuery, NodeQuery, NodesQuery, TreeQuery
from lictor_core.registry import Confirmation, LeafRequest, Reading, ReadOptions, Registry
from lictor_server import Server
from tests.agent.remote.registries import AGENT_ID, connected, remote
from tests.server.build import member, renewal
from tests.server.cluster.servers import Cluster, cluster_of
from tests.server.conftest import Log
from tests.support.conditions import eventually
from tests.support.ports import free_port

pytestmark = pytest.mark.timeout(60)
NOW = ReadOptions()


def place(server: Server) -> str:
    return f"127.0.0.1:{server.server_port}"


async def number_in_use(cluster: Cluster, registry: RemoteRegistry) -> int:
    """The number of the server that the registry uses."""
    await eventually(
        lambda: registry.server in {place(server) for server in cluster.servers.values()}, what="a server in use"
    )
    return next(number for number, server in cluster.servers.items() if place(server) == registry.server)


async def value(registry: Registry, key: str, options: ReadOptions = NOW) -> bytes | None:
    reading = await registry.read(KeyQuery(key=key), options)
    return None if reading.value is None else reading.value.value


async def test_reads_and_writes_are_those_of_the_server(server: Server, log: Log) -> None:
    async with connected(log, place(server)) as registry:
        outcome = await registry.write(KVSet(key="a", value=b"\x00\xff"))
        assert outcome.value is True
        for query in (KeyQuery(key="a"), NodesQuery(), CARootsQuery(), AutopilotQuery(), TreeQuery(prefix="")):
            assert await registry.read(query, NOW) == await server.read(query, NOW)
        stale = await registry.read(KeyQuery(key="a"), ReadOptions(mode=ReadMode.STALE))
        assert (stale.index, stale.known_leader) == (outcome.index, True)


async def test_what_is_no_text_is_refused_before_a_server_is_asked(server: Server, log: Log) -> None:
    query = NodeQuery(node="n\udcff")
    async with connected(log, place(server)) as registry:
        with pytest.raises(RequestError, match="surrogates not allowed"):
            registry.feed(FeedRequest(query=query))
        with pytest.raises(RequestError, match="surrogates not allowed"):
            await registry.read(query, NOW)
        assert await registry.confirm([query], ReadMode.DEFAULT) is None


async def test_everything_else_is_that_of_the_server(server: Server, log: Log) -> None:
    async with connected(log, place(server)) as registry:
        assert (await registry.renew(renewal(member("a1", id=AGENT_ID)))).renew_s > 0
        assert await registry.members() == await server.members()
        status, own = await registry.leader_status(), await server.leader_status()
        assert (status.address, status.peers, status.is_self) == (own.address, own.peers, False)
        await registry.leave("a1")
        assert [one.name for one in await registry.members() if one.name == "a1"] == [
            one.name for one in await server.members() if one.name == "a1"
        ]
        assert (await registry.raft_servers()).peers == (await server.raft_servers()).peers
        assert (await registry.raft_servers(stale=True)).peers == (await server.raft_servers(stale=True)).peers
        assert (await registry.autopilot_health()).healthy == (await server.autopilot_health()).healthy
        assert (await registry.position()) == (await server.position())
        await registry.configure_ca("consul", {})
        with pytest.raises(RequestError):
            await registry.sign_leaf(LeafRequest(csr="none", service="web"))
        with pytest.raises(NotFoundError):
            await registry.remove_peer("192.0.2.1:8300")
        with pytest.raises(RequestError):
            await registry.transfer_leader("nobody")


async def test_what_the_server_refuses_is_refused_alike(server: Server, log: Log) -> None:
    async with connected(log, place(server)) as registry:
        with pytest.raises(BodyTooLargeError):
            await registry.write(KVSet(key="a", value=bytes(KV_VALUE_BYTES_MAX + 1)))
        with pytest.raises(RequestError, match="key is missing"):
            await registry.write(KVSet(key="", value=b""))


async def test_a_blocked_read_ends_with_the_change_or_with_its_time(server: Server, log: Log) -> None:
    async with connected(log, place(server)) as registry:
        index = (await registry.write(KVSet(key="a", value=b"1"))).index
        waiting = asyncio.ensure_future(value(registry, "a", ReadOptions(min_index=index, wait_s=30.0)))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await server.write(KVSet(key="a", value=b"2"))
        assert await waiting == b"2"
        index = (await registry.read(KeyQuery(key="a"), NOW)).index
        assert await value(registry, "a", ReadOptions(min_index=index, wait_s=0.05)) == b"2"


async def test_an_answer_of_many_megabytes_comes_whole(server: Server, log: Log) -> None:
    for number in range(24):
        await server.write(KVSet(key=f"large/{number}", value=bytes(KV_VALUE_BYTES_MAX)))
    async with connected(log, place(server)) as registry:
        found = await registry.read(TreeQuery(prefix="large/"), NOW)
        assert sum(len(entry.value or b"") for entry in found.value) == 24 * KV_VALUE_BYTES_MAX


async def test_thousands_of_blocked_reads_share_the_connection(server: Server, log: Log) -> None:
    async with connected(log, place(server)) as registry:
        index = (await registry.write(KVSet(key="a", value=b"1"))).index
        options = ReadOptions(min_index=index, wait_s=60.0)
        waiting = [asyncio.ensure_future(value(registry, "a", options)) for _ in range(3000)]
        await eventually(lambda: len(server._watches) == 3000, within_s=20.0, what="blocked reads")  # pyright: ignore[reportPrivateUsage]
        await server.write(KVSet(key="a", value=b"2"))
        assert set(await asyncio.gather(*waiting)) == {b"2"}


async def test_a_state_is_saved_and_restored_through_the_connection(server: Server, log: Log) -> None:
    async with connected(log, place(server)) as registry:
        for number in range(4):  # more than fits one piece
            await registry.write(KVSet(key=f"k{number}", value=bytes(range(256)) * 1500 + b"%d" % number))
        saved = await registry.save_state(NOW)
        data = saved.archive.read()
        saved.archive.close()
        assert len(data) == saved.size_bytes
        await registry.write(KVSet(key="k0", value=b"other"))
        await registry.restore_state(io.BytesIO(data))
        assert await value(registry, "k0") == bytes(range(256)) * 1500 + b"0"
        with pytest.raises(RequestError):
            await registry.restore_state(io.BytesIO(b"no archive"))


async def test_who_finds_nobody_is_told_at_once_and_goes_on_looking(log: Log) -> None:
    async with remote(log) as registry:
        with pytest.raises(NoLeaderError, match="No known Consul servers"):
            await registry.read(NodesQuery(), NOW)
    async with remote(log, f"127.0.0.1:{free_port()}", hold_s=0.1) as registry:
        with pytest.raises(NoLeaderError, match="No known Consul servers"):
            await registry.write(KVSet(key="a", value=b""))
        await eventually(lambda: log.named("agent.join.failed") != [], what="the event")


async def test_a_start_that_must_find_somebody_fails_without(log: Log) -> None:
    with pytest.raises(ClusterError, match="no server answered"):
        async with remote(log, start_join=(f"127.0.0.1:{free_port()}",)):
            pass


async def test_servers_that_are_told_later_are_used(server: Server, log: Log) -> None:
    async with remote(log) as registry:
        called = list[str]()
        registry.at_connection(lambda: called.append(registry.server))
        assert await registry.join((place(server),)) == 1
        await eventually(lambda: called == [place(server)], what="a server")
        assert (await registry.leader_status()).address == place(server)


async def test_an_agent_of_another_datacenter_is_told_so(server: Server, log: Log) -> None:
    async with remote(log, place(server), datacenter="dc2"):
        await eventually(lambda: log.named("agent.join.refused") != [], what="the event")
    assert "datacenter 'dc2'" in log.named("agent.join.refused")[0]["reason"]
    assert len(log.named("agent.join.refused")) == 1


async def test_a_lost_server_is_replaced_and_nobody_sees_an_error(log: Log) -> None:
    async with cluster_of(3, log) as cluster, connected(log, *cluster.seeds) as registry:
        await eventually(lambda: len(registry.servers) == 3, what="all servers")
        index = (await registry.write(KVSet(key="watched", value=b"1"))).index
        waiting = asyncio.ensure_future(value(registry, "watched", ReadOptions(min_index=index, wait_s=60.0)))
        ends = asyncio.Event()
        counts = [0, 0]

        async def write(writer: int) -> None:
            while not ends.is_set():
                key = f"{writer}/{counts[writer]}"
                await registry.write(KVSet(key=key, value=b"x"))
                assert await value(registry, key) == b"x"
                counts[writer] += 1

        writers = [asyncio.ensure_future(write(writer)) for writer in (0, 1)]
        await eventually(lambda: min(counts) > 20, within_s=20.0, what="writes")
        await cluster.stop(await number_in_use(cluster, registry))
        before = min(counts)
        await eventually(lambda: min(counts) > before + 20, within_s=30.0, what="writes without it")
        ends.set()
        await asyncio.gather(*writers)
        assert not waiting.done()
        await registry.write(KVSet(key="watched", value=b"2"))
        assert await waiting == b"2"
        assert len(log.named("agent.server.lost")) == 1


async def test_a_write_that_is_sent_again_to_another_server_is_carried_out_once(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with cluster_of(3, log) as cluster, connected(log, *cluster.seeds) as registry:
        await registry.write(KVSet(key="a", value=b"1"))
        first = cluster.servers[await number_in_use(cluster, registry)]
        answer = first._to_leader.carry_out  # pyright: ignore[reportPrivateUsage]
        carried_out = asyncio.Event()

        async def never_answered(proposal: Proposal, token: str) -> Outcome:
            outcome = await answer(proposal, token)
            carried_out.set()
            await asyncio.Event().wait()
            return outcome

        monkeypatch.setattr(first._to_leader, "carry_out", never_answered)  # pyright: ignore[reportPrivateUsage]
        before = await registry.read(KeyQuery(key="a"), NOW)
        assert before.value is not None
        write = asyncio.ensure_future(registry.write(KVSet(key="a", value=b"2", cas=before.value.modify_index)))
        await carried_out.wait()
        registry._pool.hang_up(place(first), "this test cuts it")  # pyright: ignore[reportPrivateUsage]
        assert (await write).value is True  # a second carrying out would lose the comparison, and say False
        assert place(first) != registry.server


async def test_all_servers_gone_and_back_are_found_again(log: Log, server: Server) -> None:
    async with connected(log, place(server), hold_s=0.2) as registry:
        settings = server._settings  # pyright: ignore[reportPrivateUsage]
        port = server.server_port
        await server.stop()
        with pytest.raises(NoLeaderError):
            await registry.read(NodesQuery(), NOW)
        await eventually(lambda: registry.server == "", what="the loss")
        again = Server(
            type(settings)(node_name="n1", node_id=settings.node_id, server_port=port),
            clock=registry._clock,  # pyright: ignore[reportPrivateUsage]
            rng=server._replica._rng,  # pyright: ignore[reportPrivateUsage]
            log=log.logger,
        )
        await again.start()
        await eventually(lambda: registry.server == place(again), within_s=10.0, what="the server again")
        assert isinstance(await registry.read(NodesQuery(), NOW), Reading)
        await again.stop()


async def test_streams_of_the_server_in_use_are_given(server: Server, log: Log) -> None:
    async with connected(log, place(server)) as registry:
        attendance = registry._link._finder.attendance  # pyright: ignore[reportPrivateUsage]
        async with aclosing(registry.stream("attend", attendance)) as items:
            assert len(await anext(items)) > 0


async def test_the_stamp_is_that_of_a_reading_made_now_and_moves_with_the_next_write(server: Server, log: Log) -> None:
    async with connected(log, f"127.0.0.1:{server.server_port}") as registry:
        for number in range(20):
            await server.write(KVSet(key="a", value=str(number).encode()))
            stamp = (await server.read(KeyQuery(key="a"), NOW)).stamp
            for mode in ReadMode:
                assert await registry.confirm([KeyQuery(key="a")], mode) == Confirmation([stamp])


async def test_without_a_server_nothing_is_told(log: Log) -> None:
    async with remote(log, "127.0.0.1:1") as registry:
        assert await registry.confirm([KeyQuery(key="a")], ReadMode.DEFAULT) is None
