"""One log event for a bad packet or a connection too many, and not more of them than a log can take."""

from __future__ import annotations

from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_core.clock import Clock
from lictor_dns.question import Refusal

__all__ = ["RefusalLog"]

_WINDOW_S: Final = 1.0
_EVENTS_MAX: Final = 10
"""Most events of one kind in one window; the next one tells how many were left out."""


class RefusalLog:
    """Writes `dns.query.refused` and `dns.connection.refused`, each at most `_EVENTS_MAX` times in `_WINDOW_S`."""

    def __init__(self, log: FilteringBoundLogger, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self._queries = _Window(clock.monotonic())
        self._connections = _Window(clock.monotonic())

    def note(self, refusal: Refusal, client: object) -> None:
        """A message from `client` was refused."""
        if not self._queries.has_room(self._clock.monotonic()):
            return
        self._log.warning(
            "dns.query.refused",
            reason=refusal.reason,
            response_code=refusal.code,
            client=str(client),
            left_out=self._queries.take_left_out(),
        )

    def note_connection(self, client: object, reason: str) -> None:
        """A connection of `client` was refused."""
        if not self._connections.has_room(self._clock.monotonic()):
            return
        self._log.warning(
            "dns.connection.refused",
            client=str(client),
            reason=reason,
            left_out=self._connections.take_left_out(),
        )


class _Window:
    """How many events there were in the window that began at `start`."""

    def __init__(self, start: float) -> None:
        self._start = start
        self._written = 0
        self._left_out = 0

    def has_room(self, now: float) -> bool:
        if now - self._start >= _WINDOW_S:
            self._start = now
            self._written = 0
        if self._written >= _EVENTS_MAX:
            self._left_out += 1
            return False
        self._written += 1
        return True

    def take_left_out(self) -> int:
        left_out, self._left_out = self._left_out, 0
        return left_out
