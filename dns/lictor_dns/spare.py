"""Time that may be spent on what is nice to have: a share of what passes, saved up to a bound."""

from __future__ import annotations

from typing import Final

__all__ = ["SpareTime"]

_SHARE: Final = 0.1
"""Of the time that passes."""
_SAVED_S_MAX: Final = 0.01
"""The most that is kept for later: the longest time, in one piece, that others wait for it."""


class SpareTime:
    """What is left of it. Only differences between the clock's readings count."""

    __slots__ = ("_left_s", "_told_at")

    def __init__(self) -> None:
        self._left_s = _SAVED_S_MAX
        self._told_at: float | None = None

    def earn(self, now: float) -> None:
        """Time has passed up to `now`, in seconds of the monotonic clock."""
        if self._told_at is not None:
            self._left_s = min(self._left_s + (now - self._told_at) * _SHARE, _SAVED_S_MAX)
        self._told_at = now

    def spend(self, seconds: float) -> None:
        """So much was spent. More than was there has to be earned first, within the bound too."""
        self._left_s = max(self._left_s - seconds, -_SAVED_S_MAX)

    @property
    def is_left(self) -> bool:
        """Whether anything may be spent now."""
        return self._left_s > 0
