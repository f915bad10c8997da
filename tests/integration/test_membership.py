"""Members as real processes: what is seen of a crash, of a lost host, of servers that stop or pause."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from tests.support.conditions import wait_until
from tests.support.server_cluster import ServerCluster

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

AGENT = 5
CRASH_SEEN_S = 3.0
SILENCE_SEEN_S = 15.0


def serf_health(cluster: ServerCluster, node: str, *, at: int = 1) -> tuple[str, str]:
    """Status and output of a node's `serfHealth`; empty texts while there is none."""
    answer = cluster.ask(at, f"/v1/health/node/{node}")
    checks: list[dict[str, str]] = json.loads(answer.body) if answer.status == 200 else []
    return next(((one["Status"], one["Output"]) for one in checks if one["CheckID"] == "serfHealth"), ("", ""))


def until_health(cluster: ServerCluster, node: str, status: str, within_s: float = 60.0, *, at: int = 1) -> float:
    """Wait for a status; the seconds that it took."""
    began = time.monotonic()
    wait_until(lambda: serf_health(cluster, node, at=at)[0] == status, within_s=within_s, what=f"{node} is {status}")
    return time.monotonic() - began


def test_a_crash_is_seen_within_three_seconds_and_a_silent_agent_within_fifteen(tmp_path: Path) -> None:
    with ServerCluster(tmp_path, 3).running() as cluster:
        agent = cluster.start_client(AGENT)
        until_health(cluster, "c5", "passing")
        os.kill(agent.pid, signal.SIGSTOP)
        assert until_health(cluster, "c5", "critical") < SILENCE_SEEN_S
        output = serf_health(cluster, "c5")[1]
        assert output.startswith("Agent not live or unreachable: server s")
        assert "heard nothing from it for 10 s, since 20" in output
        os.kill(agent.pid, signal.SIGCONT)
        until_health(cluster, "c5", "passing")
        assert serf_health(cluster, "c5")[1] == "Agent alive and reachable"
        cluster.kill(AGENT)
        assert until_health(cluster, "c5", "critical") < CRASH_SEEN_S
        assert "saw its connection close at 20" in serf_health(cluster, "c5")[1]
        failed = json.loads(cluster.ask(2, "/v1/agent/members").body)
        assert [one["Status"] for one in failed if one["Name"] == "c5"] == [4]
        assert cluster.ask(1, "/v1/agent/force-leave/c5?prune", "PUT").status == 200
        wait_until(lambda: serf_health(cluster, "c5") == ("", ""), within_s=20, what="a node that is forced out")
        assert "c5" not in {one["Name"] for one in json.loads(cluster.ask(2, "/v1/agent/members").body)}


@pytest.mark.parametrize("leads", [False, True])
def test_the_crash_of_a_server_is_seen_within_three_seconds_and_its_agent_stays_well(
    tmp_path: Path, leads: bool
) -> None:
    """A leader's, counted from when another one leads."""
    with ServerCluster(tmp_path, 3).running() as cluster:
        leader = cluster.leader()
        crashed = next(number for number in (1, 2, 3) if (number == leader) is leads)
        other = crashed % 3 + 1
        cluster.start_client(AGENT)
        until_health(cluster, "c5", "passing")
        until_health(cluster, f"s{crashed}", "passing")
        cluster.kill(crashed)
        began = time.monotonic()
        if leads:
            wait_until(lambda: cluster.leader() != crashed, within_s=20, what="another leader")
            began = time.monotonic()
        until_health(cluster, f"s{crashed}", "critical", at=other)
        assert time.monotonic() - began < CRASH_SEEN_S
        assert "saw its process end at 20" in serf_health(cluster, f"s{crashed}", at=other)[1]
        cluster.start(crashed)
        until_health(cluster, f"s{crashed}", "passing", at=other)
        assert serf_health(cluster, "c5", at=other)[0] == "passing"


