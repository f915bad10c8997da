"""The views of one agent: made on demand, one fetch however many ask, kept while they are used, bounded.

Narrow questions (by tag, metadata, health) are answered from the view of the wide one. Reading a view that is here
never waits. While all servers are away, views stay as they are, and say how old they are. Each belongs to a token, and
holds nothing that this one may not see.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from functools import lru_cache
from typing import Final, TypeVar, cast

from structlog.typing import FilteringBoundLogger

from lictor_agent.views.followed import Followed
from lictor_agent.views.freshness import Freshness
from lictor_agent.views.settings import ViewSettings
from lictor_core.backoff import Backoff
from lictor_core.clock import Clock, Rng
from lictor_core.errors import LictorError, NoLeaderError, OverloadedError
from lictor_core.feed import decode_tick
from lictor_core.narrowing import base_of
from lictor_core.queries import Query
from lictor_core.registry import FeedSource
from lictor_core.view import View

__all__ = ["ViewStore"]

T = TypeVar("T")
_Key = tuple[Query[object], str]

_NARROW_MAX: Final = 8192
"""Narrow questions whose wide one is remembered."""
_EVICTED_SHARE: Final = 16
"""When there are too many views, one in so many goes at once."""


class ViewStore:
    """All views, fed from `source` while `run` runs. All methods belong to one event loop."""

    def __init__(
        self,
        source: FeedSource,
        *,
        clock: Clock,
        rng: Rng,
        log: FilteringBoundLogger,
        settings: ViewSettings | None = None,
    ) -> None:
        self._source = source
        self._clock = clock
        self._rng = rng
        self._log = log
        self._settings = settings or ViewSettings()
        self._views: dict[_Key, Followed[object]] = {}
        self._behind: dict[Followed[object], float] = {}
        """Views that nothing feeds, and since when; the one lost first stands first."""
        self._told_behind = False
        self._freshness = Freshness(self._settings.fresh_s)
        self._group: asyncio.TaskGroup | None = None
        self._waiting = 0
        self.version = 1
        """Grows with every change of any view, and when views come or go."""

    def __len__(self) -> int:
        return len(self._views)

    # Reading.

    def peek(self, query: Query[T], token: str = "") -> View[T] | None:
        """The view of `query`, which must be a wide one (`narrowing.base_of`), if it is here."""
        found = self._views.get((cast("Query[object]", query), token))
        if found is None or not found.view.is_ready:
            return None
        found.used_at = self._clock.monotonic()
        return cast("View[T]", found.view)

    def wide(self, query: Query[T]) -> Query[T]:
        """The question whose view answers `query`."""
        return cast("Query[T]", _wide(cast("Query[object]", query)))

    async def fetch(self, query: Query[T], token: str = "") -> View[T]:
        """The view of the wide question `query`, brought here when it is not; everybody who asks meanwhile shares that.

        Raises what the servers answered, or `NoLeaderError` when they do not within `fetch_s_max`.
        """
        deadline = asyncio.get_running_loop().time() + self._settings.fetch_s_max
        found = self._followed(query, token)
        while not found.view.is_ready:
            if found.task is None:
                raise found.error
            if not await self._wait(found, deadline):
                raise NoLeaderError("no server told this view in time: retry")
        return found.view

    async def wait_above(self, query: Query[T], min_index: int, wait_s: float, token: str = "") -> View[T]:
        """The view of the wide question `query` once its index is above `min_index`, or after `wait_s` seconds."""
        deadline = asyncio.get_running_loop().time() + wait_s
        view = await self.fetch(query, token)
        while view.index <= min_index:
            found = self._followed(query, token)
            if not found.view.is_ready:
                return await self.fetch(query, token)  # it had to make room meanwhile
            view = found.view
            if view.index > min_index or not await self._wait(found, deadline):
                break
        return view

    def when_here(self, query: Query[T], call: Callable[[bool], None], within_s: float, token: str = "") -> None:
        """Call `call` once the view of `query` is here, with False when it does not come within `within_s` seconds.

        Raises `OverloadedError` when too many wait, `NoLeaderError` when the agent is stopping.
        """
        loop = asyncio.get_running_loop()
        found = self._followed(query, token)
        self._check_room()
        told: asyncio.Future[None] = loop.create_future()
        self._waiting += 1
        timer = loop.call_later(within_s, told.cancel)

        def done(_: asyncio.Future[None]) -> None:
            self._waiting -= 1
            timer.cancel()
            found.waiting.discard(told)
            call(found.view.is_ready)

        told.add_done_callback(done)
        if found.task is None or found.view.is_ready:
            told.set_result(None)
        else:
            found.waiting.add(told)

    def is_fresh(self, query: Query[T], token: str = "") -> bool:
        """Whether the view of `query` is here and follows a server that is current."""
        found = self._views.get((cast("Query[object]", query), token))
        return (
            found is not None
            and found.view.is_ready
            and found.lost_at is None
            and self._freshness.is_fresh(self._clock.monotonic())
        )

    def age_of(self, query: Query[T], token: str = "") -> float:
        """Seconds since the view of `query` was known to be current; 0 while it is."""
        now = self._clock.monotonic()
        found = self._views.get((cast("Query[object]", query), token))
        if found is None or not found.view.is_ready:
            return float("inf")
        lost_s = 0.0 if found.lost_at is None else now - found.lost_at
        age_s = self._freshness.age_s(now)
        # A view may be told before the first tick of its server.
        return max(lost_s, age_s if age_s != float("inf") else lost_s)

    @property
    def age_s(self) -> float:
        """Seconds since all views were known to be current; 0 while they are, and before there is any.

        A view that is asked for anew, as after a move to another server, is no older for that.
        """
        now = self._clock.monotonic()
        age_s, behind_s = self._freshness.age_s(now), self._behind_s(now)
        if behind_s <= self._settings.fresh_s:
            behind_s = 0.0
        return behind_s if age_s == float("inf") else max(age_s, behind_s)

    def _behind_s(self, now: float) -> float:
        return now - next(iter(self._behind.values()), now)

    @property
    def known_leader(self) -> bool:
        """Whether the server in use knows a leader."""
        return self._freshness.known_leader

    # Following.

    async def run(self) -> None:
        """Follow until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                group.create_task(self._follow_ticks(), name="views-ticks")
                while True:
                    await asyncio.sleep(self._settings.sweep_s)
                    self._sweep()
        finally:
            self._group = None
            for found in self._views.values():
                found.task = None
                found.error = NoLeaderError("this agent is stopping")
                found.wake()

    def _followed(self, query: Query[T], token: str) -> Followed[T]:
        asked = cast("Query[object]", query)
        key, now = (asked, token), self._clock.monotonic()
        found = self._views.get(key)
        if found is None:
            if self._group is None:
                raise NoLeaderError("this agent is not running")
            if len(self._views) >= self._settings.views_max:
                self._make_room()
            found = self._views[key] = Followed(asked, now, self._behind, token=token)
            found.task = self._group.create_task(self._follow(found), name="view")
        found.used_at = now
        return cast("Followed[T]", found)

    async def _follow(self, found: Followed[object]) -> None:
        settings = self._settings
        backoff = Backoff(self._rng, first_s=settings.retry_s_min, max_s=settings.retry_s_max)
        await found.follow(self._source, backoff, self._clock, self._log, self._note_change)
        # It could not be had: whoever waits is told, and the next one who asks begins anew.
        found.task = None
        self._forget(found)
        found.wake()

    def _note_change(self, found: Followed[object]) -> None:
        self.version += 1

    async def _follow_ticks(self) -> None:
        settings = self._settings
        backoff = Backoff(self._rng, first_s=settings.retry_s_min, max_s=settings.retry_s_max)
        while True:
            try:
                async with aclosing(self._source.ticks()) as ticks:
                    async for tick in ticks:
                        self._freshness.note(decode_tick(tick), self._clock.monotonic())
                        backoff.reset()
            except LictorError as error:
                self._log.debug("agent.views.interrupted", reason=str(error))
            self._freshness.note_lost()
            await asyncio.sleep(backoff.next_s())

    # Waiting.

    async def _wait(self, found: Followed[T], deadline: float) -> bool:
        """Wait for the next change of `found`; False when time is up first."""
        self._check_room()
        told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        found.waiting.add(told)
        self._waiting += 1
        try:
            async with asyncio.timeout_at(deadline):
                await told
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1
            found.waiting.discard(told)
        return True

    def _check_room(self) -> None:
        if self._waiting >= self._settings.waiting_max:
            raise OverloadedError(f"{self._settings.waiting_max} requests wait for views on this agent: retry later")

    # Room.

    def _sweep(self) -> None:
        """Let go what nobody wants. While the servers are away nothing goes: it could not come again."""
        self.version += 1  # who reads by version looks again, so that what is in use is known to be
        now = self._clock.monotonic()
        if not self._freshness.is_fresh(now):
            return
        self._tell_behind(now)
        for found in list(self._views.values()):
            if found.view.is_ready and not found.waiting:
                bound_s = self._settings.empty_idle_s if found.is_empty else self._settings.idle_s
                if now - found.used_at > bound_s:
                    self._forget(found)

    def _tell_behind(self, now: float) -> None:
        """The servers are there, and do not feed a view: nothing else would tell anybody."""
        behind_s, was_told = self._behind_s(now), self._told_behind
        self._told_behind = behind_s > self._settings.sweep_s
        if self._told_behind and not was_told:
            reason = str(next(iter(self._behind)).error)
            self._log.warning("agent.view.stuck", views=len(self._behind), age_s=round(behind_s, 1), reason=reason)

    def _make_room(self) -> None:
        """Let go those that were not wanted for longest, empty ones first; only those while the servers are away, lest
        names that nobody knows push out what could not come again."""
        may_come_again = self._freshness.is_fresh(self._clock.monotonic())
        idle = [
            found
            for found in self._views.values()
            if found.view.is_ready and not found.waiting and (may_come_again or found.is_empty)
        ]
        if not idle:
            raise OverloadedError(f"{self._settings.views_max} views come at once on this agent: retry later")
        idle.sort(key=lambda found: (not found.is_empty, found.used_at))
        for found in idle[: max(1, len(self._views) // _EVICTED_SHARE)]:
            self._forget(found)

    def _forget(self, found: Followed[object]) -> None:
        key = (found.view.query, found.token)
        if self._views.get(key) is found:
            del self._views[key]
            self._behind.pop(found, None)
            self.version += 1
        if found.task is not None:
            found.task.cancel()
            found.task = None


@lru_cache(maxsize=_NARROW_MAX)
def _wide(query: Query[object]) -> Query[object]:
    return base_of(query)
