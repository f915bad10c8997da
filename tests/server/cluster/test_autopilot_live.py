"""Autopilot and operators on real servers: who comes in, votes, goes, leads."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from lictor_core.autopilot import AutopilotConfiguration
from lictor_core.clock import SystemRng
from lictor_core.commands import AutopilotSet, KVSet
from lictor_core.errors import LictorError, RequestError
from lictor_core.peers import PeerSet
from lictor_core.queries import KeyQuery
from lictor_core.records import MemberStatus
from lictor_core.registry import ReadOptions
from lictor_server import ServerSettings
from lictor_server.recovery import Recovery
from tests.server.build import renewal
from tests.server.cluster.servers import Cluster, until
from tests.server.conftest import Log

LEASE_S = 1.5
NOW = ReadOptions()
KEEP = AutopilotConfiguration(cleanup_dead_servers=False)
QUICK = AutopilotConfiguration(server_stabilization_time="300ms", last_contact_threshold="1s")


class Attended(Cluster):
    """Servers with short leases, each of which is renewed as its agent would."""

    def settings(self, number: int) -> ServerSettings:
        return dataclasses.replace(super().settings(number), lease_s=LEASE_S, autopilot=QUICK)

    async def renew_all(self) -> None:
        """Renew for whoever runs, until cancelled."""
        for counter in itertools.count(1):
            for server in list(self.servers.values()):
                with contextlib.suppress(LictorError):
                    await server.renew(renewal(server.member(), counter))
            await asyncio.sleep(LEASE_S / 6)

    def id(self, number: int) -> str:
        return self.settings(number).node_id

    async def peers(self) -> PeerSet:
        """The peer set as a follower tells it, who asks the leader."""
        return (await next(iter(self.servers.values())).raft_servers()).peers

    async def until_voters(self, *numbers: int) -> None:
        """Wait until these vote, and nobody else is in the set."""

        async def reached() -> bool:
            try:
                found = await self.peers()
            except LictorError:
                return False
            ids = frozenset(self.id(number) for number in numbers)
            return found.voters == ids == frozenset(one.id for one in found.servers)

        await until(reached, what=f"the voters {numbers}")


@contextlib.asynccontextmanager
async def attended(size: int, log: Log, directory: Path | None = None) -> AsyncGenerator[Attended]:
    cluster = Attended(log, directory, size)
    try:
        for number in range(1, size + 1):
            await cluster.start(number)
        await cluster.leader()
        renewing = asyncio.ensure_future(cluster.renew_all())
        try:
            yield cluster
        finally:
            renewing.cancel()
    finally:
        for number in list(cluster.servers):
            with contextlib.suppress(LictorError):
                await cluster.stop(number)


async def test_a_new_server_votes_and_a_dead_one_goes(log: Log) -> None:
    async with attended(3, log) as cluster:
        await cluster.until_voters(1, 2, 3)
        await cluster.start(4)
        await cluster.until_voters(1, 2, 3, 4)
        dead = (await cluster.followers())[0]
        await cluster.stop(dead)
        await cluster.until_voters(*sorted({1, 2, 3, 4} - {dead}))

        async def left() -> bool:
            members = await cluster.servers[await cluster.leader()].members()
            return {one.name: one.status for one in members}[f"s{dead}"] is MemberStatus.LEFT

        await until(left, what="the membership of the dead server ended")
        await cluster.servers[4].write(KVSet(key="a", value=b"1"))
        assert [entry["peer"] for entry in log.named("raft.peer.promoted")] == ["s4"]


async def test_health_is_the_leaders_on_every_server(log: Log) -> None:
    async with attended(3, log) as cluster:
        leader = await cluster.leader()

        async def healthy() -> bool:
            return (await cluster.servers[leader].autopilot_health()).healthy

        await until(healthy, what="three healthy servers")
        for server in cluster.servers.values():
            shown = await server.autopilot_health()
            assert shown.failure_tolerance == 1
            assert [one.name for one in shown.servers or () if one.leader] == [f"s{leader}"]
            found = await server.raft_servers()
            assert found.leader == cluster.id(leader)
            assert await server.raft_servers(stale=True) == found


async def test_the_lead_goes_where_an_operator_sends_it(log: Log) -> None:
    async with attended(3, log) as cluster:
        for number in (1, 2, 3):
            asked = cluster.servers[(await cluster.followers())[0]]
            await asked.transfer_leader(cluster.id(number))

            async def leads(wanted: int = number) -> bool:
                return (await cluster.servers[wanted].leader_status()).is_self

            await until(leads, what=f"server {number} leading")
            assert await cluster.leader() == number
        with pytest.raises(RequestError, match="was not found in the Raft configuration"):
            await cluster.servers[1].transfer_leader("nobody")


async def test_an_operator_takes_a_server_out_by_its_address(log: Log) -> None:
    async with attended(3, log) as cluster:
        gone = (await cluster.followers())[0]
        asked = cluster.servers[(await cluster.followers())[1]]
        await asked.remove_peer(f"127.0.0.1:{cluster.servers[gone].server_port}")
        await cluster.until_voters(*sorted({1, 2, 3} - {gone}))


async def test_a_leader_that_leaves_is_followed_by_another(log: Log) -> None:
    async with attended(3, log) as cluster:
        await cluster.servers[1].write(KVSet(key="a", value=b"1"))
        leader = await cluster.leader()
        server = cluster.servers.pop(leader)
        try:
            await asyncio.wait_for(server.leave(f"s{leader}"), 15)
        finally:
            await server.stop()
        await cluster.until_voters(*sorted({1, 2, 3} - {leader}))
        reading = await cluster.servers[await cluster.leader()].read(KeyQuery(key="a"), NOW)
        assert reading.value is not None


async def test_one_of_three_goes_on_after_a_recovery_and_others_join_it_anew(log: Log, tmp_path: Path) -> None:
    async with attended(3, log, tmp_path) as cluster:
        await cluster.servers[1].write(KVSet(key="a", value=b"kept"))
        await cluster.same_state()
        for number in list(cluster.servers):
            await cluster.stop(number)
        cluster.seeds = ()
        with Recovery(tmp_path / "1", cluster.id(1), SystemRng()) as recovery:
            own = recovery.peers.server(cluster.id(1))
            assert own is not None
            recovery.write(recovery.plan([own]))
        await cluster.start(1)
        reading = await cluster.servers[1].read(KeyQuery(key="a"), NOW)
        assert reading.value is not None
        (tmp_path / "2").rename(tmp_path / "lost")
        await cluster.start(4)
        await cluster.start(2)
        await cluster.until_voters(1, 2, 4)


async def test_survivors_recovered_with_one_list_agree_on_the_newest_log(log: Log, tmp_path: Path) -> None:
    async with attended(3, log, tmp_path) as cluster:
        await cluster.servers[1].write(AutopilotSet(config=KEEP))
        await cluster.servers[1].write(KVSet(key="a", value=b"old"))
        await cluster.same_state()
        behind = (await cluster.followers())[0]
        await cluster.stop(behind)
        await cluster.leader()
        kept = next(iter(cluster.servers))
        for number in range(5):
            await cluster.servers[kept].write(KVSet(key="a", value=b"%d" % number))
        await cluster.same_state()
        for number in list(cluster.servers):
            await cluster.stop(number)
        cluster.seeds = ()
        for number in (behind, kept):
            with Recovery(tmp_path / str(number), cluster.id(number), SystemRng()) as recovery:
                servers = [one for one in recovery.peers.servers if one.id in {cluster.id(behind), cluster.id(kept)}]
                recovery.write(recovery.plan(servers))
        await cluster.start(behind)
        await cluster.start(kept)
        await cluster.leader()
        for number in (behind, kept):
            reading = await cluster.servers[number].read(KeyQuery(key="a"), NOW)
            assert reading.value is not None
            assert reading.value.value == b"4"


async def test_a_dead_server_stays_until_the_settings_let_it_go(log: Log) -> None:
    async with attended(3, log) as cluster:
        await cluster.servers[1].write(AutopilotSet(config=KEEP))
        dead = (await cluster.followers())[0]
        await cluster.stop(dead)
        left = cluster.servers[await cluster.leader()]

        async def failed() -> bool:
            return {one.name: one.status for one in await left.members()}.get(f"s{dead}") is MemberStatus.FAILED

        await until(failed, what="a failed member")
        assert len((await cluster.peers()).servers) == 3
        await left.write(AutopilotSet(config=QUICK))
        await cluster.until_voters(*sorted({1, 2, 3} - {dead}))
