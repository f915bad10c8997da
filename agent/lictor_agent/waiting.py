"""Waiting for changes of single things in the local state, for reads that block on the agent itself.

A waiter wakes only for the thing it asked about. A waiter that is cancelled leaves nothing behind.
"""

from __future__ import annotations

import asyncio
from typing import Final

from lictor_agent.local import Change, LocalState, Subject
from lictor_core.errors import OverloadedError

__all__ = ["WAITERS_MAX", "ChangeWaiter"]

WAITERS_MAX: Final = 10_000
"""Blocked reads of local services on one agent; one more is refused with 429."""


class ChangeWaiter:
    """Lets coroutines wait for changes of one `LocalState`."""

    def __init__(self, local: LocalState) -> None:
        self._local = local
        self._waiting: dict[tuple[Subject, str], set[asyncio.Event]] = {}
        self._count = 0
        local.subscribe(self._changed)

    async def wait(self, subject: Subject, id: str, seen: int, wait_s: float) -> int:
        """Return as soon as the thing is at a version other than `seen`, at the latest after `wait_s`; that version.

        Raises `OverloadedError` when too many wait already.
        """
        version = self._local.changed_at(subject, id)
        if version != seen or wait_s <= 0:
            return version
        if self._count >= WAITERS_MAX:
            raise OverloadedError(f"{WAITERS_MAX} reads of local services already wait on this agent: try again later")
        event = asyncio.Event()
        waiters = self._waiting.setdefault((subject, id), set())
        waiters.add(event)
        self._count += 1
        try:
            async with asyncio.timeout(wait_s):
                await event.wait()
        except TimeoutError:
            pass
        finally:
            self._count -= 1
            waiters.discard(event)
            if not waiters and self._waiting.get((subject, id)) is waiters:
                del self._waiting[subject, id]
        return self._local.changed_at(subject, id)

    def _changed(self, change: Change) -> None:
        for event in self._waiting.get((change.subject, change.id), ()):
            event.set()
