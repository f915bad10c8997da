"""What goes wrong during a run: which faults there are, when they begin and end, and how they are made."""

from lictor_jepsen.nemesis.faults import AGENT_FAULTS, FAULTS, Fault, Surroundings, needs_small_disks
from lictor_jepsen.nemesis.schedule import Spell, schedule

__all__ = ["AGENT_FAULTS", "FAULTS", "Fault", "Spell", "Surroundings", "needs_small_disks", "schedule"]
