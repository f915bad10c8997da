"""Calls to the server in use, and to the next one when that is lost.

A request that surely was not carried out is asked again until `hold_s` is over. One that may have been is asked again
only when that is harmless. Whoever waits for a change goes on waiting: a lost server is no answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from typing import Final

from lictor_agent.remote.allowance import Allowance
from lictor_agent.remote.link import ServerLink
from lictor_core.backoff import Backoff
from lictor_core.clock import Clock, Rng
from lictor_core.errors import (
    CatchingUpError,
    ClusterError,
    LictorError,
    NoLeaderError,
    OutcomeUnknownError,
    OverloadedError,
    PeerError,
    RepetitionForgottenError,
    UnknownDatacenterError,
)
from lictor_server import RpcPool

__all__ = ["ANSWER_S_MAX", "RemoteCalls"]

ANSWER_S_MAX: Final = 30.0
"""How long an answer may take, blocked reads apart: longer than servers hold a request for a leader and a write."""
_PAUSE_S_MIN: Final = 0.02
_PAUSE_S_MAX: Final = 0.5


class RemoteCalls:
    """Calls of one agent. All methods belong to one event loop."""

    def __init__(
        self, link: ServerLink, pool: RpcPool, *, hold_s: float, clock: Clock, rng: Rng, allowance: Allowance
    ) -> None:
        self._link = link
        self._pool = pool
        self._hold_s = hold_s
        self._clock = clock
        self._rng = rng
        self._allowance = allowance
        self.asked = 0
        """Requests that were sent to a server, each time that they were."""
        self.failed = 0
        """How many of them failed for want of a server that answers."""

    async def ask(
        self,
        method: str,
        payload: Callable[[bool], bytes],
        *,
        repeatable: bool = True,
        once: bool = False,
        changes: bool = False,
        answer_s: Callable[[], float] = lambda: ANSWER_S_MAX,
    ) -> bytes:
        """A server's answer to `method`.

        `payload` is told whether an earlier attempt may have been carried out; `answer_s` how long the answer may take
        from now. `once`: the server that reads it is the last one asked, also when it says that nobody leads.

        Raises what the server raised, `NoLeaderError` when no server answered in time and it surely was not carried
        out, or `changes` nothing; `OutcomeUnknownError` when nobody knows; `RateLimitedError` when it was not sent, as
        this agent asks too much.
        """
        self._allowance.check(method)
        backoff = Backoff(self._rng, first_s=_PAUSE_S_MIN, max_s=_PAUSE_S_MAX)
        deadline: float | None = None
        maybe_done = False
        while True:
            began = self._clock.monotonic()
            server = ""
            self.asked += 1
            try:
                server = await self._link.server(self._hold_s)
                with nullcontext() if repeatable else self._link.pinned():
                    return await self._pool.call(server, method, payload(maybe_done), timeout_s=answer_s())
            except (ClusterError, PeerError) as error:
                self.failed += 1
                if not error.definite and not repeatable:
                    raise _unknown(method, error) from error
                maybe_done = maybe_done or (changes and not error.definite)
                if not server or not _may_pass(error):
                    raise _final(method, error, maybe_done=maybe_done) from error
                # A server that said no had held the request already; one that was lost is lost only now.
                now, lost = self._clock.monotonic(), isinstance(error, PeerError)
                waits = answer_s() > ANSWER_S_MAX  # and the lost one had held the question, as the next one may
                if deadline is None or (lost and waits and now - began >= self._hold_s):
                    deadline = (now if lost else began) + self._hold_s
                if not await self._may_try_again(server, error, deadline) or (once and _was_read(error)):
                    raise _final(method, error, maybe_done=maybe_done) from error
            await asyncio.sleep(backoff.next_s() if self._link.current == server else 0)

    async def _may_try_again(self, server: str, error: LictorError, deadline: float) -> bool:
        if _was_read(error) and await self._link.left(server):
            return True
        return self._clock.monotonic() < deadline


def _may_pass(error: LictorError) -> bool:
    """Whether the same request may succeed in a moment. Overload must not be answered with more load."""
    return not isinstance(error, OverloadedError | RepetitionForgottenError | UnknownDatacenterError)


def _was_read(error: LictorError) -> bool:
    """Whether a server has seen the request that it refused."""
    return isinstance(error, NoLeaderError | CatchingUpError)


def _unknown(method: str, error: LictorError) -> OutcomeUnknownError:
    return OutcomeUnknownError(
        f"the server was lost while {method} was under way: it may or may not have been carried out, so look before "
        f"asking again ({error})"
    )


def _final(method: str, error: LictorError, *, maybe_done: bool) -> LictorError:
    """What the caller is told in the end."""
    if maybe_done:
        return error if isinstance(error, RepetitionForgottenError) else _unknown(method, error)
    if isinstance(error, PeerError):
        return NoLeaderError(f"no server answers: {error}")
    return error
