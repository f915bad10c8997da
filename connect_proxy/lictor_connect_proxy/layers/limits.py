"""How many connections may be open at a time: a circuit breaker that refuses at once instead of letting wait.

Who is refused sees its connection reset, and can turn to another instance; who waited in a queue would see nothing.
"""

from __future__ import annotations

from typing import Final

__all__ = ["TOLD_EVERY_S", "ConnectionLimit"]

TOLD_EVERY_S: Final = 10.0
"""Refusals are told at once and then at most this often, with their number: a flood must not fill the log."""


class ConnectionLimit:
    """Counts open connections. `most` may change at any time; those that are open stay."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.open = 0
        self.refused = 0
        """Ever since the start."""
        self._untold = 0
        self._told_at: float | None = None

    def enter(self) -> bool:
        """Whether one more is taken; each that is must `leave`."""
        if self.open >= self.most:
            self.refused += 1
            self._untold += 1
            return False
        self.open += 1
        return True

    def leave(self) -> None:
        """One that was taken has ended."""
        assert self.open > 0, "more connections left than entered"
        self.open -= 1

    def to_tell(self, now: float) -> int:
        """How many refusals are to be told of now, at a monotonic time in seconds; 0 when it is too early for that."""
        if not self._untold or (self._told_at is not None and now - self._told_at < TOLD_EVERY_S):
            return 0
        untold, self._untold, self._told_at = self._untold, 0, now
        return untold
