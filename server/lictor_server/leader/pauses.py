"""Notices that this process did not run for a while: it was stopped, its machine slept, or had no time for it.

What others should have done meanwhile, such as renewing a lease here, they could not do. The event loop's clock tells:
a timer that comes much later than it was due.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

__all__ = ["PAUSE_S_MIN", "PauseWatch"]

PAUSE_S_MIN: Final = 1.0
"""A shorter pause is none: leases bear it."""
_TICKS_PER_PAUSE: Final = 2


class PauseWatch:
    """Calls `on_pause` with the seconds of each pause, before anything that was due in it."""

    def __init__(self, on_pause: Callable[[float], None], *, pause_s_min: float = PAUSE_S_MIN) -> None:
        self._on_pause = on_pause
        self._pause_s_min = pause_s_min
        self._tick_s = pause_s_min / _TICKS_PER_PAUSE
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to watch the running loop."""
        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(loop.time() + self._tick_s, self._tick, loop.time() + self._tick_s)

    def stop(self) -> None:
        """Watch no longer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self, due: float) -> None:
        late_s = asyncio.get_running_loop().time() - due
        self.start()
        if late_s >= self._pause_s_min:
            self._on_pause(late_s)