def lost_nodes(cluster: ServerCluster, at: int, seconds: float) -> set[str]:
    """The nodes that a server knows as lost at any moment of some seconds."""
    seen: set[str] = set()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        critical = cluster.ask(at, "/v1/health/state/critical?stale")
        seen.update(one["Node"] for one in json.loads(critical.body or "[]") if critical.status == 200)
        time.sleep(0.2)
    return seen


def test_healthy_agents_pass_while_the_leader_is_paused_and_servers_are_restarted(tmp_path: Path) -> None:
    numbers = range(5, 8)
    with ServerCluster(tmp_path, 3).running() as cluster:
        for number in numbers:
            cluster.start_client(number)
        for number in numbers:
            until_health(cluster, f"c{number}", "passing")
        leader = cluster.leader()
        other, third = (number for number in (1, 2, 3) if number != leader)
        os.kill(cluster.programs[leader].pid, signal.SIGSTOP)
        try:
            seen = lost_nodes(cluster, other, 13)
        finally:
            os.kill(cluster.programs[leader].pid, signal.SIGCONT)
        assert f"s{leader}" in seen, "who stood still for longer than a lease was lost meanwhile"
        seen |= lost_nodes(cluster, other, 2)
        for restarted, at in ((third, other), (other, third), (leader, other)):
            assert cluster.stop(restarted) == 1, "SIGTERM is not for a server to leave"
            cluster.start(restarted)
            seen |= lost_nodes(cluster, at, 4)
            cluster.until(lambda: len(cluster.peers(restarted, mode="stale")) == 3, "it is back")  # noqa: B023
            cluster.leader()
        assert {node for node in seen if node.startswith("c")} == set()
        for number in numbers:
            assert serf_health(cluster, f"c{number}", at=other)[0] == "passing"


def test_healthy_agents_pass_while_servers_are_paused_killed_and_stopped(tmp_path: Path) -> None:
    numbers = range(5, 9)
    with ServerCluster(tmp_path, 3).running() as cluster:
        for number in numbers:
            cluster.start_client(number)
        for number in numbers:
            until_health(cluster, f"c{number}", "passing")
        leader = cluster.leader()
        follower = next(number for number in (1, 2, 3) if number != leader)
        os.kill(cluster.programs[follower].pid, signal.SIGSTOP)
        seen = lost_nodes(cluster, leader, 14)
        os.kill(cluster.programs[follower].pid, signal.SIGCONT)
        seen |= lost_nodes(cluster, leader, 6)
        cluster.kill(leader)
        seen |= lost_nodes(cluster, follower, 14)
        cluster.start(leader)
        seen |= lost_nodes(cluster, follower, 6)
        assert {node for node in seen if node.startswith("c")} == set()
        for number in numbers:
            assert serf_health(cluster, f"c{number}", at=follower)[0] == "passing"


def until_connected(cluster: ServerCluster, number: int) -> None:
    """Wait until an agent answers what only servers know, and is a member."""
    wait_until(
        lambda: cluster.ask(number, "/v1/status/leader").status == 200, within_s=60, what="an agent that answers"
    )
    wait_until(lambda: serf_health(cluster, f"c{number}")[0] == "passing", within_s=60, what="a member")


def test_an_agent_finds_the_servers_that_it_knew_until_it_leaves(tmp_path: Path) -> None:
    with ServerCluster(tmp_path, 1).running() as cluster:
        cluster.start_client(AGENT, joins=(1,))
        until_connected(cluster, AGENT)
        cluster.kill(AGENT)
        cluster.start_client(AGENT, joins=())
        until_connected(cluster, AGENT)
        kept = tmp_path / f"d{AGENT}" / "known-servers.json"
        assert json.loads(kept.read_text()) == [f"{cluster.address(1)}:8300"]
        assert cluster.stop(AGENT) == 0, "SIGTERM is for an agent to leave"
        assert not kept.exists()
        wait_until(lambda: serf_health(cluster, "c5") == ("", ""), within_s=20, what="an agent that left")
        cluster.start_client(AGENT, "-rejoin", joins=(1,))
        until_connected(cluster, AGENT)
        assert cluster.stop(AGENT) == 0
        cluster.start_client(AGENT, joins=())
        until_connected(cluster, AGENT)
