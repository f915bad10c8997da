"""Reading: may this server answer now, is it time to answer, and the answer."""

from __future__ import annotations

from typing import TypeVar

from lictor_core.errors import UnknownDatacenterError
from lictor_core.queries import Query
from lictor_core.registry import Reading, ReadOptions
from lictor_server.endpoints.blocking import BlockedQueries
from lictor_server.raft import Driver
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
    """Answers queries from the store, once this server is sure that the store is current."""

    def __init__(self, store: Store, driver: Driver, blocked: BlockedQueries) -> None:
        self._store = store
        self._driver = driver
        self._blocked = blocked

    async def read(self, query: Query[T], options: ReadOptions) -> Reading[T]:
        """Answer `query`, waiting as `options` say.

        All modes ask the same of a lone server: that it leads, and has applied what was committed. Raises
        `NoLeaderError` or `CatchingUpError` when it does not, also when that happens during the wait.
        """
        check_datacenter(options.datacenter, self._store.datacenter)
        await self._driver.ready()
        if options.min_index > 0:
            topics = query.topics()
            await self._blocked.until_above(topics, options.min_index, options.wait_s)
            await self._driver.ready()
        return self.now(query)

    def now(self, query: Query[T]) -> Reading[T]:
        """The answer as the store is."""
        topics = query.topics()
        return Reading(
            value=answer(self._store, query),
            index=self._store.wake_index(topics),
            stamp=self._store.stamp(topics),
        )
