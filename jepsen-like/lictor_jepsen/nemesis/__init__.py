"""What goes wrong during a run: which faults there are, when they begin and end, and how they are made."""

from lictor_jepsen.nemesis.base import (
    AGENTS,
    CLOCKS,
    LIBC_CLOCKS,
    NAMESPACES,
    OWN,
    PROGRAMS,
    TLS,
    Fault,
    Holds,
    Surroundings,
)
from lictor_jepsen.nemesis.faults import AGENT_FAULTS, FAULTS, disks_for, subject
from lictor_jepsen.nemesis.schedule import OVERLAP_MAX, Spell, members, schedule

__all__ = [
    "AGENTS",
    "AGENT_FAULTS",
    "CLOCKS",
    "FAULTS",
    "LIBC_CLOCKS",
    "NAMESPACES",
    "OVERLAP_MAX",
    "OWN",
    "PROGRAMS",
    "TLS",
    "Fault",
    "Holds",
    "Spell",
    "Surroundings",
    "disks_for",
    "members",
    "schedule",
    "subject",
]
