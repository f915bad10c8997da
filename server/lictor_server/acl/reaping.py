"""Tokens that have expired leave the state: nobody is judged by one any more, but it would be listed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_core.acl.commands import AclTokensDelete
from lictor_core.clock import Clock
from lictor_core.commands import Command, Outcome
from lictor_core.errors import LictorError
from lictor_server.poke import Poke
from lictor_server.state import Store

__all__ = ["LOOK_S", "REAPED_AT_ONCE_MAX", "TokenReaper"]

LOOK_S: Final = 10.0
"""Between two looks; a token lasts longer than that, so that one that was just made is seen in time."""
REAPED_AT_ONCE_MAX: Final = 500
"""Tokens of one command."""
_PAUSE_S_MIN: Final = 0.2


class TokenReaper:
    """What the leader does about expired tokens. All methods belong to the event loop."""

    def __init__(
        self,
        store: Store,
        propose: Callable[[Command], Awaitable[Outcome]],
        *,
        leads: Callable[[], bool],
        clock: Clock,
        log: FilteringBoundLogger,
    ) -> None:
        self._store = store
        self._propose = propose
        self._leads = leads
        self._clock = clock
        self._log = log
        self._poke = Poke()

    async def run(self) -> None:
        """Look whenever a token expires, for as long as the task lives."""
        while True:
            if self._leads():
                try:
                    await self.reap()
                except LictorError as error:  # the next leader, or this one in a moment, sees the same tokens
                    self._log.warning("leader.duty.failed", code=error.code, reason=str(error))
            await self._poke.rest(self._rest_s())

    async def reap(self) -> None:
        """Delete all that have expired by now. Raises what `propose` does."""
        now = self._clock.now()
        while ended := self._store.acl.ended(now, REAPED_AT_ONCE_MAX):
            await self._propose(AclTokensDelete(accessor_ids=ended))
            self._log.info("acl.tokens.reaped", tokens=len(ended))

    def _rest_s(self) -> float:
        until = self._store.acl.next_end()
        left_s = LOOK_S if until is None else until - self._clock.now()
        return min(max(left_s, _PAUSE_S_MIN), LOOK_S)
