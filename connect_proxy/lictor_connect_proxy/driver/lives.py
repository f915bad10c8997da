"""The accepted connections of a proxy, from the accept to the end: by task while they shake hands, without one after.

A relay is moved by the loop's callbacks and waits for nothing, so it needs no task; a chain of waiting coroutines for
each of 10,000 idle connections would be 40 MB.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Protocol

__all__ = ["Lives", "Relaying"]


class Relaying(Protocol):
    """A connection that goes on without a task, until it tells `Lives.leave`."""

    def abort(self, reason: str) -> None:
        """Cut it now."""
        ...


class Lives:
    """Counts connections, and ends those that are left at the end."""

    def __init__(self) -> None:
        self.count = 0
        """Connections that were accepted and have not ended, those in their handshake included."""
        self._group: asyncio.TaskGroup | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._relays: set[Relaying] = set()
        self._is_empty = asyncio.Event()

    def begin(self, group: asyncio.TaskGroup) -> None:
        """Tasks belong to `group` from now on."""
        self._group = group

    def spawn(self, connection: Coroutine[None, None, None]) -> None:
        """Run the beginning of a connection as a task."""
        assert self._group is not None, "connections are accepted only while the proxy runs"
        task = self._group.create_task(connection)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def enter(self) -> None:
        """A connection was accepted."""
        self.count += 1
        self._is_empty.clear()

    def keep(self, relay: Relaying) -> None:
        """It goes on without its task."""
        self._relays.add(relay)

    def leave(self, relay: Relaying | None) -> None:
        """A connection has ended: `relay` if it was kept."""
        if relay is not None:
            self._relays.discard(relay)
        self.count -= 1
        if not self.count:
            self._is_empty.set()

    async def drain(self, timeout_s: float) -> None:
        """Wait until all have ended, at most so long."""
        if self.count:
            async with asyncio.timeout(timeout_s):
                await self._is_empty.wait()

    def cut(self, reason: str) -> None:
        """End all that are left."""
        for task in self._tasks:
            task.cancel()
        for relay in list(self._relays):
            relay.abort(reason)
