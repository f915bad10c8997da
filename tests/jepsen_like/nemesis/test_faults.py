"""The faults, against processes that do nothing."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from lictor_jepsen.db import Cluster, Program
from lictor_jepsen.disk import Folders
from lictor_jepsen.nemesis import AGENT_FAULTS, FAULTS, Surroundings, needs_small_disks
from lictor_jepsen.net import Loopback, Node
from tests.support.conditions import eventually
from tests.support.processes import process_is_alive

IDLE = Program("idle", ("/bin/sh", "-c", "echo started; exec sleep 600"), (), clock_can_jump=False)


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


@pytest.fixture(params=[0, 2], ids=["servers", "servers and agents"])
async def around(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Surroundings]:
    cluster = Cluster(IDLE, Loopback(3, request.param), Folders(tmp_path / "data"), tmp_path)
    await asyncio.gather(*(cluster.start(node) for node in cluster.everybody))

    async def leader() -> Node | None:
        return cluster.nodes[1]

    yield Surroundings(cluster, Folders(tmp_path / "data"), leader)
    await cluster.stop()


def _running(around: Surroundings) -> int:
    return sum(around.cluster.runs(node) for node in around.cluster.nodes)


@pytest.mark.parametrize(
    ("fault", "left"), [("kill-one", 2), ("kill-leader", 2), ("kill-majority", 1), ("kill-all", 0)]
)
async def test_a_kill_ends_as_many_as_it_says_and_its_end_starts_them(
    around: Surroundings, fault: str, left: int
) -> None:
    told = await FAULTS[fault].begin(around.acting(fault), Random(7))
    assert _running(around) == left
    assert told.count("n") == 3 - left
    await FAULTS[fault].end(around.acting(fault))
    assert _running(around) == 3
    assert around.cluster.deaths == []


@pytest.mark.parametrize(("fault", "stopped"), [("pause-one", 1), ("pause-majority", 2)])
async def test_a_pause_stops_processes_and_its_end_resumes_them(around: Surroundings, fault: str, stopped: int) -> None:
    pids = [around.cluster.pid(node) for node in around.cluster.nodes]
    await FAULTS[fault].begin(around.acting(fault), Random(7))
    await eventually(lambda: [_state(pid) for pid in pids].count("T") == stopped, what="processes stop")
    await FAULTS[fault].end(around.acting(fault))
    await eventually(lambda: "T" not in [_state(pid) for pid in pids], what="processes go on")
    assert all(process_is_alive(pid) for pid in pids)


async def test_what_two_faults_hold_down_or_paused_goes_on_when_the_second_ends(around: Surroundings) -> None:
    nodes = around.cluster.nodes
    await FAULTS["kill-all"].begin(around.acting("kill-all"), Random(7))
    await FAULTS["kill-leader"].begin(around.acting("kill-leader"), Random(7))
    await FAULTS["kill-all"].end(around.acting("kill-all"))
    assert [around.cluster.runs(node) for node in nodes] == [True, False, True]
    await FAULTS["kill-leader"].end(around.acting("kill-leader"))
    await FAULTS["pause-majority"].begin(around.acting("pause-majority"), Random(7))
    pids = [around.cluster.pid(node) for node in nodes]
    await eventually(lambda: [_state(pid) for pid in pids].count("T") == 2, what="processes stop")
    await FAULTS["kill-leader"].end(around.acting("kill-leader"))
    assert [_state(pid) for pid in pids].count("T") == 2
    await FAULTS["pause-majority"].end(around.acting("pause-majority"))
    await eventually(lambda: "T" not in [_state(pid) for pid in pids], what="processes go on")


async def test_faults_of_agents_hit_agents_alone(around: Surroundings) -> None:
    agents = [node.name for node in around.cluster.agents]
    if not agents:
        assert {FAULTS[name].lacks(around) for name in AGENT_FAULTS} == {
            "there are no agents: say how many with --agents"
        }
        return
    told = {await FAULTS["pause-agent"].begin(around.acting("pause-agent"), Random(seed)) for seed in range(20)}
    assert told == {f"paused {name}" for name in agents}
    await FAULTS["pause-agent"].end(around.acting("pause-agent"))
    await FAULTS["kill-agent"].begin(around.acting("kill-agent"), Random(7))
    assert sum(around.cluster.runs(node) for node in around.cluster.agents) == len(agents) - 1
    assert _running(around) == 3
    await FAULTS["kill-agent"].end(around.acting("kill-agent"))
    assert all(around.cluster.runs(node) for node in around.cluster.everybody)
    assert around.cluster.deaths == []


async def test_the_leader_is_hit_about_half_of_the_time_by_aim(around: Surroundings) -> None:
    told = [await FAULTS["pause-one"].begin(around.acting("pause-one"), Random(seed)) for seed in range(60)]
    await FAULTS["pause-one"].end(around.acting("pause-one"))
    assert 25 <= told.count("paused n2") <= 55  # half by aim, a third of the rest by chance


async def test_a_process_that_ended_by_itself_is_told(tmp_path: Path) -> None:
    short = IDLE._replace(command=("/bin/sh", "-c", "exit 3"))
    cluster = Cluster(short, Loopback(1), Folders(tmp_path / "data"), tmp_path)
    await cluster.start(cluster.nodes[0])
    await eventually(lambda: not cluster.runs(cluster.nodes[0]), what="the process ends")
    await cluster.stop()
    assert cluster.deaths == ["n1 ended by itself with exit code 3"]


async def test_clocks_jump_and_are_true_again(around: Surroundings) -> None:
    paths = [around.cluster.clock_path(node) for node in around.cluster.everybody]
    for path in paths:
        path.write_bytes(struct.pack("<d", 0.0))
    await FAULTS["clock-jump"].begin(around.acting("clock-jump"), Random(7))
    assert any(struct.unpack("<d", path.read_bytes()) != (0.0,) for path in paths)
    await FAULTS["clock-jump"].end(around.acting("clock-jump"))
    assert {path.read_bytes() for path in paths} == {struct.pack("<d", 0.0)}


async def test_what_cannot_be_made_here_says_why(around: Surroundings) -> None:
    lacking = {name for name, fault in FAULTS.items() if fault.lacks(around)}
    without = {"cut-agents"} if around.cluster.agents else AGENT_FAULTS
    assert lacking == {
        *without,
        *("partition-halves", "partition-one-way", "partition-ring", "partition-leader"),
        *("clock-jump", "disk-full"),
    }
    assert "idle" in FAULTS["clock-jump"].lacks(around)


def test_only_a_full_disk_needs_small_disks() -> None:
    assert needs_small_disks(["kill-one", "disk-full"])
    assert not needs_small_disks([name for name in FAULTS if name != "disk-full"])
