"""All publishers of one server: made for the first who follows a query, woken by what it depends on, given up later.

However many follow, an answer is computed and encoded once for each change; changes of one pass of the loop are one.
Nobody who follows is waited for: it holds the number of the change that it takes next, and is cut off without it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Final

from lictor_core.clock import Clock
from lictor_core.errors import NoLeaderError, OverloadedError
from lictor_core.feed import Bookmark
from lictor_core.queries import Query
from lictor_server.state import Store, Watch, Watches, answer
from lictor_server.streams.publisher import Publisher, Standing

__all__ = ["FOLLOWERS_MAX", "LINGER_S", "PUBLISHERS_MAX", "REFRESH_S_MAX", "Publishers"]

PUBLISHERS_MAX: Final = 50_000
"""Queries that are published at once."""
FOLLOWERS_MAX: Final = 200_000
"""Streams of changes open at once, of all agents."""
LINGER_S: Final = 60.0
"""How long a publisher outlives its last follower, so that one who comes back goes on without a gap."""
REFRESH_S_MAX: Final = 1.0
"""The longest that a change waits to be told."""
_REST: Final = 9.0
"""A publisher rests so many times as long as its last look took: it never takes more than a tenth of a core."""


class Publishers:
    """Who follows what. `close` ends all streams."""

    def __init__(
        self,
        store: Store,
        watches: Watches,
        cluster: Callable[[], str],
        clock: Clock,
        *,
        fresh: Callable[[bool], Awaitable[None]],
        publishers_max: int = PUBLISHERS_MAX,
        followers_max: int = FOLLOWERS_MAX,
        linger_s: float = LINGER_S,
    ) -> None:
        """`cluster` gives the id of the cluster that the store is of.

        `fresh` returns when the store may be told from, given whether a view is ahead of it: then the store must be
        current, since views do not go back unless the log itself did. It raises `LictorError` when it may not be.
        """
        self._fresh = fresh
        self._store = store
        self._watches = watches
        self._cluster = cluster
        self._clock = clock
        self._publishers_max = publishers_max
        self._followers_max = followers_max
        self._linger_s = linger_s
        self._desks: dict[Query[object], _Desk] = {}
        self._idle: dict[_Desk, None] = {}
        """Those that nobody follows, the one given up longest ago first."""
        self._followers = 0
        self._closed = False

    def __len__(self) -> int:
        return len(self._desks)

    @property
    def followers(self) -> int:
        """Streams that are open."""
        return self._followers

    def _is_behind(self, query: Query[object], after: Bookmark | None) -> bool:
        """Whether somebody has a newer answer of this cluster than the store here."""
        return (
            after is not None and after.cluster == self._cluster() and after.stamp > self._store.stamp(query.topics())
        )

    async def follow(self, query: Query[object], after: Bookmark | None) -> AsyncGenerator[bytes]:
        """The items that lead from `after` to the newest answer, then those of each change.

        Raises what `fresh` raises; `FilterError` for a filter that cannot be applied; `OverloadedError` for one too
        many, and to who falls too far behind; `NoLeaderError` at the end.
        """
        await self._fresh(self._is_behind(query, after))
        if self._closed:
            raise NoLeaderError("this server is stopping")
        if self._followers >= self._followers_max:
            raise OverloadedError(f"{self._followers_max} streams are open on this server: ask another one")
        desk = self._desk(query)
        desk.followers += 1
        self._followers += 1
        try:
            desk.refresh()
            publisher = desk.publisher
            number = publisher.number_after(after)
            if number is None:
                pieces = publisher.snapshot(goes_back=self._is_behind(query, after))
                number = publisher.next_number
                for piece in pieces:
                    yield piece
            elif number == publisher.next_number:
                yield publisher.standing()
            while not self._closed:
                while number < publisher.next_number:
                    items = publisher.items(number)
                    number += 1
                    for item in items:
                        yield item
                await desk.changed()
            raise NoLeaderError("this server is stopping")
        finally:
            self._followers -= 1
            desk.followers -= 1
            if not desk.followers and not self._closed:
                self._idle[desk] = None
                desk.rest(self._linger_s, self._give_up)

    def close(self) -> None:
        """Tell nothing more: every stream ends."""
        self._closed = True
        for desk in list(self._desks.values()):
            desk.close()
        self._desks.clear()
        self._idle.clear()

    def _desk(self, query: Query[object]) -> _Desk:
        desk = self._desks.get(query)
        if desk is None:
            if len(self._desks) >= self._publishers_max:
                self._make_room()
            desk = self._desks[query] = _Desk(Publisher(query, self._looking(query)), self._watches, self._clock)
        self._idle.pop(desk, None)
        desk.busy()
        return desk

    def _looking(self, query: Query[object]) -> Callable[[], Standing]:
        store, topics = self._store, query.topics()

        def look() -> Standing:
            bookmark = Bookmark(self._cluster(), store.stamp(topics))
            return Standing(bookmark, store.wake_index(topics), answer(store, query))

        return look

    def _make_room(self) -> None:
        """Not by a look at all of them: names that nobody has may be asked for thousands of times a second."""
        if not self._idle:
            raise OverloadedError(f"{self._publishers_max} queries are followed on this server: ask another one")
        self._give_up(next(iter(self._idle)))

    def _give_up(self, desk: _Desk) -> None:
        del self._desks[desk.publisher.query]
        self._idle.pop(desk, None)
        desk.close()


class _Desk:
    """A publisher with what wakes it and whom it wakes."""

    __slots__ = (
        "_clock",
        "_dirty",
        "_due",
        "_next_look",
        "_timer",
        "_waiting",
        "_watch",
        "_watches",
        "followers",
        "publisher",
    )

    def __init__(self, publisher: Publisher, watches: Watches, clock: Clock) -> None:
        self.publisher = publisher
        self.followers = 0
        self._watches = watches
        self._clock = clock
        self._watch: Watch | None = watches.add(publisher.query.topics(), self._touched, with_stamps=True)
        self._dirty = False
        self._due: asyncio.Handle | None = None
        self._next_look = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: set[asyncio.Future[None]] = set()

    async def changed(self) -> None:
        """Wait for the next change, or for the end."""
        told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(told)
        try:
            await told
        finally:
            self._waiting.discard(told)

    def refresh(self) -> None:
        """Look now, if anything was touched since the last look."""
        if not self._dirty:
            return
        self._dirty = False
        if self._due is not None:
            self._due.cancel()
            self._due = None
        began = self._clock.monotonic()
        self._watch = self._watches.add(self.publisher.query.topics(), self._touched, with_stamps=True)
        changed = self.publisher.refresh()
        ended = self._clock.monotonic()
        self._next_look = ended + min((ended - began) * _REST, REFRESH_S_MAX)
        if changed:
            self._tell()

    def busy(self) -> None:
        """Somebody follows."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def rest(self, linger_s: float, give_up: Callable[[_Desk], None]) -> None:
        """Nobody follows any more: stay for `linger_s`."""
        self.publisher.rest()
        if self._watch is not None or self._dirty:
            self._timer = asyncio.get_running_loop().call_later(linger_s, give_up, self)

    def close(self) -> None:
        """Look no more."""
        if self._watch is not None:
            self._watches.remove(self._watch)
            self._watch = None
        self._dirty = False
        self.busy()
        if self._due is not None:
            self._due.cancel()
            self._due = None
        self._tell()

    def _touched(self) -> None:
        self._watch = None
        self._dirty = True
        loop = asyncio.get_running_loop()
        wait_s = self._next_look - self._clock.monotonic()
        self._due = loop.call_soon(self.refresh) if wait_s <= 0 else loop.call_later(wait_s, self.refresh)

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, set()
        for told in waiting:
            if not told.done():
                told.set_result(None)
