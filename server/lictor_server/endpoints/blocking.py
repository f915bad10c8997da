"""Blocking queries: waiting until one of some topics changes, or time is up."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from lictor_core.clock import Rng
from lictor_core.errors import OverloadedError
from lictor_core.limits import WAIT_JITTER_FRACTION, WAIT_MAX_S
from lictor_core.topics import Topic
from lictor_server.state import Store, Watches

__all__ = ["BlockedQueries", "BlockedQuery"]


class BlockedQueries:
    """Everybody who waits on this server. A caller that is cancelled leaves nothing behind."""

    def __init__(self, store: Store, watches: Watches, rng: Rng, *, blocked_max: int) -> None:
        self.store = store
        self.watches = watches
        self.rounds = 0
        """How often all were sent home."""
        self.begun = 0
        """How many have waited, or do."""
        self._rng = rng
        self._blocked_max = blocked_max

    async def until_above(self, topics: Sequence[Topic], min_index: int, wait_s: float) -> None:
        """Return when the wake index of `topics` is above `min_index`, after `wait_s`, or after `send_home`.

        Raises as `pause` does.
        """
        pause = self.pause(topics, min_index, wait_s)
        if pause is not None:
            await pause.over()

    def pause(self, topics: Sequence[Topic], min_index: int, wait_s: float) -> BlockedQuery | None:
        """What to wait for until the wake index of `topics` is above `min_index`; None when nothing is.

        `wait_s` is bounded by `WAIT_MAX_S` and grows by up to a sixteenth, at random, so that many watchers who began
        together do not end together. Raises `OverloadedError` when too many wait already.
        """
        if not wait_s > 0 or self.store.wake_index(topics) > min_index:
            return None
        if len(self.watches) >= self._blocked_max:
            raise OverloadedError(
                f"{self._blocked_max} blocking queries wait on this server already: retry later, or ask another server"
            )
        self.begun += 1
        wait_s = min(wait_s, WAIT_MAX_S)
        deadline = asyncio.get_running_loop().time() + wait_s + self._rng.uniform(0, wait_s / WAIT_JITTER_FRACTION)
        return BlockedQuery(self, topics, min_index, deadline)

    def send_home(self) -> None:
        """Wake everybody for good: this server no longer learns of changes."""
        self.rounds += 1
        self.watches.fire_all()


class BlockedQuery:
    """One who waits. There are tens of thousands, so each holds but what it waits for."""

    __slots__ = ("_blocked", "_deadline", "_min_index", "_rounds", "_topics")

    def __init__(self, blocked: BlockedQueries, topics: Sequence[Topic], min_index: int, deadline: float) -> None:
        self._blocked = blocked
        self._topics = topics
        self._min_index = min_index
        self._deadline = deadline
        self._rounds = blocked.rounds

    async def over(self) -> None:
        """Return when there is nothing more to wait for."""
        blocked, loop = self._blocked, asyncio.get_running_loop()
        while blocked.store.wake_index(self._topics) <= self._min_index and self._rounds == blocked.rounds:
            changed: asyncio.Future[None] = loop.create_future()
            watch = blocked.watches.add(self._topics, partial(_tell, changed))
            timer = loop.call_at(self._deadline, _tell, changed)
            try:
                await changed
            finally:
                blocked.watches.remove(watch)
                timer.cancel()
            if loop.time() >= self._deadline:
                return


def _tell(changed: asyncio.Future[None]) -> None:
    if not changed.done():
        changed.set_result(None)
