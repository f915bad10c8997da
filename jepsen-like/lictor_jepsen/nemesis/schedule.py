"""When faults begin and end. Pure: the same seed gives the same schedule."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final, NamedTuple

__all__ = ["HOLD_S", "QUIET_S", "Spell", "schedule"]

QUIET_S: Final = (2.0, 5.0)
"""Between two faults: long enough that a leader is elected and writes flow, most times."""
HOLD_S: Final = (3.0, 9.0)
"""How long a fault lasts: from under to over what an election and a lease take."""


class Spell(NamedTuple):
    """One fault from its begin to its end, in seconds since the run began."""

    fault: str
    begins_s: float
    ends_s: float
    seed: int
    """The chance that the fault itself uses, such as which server it hits."""


def schedule(faults: Sequence[str], seconds: float, seed: int) -> list[Spell]:
    """Spells one after another until `seconds`, each fault as often as the others; the last spell ends before."""
    rng = Random(f"{seed}/nemesis")
    spells: list[Spell] = []
    now = rng.uniform(*QUIET_S)
    waiting: list[str] = []
    while faults:
        if not waiting:
            waiting = rng.sample(list(faults), len(faults))
        ends = min(seconds, now + rng.uniform(*HOLD_S))
        if ends - now < HOLD_S[0]:
            break
        spells.append(Spell(waiting.pop(), now, ends, rng.getrandbits(32)))
        now = ends + rng.uniform(*QUIET_S)
    return spells
