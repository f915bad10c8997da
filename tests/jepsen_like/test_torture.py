"""What a torture runs."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lictor_jepsen.db import consul, lictor
from lictor_jepsen.nemesis import AGENT_FAULTS, CLOCKS, FAULTS, NAMESPACES, OWN, PROGRAMS
from lictor_jepsen.torture import AGENTS_MANY, AROUND_S, plans, possible, workloads_for
from lictor_jepsen.workload import WORKLOADS

ALONE = [name for name, workload in WORKLOADS.items() if not workload.needs.former]
"""The workloads that need no former version of the product."""


@pytest.mark.parametrize("seed", range(10))
def test_half_an_hour_covers_every_workload_and_fault_on_three_and_five_servers_with_agents_and_without(
    seed: int,
) -> None:
    found = list(plans(lictor(), "netns", 1800, seed))
    assert {plan.workload for plan in found} == set(ALONE)
    some = {name for name, fault in FAULTS.items() if not fault.needs & {OWN, PROGRAMS}}
    assert {fault for plan in found for fault in plan.faults} >= some
    assert {plan.nodes for plan in found} == {3, 5}
    assert {plan.agents for plan in found} >= {0, AGENTS_MANY}
    assert {plan.overlap > 1 for plan in found} == {True, False}


@pytest.mark.parametrize("seed", range(3))
def test_two_hours_give_every_workload_agents_and_none_three_and_five_servers_and_faults_that_overlap(
    seed: int,
) -> None:
    found = list(plans(lictor(), "netns", 7200, seed))
    for name in ALONE:
        own = [plan for plan in found if plan.workload == name]
        assert {plan.nodes for plan in own} >= {5}
        assert len({plan.nodes for plan in own}) == 1 + (WORKLOADS[name].needs.nodes < 5)
        assert len({plan.agents for plan in own}) == 1 + (WORKLOADS[name].needs.agents < AGENTS_MANY)
        assert {plan.overlap > 1 for plan in own} == {True, False}


@settings(max_examples=25)
@given(st.integers(0, 1000), st.sampled_from(["netns", "loopback"]))
def test_a_workload_meets_every_fault_before_it_meets_one_again(seed: int, net: str) -> None:
    met: dict[str, Counter[str]] = {name: Counter() for name in ALONE}
    for plan in plans(lictor(), net, 7200, seed):
        needs = WORKLOADS[plan.workload].needs
        met[plan.workload].update(plan.faults)
        for kind in (True, False):  # faults of agents have turns of their own
            times = [
                met[plan.workload][fault]
                for fault in possible(lictor(), net, plan.agents, programs=needs.programs)
                if (fault in AGENT_FAULTS) == kind
            ]
            if times and not needs.agents:
                assert max(times) - min(times) <= 1


def test_runs_that_have_agents_have_one_of_their_faults() -> None:
    for plan in plans(lictor(), "netns", 3600, 7):
        if not WORKLOADS[plan.workload].needs.agents:
            assert bool(plan.agents) == bool(AGENT_FAULTS.intersection(plan.faults))


@pytest.mark.parametrize("seconds", [10, 60, 90, 240, 600, 7200])
def test_a_torture_takes_about_as_long_as_asked(seconds: float) -> None:
    found = list(plans(lictor(), "netns", seconds, 1))
    assert found
    assert sum(plan.seconds + AROUND_S for plan in found) <= seconds + AROUND_S


@pytest.mark.parametrize("seed", range(5))
def test_four_minutes_are_four_to_six_runs_of_different_workloads(seed: int) -> None:
    found = list(plans(lictor(), "netns", 240, seed))
    assert 4 <= len(found) <= 6
    assert len({plan.workload for plan in found}) == len(found)
    assert len({fault for plan in found for fault in plan.faults}) == sum(len(plan.faults) for plan in found)


def test_runs_have_seeds_of_their_own_and_a_seed_gives_the_same_runs_again() -> None:
    found = list(plans(lictor(), "netns", 600, 1))
    assert len({plan.seed for plan in found}) == len(found)
    assert found == list(plans(lictor(), "netns", 600, 1))
    assert found != list(plans(lictor(), "netns", 600, 2))


def test_what_cannot_be_made_is_left_out() -> None:
    on_loopback = {fault for plan in plans(lictor(), "loopback", 3600, 1) for fault in plan.faults}
    assert not any(NAMESPACES in FAULTS[fault].needs for fault in on_loopback)
    assert {"kill-one", "pause-agent", "clock-jump", "restart-storm"} <= on_loopback
    against_consul = {fault for plan in plans(consul(), "netns", 3600, 1) for fault in plan.faults}
    assert not any(CLOCKS in FAULTS[fault].needs for fault in against_consul)
    assert "partition-ring" in against_consul


def test_workloads_are_left_out_that_the_product_cannot_do() -> None:
    assert workloads_for(lictor(), "netns") == sorted(ALONE)
    for name in workloads_for(consul(), "netns"):
        assert "consul" in WORKLOADS[name].needs.products
