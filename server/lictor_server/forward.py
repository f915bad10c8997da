"""To the leader, wherever it is: carried out here by the one who leads, asked for over RPC by everybody else.

A request that surely was not carried out is tried again until `hold_s` is over, Consul's `rpc_hold_timeout`. One that
may have been is tried again only when that is harmless: a reading, or a write whose request id tells a repetition.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Final, Protocol, TypeVar

from lictor_core.backoff import Backoff
from lictor_core.clock import Clock, Rng
from lictor_core.errors import (
    ClusterError,
    LictorError,
    NoLeaderError,
    OutcomeUnknownError,
    PeerError,
    RepetitionForgottenError,
)

__all__ = ["LEADER_PREFIX", "Forwarder", "Leads"]

T = TypeVar("T")

LEADER_PREFIX: Final = "leader."
"""Before the name of a method that only the leader answers, and nobody forwards."""
_PAUSE_S_MIN: Final = 0.02
_PAUSE_S_MAX: Final = 0.25


class Calls(Protocol):
    """Requests to other servers."""

    def call(self, address: str, method: str, payload: bytes, *, timeout_s: float) -> Coroutine[object, object, bytes]:
        """The answer of the server at `address`."""
        ...


class Leads(Protocol):
    """Where the leader is."""

    @property
    def is_leader(self) -> bool:
        """Whether it is this server."""
        ...

    def leader_address(self) -> str:
        """`host:port` of another server that leads, as far as is known; empty when nobody is known to."""
        ...


class Forwarder:
    """Carries requests to the leader. All methods belong to one event loop."""

    def __init__(self, leads: Leads, calls: Calls, *, hold_s: float, timeout_s: float, clock: Clock, rng: Rng) -> None:
        """A request is held for a leader for `hold_s`, and an answer waited for at most `timeout_s`."""
        self._leads = leads
        self._calls = calls
        self._hold_s = hold_s
        self._timeout_s = timeout_s
        self._clock = clock
        self._rng = rng
        self._changed = asyncio.Event()
        self._is_stopped = False
        self._under_way: dict[asyncio.Task[bytes], str] = {}
        """Calls that may be made again, and whom they ask."""
        self._overtaken: set[asyncio.Task[bytes]] = set()

    def stop(self) -> None:
        """Hold nothing more: this server is stopping, and who is held is told that there is no leader."""
        self._is_stopped = True
        self._changed.set()

    def leader_changed(self) -> None:
        """There may be a leader now: whoever waits for one looks again.

        Who waits for the answer of another server, which leads no more and may be cut off, does not wait it out.
        """
        self._changed.set()
        leader = self._leads.leader_address()
        for call, asked in self._under_way.items():
            if self._leads.is_leader or leader not in ("", asked):
                self._overtaken.add(call)
                call.cancel()

    async def to_leader(
        self,
        method: str,
        payload: Callable[[bool], bytes],
        local: Callable[[bool], Awaitable[T]],
        decode: Callable[[bytes], T],
        *,
        repeatable: bool,
        changes: bool = True,
    ) -> T:
        """The leader's answer to `method`; `local` gives it when this server leads.

        `payload` and `local` are told whether an earlier attempt may have been carried out. Raises what the leader
        raised; `NoLeaderError` when it surely was not carried out in time, or `changes` nothing; `OutcomeUnknownError`
        when nobody knows.
        """
        deadline = self._clock.monotonic() + self._hold_s
        backoff = Backoff(self._rng, first_s=_PAUSE_S_MIN, max_s=_PAUSE_S_MAX)
        maybe_done = False
        while True:
            try:
                if self._leads.is_leader:
                    return await local(maybe_done)
                address = self._leads.leader_address()
                if not address:
                    raise NoLeaderError()
                return decode(await self._asked(address, method, payload(maybe_done), repeatable=repeatable))
            except (ClusterError, PeerError) as error:
                if not error.definite and not repeatable:
                    raise
                maybe_done = maybe_done or not error.definite
                if self._is_stopped or not _may_pass(error) or self._clock.monotonic() >= deadline:
                    maybe_done = maybe_done and changes
                    if isinstance(error, PeerError) and not maybe_done:
                        raise NoLeaderError(f"No cluster leader: {error}") from error
                    if not maybe_done or isinstance(error, RepetitionForgottenError):
                        raise
                    raise OutcomeUnknownError(
                        "the leader was lost while the request was under way, and no other answered within "
                        f"{self._hold_s:g} s: it may or may not have been carried out, so read before writing it again"
                    ) from error
            await self._pause(min(backoff.next_s(), deadline - self._clock.monotonic()))

    async def _asked(self, address: str, method: str, payload: bytes, *, repeatable: bool) -> bytes:
        asking = self._calls.call(address, LEADER_PREFIX + method, payload, timeout_s=self._timeout_s)
        if not repeatable:
            return await asking
        call = asyncio.get_running_loop().create_task(asking, name="server-to-leader")
        self._under_way[call] = address
        try:
            return await call
        except asyncio.CancelledError:
            own = asyncio.current_task()
            if call not in self._overtaken or (own is not None and own.cancelling()):
                raise
            raise PeerError(f"{address} leads no more, and had not answered yet") from None
        finally:
            del self._under_way[call]
            self._overtaken.discard(call)

    async def _pause(self, pause_s: float) -> None:
        """Wait a moment, or until there is news of a leader."""
        self._changed.clear()
        try:
            async with asyncio.timeout(pause_s):
                await self._changed.wait()
        except TimeoutError:
            pass


def _may_pass(error: LictorError) -> bool:
    """Whether the same request may succeed in a moment. Overload must not be answered with more load."""
    if isinstance(error, RepetitionForgottenError):
        return False
    return isinstance(error, NoLeaderError | OutcomeUnknownError | PeerError) or type(error) is ClusterError
