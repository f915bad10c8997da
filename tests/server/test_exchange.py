"""Snapshots between servers with real files: who is too far behind gets one, and is then like all others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lictor_core.topics import Topic
from lictor_server.raft.shelf import read_note
from lictor_server.raft.snapshot_file import list_snapshots, read_head
from lictor_server.raft.wire import Message
from tests.server.conftest import Log
from tests.server.replicas import Replica, Replicas
from tests.support.conditions import eventually
from tests.support.peers import peers

THREE = peers("n1", "n2", "n3")


@pytest.fixture
async def replicas(tmp_path: Path) -> AsyncIterator[Replicas]:
    made = Replicas(tmp_path)
    yield made
    await made.stop_all()


async def behind(replicas: Replicas, log: Log) -> Replica:
    """A cluster of two of three whose logs begin behind what the third, still blank, could be sent; its leader."""
    replicas.start("n1", log, peer_set=THREE)
    replicas.start("n2", log)
    leader = await replicas.leader()
    await leader.write(600)
    await eventually(lambda: leader.storage.wal[0][1] > 100, what="a log that lost its beginning")
    return leader


async def test_a_new_server_gets_a_snapshot_and_then_the_log(replicas: Replicas, log: Log) -> None:
    leader = await behind(replicas, log)
    third = replicas.start("n3", log)
    await replicas.level()
    assert third.core.peer_set == leader.core.peer_set
    assert third.storage.wal[0][1] > 100
    (event,) = log.named("raft.install.finished")
    assert event["took_over"] is True
    await leader.write(20, prefix="later")
    await replicas.level()
    await eventually(lambda: read_note(third.storage.snapshots) is None, what="the note's end")
    assert not third.failures


async def test_what_was_installed_is_there_after_a_restart(replicas: Replicas, log: Log) -> None:
    leader = await behind(replicas, log)
    third = replicas.start("n3", log)
    await replicas.level()
    await leader.write(5, prefix="later")
    await replicas.level()
    index, peer_set = third.core.applied_index, third.core.peer_set
    await replicas.stop("n3")
    third = replicas.start("n3", log)
    assert third.core.peer_set == peer_set
    (path,) = list_snapshots(third.storage.snapshots)
    assert third.core.applied_index == read_head(path).last_index <= index
    assert not third.core.is_blank
    await replicas.level()


async def test_whoever_watches_at_the_follower_is_woken(replicas: Replicas, log: Log) -> None:
    await behind(replicas, log)
    third = replicas.start("n3", log)
    woken: list[int] = []
    third.watches.add([Topic("key", "k1")], lambda: woken.append(third.store.wake_index([Topic("key", "k1")])))
    await replicas.level()
    (index,) = woken
    assert index > 1


async def test_no_election_is_called_while_a_long_snapshot_is_on_its_way(replicas: Replicas, log: Log) -> None:
    leader = await behind(replicas, log)
    term = leader.core.term
    held: list[tuple[str, str, Message]] = []

    def slow(source: str, target: str, message: Message) -> Message | None:
        if message["type"] == "snapshot_chunk" and len(held) < 5:
            held.append((source, target, message))
            return None
        return message

    replicas.tamper = slow
    third = replicas.start("n3", log)
    await eventually(lambda: len(held) == 5, what="lost pieces")
    await replicas.level()
    assert (leader.core.term, leader.core.is_leader, third.core.leader) == (term, True, leader.name)


async def test_pieces_lost_repeated_and_out_of_order_do_no_harm(replicas: Replicas, log: Log) -> None:
    await behind(replicas, log)
    seen = 0
    late: list[tuple[str, str, Message]] = []

    def rough(source: str, target: str, message: Message) -> Message | None:
        nonlocal seen
        if message["type"] not in ("snapshot_chunk", "snapshot_reply"):
            return message
        seen += 1
        if seen % 7 == 0:
            return None
        if seen % 5 == 0:
            late.append((source, target, message))
            return None
        if late and seen % 3 == 0:
            replicas.carry(*late.pop())
        if seen % 4 == 0:
            asyncio.get_running_loop().call_soon(replicas.carry, source, target, message)
        return message

    replicas.tamper = rough
    third = replicas.start("n3", log)
    await replicas.level(within_s=60)
    assert seen > 20
    assert not third.failures


async def test_a_damaged_snapshot_is_refused_and_another_one_is_made(replicas: Replicas, log: Log) -> None:
    await behind(replicas, log)
    damaged = 0

    def flip(source: str, target: str, message: Message) -> Message | None:
        nonlocal damaged
        data = message.get("data")
        if isinstance(data, bytes) and message["offset"] == 4000 and not damaged:
            damaged += 1
            return message | {"data": data[:10] + bytes([data[10] ^ 1]) + data[11:]}
        return message

    replicas.tamper = flip
    third = replicas.start("n3", log)
    await replicas.level(within_s=20)
    assert damaged == 1
    (event,) = log.named("raft.install.refused")
    assert "checksum" in event["reason"]
    assert log.named("raft.snapshot.distrusted")
    assert not third.failures


async def test_a_new_leader_begins_anew(replicas: Replicas, log: Log) -> None:
    leader = await behind(replicas, log)
    stalled = True

    def stall(source: str, target: str, message: Message) -> Message | None:
        is_late = message["type"] == "snapshot_chunk" and message["offset"] == 8000
        return None if stalled and is_late and source == leader.name else message

    replicas.tamper = stall
    replicas.start("n3", log)
    await eventually(lambda: log.named("raft.install.begun") != [], what="a snapshot on its way")
    done: list[object] = []
    other = "n2" if leader.name == "n1" else "n1"
    leader.core.transfer(other, lambda result, reason: done.append(reason))
    leader.driver.kick()
    await eventually(lambda: replicas.up[other].driver.leads, what="the other leader")
    await replicas.level()
    assert {event["leader"] for event in log.named("raft.install.begun")} == {"n1", "n2"}


async def test_a_follower_restarted_in_the_middle_gets_it_from_the_beginning(replicas: Replicas, log: Log) -> None:
    await behind(replicas, log)

    def stall(source: str, target: str, message: Message) -> Message | None:
        return None if message["type"] == "snapshot_chunk" and message["offset"] == 8000 else message

    replicas.tamper = stall
    third = replicas.start("n3", log)
    await eventually(lambda: (third.storage.snapshots / "incoming.tmp").exists(), what="a snapshot on its way")
    await replicas.stop("n3")
    replicas.tamper = lambda source, target, message: message
    replicas.start("n3", log)
    await replicas.level()


async def test_a_short_outage_needs_no_snapshot(replicas: Replicas, log: Log) -> None:
    for name in ("n1", "n2", "n3"):
        replicas.start(name, log, peer_set=THREE if name == "n1" else None)
    leader = await replicas.leader()
    await replicas.level()
    away = next(name for name in replicas.up if name != leader.name)
    await replicas.stop(away)
    await leader.write(5, prefix="meanwhile")
    replicas.start(away, log)
    await replicas.level()
    assert not log.named("raft.install.begun")


async def test_logs_with_peers_stay_short_in_memory_and_on_disk(replicas: Replicas, log: Log) -> None:
    for name in ("n1", "n2", "n3"):
        replicas.start(name, log, peer_set=THREE if name == "n1" else None)
    leader = await replicas.leader()
    await leader.write(1500, at_once=50)
    await replicas.level()
    for replica in replicas.up.values():
        assert len(replica.storage.wal) < 1000
        directory = replica.storage.snapshots.parent / "log"
        assert sum(path.stat().st_size for path in directory.iterdir()) < 150_000
    assert not log.named("raft.install.begun")


async def test_a_lone_server_whose_log_was_shortened_makes_a_snapshot_for_the_first_one_that_joins(
    replicas: Replicas, log: Log
) -> None:
    lone = replicas.start("n1", log, peer_set=peers("n1"))
    await eventually(lambda: lone.driver.leads, what="leadership")
    await lone.write(40)  # too little for a snapshot of its own accord
    assert lone.storage.wal[0][1] > 1
    assert lone.storage.wal.snapshot_index == 0
    replicas.start("n2", log)
    lone.core.change_peers(peers("n1", others=["n2"]), lambda result, reason: None)
    lone.driver.kick()
    await replicas.level()
    assert log.named("raft.install.finished")


@pytest.fixture(autouse=True)
def no_pickle(monkeypatch: pytest.MonkeyPatch) -> None:
    """pysyncobj's own snapshots are out of reach, whatever happens here."""

    def never(*_: object, **__: object) -> None:
        pytest.fail("a snapshot of pysyncobj's own was made, sent or read")

    for name in ("serialize", "deserialize", "getTransmissionData", "setTransmissionData"):
        monkeypatch.setattr(f"pysyncobj.serializer.Serializer.{name}", never)
