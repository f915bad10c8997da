"""Keeps this agent's ring of keys the one that the servers hand on, and tells them what it knows.

What is handed on is sealed, and opened with a key that this agent has. An agent that was away while keys were changed
takes the newest ring over when it is back, as long as one of its keys is still in it.
"""

from __future__ import annotations

import asyncio
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_agent.keyring import Keyring
from lictor_agent.sealing import opened
from lictor_core.backoff import Backoff
from lictor_core.clock import Rng
from lictor_core.commands import ReadMode
from lictor_core.errors import LictorError, StorageError
from lictor_core.keyring import fingerprints
from lictor_core.limits import WAIT_MAX_S
from lictor_core.queries import KeyringQuery
from lictor_core.registry import ReadOptions, Registry
from lictor_core.sealed_ring import KeyTidings, SealedRing

__all__ = ["KeyringFollower"]

_RETRY_S_MIN: Final = 0.1
_RETRY_S_MAX: Final = 5.0


class KeyringFollower:
    """Follows while `run` runs; without a ring there is nothing to follow. All methods belong to the event loop."""

    def __init__(
        self,
        keyring: Keyring,
        registry: Registry,
        *,
        node_name: str,
        datacenter: str,
        rng: Rng,
        log: FilteringBoundLogger,
    ) -> None:
        self._keyring = keyring
        self._registry = registry
        self._node_name = node_name
        self._datacenter = datacenter
        self._rng = rng
        self._log = log
        self._taken = 0
        """The `modify_index` of the ring that was taken over last."""
        self._news = asyncio.Event()
        keyring.at_change(self._news.set)

    def reconnected(self) -> None:
        """The servers are reached by another connection: what was told is not known there."""
        self._news.set()

    async def run(self) -> None:
        """Follow and tell for ever, until cancelled; returns at once where there are no keys."""
        if self._keyring.ring is None:
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow(), name="agent-keyring-follow")
            group.create_task(self._tell(), name="agent-keyring-tell")

    async def _follow(self) -> None:
        backoff = Backoff(self._rng, first_s=_RETRY_S_MIN, max_s=_RETRY_S_MAX)
        index = 0
        while True:
            try:
                options = ReadOptions(min_index=index, wait_s=WAIT_MAX_S, mode=ReadMode.DEFAULT)
                reading = await self._registry.read(KeyringQuery(), options)
                self._take(reading.value)
            except LictorError as error:
                self._log.debug("agent.keyring.missed", reason=str(error))
                await asyncio.sleep(backoff.next_s())
            else:
                index = reading.index
                backoff.reset()

    def _take(self, sealed: SealedRing) -> None:
        """Take a ring over. Raises `StorageError` when it cannot be kept: that is tried again."""
        known = self._keyring.ring
        assert known is not None, "an agent that has keys keeps some"
        if not sealed.boxes or sealed.modify_index == self._taken:
            return
        ring = opened(sealed.boxes, known, self._datacenter)
        if ring is None:
            self._taken = 0
            self._log.error(
                "agent.keyring.locked",
                index=sealed.modify_index,
                known=list(fingerprints(known.keys)),
                remedy="none of the keys of this agent is in use any more: set encrypt to one that is, and remove "
                "serf/local.keyring from its data directory",
            )
            return
        try:
            self._keyring.replace(ring)
        except StorageError as error:
            self._log.error("agent.keyring.not_kept", reason=str(error))
            raise
        self._taken = sealed.modify_index
        self._news.set()
        self._log.info("agent.keyring.taken", index=self._taken, keys=list(fingerprints(ring.keys)))

    async def _tell(self) -> None:
        backoff = Backoff(self._rng, first_s=_RETRY_S_MIN, max_s=_RETRY_S_MAX)
        while True:
            self._news.clear()
            ring = self._keyring.ring
            assert ring is not None, "an agent that has keys keeps some"
            tidings = KeyTidings(node=self._node_name, keys=fingerprints(ring.keys), index=self._taken)
            try:
                await self._registry.tell_keys(tidings)
            except LictorError as error:
                self._log.debug("agent.keyring.untold", reason=str(error))
                await asyncio.sleep(backoff.next_s())
            else:
                backoff.reset()
                await self._news.wait()
