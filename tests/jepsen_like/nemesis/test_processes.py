"""Faults of processes, against processes that do nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest

from lictor_jepsen.db import Cluster
from lictor_jepsen.disk import Folders
from lictor_jepsen.nemesis import AGENT_FAULTS, FAULTS, Surroundings, processes
from lictor_jepsen.net import Loopback, NetError
from tests.jepsen_like.nemesis.idle import IDLE, state
from tests.support.conditions import eventually
from tests.support.processes import process_is_alive


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


@pytest.mark.parametrize(
    ("fault", "stopped"), [("pause-one", 1), ("pause-leader", 1), ("pause-majority", 2), ("pause-all", 3)]
)
async def test_a_pause_stops_processes_and_its_end_resumes_them(around: Surroundings, fault: str, stopped: int) -> None:
    pids = [around.cluster.pid(node) for node in around.cluster.nodes]
    await FAULTS[fault].begin(around.acting(fault), Random(7))
    await eventually(lambda: [state(pid) for pid in pids].count("T") == stopped, what="processes stop")
    await FAULTS[fault].end(around.acting(fault))
    await eventually(lambda: "T" not in [state(pid) for pid in pids], what="processes go on")
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
    await eventually(lambda: [state(pid) for pid in pids].count("T") == 2, what="processes stop")
    await FAULTS["kill-leader"].end(around.acting("kill-leader"))
    assert [state(pid) for pid in pids].count("T") == 2
    await FAULTS["pause-majority"].end(around.acting("pause-majority"))
    await eventually(lambda: "T" not in [state(pid) for pid in pids], what="processes go on")


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


@pytest.mark.parametrize(("fault", "broken"), [("kill-some", "killed"), ("pause-some", "paused")])
async def test_some_are_from_one_to_all(around: Surroundings, fault: str, broken: str) -> None:
    told: set[str] = set()
    for seed in range(12):
        told.add(await FAULTS[fault].begin(around.acting(fault), Random(seed)))
        await FAULTS[fault].end(around.acting(fault))
    assert {len(line.split(", ")) for line in told} == {1, 2, 3}
    assert all(line.startswith(broken) for line in told)


@asynccontextmanager
async def _going_on(around: Surroundings, fault: str) -> AsyncGenerator[None]:
    """A fault from its begin to its end, with what it does meanwhile."""
    acting = around.acting(fault)
    await FAULTS[fault].begin(acting, Random(7))
    meanwhile = asyncio.ensure_future(FAULTS[fault].meanwhile(acting, Random(7)))
    try:
        yield
    finally:
        meanwhile.cancel()
        await asyncio.gather(meanwhile, return_exceptions=True)
        await FAULTS[fault].end(acting)


def _starts(around: Surroundings) -> list[int]:
    """How often each server was started."""
    return [around.cluster.log_path(node).read_text().count("started") for node in around.cluster.nodes]


@pytest.mark.parametrize(("fault", "hit"), [("restart-storm", 1), ("restart-storm-all", 3)])
async def test_a_storm_starts_its_victims_again_and_again_and_leaves_all_running(
    around: Surroundings, monkeypatch: pytest.MonkeyPatch, fault: str, hit: int
) -> None:
    monkeypatch.setattr(processes, "STORM_S", (0.02, 0.05))
    await eventually(lambda: _starts(around) == [1, 1, 1], what="all run")
    async with _going_on(around, fault):
        await eventually(lambda: sorted(_starts(around))[-hit] > 3, what="the victims were started thrice more")
    assert sum(starts > 1 for starts in _starts(around)) == hit
    assert _running(around) == 3
    assert around.cluster.deaths == []


async def test_a_storm_leaves_down_what_another_fault_killed(
    around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "STORM_S", (0.02, 0.05))
    async with _going_on(around, "restart-storm-all"):
        await FAULTS["kill-leader"].begin(around.acting("kill-leader"), Random(7))
        await eventually(lambda: not around.cluster.runs(around.cluster.nodes[1]), what="the leader is down")
        before = _starts(around)
        await eventually(lambda: _starts(around)[0] > before[0] + 2, what="the storm goes on")
        assert _starts(around)[1] == before[1]
    assert not around.cluster.runs(around.cluster.nodes[1])
    await FAULTS["kill-leader"].end(around.acting("kill-leader"))
    assert _running(around) == 3


@pytest.mark.parametrize("fault", ["pause-briefly", "hammer-time"])
async def test_pulses_stop_the_leader_and_let_it_go_on_again_and_again(
    around: Surroundings, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr(processes, "_BETWEEN_S", (0.05, 0.1))
    leader = around.cluster.pid(around.cluster.nodes[1])
    async with _going_on(around, fault):
        for _ in range(2):
            await eventually(lambda: state(leader) == "T", what="the leader is paused")
            await eventually(lambda: state(leader) != "T", what="the leader goes on")
    await eventually(lambda: state(leader) != "T", what="the leader goes on")
    assert process_is_alive(leader)


def test_a_brief_pause_is_around_the_lease_and_at_most_an_election() -> None:
    lease_s, election_s_max = 0.9 * 0.5, 1.0
    assert processes.BRIEF_S[0] < lease_s < processes.BRIEF_S[1] <= election_s_max < processes.HAMMER_S[1]


async def test_faults_of_other_programs_hit_those_alone_and_end(around: Surroundings) -> None:
    cluster = around.cluster
    await cluster.spawn("proxy", cluster.nodes[0], IDLE.command)
    await FAULTS["kill-program"].begin(around.acting("kill-program"), Random(7))
    assert not cluster.lives("proxy")
    assert _running(around) == 3
    await FAULTS["kill-program"].end(around.acting("kill-program"))
    assert cluster.lives("proxy")
    assert await FAULTS["pause-program"].begin(around.acting("pause-program"), Random(7)) == "paused proxy"
    await FAULTS["pause-program"].end(around.acting("pause-program"))
    assert cluster.deaths == []


@pytest.mark.parametrize("fault", ["kill-program", "pause-program"])
async def test_without_other_programs_their_faults_say_so(around: Surroundings, fault: str) -> None:
    with pytest.raises(NetError, match="no other programs"):
        await FAULTS[fault].begin(around.acting(fault), Random(7))
