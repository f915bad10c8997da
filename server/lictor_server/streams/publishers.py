"""All publishers of one server: made for the first who follows a query, woken by what it depends on, given up later.

However many follow, an answer is computed and encoded once for each change; changes of one pass of the loop are one.
Nobody who follows is waited for: it holds the number of the change that it takes next, and is cut off without it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Final

from lictor_core import topics as on
from lictor_core.acl.caller import ANYBODY, Caller
from lictor_core.clock import Clock
from lictor_core.errors import NoLeaderError, OverloadedError, PermissionDeniedError
from lictor_core.feed import Bookmark
from lictor_core.queries import Query
from lictor_server.acl.callers import Everybody
from lictor_server.acl.reading import ReadJudge
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
_RETELL_S: Final = 0.25
"""So long after a change of access control followers are looked at, all that changed meanwhile at once."""
_RIGHTS: Final = (on.ACL_TOKENS, on.ACL_POLICIES, on.ACL_ROLES)
_SCOPE_MARK: Final = "/"
"""Between the id of a cluster and a scope, in bookmarks of what not all see."""
_REST: Final = 9.0
"""A publisher rests so many times as long as its last look took: it never takes more than a tenth of a core."""


_Key = tuple[Query[object], str]
"""A query and the scope that sees an answer of its own."""


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
        judge: ReadJudge | None = None,
        publishers_max: int = PUBLISHERS_MAX,
        followers_max: int = FOLLOWERS_MAX,
        linger_s: float = LINGER_S,
    ) -> None:
        """`cluster` gives the id of the cluster that the store is of.

        `fresh` returns when the store may be told from, given whether a view is ahead of it: then the store must be
        current, since views do not go back unless the log itself did. It raises `LictorError` when it may not be.
        Without a `judge` everybody may follow everything.
        """
        self._fresh = fresh
        self._judge = ReadJudge(store, Everybody()) if judge is None else judge
        self._store = store
        self._watches = watches
        self._cluster = cluster
        self._clock = clock
        self._publishers_max = publishers_max
        self._followers_max = followers_max
        self._linger_s = linger_s
        self._desks: dict[_Key, _Desk] = {}
        self._idle: dict[_Desk, None] = {}
        """Those that nobody follows, the one given up longest ago first."""
        self._followers = 0
        self._closed = False
        self._rights: Watch | None = None
        self._retelling: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._desks)

    @property
    def followers(self) -> int:
        """Streams that are open."""
        return self._followers

    def _is_behind(self, query: Query[object], after: Bookmark | None) -> bool:
        """Whether somebody has a newer answer of this cluster than the store here."""
        if after is None or after.stamp <= self._store.stamp(query.topics()):
            return False
        return after.cluster.partition(_SCOPE_MARK)[0] == self._cluster()

    async def follow(self, query: Query[object], after: Bookmark | None, token: str = "") -> AsyncGenerator[bytes]:
        """The items that lead from `after` to the newest answer as `token` sees it, then those of each change.

        When the token sees something else, it is told that anew, from the start. Raises what `fresh` raises;
        `FilterError` for a filter that cannot be applied; `PermissionDeniedError` as soon as the token may not ask;
        `OverloadedError` for one too many, and to who falls too far behind; `NoLeaderError` at the end.
        """
        await self._fresh(self._is_behind(query, after))
        if self._closed:
            raise NoLeaderError("this server is stopping")
        caller = self._judge.admitted(query, token)
        if self._followers >= self._followers_max:
            raise OverloadedError(f"{self._followers_max} streams are open on this server: ask another one")
        self._followers += 1
        try:
            while not self._closed:
                async with aclosing(self._told(query, after, token, caller)) as items:
                    async for item in items:
                        yield item
                caller, after = self._judge.admitted(query, token), None
            raise NoLeaderError("this server is stopping")
        finally:
            self._followers -= 1

    async def _told(
        self, query: Query[object], after: Bookmark | None, token: str, caller: Caller
    ) -> AsyncGenerator[bytes]:
        """The items for as long as the token sees the same. Raises `PermissionDeniedError` once it may not ask."""
        scope = self._judge.scope(query, caller)
        desk = self._desk(query, scope, caller)
        desk.followers += 1
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
            while not self._closed and self._judge.scope(query, self._judge.admitted(query, token)) == scope:
                while number < publisher.next_number:
                    items = publisher.items(number)
                    number += 1
                    for item in items:
                        yield item
                await desk.changed()
        finally:
            desk.followers -= 1
            if not desk.followers and not self._closed:
                self._idle[desk] = None
                desk.rest(self._linger_s, self._give_up)

    def close(self) -> None:
        """Tell nothing more: every stream ends."""
        self._closed = True
        if self._rights is not None:
            self._watches.remove(self._rights)
        if self._retelling is not None:
            self._retelling.cancel()
        for desk in list(self._desks.values()):
            desk.close()
        self._desks.clear()
        self._idle.clear()

    def _desk(self, query: Query[object], scope: str, caller: Caller) -> _Desk:
        if self._rights is None and caller is not ANYBODY:
            self._rights = self._watches.add(_RIGHTS, self._rights_touched, with_stamps=True)
        key = (query, scope)
        desk = self._desks.get(key)
        if desk is None:
            if len(self._desks) >= self._publishers_max:
                self._make_room()
            publisher = Publisher(query, self._looking(query, scope, caller))
            desk = self._desks[key] = _Desk(key, publisher, self._watches, self._clock)
        self._idle.pop(desk, None)
        desk.busy()
        return desk

    def _looking(self, query: Query[object], scope: str, caller: Caller) -> Callable[[], Standing]:
        """`caller` is one of `scope`: what it sees, all of that scope see, whatever becomes of that one token."""
        store, topics = self._store, query.topics()

        def look() -> Standing:
            stamp = store.stamp(topics)
            # What another scope sees leads on to nothing here, so it counts as another cluster.
            cluster = f"{self._cluster()}{_SCOPE_MARK}{scope}" if scope else self._cluster()
            whole = answer(store, query)
            try:
                value = self._judge.seen(query, caller, whole, stamp).value if scope else whole
            except PermissionDeniedError:
                value = None  # of a single thing, which whoever follows it may not see now: as if it were not there
            return Standing(Bookmark(cluster, stamp), store.wake_index(topics), value)

        return look

    def _rights_touched(self) -> None:
        """What tokens come to may have changed: each follower is asked again whether it sees the same, in a moment."""
        self._rights = None
        self._retelling = asyncio.get_running_loop().call_later(_RETELL_S, self._retell)

    def _retell(self) -> None:
        self._retelling = None
        self._rights = self._watches.add(_RIGHTS, self._rights_touched, with_stamps=True)
        for desk in self._desks.values():
            desk.tell()

    def _make_room(self) -> None:
        """Not by a look at all of them: names that nobody has may be asked for thousands of times a second."""
        if not self._idle:
            raise OverloadedError(f"{self._publishers_max} queries are followed on this server: ask another one")
        self._give_up(next(iter(self._idle)))

    def _give_up(self, desk: _Desk) -> None:
        del self._desks[desk.key]
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
        "key",
        "publisher",
    )

    def __init__(self, key: _Key, publisher: Publisher, watches: Watches, clock: Clock) -> None:
        self.key = key
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
            self.tell()

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
        self.tell()

    def _touched(self) -> None:
        self._watch = None
        self._dirty = True
        loop = asyncio.get_running_loop()
        wait_s = self._next_look - self._clock.monotonic()
        self._due = loop.call_soon(self.refresh) if wait_s <= 0 else loop.call_later(wait_s, self.refresh)

    def tell(self) -> None:
        """Wake all who wait here: something changed, or may have."""
        waiting, self._waiting = self._waiting, set()
        for told in waiting:
            if not told.done():
                told.set_result(None)
