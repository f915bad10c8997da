"""Servers as views see them: real ones in the test's own process, which can be lost and found again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from structlog.testing import LogCapture

from lictor_agent.views import AddressBook, KeptInViews, ViewCatalog, ViewSettings, ViewStore
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.errors import LictorError, NoLeaderError
from lictor_core.feed import FeedRequest
from lictor_core.queries import Query
from lictor_core.registry import FeedSource, Reading, ReadOptions
from lictor_server import Server
from tests.agent.harness import quiet_log, running_server

__all__ = ["QUICK", "S_MAX", "Away", "Bench", "bench"]

T = TypeVar("T")
S_MAX = 20.0
QUICK = ViewSettings(retry_s_min=0.005, retry_s_max=0.02, fetch_s_max=S_MAX, sweep_s=0.02)


class Away:
    """A `FeedSource` that can be cut off from its server, and counts what it is asked for."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.feeds: Counter[str] = Counter()
        self.reads = 0
        self._cut = asyncio.Event()
        self._back = asyncio.Event()
        self._back.set()

    def lose(self) -> None:
        """Every stream ends, and none begins, until `find`."""
        self._back.clear()
        self._cut.set()

    def find(self, server: Server | None = None) -> None:
        self.server = server or self.server
        self._cut = asyncio.Event()
        self._back.set()

    async def feed(self, request: FeedRequest) -> AsyncGenerator[bytes]:
        self.feeds[type(request.query).__name__] += 1
        async with aclosing(self._until_cut(self.server.feed(request))) as items:
            async for item in items:
                yield item

    async def ticks(self) -> AsyncGenerator[bytes]:
        async with aclosing(self._until_cut(self.server.ticks())) as items:
            async for item in items:
                yield item

    async def read(self, query: Query[T], options: ReadOptions) -> Reading[T]:
        self.reads += 1
        if self._cut.is_set():
            raise NoLeaderError("No known Consul servers")
        return await self.server.read(query, options)

    async def _until_cut(self, items: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
        cut = self._cut
        if cut.is_set():
            raise NoLeaderError("No known Consul servers")
        came: asyncio.Queue[bytes | LictorError] = asyncio.Queue()
        pumps = (asyncio.ensure_future(_pump(items, came)), asyncio.ensure_future(_end(cut, came)))
        try:
            while isinstance(item := await came.get(), bytes):
                yield item
            raise item
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.wait(pumps)


async def _pump(items: AsyncGenerator[bytes], came: asyncio.Queue[bytes | LictorError]) -> None:
    try:
        async with aclosing(items):
            async for item in items:
                came.put_nowait(item)
    except LictorError as error:
        came.put_nowait(error)


async def _end(cut: asyncio.Event, came: asyncio.Queue[bytes | LictorError]) -> None:
    await cut.wait()
    came.put_nowait(NoLeaderError("the server is lost"))


@dataclass
class Bench:
    """Views over a server, and the ways to read them."""

    server: Server
    source: Away
    store: ViewStore
    kept: KeptInViews
    catalog: ViewCatalog
    addresses: AddressBook
    log: LogCapture

    def told(self, event: str) -> int:
        """How often an event was logged."""
        return sum(entry["event"] == event for entry in self.log.entries)


@asynccontextmanager
async def bench(settings: ViewSettings = QUICK) -> AsyncGenerator[Bench]:
    """Views that run."""
    async with running_server() as (server, _, _):
        source = Away(server)
        feed: FeedSource = source
        clock = SystemClock()
        log, captured = quiet_log()
        store = ViewStore(feed, clock=clock, rng=SeededRng(3), log=log, settings=settings)
        addresses = AddressBook(source.read, clock)
        running = asyncio.ensure_future(store.run())
        await asyncio.sleep(0)
        try:
            kept, catalog = KeptInViews(store, SeededRng(4)), ViewCatalog(store, addresses)
            yield Bench(server, source, store, kept, catalog, addresses, captured)
        finally:
            addresses.close()
            running.cancel()
            await asyncio.wait((running,))
            if not running.cancelled():
                running.result()
