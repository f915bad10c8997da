"""When to ask again: the rules for a loop of blocking queries. Pure: it counts, others sleep.

Source: Consul's document `api-docs/features/blocking`, section "Implementation Details": start anew when the index goes
backwards or is 0, and limit the rate, so that an index that never stands still does not become a flood.
"""

from __future__ import annotations

from typing import Final

from lictor_core.clock import Rng

__all__ = ["Pacing"]

BURST_MAX: Final = 5
"""Answers that may follow one another at once."""
REFILL_S: Final = 0.5
"""Seconds for each answer beyond that."""
BACK_OFF_S_MAX: Final = 60.0
"""The longest pause after a failure."""
_BACK_OFF_S_MIN: Final = 1.0


class Pacing:
    """The state of one watch: the index to wait for next, and the pauses before the next query."""

    def __init__(self, rng: Rng) -> None:
        self.index = 0
        self._rng = rng
        self._allowance = float(BURST_MAX)
        self._asked_at = 0.0
        self._failures = 0

    def answered(self, index: int, now: float) -> tuple[bool, float]:
        """Note an answer at `index`, at `now` on a monotonic clock. Returns whether it is news, and the pause in s."""
        self._failures = 0
        is_news = index != self.index or index == 0
        self.index = 0 if index < max(self.index, 1) else index
        elapsed, self._asked_at = now - self._asked_at, now
        self._allowance = min(BURST_MAX, self._allowance + elapsed / REFILL_S) - 1
        pause = 0.0 if self._allowance >= 0 else -self._allowance * REFILL_S
        return is_news, pause

    def failed(self) -> float:
        """Note a failure. Returns the pause in seconds: twice as long each time, and not the same for all watchers.

        The index begins anew: a server that lost its state is behind it, and would let us wait for nothing.
        """
        self.index = 0
        longest = min(BACK_OFF_S_MAX, _BACK_OFF_S_MIN * 2**self._failures)
        self._failures = min(self._failures + 1, 10)
        return self._rng.uniform(longest / 2, longest)
