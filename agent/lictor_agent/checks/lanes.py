"""Which checks may ask at the same time, so that those that hang never delay the others.

Pure. Checks that start programs and checks that only open a connection wait for places of different kinds. Of the
places of a kind at most half are for checks that were slow the last time: what hangs waits for what hangs.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

__all__ = ["CONNECTIONS_MAX", "PROGRAMS_MAX", "SLOW_S", "Lane"]

T = TypeVar("T")

CONNECTIONS_MAX: Final = 2_048
"""Checks that ask over a connection at the same time."""
PROGRAMS_MAX: Final = 64
"""Checks that run a program at the same time."""
SLOW_S: Final = 1.0
"""A run that took longer makes a check slow until one did not."""


@dataclass
class Lane(Generic[T]):
    """Places for checks of one kind, and who waits for one."""

    places_max: int
    _waiting: tuple[deque[T], deque[T]] = field(default_factory=lambda: (deque[T](), deque[T]()))
    _taken: list[int] = field(default_factory=lambda: [0, 0])

    @property
    def has_waiting(self) -> bool:
        """Whether anybody stands in line."""
        return any(self._waiting)

    def wait(self, who: T, *, slow: bool) -> None:
        """Stand at the end of the line."""
        self._waiting[slow].append(who)

    def next(self) -> tuple[T, bool] | None:
        """Who may ask now, and whether as one of the slow; its place is taken. None while nobody may."""
        taken = sum(self._taken)
        for slow in (False, True):
            bound = self.places_max // 2 if slow else self.places_max
            if self._waiting[slow] and taken < self.places_max and self._taken[slow] < bound:
                self._taken[slow] += 1
                return self._waiting[slow].popleft(), slow
        return None

    def leave(self, *, slow: bool) -> None:
        """A place is free again."""
        self._taken[slow] -= 1
        assert self._taken[slow] >= 0, "who leaves had a place"
