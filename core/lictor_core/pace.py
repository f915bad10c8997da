"""How a thread beside the event loop does much without holding the loop up: it works a little, and rests as long.

Threads of one interpreter take turns. One that computes gives the turn away only when asked for 5 ms
(`sys.getswitchinterval`), and the loop has to ask after each system call: many such waits are a stall. A rest of its
own accord, before anybody has waited for long, costs the thread time and nobody else anything.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

__all__ = ["WORK_S", "Pace"]

WORK_S: Final = 0.0005
"""So much is computed at a time, about; the loop waits no longer than this for its turn."""


class Pace:
    """Called now and then by one thread, it rests when the thread has worked for `WORK_S` since the last rest."""

    def __init__(
        self, *, worked: Callable[[], float] = time.thread_time, rest: Callable[[float], None] = time.sleep
    ) -> None:
        """`worked` is the processor time of this thread, in seconds: waiting for a disk is no work."""
        self._worked = worked
        self._rest = rest
        self._since: float | None = None  # another thread may have made this

    def __call__(self) -> None:
        """Rest as long as this thread has worked, if that is enough to be worth it."""
        now = self._worked()
        if self._since is None:
            self._since = now
        elif now - self._since >= WORK_S:
            self._rest(now - self._since)
            self._since = self._worked()
