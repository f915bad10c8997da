"""A loop's rest between two rounds, which whoever has news for it may cut short."""

from __future__ import annotations

import asyncio

__all__ = ["Poke"]


class Poke:
    """News for one loop. A poke while the loop works is kept for its next rest."""

    def __init__(self) -> None:
        self._poked = asyncio.Event()

    def poke(self) -> None:
        """Something happened: go on now."""
        self._poked.set()

    async def rest(self, wait_s: float) -> None:
        """Return after a poke, at the latest after `wait_s` seconds."""
        try:
            async with asyncio.timeout(wait_s):
                await self._poked.wait()
        except TimeoutError:
            pass
        self._poked.clear()
