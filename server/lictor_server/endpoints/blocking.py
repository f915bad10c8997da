"""Blocking queries: waiting until one of some topics changes, or time is up."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from lictor_core.clock import Rng
from lictor_core.errors import OverloadedError
from lictor_core.limits import WAIT_JITTER_FRACTION, WAIT_MAX_S
from lictor_core.topics import Topic
from lictor_server.state import Store, Watches

__all__ = ["BlockedQueries"]


class BlockedQueries:
    """Everybody who waits on this server. A caller that is cancelled leaves nothing behind."""

    def __init__(self, store: Store, watches: Watches, rng: Rng, *, blocked_max: int) -> None:
        self._store = store
        self._watches = watches
        self._rng = rng
        self._blocked_max = blocked_max
        self._rounds = 0

    async def until_above(self, topics: Sequence[Topic], min_index: int, wait_s: float) -> None:
        """Return when the wake index of `topics` is above `min_index`, after `wait_s`, or after `send_home`.

        `wait_s` is bounded by `WAIT_MAX_S` and grows by up to a sixteenth, at random, so that many watchers who began
        together do not end together. Raises `OverloadedError` when too many wait already.
        """
        if not wait_s > 0 or self._store.wake_index(topics) > min_index:
            return
        if len(self._watches) >= self._blocked_max:
            raise OverloadedError(
                f"{self._blocked_max} blocking queries wait on this server already: retry later, or ask another server"
            )
        wait_s = min(wait_s, WAIT_MAX_S)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_s + self._rng.uniform(0, wait_s / WAIT_JITTER_FRACTION)
        rounds = self._rounds
        while self._store.wake_index(topics) <= min_index and rounds == self._rounds:
            if not await self._changed(topics, deadline):
                return

    async def _changed(self, topics: Sequence[Topic], deadline: float) -> bool:
        """Wait for the next change of any of `topics`; False when time is up first."""
        changed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def wake() -> None:
            if not changed.done():
                changed.set_result(None)

        watch = self._watches.add(topics, wake)
        try:
            async with asyncio.timeout_at(deadline):
                await changed
        except TimeoutError:
            return False
        finally:
            self._watches.remove(watch)
        return True

    def send_home(self) -> None:
        """Wake everybody for good: this server no longer learns of changes."""
        self._rounds += 1
        self._watches.fire_all()
