"""Reading: may this server answer now, is it time to answer, and the answer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from typing import TypeVar, cast

from msgspec import structs

from lictor_core.acl.caller import ANYBODY, Caller
from lictor_core.commands import ReadMode
from lictor_core.errors import UnknownDatacenterError
from lictor_core.filter import check_filter, unfiltered
from lictor_core.queries import Query
from lictor_core.registry import Confirmation, Reading, ReadOptions
from lictor_server.acl.reading import ReadJudge
from lictor_server.endpoints.blocking import BlockedQueries, BlockedQuery
from lictor_server.endpoints.filters import FilteredAnswers
from lictor_server.endpoints.turns import Turns
from lictor_server.freshness import Contact, Freshness
from lictor_server.read_figures import ReadFigures
from lictor_server.state import Store, answer

__all__ = ["Reads", "check_datacenter"]

T = TypeVar("T")


def check_datacenter(wanted: str, own: str) -> None:
    """Raise `UnknownDatacenterError` unless `wanted` is empty or this datacenter."""
    if wanted and wanted.lower() != own.lower():
        raise UnknownDatacenterError(
            f"No path to datacenter {wanted!r}: this server is in {own!r} and knows no other datacenter"
        )


class Reads:
    """Answers queries from the store, once the store is as fresh as the reader wants."""

    def __init__(
        self,
        store: Store,
        freshness: Freshness,
        blocked: BlockedQueries,
        figures: ReadFigures | None = None,
        *,
        judge: ReadJudge | None = None,
    ) -> None:
        """Without a `judge` everybody may read everything."""
        self._store = store
        self._freshness = freshness
        self._blocked = blocked
        self._figures = figures
        self._filtered = FilteredAnswers()
        self._turns = Turns()
        self._judge = judge

    async def read(self, query: Query[T], options: ReadOptions) -> Reading[T]:
        """Answer `query`, waiting as `options` say.

        Raises `NoLeaderError` or `CatchingUpError` when the store is not as fresh as it must be, also when that happens
        during the wait; `FilterError` for a filter that cannot be applied, and `PermissionDeniedError`, before it
        waits. The token is judged by a state that is as fresh as the answer, so anew after a wait.
        """
        check_datacenter(options.datacenter, self._store.datacenter)
        has_filter = check_filter(query)
        contact = await self._freshness.reached(options.mode, options.max_stale_s)
        caller = self._admitted(query, options.token)
        if options.min_index > 0:
            topics = query.topics()
            await self._blocked.until_above(topics, options.min_index, options.wait_s)
            contact = await self._freshness.reached(options.mode, options.max_stale_s)
            if query.takes_turns:
                await self._turns.take()
            caller = self._admitted(query, options.token)
        if not has_filter:
            return await self._seen(query, caller, self._now(query, contact))
        whole = self._now(unfiltered(query), contact)
        left = structs.replace(whole, value=await self._filtered.left(query, whole.value, whole.stamp))
        return await self._seen(query, caller, left)

    async def pause(self, query: Query[object], options: ReadOptions) -> BlockedQuery | None:
        """What a read of `query` would have to wait for; None when it would answer at once. Raises as `read` does."""
        check_datacenter(options.datacenter, self._store.datacenter)
        check_filter(query)
        await self._freshness.reached(options.mode, options.max_stale_s)
        self._admitted(query, options.token)
        return self._blocked.pause(query.topics(), options.min_index, options.wait_s) if options.min_index > 0 else None

    async def stamps(
        self, queries: Sequence[Query[object]], mode: ReadMode, tokens: Sequence[str] = ()
    ) -> Confirmation:
        """The stamps that readings of `queries` would have, once the store is as fresh as `mode` asks.

        `tokens` are those of the queries, in their order; none at all where none has one. What may not be read has a
        stamp that no answer has. Raises as `read` does, but for denials.
        """
        contact = await self._freshness.reached(mode)
        if (judge := self._judge) is None:
            stamps = [self._store.stamp(query.topics()) for query in queries]
        else:
            stamps = [judge.stamp(query, token) for query, token in zip(queries, tokens or repeat(""), strict=False)]
        return Confirmation(stamps, contact.last_ms, contact.known_leader)

    def _admitted(self, query: Query[T], token: str) -> Caller:
        return ANYBODY if self._judge is None else self._judge.admitted(query, token)

    async def _seen(self, query: Query[T], caller: Caller, whole: Reading[T]) -> Reading[T]:
        if caller is ANYBODY or self._judge is None:
            return whole
        seen = await self._judge.seen_in_bits(query, caller, whole.value, whole.stamp)
        if not seen.scope and caller.stamp <= whole.stamp:
            return whole
        return structs.replace(whole, value=cast(T, seen.value), stamp=max(whole.stamp, caller.stamp), scope=seen.scope)

    def _now(self, query: Query[T], contact: Contact) -> Reading[T]:
        topics, figures = query.topics(), self._figures
        began = 0.0 if figures is None else figures.now()
        value = answer(self._store, query)
        if figures is not None:
            figures.note(query, value, began)
        return Reading(
            value=value,
            index=self._store.wake_index(topics),
            stamp=self._store.stamp(topics),
            last_contact_ms=contact.last_ms,
            known_leader=contact.known_leader,
        )
