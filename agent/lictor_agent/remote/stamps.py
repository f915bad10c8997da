"""Whether answers that an agent has still hold: the questions of one pass of the event loop are one to the server.

The server makes as sure of being current as for the reads themselves, so an answer whose stamp it confirms is as fresh
as one that it would send, for a few bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from lictor_core.calls import STAMPS_MAX, StampsRequest
from lictor_core.commands import ReadMode
from lictor_core.errors import LictorError
from lictor_core.queries import AnyQuery

__all__ = ["Stamps"]


class Stamps:
    """All questions of one agent. They belong to one event loop."""

    def __init__(self, ask: Callable[[StampsRequest], Awaitable[list[int]]]) -> None:
        """`ask` gives the stamps in the order of the queries; it raises `LictorError` only."""
        self._ask = ask
        self._rounds: dict[ReadMode, _Round] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    async def of(self, query: AnyQuery, mode: ReadMode) -> int | None:
        """The stamp that a reading of `query` would have now; None when nobody tells, which `read` then does."""
        loop = asyncio.get_running_loop()
        found = self._rounds.get(mode)
        if found is None:
            found = self._rounds[mode] = _Round()
            loop.call_soon(self._begin, mode)
        elif len(found.waiting) >= STAMPS_MAX and query not in found.waiting:
            return None
        told: asyncio.Future[int | None] = loop.create_future()  # its own: whoever goes away must not end the others'
        found.waiting.setdefault(query, []).append(told)
        return await told

    def _begin(self, mode: ReadMode) -> None:
        task = asyncio.get_running_loop().create_task(
            self._carry_out(self._rounds.pop(mode), mode), name="agent-stamps"
        )
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _carry_out(self, one: _Round, mode: ReadMode) -> None:
        stamps: list[int] = []
        try:
            stamps = await self._ask(StampsRequest(queries=tuple(one.waiting), mode=mode))
        except LictorError:
            pass  # the reads that follow tell what is the matter
        finally:
            one.tell(stamps)


class _Round:
    """One question, and who waits for its answer."""

    def __init__(self) -> None:
        self.waiting: dict[AnyQuery, list[asyncio.Future[int | None]]] = {}

    def tell(self, stamps: list[int]) -> None:
        known: list[int | None] = [*stamps] if len(stamps) == len(self.waiting) else [None] * len(self.waiting)
        for stamp, waiting in zip(known, self.waiting.values(), strict=True):
            for told in waiting:
                if not told.done():
                    told.set_result(stamp)
