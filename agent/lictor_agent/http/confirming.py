"""Whether answers that were kept still hold: the questions of one pass of the event loop are one to the servers.

They make as sure of being current as for the reads themselves, so an answer whose stamp they confirm is as fresh as one
that they would send, for a few bytes. Who asks is called back: a task for each would cost more than all the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from lictor_core.calls import STAMPS_MAX
from lictor_core.commands import ReadMode
from lictor_core.queries import Query
from lictor_core.registry import Confirmation

__all__ = ["Confirm", "Confirmed", "Confirming", "Subject", "Told"]

Confirm = Callable[[Sequence[Query[object]], ReadMode, Sequence[str]], Awaitable[Confirmation | None]]
"""What readings of these queries, at most `STAMPS_MAX`, by the holders of these tokens would be known by now; None when
that cannot be told."""


class Confirmed(NamedTuple):
    """What a reading made now would say of itself."""

    stamp: int
    last_contact_ms: int
    known_leader: bool


class Subject(Protocol):
    """What is asked about: something that was read by `query` in `mode`, by the holder of `token`.

    It must not change its hash.
    """

    query: Query[object]
    mode: ReadMode
    token: str


S = TypeVar("S", bound=Subject)
Told = Callable[[bytes | None], None]
"""Called once with the answer that holds; None when nobody tells that one does. It must not raise."""


class Confirming(Generic[S]):
    """All questions of one agent. They belong to one event loop."""

    def __init__(self, confirm: Confirm, answer: Callable[[S, Confirmed | None], bytes | None]) -> None:
        """`answer` says what all those are told who asked in one pass, by what a reading would be known by; None for
        what nobody tells. It must not raise."""
        self._confirm = confirm
        self._answer = answer
        self._rounds: dict[ReadMode, dict[S, list[Told]]] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    @property
    def under_way(self) -> set[asyncio.Task[None]]:
        """The questions that were not answered yet."""
        return set(self._under_way)

    def ask(self, subject: S, told: Told) -> bool:
        """Have `told` called later, never within this call; False when so much is asked now that it will not be."""
        mode = subject.mode
        waiting = self._rounds.get(mode)
        if waiting is None:
            waiting = self._rounds[mode] = {}
            asyncio.get_running_loop().call_soon(self._begin, mode)
        found = waiting.get(subject)
        if found is not None:
            found.append(told)
            return True
        if len(waiting) >= STAMPS_MAX:
            return False
        waiting[subject] = [told]
        return True

    def _begin(self, mode: ReadMode) -> None:
        carrying_out = self._carry_out(self._rounds.pop(mode), mode)
        task = asyncio.get_running_loop().create_task(carrying_out, name="http-confirm")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _carry_out(self, waiting: dict[S, list[Told]], mode: ReadMode) -> None:
        asked = tuple({(subject.query, subject.token): None for subject in waiting})
        found: Confirmation | None = None
        try:
            found = await self._confirm([query for query, _ in asked], mode, [token for _, token in asked])
        finally:  # whatever happens: who waits has to be told
            known: dict[tuple[Query[object], str], Confirmed] = {}
            if found is not None and len(found.stamps) == len(asked):
                for one, stamp in zip(asked, found.stamps, strict=True):
                    known[one] = Confirmed(stamp, found.last_contact_ms, found.known_leader)
            for subject, each in waiting.items():
                answer = self._answer(subject, known.get((subject.query, subject.token)))
                for told in each:
                    told(answer)
