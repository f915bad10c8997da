"""Who fails and returns again and again is believed later each time: a pure rule.

Each failure adds one to a penalty that halves with time. A first failure costs nothing, and a restart each day neither;
what is held back longer each time is a node that drags its clients from one failure to the next.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

__all__ = ["FREE", "HALF_LIFE_S", "HOLD_S_MAX", "HOLD_S_MIN", "Flaps"]

HALF_LIFE_S: Final = 120.0
"""In this time half of the penalty is forgiven."""
FREE: Final = 1.5
"""Up to here nothing is held back: two failures within a minute and a half are above it."""
HOLD_S_MIN: Final = 5.0
HOLD_S_MAX: Final = 60.0
"""How long one that returned must stay before it passes; it doubles with each unit of the penalty."""


@dataclass(frozen=True, slots=True)
class Flaps:
    """The penalty as it was at a moment of the monotonic clock."""

    penalty: float = 0.0
    at: float = 0.0

    def penalty_at(self, now: float) -> float:
        """What is left of it."""
        return self.penalty * math.exp2(-max(now - self.at, 0.0) / HALF_LIFE_S)

    def failed(self, now: float) -> Flaps:
        """One failure more."""
        return Flaps(self.penalty_at(now) + 1.0, now)

    def hold_s(self, now: float) -> float:
        """For how long one that returns now must stay before it passes; 0 for at once."""
        above = self.penalty_at(now) - FREE
        return 0.0 if above <= 0 else min(HOLD_S_MIN * math.exp2(above), HOLD_S_MAX)
