"""The cluster's own time, which the leader stamps on commands for which it matters when they came.

It goes on from where the log is and runs at the pace of the leader's monotonic clock. So no jump of a host's clock and
no difference between two hosts' clocks can shorten what is counted in it; while nobody leads it stands still.
"""

from __future__ import annotations

from collections.abc import Callable

from lictor_core.clock import Clock

__all__ = ["ClusterTime"]


class ClusterTime:
    """Milliseconds since the first leader. `reached_ms` tells the newest time in the log."""

    def __init__(self, clock: Clock, reached_ms: Callable[[], int]) -> None:
        self._clock = clock
        self._reached_ms = reached_ms
        self._from_ms = 0
        self._since_s = clock.monotonic()

    def begin(self) -> None:
        """This server has come to lead: from here on its clock counts."""
        self._from_ms = self._reached_ms()
        self._since_s = self._clock.monotonic()

    def now_ms(self) -> int:
        """The time now; never below what the log has reached."""
        passed_ms = int((self._clock.monotonic() - self._since_s) * 1000)
        return max(self._reached_ms(), self._from_ms + passed_ms)
