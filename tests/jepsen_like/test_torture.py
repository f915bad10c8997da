"""What a torture runs."""

from lictor_jepsen.db import consul, lictor
from lictor_jepsen.nemesis import AGENT_FAULTS, FAULTS
from lictor_jepsen.torture import AGENTS_MANY, plans
from lictor_jepsen.workload import WORKLOADS


def test_ten_minutes_cover_every_workload_and_fault_on_three_and_five_servers_with_agents_and_without() -> None:
    for seed in range(10):
        found = list(plans(lictor(), "netns", 600, seed))
        assert {plan.workload for plan in found} == set(WORKLOADS)
        assert {fault for plan in found for fault in plan.faults} == set(FAULTS)
        assert {plan.nodes for plan in found} == {3, 5}
        assert all(bool(plan.agents) == bool(AGENT_FAULTS.intersection(plan.faults)) for plan in found)
        assert {plan.agents for plan in found} == {0, AGENTS_MANY}


def test_a_torture_takes_about_as_long_as_asked() -> None:
    assert sum(plan.seconds for plan in plans(lictor(), "netns", 600, 1)) <= 600
    assert len(list(plans(lictor(), "netns", 10, 1))) == 1


def test_runs_have_seeds_of_their_own() -> None:
    found = list(plans(lictor(), "netns", 600, 1))
    assert len({plan.seed for plan in found}) == len(found)


def test_what_cannot_be_made_is_left_out() -> None:
    on_loopback = {fault for plan in plans(lictor(), "loopback", 600, 1) for fault in plan.faults}
    assert on_loopback == {
        "kill-one",
        "kill-leader",
        "kill-majority",
        "kill-all",
        "pause-one",
        "pause-majority",
        "kill-agent",
        "pause-agent",
        "clock-jump",
    }
    assert "clock-jump" not in {fault for plan in plans(consul(), "netns", 600, 1) for fault in plan.faults}
