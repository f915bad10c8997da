"""Time and chance as arguments. `main` of a process makes the system ones and passes them in."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import MutableSequence
from typing import Protocol, TypeVar

__all__ = ["Clock", "Rng", "SeededRng", "SystemClock", "SystemRng"]

T = TypeVar("T")


class Clock(Protocol):
    """Two clocks: `monotonic` for durations and deadlines, `now` for what people and certificates read."""

    def monotonic(self) -> float:
        """Seconds that never go backwards; only differences mean something."""
        ...

    def now(self) -> float:
        """Seconds since 1970-01-01T00:00:00Z; may jump."""
        ...


class Rng(Protocol):
    """Chance. Ids and serials come from `uuid4` and `bits`."""

    def uniform(self, low: float, high: float) -> float:
        """A number between `low` and `high`."""
        ...

    def below(self, bound: int) -> int:
        """An integer in `0..bound-1`; `bound` is at least 1."""
        ...

    def bits(self, count: int) -> int:
        """An integer of `count` random bits."""
        ...

    def shuffle(self, items: MutableSequence[T]) -> None:
        """Put `items` into a random order, in place."""
        ...

    def uuid4(self) -> str:
        """A random UUID in its usual text form."""
        ...


class SystemClock:
    """The machine's clocks: its own functions, since a method around them costs as much as they do."""

    monotonic = staticmethod(time.monotonic)
    """Seconds that never go backwards."""
    now = staticmethod(time.time)  # noqa: TID251 the one place that asks the machine
    """Seconds since 1970-01-01T00:00:00Z; may jump."""


class _Chance:
    def __init__(self, source: random.Random) -> None:
        self._source = source

    def uniform(self, low: float, high: float) -> float:
        return self._source.uniform(low, high)

    def below(self, bound: int) -> int:
        return self._source.randrange(bound)

    def bits(self, count: int) -> int:
        return self._source.getrandbits(count)

    def shuffle(self, items: MutableSequence[T]) -> None:
        self._source.shuffle(items)

    def uuid4(self) -> str:
        return str(uuid.UUID(int=self._source.getrandbits(128), version=4))


class SystemRng(_Chance):
    """The operating system's random source: unpredictable, for ids, serials and DNS."""

    def __init__(self) -> None:
        super().__init__(random.SystemRandom())


class SeededRng(_Chance):
    """A repeatable source for simulations, and a fast one where nobody gains from predicting it."""

    def __init__(self, seed: int) -> None:
        super().__init__(random.Random(seed))
