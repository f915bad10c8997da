"""Turns: many who are woken together and have much to work out let others in between.

One change may wake thousands, and all of them would answer in one pass of the event loop: nothing else would be heard
of for as long as that takes, heartbeats of the servers among them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

__all__ = ["TURNS_MAX", "Turns"]

TURNS_MAX: Final = 16
"""Who has a turn in one pass of the event loop: a few milliseconds of work, where each has tenths of one to do."""


class Turns:
    """Gives out turns in the order in which they are asked for. Who is cancelled while it waits is passed over."""

    def __init__(self) -> None:
        self._given = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_due = False

    async def take(self) -> None:
        """Return when it is the caller's turn: at once, unless too many had theirs in this pass."""
        loop = asyncio.get_running_loop()
        if not self._is_due:
            self._is_due = True
            loop.call_soon(self._pass, loop)
        if self._given < TURNS_MAX and not self._waiting:
            self._given += 1
            return
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        await turn

    def _pass(self, loop: asyncio.AbstractEventLoop) -> None:
        self._given = 0
        while self._waiting and self._given < TURNS_MAX:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                self._given += 1
        self._is_due = self._given > 0
        if self._is_due:
            loop.call_soon(self._pass, loop)
