"""The table of all faults, against processes that do nothing."""

from __future__ import annotations

from lictor_jepsen.nemesis import AGENT_FAULTS, FAULTS, Surroundings, needs_small_disks


async def test_what_cannot_be_made_here_says_why(around: Surroundings) -> None:
    lacking = {name for name, fault in FAULTS.items() if fault.lacks(around)}
    without = {"cut-agents", "cut-agents-off"} if around.cluster.agents else AGENT_FAULTS
    assert lacking == {
        *without,
        *(name for name in FAULTS if name.startswith("partition-")),
        *("clock-jump", "disk-full"),
    }
    assert "idle" in FAULTS["clock-jump"].lacks(around)


def test_only_a_full_disk_needs_small_disks() -> None:
    assert needs_small_disks(["kill-one", "disk-full"])
    assert not needs_small_disks([name for name in FAULTS if name != "disk-full"])
