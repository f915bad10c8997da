"""What time brings to the CA: certificates that age, roots whose last leaf has ended. The leader looks now and then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_core.errors import LictorError
from lictor_server.poke import Poke

__all__ = ["AuthorityKeeper"]

LOOK_S: Final = 60.0
"""Between two looks. What is due is due for a day and longer before anything fails."""


class AuthorityKeeper:
    """Calls `tend` while this server leads. All methods belong to the event loop."""

    def __init__(
        self,
        tend: Callable[[], Awaitable[None]],
        *,
        leads: Callable[[], bool],
        log: FilteringBoundLogger,
    ) -> None:
        self._tend = tend
        self._leads = leads
        self._log = log
        self._poke = Poke()

    def poke(self) -> None:
        """Look now: this server leads, or settings changed."""
        self._poke.poke()

    async def run(self) -> None:
        """Look for as long as the task lives."""
        while True:
            await self._poke.rest(LOOK_S)
            if self._leads():
                try:
                    await self._tend()
                except LictorError as error:  # it is due at the next look, too
                    self._log.warning("leader.duty.failed", code=error.code, reason=str(error))
