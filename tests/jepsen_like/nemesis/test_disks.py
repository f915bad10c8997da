"""The faults of disks, against processes that do nothing and disks that are not mounted."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from random import Random

import pytest

from lictor_jepsen.db import Cluster, Program
from lictor_jepsen.disk import Behave, Disks, Flip, Folders, ObedientDisks, Order, SmallDisks, Wipe
from lictor_jepsen.disk.filesystem import Filesystem
from lictor_jepsen.disk.orders import merged
from lictor_jepsen.nemesis import FAULTS, Surroundings, disks, disks_for, faults
from lictor_jepsen.nemesis.disks import DISKS
from lictor_jepsen.net import Loopback, Node
from tests.support.conditions import eventually

IDLE = Program("idle", ("/bin/sh", "-c", "echo started; exec sleep 600"), (), clock_can_jump=False)


class Unmounted(Folders):
    """Disks that obey without a mount: a test calls them itself."""

    lacks_filling = ""

    def __init__(self, root: Path, cluster_nodes: int = 3) -> None:
        super().__init__(root, lacks_orders="")
        self.of = {f"n{number}": Filesystem(1024 * 1024, 0.0, lambda: 0) for number in range(1, cluster_nodes + 1)}
        self.wanted: dict[str, dict[str, Behave]] = {name: {} for name in self.of}
        self.flipped: set[str] = set()
        for disk in self.of.values():
            disk.mkdir("/data", 0o700)
            disk.mkdir("/data/raft", 0o700)
            handle = disk.create("/data/raft/vote", 0o600, os.O_WRONLY)
            disk.write(None, b"vote", 0, handle)
            disk.fsync(None, 0, handle)
            for folder in ("/", "/data", "/data/raft"):
                disk.fsyncdir(None, 0, disk.opendir(folder))
            disk.write(None, b"unsynced", 4, handle)

    async def fill(self, node: Node) -> None:
        await self.behave(node, "full", Behave(full=True))

    async def empty(self, node: Node) -> None:
        await self.behave(node, "full", Behave())

    async def behave(self, node: Node, fault: str, how: Behave) -> int:
        if self.wanted[node.name].get(fault, Behave()) == how:
            return 0
        self.wanted[node.name][fault] = how
        return self.of[node.name].carry_out(merged(self.wanted[node.name].values())).refused

    async def order(self, node: Node, order: Order) -> str:
        if isinstance(order, Flip):
            self.flipped.add(node.name)
        if isinstance(order, Wipe):
            self.flipped.discard(node.name)
        answer = self.of[node.name].carry_out(order)
        assert not answer.error
        return answer.said

    def damaged(self, node: Node) -> bool:
        return node.name in self.flipped

    def vote(self, node: Node) -> bytes:
        disk = self.of[node.name]
        return disk.read(None, 100, 0, disk.open("/data/raft/vote", os.O_RDONLY))

    def fails(self, node: Node) -> dict[str, int | None]:
        """The numbers of the errors of a write and a sync, and of a read."""
        disk, found = self.of[node.name], dict[str, int | None]()
        try:
            found["write"] = None
            handle = disk.open("/data/raft/vote", os.O_RDWR)
            disk.write(None, b"more than there was", 0, handle)
            disk.fsync(None, 0, handle)
        except OSError as error:
            found["write"] = error.errno
        try:
            found["read"] = None
            self.vote(node)
        except OSError as error:
            found["read"] = error.errno
        return {name: number for name, number in found.items() if number is not None}


def _disks(around: Surroundings) -> Unmounted:
    assert isinstance(around.disks, Unmounted)
    return around.disks


@pytest.fixture
async def around(tmp_path: Path) -> AsyncIterator[Surroundings]:
    disks = Unmounted(tmp_path / "data")
    cluster = Cluster(IDLE, Loopback(3), disks, tmp_path)
    await asyncio.gather(*(cluster.start(node) for node in cluster.nodes))

    async def leader() -> Node | None:
        return cluster.nodes[1]

    yield Surroundings(cluster, disks, leader)
    await cluster.stop()


async def _begin(around: Surroundings, fault: str, seed: int = 7) -> str:
    return await FAULTS[fault].begin(around.acting(fault), Random(seed))


async def _end(around: Surroundings, fault: str) -> str:
    return await FAULTS[fault].end(around.acting(fault))


@pytest.mark.parametrize(("fault", "hit"), [("power-loss", 1), ("power-loss-majority", 2), ("power-loss-all", 3)])
async def test_who_loses_power_is_gone_at_once_with_what_was_not_synced(
    around: Surroundings, fault: str, hit: int
) -> None:
    pids = {node: around.cluster.pid(node) for node in around.cluster.nodes}
    lost: set[bytes] = set()
    for seed in range(12):
        await _begin(around, fault, seed)
        down = [node for node in around.cluster.nodes if not around.cluster.runs(node)]
        assert len(down) == hit
        lost |= {_disks(around).vote(node) for node in down}
        await _end(around, fault)
        assert all(around.cluster.runs(node) for node in around.cluster.nodes)
    assert any(around.cluster.pid(node) != pid for node, pid in pids.items())
    assert b"vote" in lost, "what was synced is there, and at least once what was not is gone"
    assert around.cluster.deaths == []


async def test_the_power_is_off_before_the_process_is_killed(
    around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sync that is under way when the power goes must not succeed while the process is being killed."""
    seen: list[dict[str, int | None]] = []
    kill = around.cluster.kill

    async def killing(node: Node) -> None:
        await eventually(lambda: _state(around.cluster.pid(node)) == "T", what="it can tell nobody how its disk fails")
        seen.append(_disks(around).fails(node))
        await kill(node)

    monkeypatch.setattr(around.cluster, "kill", killing)
    await _begin(around, "power-loss-all")
    assert seen == [{"write": errno.EIO, "read": errno.EIO}] * 3


