"""One log event for a message that cannot be answered, and not more of them than a log can take."""

from __future__ import annotations

from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_core.clock import Clock
from lictor_dns.question import Refusal

__all__ = ["RefusalLog"]

_WINDOW_S: Final = 1.0
_EVENTS_MAX: Final = 10
"""Most events in one window; the next one tells how many were left out."""


class RefusalLog:
    """Writes `dns.query.refused`, at most `_EVENTS_MAX` times in `_WINDOW_S`."""

    def __init__(self, log: FilteringBoundLogger, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self._window_start = clock.monotonic()
        self._written = 0
        self._left_out = 0

    def note(self, refusal: Refusal, client: object) -> None:
        """A message from `client` was refused."""
        now = self._clock.monotonic()
        if now - self._window_start >= _WINDOW_S:
            self._window_start = now
            self._written = 0
        if self._written >= _EVENTS_MAX:
            self._left_out += 1
            return
        self._written += 1
        left_out, self._left_out = self._left_out, 0
        self._log.warning(
            "dns.query.refused",
            reason=refusal.reason,
            response_code=refusal.code,
            client=str(client),
            left_out=left_out,
        )
