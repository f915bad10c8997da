"""The state of three real servers, saved at one of them and restored through another."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import cast

import pytest

from lictor_core.archive import read_archive
from lictor_core.commands import KVSet, ReadMode
from lictor_core.errors import LictorError, OutcomeUnknownError
from lictor_core.queries import CARootsQuery, KeyQuery, TreeQuery
from lictor_core.registry import ReadOptions
from lictor_server import Server
from lictor_server.state import Store
from lictor_server.state.snapshot import state_hash
from tests.server.cluster.servers import Cluster, cluster_of, until
from tests.server.conftest import Log

FRESH = ReadOptions()
STALE = ReadOptions(mode=ReadMode.STALE)


async def saved_at(server: Server, options: ReadOptions = FRESH) -> bytes:
    state = await server.save_state(options)
    with state.archive:
        return state.archive.read()


async def filled(cluster: Cluster, text: bytes, *, keys: int = 100) -> int:
    """Write the same keys with other values; the index of the last write."""
    outcomes = await asyncio.gather(
        *(cluster.servers[1].write(KVSet(key=f"k{number}", value=text)) for number in range(keys))
    )
    return max(outcome.index for outcome in outcomes)


async def values_at(server: Server) -> tuple[set[bytes | None], int]:
    reading = await server.read(TreeQuery(prefix="k"), FRESH)
    return {entry.value for entry in reading.value}, reading.index


async def same_hashes(cluster: Cluster) -> None:
    async def equal() -> bool:
        return len({hash_of(server) for server in cluster.servers.values()}) == 1

    await cluster.same_state()
    await until(equal, what="servers with the same state")


def hash_of(server: Server) -> str:
    return state_hash(store_of(server))


def store_of(server: Server) -> Store:
    return cast(Store, getattr(server, "_store"))  # noqa: B009 the state has no public face, and needs none


async def test_a_restore_through_a_follower_reaches_every_server(log: Log) -> None:
    async with cluster_of(3, log) as cluster:
        await filled(cluster, b"saved")
        one, other = await cluster.followers()
        archive = await saved_at(cluster.servers[one])
        assert len(read_archive(io.BytesIO(archive), len).configuration.servers) == 3
        roots = (await cluster.servers[one].read(CARootsQuery(), FRESH)).value
        newest = await filled(cluster, b"later")
        await cluster.servers[other].restore_state(io.BytesIO(archive))
        for server in cluster.servers.values():
            values, index = await values_at(server)
            assert values == {b"saved"}
            assert index > newest
            assert (await server.read(CARootsQuery(), FRESH)).value == roots
        outcome = await cluster.servers[one].write(KVSet(key="k0", value=b"after"))
        reading = await cluster.servers[other].read(KeyQuery(key="k0"), FRESH)
        assert (reading.index, outcome.rejection) == (outcome.index, None)
        await same_hashes(cluster)


async def test_any_server_saves_its_state_while_nobody_leads(log: Log) -> None:
    async with cluster_of(3, log) as cluster:
        await filled(cluster, b"saved")
        await cluster.same_state()
        for number in (1, 2):
            await cluster.stop(number)

        async def leaderless() -> bool:
            return not (await cluster.servers[3].leader_status()).address

        await until(leaderless, what="a server without a leader")
        state = await cluster.servers[3].save_state(STALE)
        with state.archive:
            assert (state.known_leader, state.last_contact_ms > 0) == (False, True)


async def test_a_leader_that_goes_in_the_middle_leaves_the_one_state_or_the_other(log: Log) -> None:
    async with cluster_of(3, log) as cluster:
        await filled(cluster, b"saved" * 20_000)
        archive = await saved_at(cluster.servers[1])
        await filled(cluster, b"later")
        leader = await cluster.leader()
        follower = next(number for number in cluster.servers if number != leader)
        restoring = asyncio.ensure_future(cluster.servers[follower].restore_state(io.BytesIO(archive)))

        async def half_way() -> bool:
            return store_of(cluster.servers[follower]).restoring.is_under_way

        await until(half_way, what="a restore that has begun")
        await cluster.stop(leader)
        try:
            await restoring
            wanted = [{b"saved" * 20_000}]
        except OutcomeUnknownError:
            wanted = [{b"saved" * 20_000}, {b"later"}]
        except LictorError:
            wanted = [{b"later"}]
        for server in cluster.servers.values():
            values, _ = await values_at(server)
            assert values in wanted
        await same_hashes(cluster)


@pytest.mark.slow
async def test_a_restored_state_is_there_after_all_servers_were_stopped(log: Log, tmp_path: Path) -> None:
    async with cluster_of(3, log, directory=tmp_path) as cluster:
        await filled(cluster, b"saved")
        archive = await saved_at(cluster.servers[1])
        await filled(cluster, b"later")
        await cluster.servers[2].restore_state(io.BytesIO(archive))
        index = (await values_at(cluster.servers[3]))[1]
        for number in (1, 2, 3):
            await cluster.stop(number)
        for number in (1, 2, 3):
            await cluster.start(number)
        await cluster.leader()
        for server in cluster.servers.values():
            assert await values_at(server) == ({b"saved"}, index)
        await same_hashes(cluster)