@pytest.mark.parametrize(
    ("fault", "numbers"),
    [
        ("disk-full", {"write": errno.ENOSPC}),
        ("disk-read-only", {"write": errno.EROFS}),
        ("fsync-error", {"write": errno.EIO}),
    ],
)
async def test_a_disk_fails_until_the_fault_ends(
    around: Surroundings, fault: str, numbers: dict[str, int | None]
) -> None:
    told = await _begin(around, fault)
    [victim] = [node for node in around.cluster.nodes if node.name in told]
    assert {node: _disks(around).fails(node) for node in around.cluster.nodes} == {
        node: (numbers if node is victim else {}) for node in around.cluster.nodes
    }
    told = await _end(around, fault)
    assert {str(_disks(around).fails(node)) for node in around.cluster.nodes} == {"{}"}
    if fault != "disk-full":
        assert f"refused 1 calls of {victim.name}" in told
    assert await _end(around, fault), "ending it again does nothing"


async def test_a_disk_that_cannot_be_read_is_met_by_a_new_start(around: Surroundings) -> None:
    pids = {node: around.cluster.pid(node) for node in around.cluster.nodes}
    told = await _begin(around, "read-error")
    [victim] = [node for node in around.cluster.nodes if node.name in told]
    assert around.cluster.runs(victim)
    assert around.cluster.pid(victim) != pids[victim]
    assert _disks(around).fails(victim) == {"read": errno.EIO}
    await _end(around, "read-error")
    assert _disks(around).fails(victim) == {}


async def test_a_slow_disk_is_slow_until_the_fault_ends(around: Surroundings) -> None:
    told = await _begin(around, "disk-slow")
    [victim] = [node for node in around.cluster.nodes if node.name in told]
    [how] = _disks(around).wanted[victim.name].values()
    assert how.sync_ms >= 20
    assert f"{how.sync_ms:g} ms" in told
    done = threading.Event()

    def sync() -> None:
        assert _disks(around).fails(victim) == {}
        done.set()

    syncing = threading.Thread(target=sync)
    syncing.start()
    await _end(around, "disk-slow")
    await eventually(done.is_set, what="the sync under way ends with the fault")
    syncing.join(20)


