"""Whom this server follows: told in the log when it changes, and when nobody leads for long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from structlog.typing import FilteringBoundLogger

from lictor_server.cluster import ServerCard

__all__ = ["Following"]


class Following:
    """Looks when it is told to. All methods belong to the event loop on which it was told first."""

    def __init__(
        self,
        own_id: str,
        *,
        leader: Callable[[], ServerCard | None],
        term: Callable[[], int],
        voters: Callable[[], list[str]],
        hold_s: float,
        on_missed: Callable[[], None],
        log: FilteringBoundLogger,
    ) -> None:
        """`voters` are the names of those who might lead. `on_missed`: nobody led for `hold_s`."""
        self._own_id = own_id
        self._leader = leader
        self._term = term
        self._voters = voters
        self._hold_s = hold_s
        self._on_missed = on_missed
        self._log = log
        self._followed: str | None = None
        self._leaderless: asyncio.TimerHandle | None = None

    def look(self) -> None:
        """Who leads may have changed."""
        leader = self._leader()
        if leader is not None and leader.id not in (self._followed, self._own_id):
            self._log.info("raft.leader.followed", leader=leader.name, address=leader.address, term=self._term())
        self._followed = None if leader is None else leader.id
        if leader is not None:
            self.stop()
        elif self._leaderless is None:
            self._leaderless = asyncio.get_running_loop().call_later(self._hold_s, self._miss)

    def stop(self) -> None:
        """Wait for no leader."""
        if self._leaderless is not None:
            self._leaderless.cancel()
            self._leaderless = None

    def _miss(self) -> None:
        self._leaderless = None
        if self._leader() is not None:
            return
        if voters := self._voters():
            self._log.warning("raft.leader.missed", silent_s=self._hold_s, voters=voters)
        self._on_missed()
