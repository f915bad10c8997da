"""How fresh this server is, told again and again to every agent that keeps views: one stream for all its views.

Between two ticks an agent knows no more than that time passes; that is how it comes to know the age of what it has.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Final

from lictor_core.codec import pack
from lictor_core.errors import NoLeaderError
from lictor_core.feed import Tick

__all__ = ["TICK_S", "Ticks"]

TICK_S: Final = 1.0
"""Seconds between two ticks."""


class Ticks:
    """The ticks of one server. `close` ends all streams."""

    def __init__(self, now: Callable[[], Tick], *, tick_s: float = TICK_S) -> None:
        """`now` tells how fresh the server is; it raises `LictorError` when it is not at all."""
        self._now = now
        self._tick_s = tick_s
        self._closed = asyncio.Event()

    async def follow(self) -> AsyncGenerator[bytes]:
        """A tick now, and one every `tick_s` seconds."""
        while not self._closed.is_set():
            yield pack(self._now())
            try:
                async with asyncio.timeout(self._tick_s):
                    await self._closed.wait()
            except TimeoutError:
                pass
        raise NoLeaderError("this server is stopping")

    def close(self) -> None:
        """Tell nothing more."""
        self._closed.set()
