"""What others can cause as often as they like must not fill the log: some of it is told, the rest is not. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

__all__ = ["EVENTS_MAX", "REMEMBERED_MAX", "WINDOW_S", "Flood", "Once"]

EVENTS_MAX: Final = 10
"""Events of one kind that are told in one window."""
WINDOW_S: Final = 1.0
REMEMBERED_MAX: Final = 64
"""Of so many `Once` knows what it told last."""


class Once:
    """Tells whether something is news: of each thing what it was last."""

    def __init__(self) -> None:
        self._told: dict[str, str] = {}

    def is_news(self, thing: str, what: str) -> bool:
        """Whether `what` was not the last that was told of `thing`; it is now."""
        if self._told.get(thing) == what:
            return False
        if thing not in self._told and len(self._told) >= REMEMBERED_MAX:
            del self._told[next(iter(self._told))]
        self._told[thing] = what
        return True

    def forget(self, thing: str) -> None:
        """What is told of it next is news."""
        self._told.pop(thing, None)


class Flood:
    """The events of one kind. Whoever tells one asks `passes` first, and says how many were left out before."""

    def __init__(self, now: Callable[[], float]) -> None:
        """`now` is a monotonic clock, in seconds."""
        self._now = now
        self._began = -math.inf
        self._told = 0
        self._left_out = 0

    def passes(self) -> bool:
        """Whether this one is told."""
        now = self._now()
        if now - self._began >= WINDOW_S:
            self._began, self._told = now, 0
        if self._told >= EVENTS_MAX:
            self._left_out += 1
            return False
        self._told += 1
        return True

    def take_left_out(self) -> int:
        """How many were left out since this was asked last."""
        left_out, self._left_out = self._left_out, 0
        return left_out
