"""What a program says, in parts as they are told: few and not too late."""

from __future__ import annotations

import asyncio
from typing import Final

__all__ = ["OUTPUT_BYTES_MAX", "PART_BYTES", "Output"]

PART_BYTES: Final = 4096
"""The most that one part has."""
OUTPUT_BYTES_MAX: Final = 16 * 1024 * 1024
"""The most that is told of one run: every part is a write through the log of the servers."""
_GATHER_S: Final = 0.5
"""How long more output is waited for once there is some."""
_HELD_BYTES_MAX: Final = 256 * 1024
_CUT: Final = b"\n(more than %d bytes: the rest is left out)\n" % OUTPUT_BYTES_MAX


class Output:
    """Takes what a program writes, and gives it out in parts. `room` holds back a program that writes too fast."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._taken = 0
        self._changed = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._ended = False
        self._is_cut = False

    def write(self, data: bytes) -> None:
        """Add to the output."""
        if self._is_cut:
            return
        left = OUTPUT_BYTES_MAX - self._taken - len(self._held)
        self._held += data[:left]
        if len(data) > left:
            self._is_cut = True
            self._held += _CUT
        if len(self._held) >= _HELD_BYTES_MAX:
            self._has_room.clear()
        self._changed.set()

    async def room(self) -> None:
        """Return once there is room for more."""
        await self._has_room.wait()

    def end(self) -> None:
        """There will be no more."""
        self._ended = True
        self._changed.set()

    async def take(self, patience_s: float) -> bytes | None:
        """The next part; b"" when there was nothing for `patience_s`, None when there is no more."""
        await self._until(1, patience_s)
        if self._held and not self._ended:
            await self._until(PART_BYTES, _GATHER_S)
        if not self._held:
            return None if self._ended else b""
        part = bytes(self._held[:PART_BYTES])
        del self._held[:PART_BYTES]
        self._taken += len(part)
        if len(self._held) < _HELD_BYTES_MAX:
            self._has_room.set()
        return part

    async def _until(self, count: int, within_s: float) -> None:
        try:
            async with asyncio.timeout(within_s):
                while len(self._held) < count and not self._ended:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            pass
