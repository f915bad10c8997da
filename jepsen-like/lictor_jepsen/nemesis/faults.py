"""All faults by name, from the tables of their subjects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from lictor_jepsen.nemesis.base import AGENTS, SMALL_DISKS, Fault
from lictor_jepsen.nemesis.clocks import CLOCK_FAULTS
from lictor_jepsen.nemesis.disks import DISKS
from lictor_jepsen.nemesis.partitions import PARTITIONS
from lictor_jepsen.nemesis.processes import PROCESSES

__all__ = ["AGENT_FAULTS", "FAULTS", "needs_small_disks", "subject"]

FAULTS: Final[Mapping[str, Fault]] = {**PROCESSES, **PARTITIONS, **CLOCK_FAULTS, **DISKS}
"""All faults by name."""
AGENT_FAULTS: Final = frozenset(name for name, fault in FAULTS.items() if AGENTS in fault.needs)
"""Those that need agents."""


def needs_small_disks(faults: Sequence[str]) -> bool:
    """Whether one of them fills disks."""
    return any(SMALL_DISKS in FAULTS[name].needs for name in faults)


def subject(fault: str) -> str:
    """What a fault acts on in such a way that no other one of that subject can be at the same time; else its name."""
    return FAULTS[fault].subject or fault
