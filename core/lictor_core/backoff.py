"""How long to wait before trying again. Pure: chance comes from outside."""

from __future__ import annotations

from lictor_core.clock import Rng

__all__ = ["Backoff"]


class Backoff:
    """Waits that double from `first_s` to `max_s`, each between half of itself and all of it at random.

    Chance keeps many that lost the same thing at the same moment from coming back together.
    """

    def __init__(self, rng: Rng, *, first_s: float, max_s: float) -> None:
        assert 0 < first_s <= max_s, "waits that grow"
        self._rng = rng
        self._first_s = first_s
        self._max_s = max_s
        self._next_s = first_s

    def next_s(self) -> float:
        """Seconds to wait now."""
        now_s = self._next_s
        self._next_s = min(2 * now_s, self._max_s)
        return self._rng.uniform(now_s / 2, now_s)

    def reset(self) -> None:
        """It worked: begin again with the shortest wait."""
        self._next_s = self._first_s
