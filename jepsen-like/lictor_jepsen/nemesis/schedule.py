"""When faults begin and end. Pure: the same seed gives the same schedule.

One step follows another; a step is a fault, or several of them that begin together (`kill-leader+clock-jump`) and end
each at its own time. Or faults overlap as chance has it, so many at once at most.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Final, NamedTuple

__all__ = ["HOLD_S", "OVERLAP_MAX", "QUIET_S", "Spell", "members", "schedule"]

QUIET_S: Final = (2.0, 5.0)
"""Between two faults: long enough that a leader is elected and writes flow, most times."""
HOLD_S: Final = (3.0, 9.0)
"""How long a fault lasts: from under to over what an election and a lease take."""
OVERLAP_MAX: Final = 3
"""How many faults there are at once at most, when they overlap by chance: with more, hardly anything is served."""
_REST: Final = 2
"""How much longer the quiet is where faults overlap: there must be moments in which something is served."""
_TOGETHER: Final = "+"


class Spell(NamedTuple):
    """One fault from its begin to its end, in seconds since the run began."""

    fault: str
    begins_s: float
    ends_s: float
    seed: int
    """The chance that the fault itself uses, such as which server it hits."""


def members(step: str) -> tuple[str, ...]:
    """The faults of a step, which begin together."""
    return tuple(step.split(_TOGETHER))


def _itself(fault: str) -> str:
    return fault


def schedule(
    steps: Sequence[str], seconds: float, seed: int, overlap: int = 1, subject: Callable[[str], str] = _itself
) -> list[Spell]:
    """Spells until `seconds`, each step as often as the others, in order of their begins; the last one ends before.

    With an `overlap` of 1 a step begins when the one before has ended. With more, so many steps may be at once; never
    two with faults of one `subject`, and never a fault beside itself.
    """
    rng = Random(f"{seed}/nemesis")
    spells: list[Spell] = []
    waiting: list[str] = []
    lanes = [rng.uniform(*QUIET_S) * (1 + lane) for lane in range(overlap)]
    while steps:
        now = min(lanes)
        lane = lanes.index(now)
        if seconds - now < HOLD_S[0]:
            break
        if not waiting:
            waiting = rng.sample(list(steps), len(steps))
        taken = {subject(spell.fault) for spell in spells if spell.ends_s > now}
        step = next((one for one in waiting if taken.isdisjoint(map(subject, members(one)))), None)
        if step is None:
            lanes[lane] = min(spell.ends_s for spell in spells if spell.ends_s > now)
            continue
        waiting.remove(step)
        begun = [_spell(fault, now, seconds, rng) for fault in members(step)]
        spells += begun
        rest = 1 if overlap == 1 else _REST
        lanes[lane] = max(spell.ends_s for spell in begun) + rest * rng.uniform(*QUIET_S)
    return spells


def _spell(fault: str, now: float, seconds: float, rng: Random) -> Spell:
    return Spell(fault, now, min(seconds, now + rng.uniform(*HOLD_S)), rng.getrandbits(32))
