"""Which server an agent talks to: a fixed order of its own, so that agents spread evenly and stay. Pure.

Each agent ranks servers by a hash of its id and theirs (rendezvous hashing): a server that goes spreads its agents over
the others, one that comes back gets the same agents again, and at rest nobody moves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

__all__ = ["FAILED_S", "SERVERS_MAX", "Ranking"]

SERVERS_MAX: Final = 64
"""Servers that are remembered."""
FAILED_S: Final = 10.0
"""Who failed is not preferred again before this."""


class Ranking:
    """The known servers, the preferred first. Times are seconds of one monotonic clock."""

    def __init__(self, agent_id: str) -> None:
        self._agent_id = agent_id
        self._ranked: list[str] = []
        self._failed_at: dict[str, float] = {}

    @property
    def servers(self) -> tuple[str, ...]:
        """Every known server, the preferred first."""
        return tuple(self._ranked)

    def replace(self, servers: Iterable[str]) -> None:
        """These are the servers now."""
        self._ranked = sorted(set(servers), key=self._rank)[:SERVERS_MAX]
        self._failed_at = {server: at for server, at in self._failed_at.items() if server in self._ranked}

    def add(self, servers: Iterable[str]) -> None:
        """These are servers, too."""
        self.replace([*self._ranked, *servers])

    def failed(self, server: str, now: float) -> None:
        """It did not answer."""
        if server in self._ranked:
            self._failed_at[server] = now

    def answered(self, server: str) -> None:
        """It is there."""
        self._failed_at.pop(server, None)

    def best(self, now: float) -> str | None:
        """Whom to ask: the preferred one of those that did not fail lately; None when all did."""
        return next((server for server in self._ranked if self._may_be_there(server, now)), None)

    def better(self, current: str, now: float) -> str | None:
        """Who is preferred to `current` and may be there; None when nobody is."""
        best = self.best(now)
        if best is None or best == current:
            return None
        if current in self._ranked and self._ranked.index(current) < self._ranked.index(best):
            return None
        return best

    def forgive(self) -> None:
        """Everybody gets another chance."""
        self._failed_at.clear()

    def _may_be_there(self, server: str, now: float) -> bool:
        failed_at = self._failed_at.get(server)
        return failed_at is None or now - failed_at >= FAILED_S

    def _rank(self, server: str) -> tuple[bytes, str]:
        return hashlib.sha256(f"{self._agent_id} {server}".encode()).digest(), server
