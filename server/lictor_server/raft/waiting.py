"""Who waits for an index to be applied here. Pure but for the futures it completes."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from typing import Final

from lictor_core.errors import LictorError, OverloadedError

__all__ = ["WAITERS_MAX", "AppliedWaiters"]

WAITERS_MAX: Final = 65_536
"""Requests waiting on one server for its state to reach an index; one more is refused."""
_GIVEN_UP_KEPT: Final = 1024
"""Those who gave up are swept out once there are so many more of them than of the others."""


class AppliedWaiters:
    """Futures by the index they wait for."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        """A heap; some in it may have given up."""
        self._live: set[asyncio.Future[None]] = set()
        self._numbers = itertools.count()

    def __len__(self) -> int:
        return len(self._live)

    def add(self, index: int) -> asyncio.Future[None]:
        """A future that is done when `index` is applied. Raises `OverloadedError` when too many wait."""
        if len(self._live) >= WAITERS_MAX:
            raise OverloadedError(f"{WAITERS_MAX} requests wait for this server to catch up: retry later")
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (index, next(self._numbers), future))
        self._live.add(future)
        return future

    def give_up(self, future: asyncio.Future[None]) -> None:
        """Nobody waits for `future` any more. A server that is cut off must not collect those who had no patience."""
        self._live.discard(future)
        if len(self._waiting) > 2 * len(self._live) + _GIVEN_UP_KEPT:
            self._waiting = [waiting for waiting in self._waiting if waiting[2] in self._live]
            heapq.heapify(self._waiting)

    def release(self, applied_index: int) -> None:
        """All up to `applied_index` is applied."""
        while self._waiting and self._waiting[0][0] <= applied_index:
            future = heapq.heappop(self._waiting)[2]
            self._live.discard(future)
            if not future.done():
                future.set_result(None)

    def fail(self, error: LictorError) -> None:
        """It will not come to it."""
        waiting, self._waiting = self._waiting, []
        self._live.clear()
        for _, _, future in waiting:
            if not future.done():
                future.set_exception(error)
