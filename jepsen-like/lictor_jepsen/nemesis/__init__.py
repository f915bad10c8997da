"""What goes wrong during a run: which faults there are, when they begin and end, and how they are made."""

from lictor_jepsen.nemesis.faults import FAULTS, Fault, Surroundings, needs_small_disks
from lictor_jepsen.nemesis.schedule import Spell, schedule

__all__ = ["FAULTS", "Fault", "Spell", "Surroundings", "needs_small_disks", "schedule"]
