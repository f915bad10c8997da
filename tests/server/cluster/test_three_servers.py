"""Three real servers: every one answers everything, and what was acknowledged stays."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from lictor_core import protocol
from lictor_core.commands import CommandBase, KVDelete, KVSet, ReadMode
from lictor_core.errors import CatchingUpError, MixedVersionsError, NoLeaderError, RequestError
from lictor_core.protocol import OWN, PROTOCOL_MAX, Newer, Spoken
from lictor_core.queries import KeyQuery, NodesQuery
from lictor_core.records import MemberStatus
from lictor_core.registry import ReadOptions
from lictor_server import RaftSettings
from lictor_server.raft import hello, transport
from tests.server.build import member, renewal
from tests.server.cluster.servers import Cluster, cluster_of, until
from tests.server.conftest import Log
from tests.support.conditions import eventually

FRESH = ReadOptions(mode=ReadMode.DEFAULT)
CONSISTENT = ReadOptions(mode=ReadMode.CONSISTENT)
STALE = ReadOptions(mode=ReadMode.STALE)


async def value_at(cluster: Cluster, number: int, key: str, options: ReadOptions) -> bytes | None:
    reading = await cluster.servers[number].read(KeyQuery(key=key), options)
    return None if reading.value is None else reading.value.value


async def test_every_server_takes_writes_and_every_server_reads_them_at_once(log: Log) -> None:
    async with cluster_of(3, log) as cluster:
        for number, server in cluster.servers.items():
            outcome = await server.write(KVSet(key="a", value=b"%d" % number))
            for other in cluster.servers.values():
                for options in (FRESH, CONSISTENT):
                    reading = await other.read(KeyQuery(key="a"), options)
                    assert reading.value is not None
                    assert (reading.value.value, reading.index) == (b"%d" % number, outcome.index)
                    assert (reading.known_leader, reading.last_contact_ms) == (True, 0)


async def test_a_stale_read_tells_how_long_ago_the_leader_was_heard(log: Log) -> None:
    async with cluster_of(3, log) as cluster:
        await cluster.servers[1].write(KVSet(key="a", value=b"1"))
        await cluster.same_state()
        leader = await cluster.leader()
        for number, server in cluster.servers.items():

            async def is_proven(number: int = number) -> bool:
                return (await cluster.servers[number].read(KeyQuery(key="a"), STALE)).last_contact_ms < 1000

            await until(is_proven, what="its state is known to be of the last second")
            reading = await server.read(KeyQuery(key="a"), STALE)
            assert reading.known_leader
            assert number != leader or reading.last_contact_ms == 0


async def test_without_a_majority_fresh_reads_and_writes_fail_and_stale_ones_say_that_nobody_leads(log: Log) -> None:
    async with cluster_of(3, log, raft=RaftSettings(hold_s=0.5)) as cluster:
        await cluster.servers[1].write(KVSet(key="a", value=b"1"))
        await cluster.same_state()
        leader = await cluster.leader()
        last = next(number for number in cluster.servers if number != leader)

        async def knows_the_leader() -> bool:
            nodes = (await cluster.servers[last].read(NodesQuery(), STALE)).value
            return f"s{leader}" in {node.node for node in nodes}

        await until(knows_the_leader, what="the leader among the nodes")
        for number in [number for number in cluster.servers if number != last]:
            await cluster.stop(number)
        server = cluster.servers[last]

        async def leaderless() -> bool:
            return not (await server.leader_status()).address

        await until(leaderless, what="a server without a leader")
        for options in (FRESH, CONSISTENT):
            with pytest.raises(NoLeaderError):
                await server.read(KeyQuery(key="a"), options)
        with pytest.raises(NoLeaderError):
            await server.write(KVSet(key="a", value=b"2"))
        reading = await server.read(KeyQuery(key="a"), STALE)
        assert reading.value is not None
        assert (reading.value.value, reading.known_leader) == (b"1", False)
        assert reading.last_contact_ms > 0
        assert f"s{leader}" in {entry["leader"] for entry in log.named("raft.leader.followed")}
        await eventually(lambda: bool(log.named("raft.leader.missed")), what="the last one misses its leader")
        assert len(log.named("raft.leader.missed")[0]["voters"]) == 3
        names = {one.name for one in await server.members()}
        assert {f"s{leader}", f"s{last}"} <= names, "the members are those that the last leader saw"


async def test_a_write_is_carried_out_once_although_the_leader_goes_in_the_middle(log: Log) -> None:
    async with cluster_of(3, log) as cluster:
        leader = await cluster.leader()
        followers = await cluster.followers()
        asked = cluster.servers[followers[0]]
        writes = [
            asyncio.ensure_future(asked.write(KVSet(key=f"k{number}", value=b"1", cas=0))) for number in range(200)
        ]
        await asyncio.sleep(0)
        await cluster.stop(leader)
        outcomes = await asyncio.gather(*writes)
        assert [outcome.value for outcome in outcomes] == [True] * 200, "a repetition never loses against itself"


async def test_blocked_reads_of_a_follower_wake_with_the_change(log: Log) -> None:
    async with cluster_of(3, log) as cluster:
        follower = cluster.servers[(await cluster.followers())[0]]
        first = await cluster.servers[1].write(KVSet(key="a", value=b"1"))
        blocked = asyncio.ensure_future(
            follower.read(KeyQuery(key="a"), ReadOptions(min_index=first.index, wait_s=30.0))
        )
        second = await cluster.servers[1].write(KVDelete(key="a"))
        reading = await asyncio.wait_for(blocked, 10)
        assert reading.value is None
        assert reading.index == second.index


async def test_who_waits_for_a_change_is_told_when_nobody_leads_for_long(log: Log) -> None:
    async with cluster_of(3, log, raft=RaftSettings(hold_s=0.5)) as cluster:
        first = await cluster.servers[1].write(KVSet(key="a", value=b"1"))
        last = (await cluster.followers())[0]
        blocked = asyncio.ensure_future(
            cluster.servers[last].read(KeyQuery(key="a"), ReadOptions(min_index=first.index, wait_s=600.0))
        )
        await asyncio.sleep(0)
        for number in [number for number in cluster.servers if number != last]:
            await cluster.stop(number)
        with pytest.raises(NoLeaderError):
            await asyncio.wait_for(blocked, 20)


async def test_all_stopped_and_started_again_have_everything_that_was_acknowledged(log: Log, tmp_path: Path) -> None:
    async with cluster_of(3, log, directory=tmp_path) as cluster:
        for number in range(50):
            await cluster.servers[1 + number % 3].write(KVSet(key=f"k{number}", value=b"%d" % number))
        seeds = cluster.seeds
        for number in list(cluster.servers):
            await cluster.stop(number)
        cluster.seeds = ()
        for number in (3, 2, 1):  # on other ports: identity is the node id
            await cluster.start(number)
        assert not set(seeds) & set(cluster.seeds)
        await cluster.leader()
        for number in range(50):
            assert await value_at(cluster, 1 + number % 3, f"k{number}", FRESH) == b"%d" % number


async def test_two_of_three_go_on_and_the_third_catches_up(log: Log, tmp_path: Path) -> None:
    async with cluster_of(3, log, directory=tmp_path) as cluster:
        leader = await cluster.leader()
        await cluster.stop(leader)
        await cluster.leader()
        for number in cluster.servers:
            await cluster.servers[number].write(KVSet(key=f"k{number}", value=b"x"))
        await cluster.start(leader)
        await cluster.same_state()
        for number in (1, 2, 3):
            if number != leader:
                assert await value_at(cluster, leader, f"k{number}", STALE) == b"x"


async def test_a_restarted_server_answers_nothing_before_it_has_caught_up(log: Log, tmp_path: Path) -> None:
    async with cluster_of(3, log, directory=tmp_path) as cluster:
        await cluster.servers[1].write(KVSet(key="a", value=b"1"))
        for number in list(cluster.servers):
            await cluster.stop(number)
        cluster.seeds = ()
        alone = await cluster.start(1)
        with pytest.raises(CatchingUpError):
            await alone.read(KeyQuery(key="a"), STALE)
        assert alone.view().age_s == float("inf")
        await cluster.start(2)
        await cluster.leader()

        async def answers() -> bool:
            try:
                return (await alone.read(KeyQuery(key="a"), STALE)).value is not None
            except CatchingUpError:
                return False

        async def is_proven() -> bool:
            return alone.view().age_s < 5

        await until(answers, what="an answer after catching up")
        await until(is_proven, what="a proof of how old its state is, two heartbeats later")


async def test_members_and_leases_are_kept_by_the_leader_for_everybody(log: Log) -> None:
    async with cluster_of(3, log) as cluster:
        follower = cluster.servers[(await cluster.followers())[0]]
        assert (await follower.renew(renewal(member("a1", id="5c1e2f30-0000-4000-8000-0000000000aa")))).renew_s > 0
        for server in cluster.servers.values():
            assert "a1" in [one.name for one in await server.members()]
        with pytest.raises(RequestError):
            await follower.renew(renewal(member("", id="5c1e2f30-0000-4000-8000-0000000000ab")))
        await follower.leave("a1")

        async def gone() -> bool:
            nodes = await follower.read(NodesQuery(), FRESH)
            return "a1" not in [node.node for node in nodes.value]

        await until(gone, what="a node that left the catalog")


async def test_the_loss_of_a_leader_is_logged_with_the_term(log: Log) -> None:
    async with cluster_of(3, log) as cluster:
        await cluster.stop(await cluster.leader())
        await cluster.leader()
        await eventually(lambda: len(log.named("raft.leader.elected")) > 1, what="two elections")
        first, second, *_ = log.named("raft.leader.elected")
        assert second["term"] > first["term"]


async def test_a_new_leader_knows_the_living_and_which_of_them_are_servers(log: Log) -> None:
    async with cluster_of(3, log) as cluster:
        first = await cluster.leader()
        await cluster.servers[first].renew(renewal(member("alive", id="5c1e2f30-0000-4000-8000-0000000000aa")))
        for one in cluster.servers.values():
            await one.renew(renewal(one.member()))

        async def in_the_catalog() -> bool:
            nodes = (await cluster.servers[first].read(NodesQuery(), FRESH)).value
            return {one.node for one in nodes} == {"s1", "s2", "s3", "alive"}

        await until(in_the_catalog, what="everybody in the catalog")
        await cluster.stop(first)
        second = cluster.servers[await cluster.leader()]
        known = {one.name: one for one in await second.members()}
        assert known["alive"].status is MemberStatus.ALIVE
        assert {one.tags["role"] for name, one in known.items() if name.startswith("s")} == {"consul"}


async def test_leases_of_an_earlier_reign_fail_nobody_when_the_leader_comes_back(log: Log) -> None:
    async with cluster_of(3, log) as cluster:
        first = await cluster.leader()
        await cluster.servers[first].renew(renewal(member("alive", id="5c1e2f30-0000-4000-8000-0000000000aa")))
        await cluster.servers[first].transfer_leader()

        async def handed_over() -> bool:
            return await cluster.leader() != first

        await until(handed_over, what="another leader")
        other = cluster.servers[await cluster.leader()]
        await other.leave("alive")
        kept = cluster.servers[first]._vouching._leases  # pyright: ignore[reportPrivateUsage]  # shown to nobody
        await eventually(lambda: len(kept) == 0, what="the server where it renewed knows that it left")
        own_id = (await cluster.servers[first].leader_status()).peer_set.servers[first - 1].id
        await other.transfer_leader(own_id)

        async def back() -> bool:
            return await cluster.leader() == first

        await until(back, what="the first leader again")
        names = {one.name: one.status for one in await cluster.servers[first].members()}
        assert names.get("alive") is not MemberStatus.ALIVE
        assert MemberStatus.FAILED not in names.values()


async def test_a_new_kind_of_command_is_written_once_the_last_server_knows_it(
    log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def has_flags(command: CommandBase) -> bool:
        return isinstance(command, KVSet) and command.flags > 0

    monkeypatch.setattr(protocol, "NEWER", (Newer(PROTOCOL_MAX + 1, "a key with flags", has_flags),))
    newer = Spoken(minimum=OWN.minimum, maximum=PROTOCOL_MAX + 1, program="9.0.0")
    async with cluster_of(3, log, directory=tmp_path) as cluster:
        for server in cluster.servers.values():  # whoever leads: the leader alone writes
            with pytest.raises(MixedVersionsError, match="a key with flags needs protocol"):
                await server.write(KVSet(key="a", value=b"1", flags=1))
        assert await value_at(cluster, 1, "a", FRESH) is None
        monkeypatch.setattr(transport, "OWN", newer)
        monkeypatch.setattr(hello, "OWN", newer)
        for number in (1, 2, 3):
            await cluster.stop(number)
            await cluster.start(number)
        await cluster.leader()

        async def written() -> bool:
            try:
                await cluster.servers[1].write(KVSet(key="a", value=b"2", flags=1))
            except MixedVersionsError:  # the last is connected in a moment
                return False
            return True

        await until(written, what="a write that all know")
        for number in (1, 2, 3):
            assert await value_at(cluster, number, "a", FRESH) == b"2"
