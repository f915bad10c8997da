"""A session that is kept alive, and how long it surely lives.

The servers promise a session its TTL after each renewal. So whoever counts from the moment at which it *asked* for the
last renewal that succeeded never believes in a session that has ended, however long answers take and whoever leads.
"""

from __future__ import annotations

import asyncio
from typing import Final

from lictor.api.asynchronous import AsyncClient
from lictor.api.calls import session as calls
from lictor.api.errors import AgentError, TimedOutError, UnreachableError
from lictor_core.clock import Clock
from lictor_core.errors import PeerError
from lictor_core.records import SessionBehavior

__all__ = ["KeptSession"]

_RENEWALS_PER_TTL: Final = 3
_RETRY_S_MAX: Final = 1.0
_RETRIES_PER_TTL: Final = 15
_FAILURES: Final = (AgentError, TimedOutError, UnreachableError, PeerError)


class KeptSession:
    """One session. `lost` is set when it may have ended: nothing that it holds may be relied on from then on.

    A renewal is due at a third of the TTL and is tried until the TTL is over, so that an election that takes up to half
    of it loses nothing.
    """

    def __init__(self, client: AsyncClient, *, ttl_s: float, clock: Clock) -> None:
        self.id = ""
        self.lost = asyncio.Event()
        self._client = client
        self._ttl_s = ttl_s
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._lasts_until = 0.0

    @property
    def is_sure(self) -> bool:
        """Whether the session surely lives at this moment, also when this process stood still until just now."""
        return not self.lost.is_set() and self._left_s() > 0

    async def begin(
        self,
        *,
        name: str,
        lock_delay_s: float,
        behavior: SessionBehavior = SessionBehavior.RELEASE,
        dc: str = "",
    ) -> None:
        """Create the session and keep it. Raises as the client does."""
        asked_at = self._clock.monotonic()
        call = calls.create(name=name, ttl_s=self._ttl_s, lock_delay_s=lock_delay_s, behavior=behavior, dc=dc)
        self.id = await self._client.send(call)
        self._lasts_until = asked_at + self._ttl_s
        # It belongs to this object, which ends it: see `end`.
        self._task = asyncio.get_running_loop().create_task(self._keep(dc), name="session-keeper")

    async def end(self, dc: str = "") -> None:
        """Keep it no longer, and destroy it if an agent answers in time; else it ends by itself."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.wait([task])
        try:
            async with asyncio.timeout(self._ttl_s):
                await self._client.send(calls.destroy(self.id, dc=dc))
        except (*_FAILURES, TimeoutError):
            pass

    async def _keep(self, dc: str) -> None:
        try:
            await self._renew(dc)
        finally:
            self.lost.set()  # whatever ended it, nobody renews from here on

    async def _renew(self, dc: str) -> None:
        """Renew until the session is over, or may be."""
        pause_s = self._ttl_s / _RENEWALS_PER_TTL
        while True:
            await asyncio.sleep(min(pause_s, max(0.0, self._left_s())))
            asked_at = self._clock.monotonic()
            try:
                async with asyncio.timeout(max(0.0, self._left_s())):
                    renewed = await self._client.send(calls.renew(self.id, dc=dc))
            except (*_FAILURES, TimeoutError):
                if self._left_s() <= 0:
                    return
                pause_s = min(_RETRY_S_MAX, self._ttl_s / _RETRIES_PER_TTL)
                continue
            if renewed is None:
                return
            self._lasts_until = asked_at + self._ttl_s
            pause_s = self._ttl_s / _RENEWALS_PER_TTL

    def _left_s(self) -> float:
        return self._lasts_until - self._clock.monotonic()