async def test_faults_of_one_disk_overlap(around: Surroundings) -> None:
    for node in around.cluster.nodes:
        await around.disks.behave(node, "disk-slow", Behave(sync_ms=1.0))
    await _begin(around, "disk-read-only")
    await _end(around, "disk-slow")
    assert [number for node in around.cluster.nodes for number in _disks(around).fails(node).values()] == [errno.EROFS]


async def test_a_server_that_refuses_its_damaged_disk_gets_an_empty_one(
    around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disks, "is_whole", _yes)
    told = await _begin(around, "corrupt-byte")
    [victim] = [node for node in around.cluster.nodes if f"killed {node.name}" in told]
    assert _disks(around).vote(victim) != b"voteunsynced"
    assert around.cluster.runs(victim)
    os.killpg(around.cluster.pid(victim), 15)
    await eventually(lambda: not around.cluster.runs(victim), what="it ends")
    told = await _end(around, "corrupt-byte")
    assert f"{victim.name} had refused its disk and got an empty one" in told
    assert around.cluster.runs(victim)
    assert not around.disks.damaged(victim)
    with pytest.raises(FileNotFoundError):
        _disks(around).vote(victim)


async def test_a_server_that_serves_on_keeps_its_disk(around: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disks, "is_whole", _yes)
    await _begin(around, "corrupt-byte")
    told = await _end(around, "corrupt-byte")
    assert "empty" not in told
    assert around.cluster.deaths == []


async def test_nothing_is_damaged_unless_the_others_could_make_up_for_it(
    around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disks, "is_whole", _no)
    assert (await _begin(around, "corrupt-byte")).startswith("nothing was damaged")
    assert not any(around.disks.damaged(node) for node in around.cluster.nodes)


async def _yes(urls: Sequence[str]) -> bool:
    await asyncio.sleep(0)
    return bool(urls)


async def _no(urls: Sequence[str]) -> bool:
    return not await _yes(urls)


async def test_a_damaged_server_needs_others(tmp_path: Path) -> None:
    disks = Unmounted(tmp_path)
    one = Surroundings(Cluster(IDLE, Loopback(1), disks, tmp_path), disks, _nobody)
    assert "three servers" in FAULTS["corrupt-byte"].lacks(one)
    assert FAULTS["power-loss-all"].lacks(one) == ""


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


async def _nobody() -> Node | None:
    return None


def test_disks_are_as_obedient_as_the_faults_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def kind(*names: str, mounts: bool = True) -> type[Disks]:
        return type(disks_for(names, tmp_path, mounts=mounts))

    monkeypatch.setattr(faults, "lacks_fuse", lambda: "")
    assert kind("kill-one") is Folders
    assert kind("kill-one", "disk-full") is SmallDisks
    assert kind("disk-full", "power-loss") is ObedientDisks
    assert kind("power-loss", mounts=False) is Folders
    monkeypatch.setattr(faults, "lacks_fuse", lambda: "no FUSE")
    without = disks_for(("disk-full", "power-loss"), tmp_path, mounts=True)
    assert type(without) is SmallDisks
    assert without.lacks_orders == "no FUSE"


def test_a_lost_power_is_no_death_of_its_own() -> None:
    assert {name for name, fault in DISKS.items() if not fault.may_end} == {
        *("power-loss", "power-loss-majority", "power-loss-all"),
        "disk-slow",
    }


async def test_syncs_are_slow_for_a_moment_before_the_power_goes(
    around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a disk that is always fast hardly anything is unsynced at any moment."""
    slow: list[float] = []
    cut = disks.lose_power

    async def noting(around: Surroundings, victims: Sequence[Node], rng: Random) -> str:
        slow.extend(_disks(around).wanted[victim.name]["power-loss"].sync_ms for victim in victims)
        return await cut(around, victims, rng)

    monkeypatch.setattr(disks, "lose_power", noting)
    monkeypatch.setattr(disks, "_PILING_MS", (5.0,))
    await _begin(around, "power-loss")
    assert slow == [5.0]
    assert {how for wanted in _disks(around).wanted.values() for how in wanted.values()} == {Behave()}
