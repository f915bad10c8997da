"""Connections to the server port that were refused or broke the protocol, in the log: one event each, never a flood."""

from __future__ import annotations

import asyncio

from structlog.typing import FilteringBoundLogger

from lictor_core.flood import Flood, Once

__all__ = ["Refusals"]


class Refusals:
    """What one listener tells; `left_out` is how many were not told before."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        self._log = log
        self._refused = Flood(_now)
        self._broken = Flood(_now)
        self._versions = Flood(_now)
        self._told_versions = Once()
        self._key_missed = Flood(_now)
        self._key_refused = Flood(_now)

    def note_refused(self, peer: str, reason: str) -> None:
        """A connection was not taken."""
        if self._refused.passes():
            left_out = self._refused.take_left_out()
            self._log.warning("rpc.connection.refused", peer=peer, reason=reason, left_out=left_out)

    def note_broken(self, peer: str, reason: str) -> None:
        """A connection was ended for what came on it."""
        if self._broken.passes():
            left_out = self._broken.take_left_out()
            self._log.warning("rpc.connection.broken", peer=peer, reason=reason, left_out=left_out)

    def note_version(self, peer: str, reason: str) -> None:
        """Who dialed speaks no protocol that is spoken here: of each host it is told once."""
        if self._told_versions.is_news(peer.rpartition(":")[0], reason) and self._versions.passes():
            self._log.warning("rpc.version.refused", peer=peer, reason=reason, left_out=self._versions.take_left_out())

    def note_key_missed(self, peer: str, reason: str) -> None:
        """Who dialed proved no key where one must be."""
        if self._key_missed.passes():
            self._log.warning("rpc.key.missed", peer=peer, reason=reason, left_out=self._key_missed.take_left_out())

    def note_key_refused(self, peer: str, reason: str) -> None:
        """Who dialed did not prove the key."""
        if self._key_refused.passes():
            self._log.warning("rpc.key.refused", peer=peer, reason=reason, left_out=self._key_refused.take_left_out())


def _now() -> float:
    return asyncio.get_running_loop().time()
