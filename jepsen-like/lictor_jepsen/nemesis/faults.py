"""All faults by name, from the tables of their subjects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from lictor_jepsen.disk import Disks, Folders, ObedientDisks, SmallDisks, lacks_fuse
from lictor_jepsen.nemesis.base import AGENTS, OBEDIENT_DISKS, SMALL_DISKS, Fault
from lictor_jepsen.nemesis.certificates import CERTIFICATES
from lictor_jepsen.nemesis.clocks import CLOCK_FAULTS
from lictor_jepsen.nemesis.disks import DISKS
from lictor_jepsen.nemesis.links import LINKS
from lictor_jepsen.nemesis.memory import MEMORY
from lictor_jepsen.nemesis.partitions import PARTITIONS
from lictor_jepsen.nemesis.processes import PROCESSES
from lictor_jepsen.nemesis.votes import VOTES

__all__ = ["AGENT_FAULTS", "FAULTS", "disks_for", "subject"]

FAULTS: Final[Mapping[str, Fault]] = {
    **PROCESSES,
    **PARTITIONS,
    **LINKS,
    **MEMORY,
    **CLOCK_FAULTS,
    **CERTIFICATES,
    **DISKS,
    **VOTES,
}
"""All faults by name."""
AGENT_FAULTS: Final = frozenset(name for name, fault in FAULTS.items() if AGENTS in fault.needs)
"""Those that need agents."""


def disks_for(faults: Sequence[str], root: Path, *, mounts: bool) -> Disks:
    """The disks that these faults need, as far as they can be made; `mounts`: nobody else sees what is mounted."""
    needs = {need for name in faults for need in FAULTS[name].needs}
    if not mounts:
        return Folders(root)
    lacks = lacks_fuse() if OBEDIENT_DISKS in needs else ""
    if OBEDIENT_DISKS in needs and not lacks:
        return ObedientDisks(root)
    kind = SmallDisks if SMALL_DISKS in needs else Folders
    return kind(root, lacks)


def subject(fault: str) -> str:
    """What a fault acts on in such a way that no other one of that subject can be at the same time; else its name."""
    return FAULTS[fault].subject or fault
