"""One log event for a bad packet or a connection too many, and not more of them than a log can take."""

from __future__ import annotations

from structlog.typing import FilteringBoundLogger

from lictor_core.clock import Clock
from lictor_core.flood import Flood
from lictor_dns.question import Refusal

__all__ = ["RefusalLog"]


class RefusalLog:
    """Writes `dns.query.refused` and `dns.connection.refused`, each no oftener than a `Flood` lets pass."""

    def __init__(self, log: FilteringBoundLogger, clock: Clock) -> None:
        self._log = log
        self._queries = Flood(clock.monotonic)
        self._connections = Flood(clock.monotonic)

    def note(self, refusal: Refusal, client: object) -> None:
        """A message from `client` was refused."""
        if not self._queries.passes():
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
        if not self._connections.passes():
            return
        self._log.warning(
            "dns.connection.refused",
            client=str(client),
            reason=reason,
            left_out=self._connections.take_left_out(),
        )
