"""A clock that a test moves by hand."""

from __future__ import annotations

__all__ = ["ManualClock"]


class ManualClock:
    """Both clocks of `lictor_core.clock.Clock`; they move together, only by `advance`, but `now` may also `jump`."""

    def __init__(self, *, monotonic: float = 1_000.0, now: float = 1_767_225_600.0) -> None:
        self._monotonic = monotonic
        self._now = now

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        return self._monotonic

    def now(self) -> float:
        """Seconds since 1970; begins at 2026-01-01T00:00:00Z."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        assert seconds >= 0, "time does not run backwards: use jump for the wall clock"
        self._monotonic += seconds
        self._now += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward or back, as an operator or NTP may."""
        self._now += seconds
