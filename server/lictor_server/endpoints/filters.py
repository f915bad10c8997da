"""What filters leave of answers: worked out beside everything else, once for all who ask, and kept while it holds."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Final, TypeVar, cast

from lictor_core.filter import filtering
from lictor_core.queries import Query

__all__ = ["FilteredAnswers"]

T = TypeVar("T")

_KEPT_MAX: Final = 64
"""Answers that are kept; each holds on to what it lists."""
_HOLD_S: Final = 0.005
"""How long a filter may hold up the event loop: the longest ones take a second for thousands of records."""


class FilteredAnswers:
    """The newest answer to each query that has a filter. A caller that is cancelled leaves nothing behind."""

    def __init__(self, kept_max: int = _KEPT_MAX) -> None:
        self._kept_max = kept_max
        self._kept: OrderedDict[Query[object], tuple[int, object]] = OrderedDict()
        self._under_way: dict[tuple[Query[object], int], asyncio.Future[None]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    async def left(self, query: Query[T], answer: T, stamp: int) -> T:
        """What the filter of `query` leaves of `answer`, which is its answer without the filter at `stamp`.

        Raises `FilterError`. Nobody changes the lists: they are shared.
        """
        asked = cast("Query[object]", query)
        while True:
            kept = self._kept.get(asked)
            if kept is not None and kept[0] == stamp:
                self._kept.move_to_end(asked)
                return cast(T, kept[1])
            same = self._under_way.get((asked, stamp))
            if same is None:
                return await self._work_out(asked, answer, stamp)
            await asyncio.wait([same])

    async def _work_out(self, query: Query[object], answer: T, stamp: int) -> T:
        done = self._under_way[query, stamp] = asyncio.get_running_loop().create_future()
        try:
            value = await _unhurried(query, answer)
        finally:
            del self._under_way[query, stamp]
            done.set_result(None)
        self._kept[query] = (stamp, value)
        self._kept.move_to_end(query)
        if len(self._kept) > self._kept_max:
            self._kept.popitem(last=False)
        return value


async def _unhurried(query: Query[object], answer: T) -> T:
    loop = asyncio.get_running_loop()
    steps, due = filtering(cast("Query[T]", query), answer), loop.time() + _HOLD_S
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return cast(T, done.value)
        if loop.time() >= due:
            await asyncio.sleep(0)
            due = loop.time() + _HOLD_S
