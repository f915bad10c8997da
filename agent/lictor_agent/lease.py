"""This agent's membership: a lease at the servers, renewed in time, given up on purpose (architecture, decision 7)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_core.backoff import Backoff
from lictor_core.clock import Clock, Rng
from lictor_core.errors import (
    LictorError,
    NoLeaderError,
    OverloadedError,
    PeerError,
    PermissionDeniedError,
    RequestError,
)
from lictor_core.membership import Renewal
from lictor_core.records import Member
from lictor_core.registry import Registry

__all__ = ["LEAVE_S_MAX", "LeaseKeeper"]

_RETRY_S_MIN: Final = 0.05
_RETRY_S_MAX: Final = 3.0
"""Between attempts while the servers are away. Below a third of a lease, so that one answer in time is enough."""
RENEW_S_MAX: Final = 4.0
"""How long one renewal may take in all."""
_COUNTERS_PER_S: Final = 2**20
_ATTEMPTS_MAX: Final = 4
"""Renewals in a row that may be told that a later one is known: one is the rule, after a restart of this agent."""
LEAVE_S_MAX: Final = 5.0
"""How long leaving may take: a server hands over and waits until the others need its voice no more."""


class LeaseKeeper:
    """Takes the lease and keeps it while `run` runs."""

    def __init__(
        self,
        registry: Registry,
        member: Callable[[], Member],
        clock: Clock,
        rng: Rng,
        log: FilteringBoundLogger,
        *,
        granted: Callable[[], None] = lambda: None,
    ) -> None:
        """`granted` is called whenever a lease is held again that was not: the catalog may have forgotten the node."""
        self._registry = registry
        self._member = member
        self._clock = clock
        self._rng = rng
        self._log = log
        self._note_granted = granted
        self._left = False
        # Above that of a former process in all likelihood; where the clock was set back, the servers say what is.
        self._counter = round(clock.now()) * _COUNTERS_PER_S
        self._server = ""
        self._renewal: asyncio.Task[float] | None = None
        self._reconnected = asyncio.Event()

    def reconnected(self) -> None:
        """The connection that the lease hung on is another one: renew now, since only a short grace is left of it."""
        self._reconnected.set()

    async def run(self) -> None:
        """Renew for ever, until cancelled or until this agent has left."""
        backoff = Backoff(self._rng, first_s=_RETRY_S_MIN, max_s=_RETRY_S_MAX)
        held_since: float | None = None
        refused = ""
        while not self._left:
            asked_at = self._clock.monotonic()
            try:
                renew_s = await self._renewed()
            except LictorError as error:
                if self._left:
                    return
                if held_since is not None:
                    held_s = round(self._clock.monotonic() - held_since, 3)
                    self._log.warning("agent.lease.lost", reason=str(error), held_s=held_s)
                    held_since = None
                elif isinstance(error, RequestError | OverloadedError) and str(error) != refused:
                    refused = str(error)  # as of a name that is taken: without an operator it goes on for ever
                    self._log.warning("agent.lease.refused", reason=refused)
                await self._rest(backoff.next_s())
                continue
            if held_since is None:
                held_since = self._clock.monotonic()
                self._log.info("agent.lease.granted", renew_s=renew_s)
                self._note_granted()
            backoff.reset()
            # The lease runs from when it was asked for: the answer may have waited for a process that stood still.
            await self._rest(max(renew_s - (self._clock.monotonic() - asked_at), 0.0))

    async def _rest(self, rest_s: float) -> None:
        """Wait, at most until the servers are reached by another connection."""
        try:
            async with asyncio.timeout(rest_s):
                await self._reconnected.wait()
        except TimeoutError:
            pass
        self._reconnected.clear()

    async def _renewed(self) -> float:
        """A lease again. Raises what the servers do, and `NoLeaderError` when this agent leaves meanwhile."""
        renewal = self._renewal = asyncio.get_running_loop().create_task(self._granted(), name="agent-renewal")
        try:
            return await renewal
        except asyncio.CancelledError:
            own = asyncio.current_task()
            if not self._left or (own is not None and own.cancelling()):
                raise
            raise NoLeaderError("this agent is leaving") from None

    async def _granted(self) -> float:
        """The seconds that a renewal is good for: a new attempt, with a counter above all that the servers know."""
        for _ in range(_ATTEMPTS_MAX):
            self._counter += 1
            renewal = Renewal(member=self._member(), counter=self._counter, server=self._server)
            try:
                async with asyncio.timeout(RENEW_S_MAX):
                    grant = await self._registry.renew(renewal)
            except TimeoutError:
                raise PeerError(f"no server renewed the lease within {RENEW_S_MAX:g} s") from None
            if not grant.seen:
                self._server = grant.server
                return grant.renew_s
            self._counter = max(self._counter, grant.seen)
        raise RequestError(
            f"another agent renews the lease of {self._member().name!r} with the same node id: "
            "one of the two must get another one (is its data directory a copy?)"
        )

    async def _leave(self) -> None:
        """A server hears of the leaving from who holds the lease there: who has just come to it takes that first."""
        name = self._member().name
        try:
            await self._registry.leave(name)
        except PermissionDeniedError:
            await self._granted()
            await self._registry.leave(name)

    async def leave(self) -> None:
        """Give the lease up, so that the catalog forgets this node at once. Never raises, never takes long.

        A renewal that waits for a leader is given up first: it could come after the leaving, and undo it.
        """
        self._left = True
        if self._renewal is not None:
            self._renewal.cancel()
        try:
            async with asyncio.timeout(LEAVE_S_MAX):
                await self._leave()
        except (LictorError, TimeoutError) as error:
            self._log.warning("agent.leave.failed", reason=str(error) or "the servers did not answer in time")
        else:
            self._log.info("agent.member.left")
