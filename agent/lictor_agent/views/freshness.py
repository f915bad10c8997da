"""How fresh what comes from the servers is, by their ticks. Pure: the time is an argument."""

from __future__ import annotations

from lictor_core.feed import Tick

__all__ = ["Freshness"]


class Freshness:
    """What the last tick said, and when. Times are monotonic seconds."""

    def __init__(self, fresh_s: float) -> None:
        self._fresh_s = fresh_s
        self._heard_at: float | None = None
        self._contact_s = 0.0
        self.known_leader = False
        """Whether the server knew a leader."""

    def note(self, tick: Tick, now: float) -> None:
        """A tick came."""
        self._heard_at = now
        self._contact_s = tick.last_contact_ms / 1000
        self.known_leader = tick.known_leader

    def note_lost(self) -> None:
        """No more ticks come from that server."""
        self.known_leader = False

    def is_fresh(self, now: float) -> bool:
        """Whether the server is current, as far as can be known here."""
        return self.known_leader and self._since(now) <= self._fresh_s

    def age_s(self, now: float) -> float:
        """Seconds since the server was known to be current; 0 while it is, infinite before the first tick."""
        return 0.0 if self.is_fresh(now) else self._since(now)

    def _since(self, now: float) -> float:
        return float("inf") if self._heard_at is None else now - self._heard_at + self._contact_s
