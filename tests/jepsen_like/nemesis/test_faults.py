"""The table of all faults, against processes that do nothing."""

from __future__ import annotations

from lictor_jepsen.nemesis import AGENT_FAULTS, FAULTS, Surroundings
from lictor_jepsen.nemesis.certificates import CERTIFICATES
from lictor_jepsen.nemesis.clocks import CLOCK_FAULTS
from lictor_jepsen.nemesis.disks import DISKS
from lictor_jepsen.nemesis.votes import VOTES


async def test_what_cannot_be_made_here_says_why(around: Surroundings) -> None:
    lacking = {name for name, fault in FAULTS.items() if fault.lacks(around)}
    without = {"cut-agents", "cut-agents-off"} if around.cluster.agents else AGENT_FAULTS
    assert lacking == {
        *without,
        *(name for name in FAULTS if name.startswith("partition-")),
        *(name for name in FAULTS if name.endswith("-links")),
        *(*CERTIFICATES, *CLOCK_FAULTS, *DISKS, *VOTES),
    }
    assert "idle" in FAULTS["clock-jump"].lacks(around)
