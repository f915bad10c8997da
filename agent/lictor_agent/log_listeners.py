"""Who reads the log of an agent along for a while: each at a level and in a form of its own, and at its own risk.

A slow reader must hold up nobody, so a bounded number of lines waits for each; what comes then is lost to it, and
counted.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager, suppress
from typing import Final

from lictor_agent.log import LogOutput
from lictor_core.errors import OverloadedError

__all__ = ["LINES_MAX", "LISTENERS_MAX", "Listener", "LogListeners"]

LISTENERS_MAX: Final = 32
"""Who may listen at once."""
LINES_MAX: Final = 512
"""Lines that wait for a listener."""
_QUIET_S: Final = 1.0
"""How often a listener without news is looked after."""


class Listener:
    """Somebody who reads along."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque()
        self._lost = 0
        self._came = asyncio.Event()

    def take(self, level: str, line: str) -> None:
        """The next line."""
        if len(self._lines) >= LINES_MAX:
            self._lost += 1
            return
        self._lines.append(line)
        self._came.set()

    async def lines(self) -> AsyncGenerator[bytes]:
        """What there is to read, for ever; now and then nothing, so that one who went away is noticed."""
        while True:
            if not self._lines:
                self._came.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(_QUIET_S):
                        await self._came.wait()
            told = [f"{line}\n" for line in self._lines]
            self._lines.clear()
            lost, self._lost = self._lost, 0
            if lost:
                told.append(f"[WARN ] {lost} lines were dropped here, since they were not read fast enough\n")
            yield "".join(told).encode()


class LogListeners:
    """All listeners of one log. All methods belong to the event loop."""

    def __init__(self, output: LogOutput) -> None:
        self._output = output
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @contextmanager
    def listening(self, level: str, *, as_json: bool) -> Generator[Listener]:
        """A listener while the block runs.

        Raises `OverloadedError` when too many listen, `ConfigurationError` for a level that nobody knows.
        """
        if self._count >= LISTENERS_MAX:
            raise OverloadedError(f"{LISTENERS_MAX} listen to the log already: end one of them first")
        listener = Listener()
        end = self._output.listen(level, listener.take, as_json=as_json)
        self._count += 1
        try:
            yield listener
        finally:
            self._count -= 1
            end()
