"""The watches of a configuration, each followed by a task of its own: ask, and tell the news, one after the other.

A handler that still runs is not started again: what changed meanwhile is found by the next question, as one news.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from structlog.typing import FilteringBoundLogger

from lictor_agent.watches.handlers import Told, call, run
from lictor_config.watches import read_watches
from lictor_core.backoff import Backoff
from lictor_core.clock import Rng
from lictor_core.errors import LictorError
from lictor_core.watching import Fold, HttpHandler, News, WatchDefinition

if TYPE_CHECKING:
    from lictor_agent.agent import Agent
    from lictor_config.tree import Configuration

__all__ = ["Ask", "Reply", "WatchRunner", "watching"]

WAIT: Final = "5m"
RETRY_FIRST_S: Final = 5.0
RETRY_MAX_S: Final = 180.0


class Reply(NamedTuple):
    """An answer of the HTTP API; the names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


Ask = Callable[[str, Sequence[tuple[str, str]], str], Awaitable[Reply]]
"""Asks this agent: a path, parameters, a token. It raises nothing: what fails has a status."""


class WatchRunner:
    """Follows watches. `run` lasts as long as the agent; `replace` takes other watches at any time."""

    def __init__(
        self,
        ask: Ask,
        watches: Sequence[WatchDefinition],
        rng: Rng,
        log: FilteringBoundLogger,
        *,
        retry_first_s: float = RETRY_FIRST_S,
    ) -> None:
        self._ask = ask
        self._watches = tuple(watches)
        self._rng = rng
        self._log = log
        self._retry_first_s = retry_first_s
        self._changed = asyncio.Event()

    def replace(self, watches: Sequence[WatchDefinition]) -> None:
        """Follow these from now on. One that was there goes on as it is, its handler undisturbed."""
        self._watches = tuple(watches)
        self._changed.set()

    async def run(self) -> None:
        """Follow the watches until this is cancelled; then the handlers that run are ended too."""
        following: dict[WatchDefinition, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                self._changed.clear()
                for gone in following.keys() - set(self._watches):
                    following.pop(gone).cancel()
                for one in self._watches:
                    if one not in following:
                        following[one] = group.create_task(self._follow(one), name=f"watch {one.watch.path}")
                await self._changed.wait()

    async def _follow(self, definition: WatchDefinition) -> None:
        fold = Fold(definition.watch)
        backoff = Backoff(self._rng, first_s=self._retry_first_s, max_s=RETRY_MAX_S)
        while True:
            try:
                reply = await self._ask(fold.watch.path, fold.parameters(WAIT), fold.watch.token)
                news = fold.take(reply.status, reply.headers, reply.body)
            except LictorError as error:
                fold.restart()
                wait_s = backoff.next_s()
                self._log.warning("watch.answer.missed", path=fold.watch.path, reason=str(error), retry_s=wait_s)
                await asyncio.sleep(wait_s)
                continue
            backoff.reset()
            if news is not None:
                await self._tell(definition, news)

    async def _tell(self, definition: WatchDefinition, news: News) -> None:
        handler = definition.handler
        told = await (call(handler, news) if isinstance(handler, HttpHandler) else run(handler, news, os.environ))
        self._note(definition, news, told)

    def _note(self, definition: WatchDefinition, news: News, told: Told) -> None:
        keys = {"path": definition.watch.path, "index": news.index, "output": told.output}
        if told.flaw:
            self._log.warning("watch.handler.failed", reason=told.flaw, **keys)
        else:
            self._log.debug("watch.handler.finished", **keys)


@asynccontextmanager
async def watching(agent: Agent, ask: Ask, rng: Rng, log: FilteringBoundLogger) -> AsyncGenerator[None]:
    """Follow the watches of the agent's configuration while the block runs, and those of each later configuration."""
    runner = WatchRunner(ask, read_watches(agent.configuration.watches)[0], rng, log)

    def follow(old: Configuration, new: Configuration) -> None:
        runner.replace(read_watches(new.watches)[0])

    end = agent.on_reload(follow)
    async with asyncio.TaskGroup() as group:
        following = group.create_task(runner.run(), name="watches")
        try:
            yield
        finally:
            end()
            following.cancel()
