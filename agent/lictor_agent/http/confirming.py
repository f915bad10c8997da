"""Whether answers that were kept still hold: the questions of one pass of the event loop are one to the servers.

They make as sure of being current as for the reads themselves, so an answer whose stamp they confirm is as fresh as one
that they would send, for a few bytes. Who asks is called back: a task for each would cost more than all the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from lictor_core.calls import STAMPS_MAX
from lictor_core.commands import ReadMode
from lictor_core.queries import Query
from lictor_core.registry import Confirmation

__all__ = ["Confirm", "Confirmed", "Confirming", "Told"]

Confirm = Callable[[Sequence[Query[object]], ReadMode], Awaitable[Confirmation | None]]
"""What readings of these queries, at most `STAMPS_MAX`, would be known by now; None when that cannot be told."""


class Confirmed(NamedTuple):
    """What a reading made now would say of itself."""

    stamp: int
    last_contact_ms: int
    known_leader: bool


Told = Callable[[Confirmed | None], None]
"""Called once with what a reading would be known by; None when nobody tells. It must not raise."""


class Confirming:
    """All questions of one agent. They belong to one event loop."""

    def __init__(self, confirm: Confirm) -> None:
        self._confirm = confirm
        self._rounds: dict[ReadMode, dict[Query[object], list[Told]]] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    @property
    def under_way(self) -> set[asyncio.Task[None]]:
        """The questions that were not answered yet."""
        return set(self._under_way)

    def ask(self, query: Query[object], mode: ReadMode, told: Told) -> bool:
        """Have `told` called later, never within this call; False when so much is asked now that it will not be."""
        waiting = self._rounds.get(mode)
        if waiting is None:
            waiting = self._rounds[mode] = {}
            asyncio.get_running_loop().call_soon(self._begin, mode)
        elif len(waiting) >= STAMPS_MAX and query not in waiting:
            return False
        found = waiting.get(query)
        if found is None:
            waiting[query] = [told]
        else:
            found.append(told)
        return True

    def _begin(self, mode: ReadMode) -> None:
        carrying_out = self._carry_out(self._rounds.pop(mode), mode)
        task = asyncio.get_running_loop().create_task(carrying_out, name="http-confirm")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _carry_out(self, waiting: dict[Query[object], list[Told]], mode: ReadMode) -> None:
        found: Confirmation | None = None
        try:
            found = await self._confirm(tuple(waiting), mode)
        finally:  # whatever happens: who waits has to be told
            if found is None or len(found.stamps) != len(waiting):
                for each in waiting.values():
                    for told in each:
                        told(None)
            else:
                for stamp, each in zip(found.stamps, waiting.values(), strict=True):
                    confirmed = Confirmed(stamp, found.last_contact_ms, found.known_leader)
                    for told in each:
                        told(confirmed)
