"""Random runs without a violation; planted mistakes that are caught; two thousand agents."""

from __future__ import annotations

import pytest

from lictor_core.records import MemberStatus
from tests.simulation_leases.actors import LEASE_S
from tests.simulation_leases.canaries import CANARIES
from tests.simulation_leases.chaos import run
from tests.simulation_leases.world import CRASH_SEEN_S, LEADERLESS_S, SILENCE_SEEN_S, World

SEEDS_MAX = 99


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1, 81, 20))
def test_no_seed_fails_a_healthy_agent_or_overlooks_a_dead_one(first: int) -> None:
    reports = [run(seed) for seed in range(first, first + 20)]
    assert {report.seed: report.violations for report in reports if report.violations} == {}
    assert sum(report.failures for report in reports) > 100
    assert sum(report.moves for report in reports) > 1000
    assert sum(report.reigns for report in reports) > 40


def test_a_seed_repeats() -> None:
    assert run(5, seconds=40) == run(5, seconds=40)


@pytest.mark.slow
@pytest.mark.parametrize("name", CANARIES)
def test_a_planted_mistake_is_caught(name: str) -> None:
    tables, rule = CANARIES[name]
    assert any(rule in run(seed, tables=tables).violations for seed in range(1, SEEDS_MAX)), rule


@pytest.mark.slow
@pytest.mark.timeout(400)  # half a minute of computing, on a machine that may do much else
def test_two_thousand_agents_pass_every_fault_of_the_servers_and_none_fails() -> None:
    world = World(1, agents=2000)
    world.run_for(2 * LEASE_S)
    leader = world.leader
    assert leader is not None
    others = [server for server in world.servers if server is not leader]
    world.hand_over()
    world.run_for(2 * LEASE_S)
    world.pause(others[0], 60.0)
    world.run_for(80.0)
    world.kill(others[1], 15.0)
    world.run_for(40.0)
    assert world.leader is not None
    world.kill(world.leader, 15.0)
    world.run_for(40.0)
    assert world.leader is not None
    world.pause(world.leader, 60.0)
    world.run_for(80.0)
    world.cut(others[0], 20.0)
    world.run_for(40.0)
    world.freeze(30.0)
    world.wall_jump_s -= 86_400
    world.run_for(60.0)
    world.check_end()
    assert (world.report.violations, world.report.failures) == ({}, 0)


def test_at_rest_the_leader_hears_nothing_but_heartbeats() -> None:
    world = World(2, agents=300)
    world.run_for(2 * LEASE_S)
    rows, digests = world.report.rows, world.report.digests
    world.run_for(60.0)
    assert world.report.rows == rows
    assert world.report.digests - digests <= 3 * 66


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_crash_is_seen_in_three_seconds_and_a_lost_host_in_fifteen(seed: int) -> None:
    world = World(seed, agents=20)
    world.run_for(2 * LEASE_S)
    crashed, lost = world.agents[:5], world.agents[5:10]
    for agent in crashed:
        world.crash(agent, None)
    for agent in lost:
        world.vanish(agent)
    world.run_for(CRASH_SEEN_S)
    assert {world.shown(agent) for agent in crashed} == {MemberStatus.FAILED}
    assert {world.shown(agent) for agent in lost} <= {MemberStatus.ALIVE, MemberStatus.FAILED}
    world.run_for(SILENCE_SEEN_S - CRASH_SEEN_S)
    assert {world.shown(agent) for agent in lost} == {MemberStatus.FAILED}
    assert {world.shown(agent) for agent in world.agents[10:]} == {MemberStatus.ALIVE}


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("leads", [False, True])
def test_the_crash_of_a_server_is_seen_in_three_seconds_and_none_of_its_agents_fails(seed: int, leads: bool) -> None:
    """A leader's, counted from when another one leads."""
    world = World(seed, agents=40)
    world.run_for(2 * LEASE_S)
    crashed = next(server for server in world.servers if (server is world.leader) is leads)
    world.kill(crashed, 20.0)
    world.run_for(CRASH_SEEN_S + (LEADERLESS_S if leads else 0.0))
    assert world.shown(crashed) is MemberStatus.FAILED
    world.run_for(40.0)
    assert {world.shown(server) for server in world.servers} == {MemberStatus.ALIVE}
    assert (world.report.violations, world.report.failures) == ({}, 0)


def test_a_server_whose_connection_for_the_log_is_lost_is_well_as_long_as_it_is_heard() -> None:
    world = World(4, agents=10)
    world.run_for(2 * LEASE_S)
    for server in world.servers:
        world.lose_link(server)
    world.run_for(2 * LEASE_S)
    assert {world.shown(server) for server in world.servers} == {MemberStatus.ALIVE}
