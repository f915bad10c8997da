"""One view that is followed: its feed, who waits for it, and when it was last wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Generic, TypeVar, cast

import msgspec
from structlog.typing import FilteringBoundLogger

from lictor_core.backoff import Backoff
from lictor_core.clock import Clock
from lictor_core.errors import LictorError, NoLeaderError, PermissionDeniedError
from lictor_core.feed import FeedRequest
from lictor_core.queries import AnyQuery, Query
from lictor_core.registry import FeedSource
from lictor_core.view import View

__all__ = ["Followed"]

T = TypeVar("T")


class Followed(Generic[T]):
    """A view and what keeps it up. `used_at` and `lost_at` are monotonic seconds."""

    def __init__(
        self, query: Query[T], now: float, behind: dict[Followed[object], float] | None = None, *, token: str = ""
    ) -> None:
        """`behind` are views with an answer that nothing feeds, and since when; the one lost first stands first.

        `token` is whose view it is: nothing is in it that this one may not see.
        """
        self._behind = {} if behind is None else behind
        self._request = FeedRequest(query=cast(AnyQuery, query), token=token)
        self.token = token
        self.view = View(query)
        self.used_at = now
        self.lost_at: float | None = now
        """Since when nothing feeds it; None while something does."""
        self.error: LictorError = NoLeaderError()
        """Why it was last not fed."""
        self.waiting: set[asyncio.Future[None]] = set()
        self.task: asyncio.Task[None] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether its answer is that there is nothing."""
        return not self.view.value

    async def follow(
        self,
        source: FeedSource,
        backoff: Backoff,
        clock: Clock,
        log: FilteringBoundLogger,
        changed: Callable[[Followed[T]], None],
    ) -> None:
        """Feed the view, from another server when one is lost, until cancelled; calls `changed` after each change.

        One that never was there is given up at the first error, and any as soon as its token may not see it any more.
        """
        while True:
            try:
                await self._feed(source, backoff, changed)
                self.error = NoLeaderError("the server ended a view without a word")
            except LictorError as error:
                self.error = error
            self.view.interrupt()
            if self.lost_at is None:
                self.lost_at = clock.monotonic()
            if not self.view.is_ready or isinstance(self.error, PermissionDeniedError):
                return
            self._behind.setdefault(cast("Followed[object]", self), self.lost_at)
            log.debug("agent.view.interrupted", query=repr(self.view.query), reason=str(self.error))
            await asyncio.sleep(backoff.next_s())

    async def _feed(self, source: FeedSource, backoff: Backoff, changed: Callable[[Followed[T]], None]) -> None:
        request = msgspec.structs.replace(self._request, after=self.view.bookmark)
        async with aclosing(source.feed(request)) as items:
            async for item in items:
                is_new = self.view.apply(item)
                if self.view.is_whole:
                    self.lost_at = None
                    self._behind.pop(cast("Followed[object]", self), None)
                    backoff.reset()
                if is_new:
                    changed(self)
                    self.wake()

    def wake(self) -> None:
        """Wake everybody who waits for this view."""
        waiting, self.waiting = self.waiting, set()
        for one in waiting:
            if not one.done():
                one.set_result(None)
