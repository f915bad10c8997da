"""Time and chance of pysyncobj, in the simulation's hands.

Only monotonic clocks are read by the core, so a clock that is set forward or back cannot be felt. What can: clocks that
do not run equally fast, and a process that is stopped while time goes on, also between two looks at the clock.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Generator

import pysyncobj.syncobj

__all__ = ["READING_S", "VirtualClock", "virtual"]

READING_S = 1e-7
"""What looking at the clock costs: stock pysyncobj has a loop that only time ends."""


STALL_S_MAX = 1.5
"""The longest that a process stands still between two looks: longer than any election timeout."""


class VirtualClock:
    """Seconds, moved by the simulation alone. What it shows depends on whose clock it is just now."""

    def __init__(self, stalls: random.Random | None = None, stall_share: float = 0.0) -> None:
        """Of all looks at the clock a `stall_share` comes late, by as much as `stalls` says."""
        self._now = 1000.0
        self._stalls = stalls
        self._stall_share = stall_share
        self.rate = 1.0
        """How fast the clock of the server runs whose code runs now."""

    def monotonic(self) -> float:
        """The time now, as the server whose code runs sees it."""
        self._now += READING_S
        if self._stalls is not None and self._stalls.random() < self._stall_share:
            self._now += self._stalls.uniform(0.0, STALL_S_MAX)
        return self._now * self.rate

    @property
    def true(self) -> float:
        """The time that no server sees."""
        return self._now

    def steady(self) -> None:
        """No look comes late any more."""
        self._stalls = None

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds


@contextlib.contextmanager
def virtual(clock: VirtualClock, chance: random.Random) -> Generator[None, None, None]:
    """While inside, every pysyncobj object of this process lives on `clock` and `chance`."""
    module = pysyncobj.syncobj
    before = module.monotonicTime, module.random
    module.monotonicTime, module.random = clock.monotonic, chance
    try:
        yield
    finally:
        module.monotonicTime, module.random = before
