"""Time and chance of pysyncobj, in the simulation's hands."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Generator

import pysyncobj.syncobj

__all__ = ["VirtualClock", "virtual"]

READING_S = 1e-7
"""What looking at the clock costs: stock pysyncobj has a loop that only time ends."""


class VirtualClock:
    """Seconds, moved by the simulation alone."""

    def __init__(self) -> None:
        self._now = 1000.0

    def monotonic(self) -> float:
        """The time now."""
        self._now += READING_S
        return self._now

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
