"""Finding servers: from addresses that an operator wrote down to the addresses where servers answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_agent.remote.settings import RemoteSettings
from lictor_core.calls import LOOK, Attendance, Bulletin
from lictor_core.codec import pack, unpack
from lictor_core.errors import IncompatibleError, LictorError, RequestError, UnreachableError
from lictor_core.flood import Once
from lictor_server import RpcPool, resolve

__all__ = ["LOOK_S_MAX", "REASONS_MAX", "Finder"]

LOOK_S_MAX: Final = 3.0
"""How long a server may take to say who it is."""
REASONS_MAX: Final = 3
"""Reasons told in one event of why nobody was found."""
_AT_ONCE: Final = 8
"""Places asked at the same time."""


class Finder:
    """Asks servers who they are. All methods belong to the event loop."""

    def __init__(self, settings: RemoteSettings, pool: RpcPool, log: FilteringBoundLogger) -> None:
        self._settings = settings
        self._pool = pool
        self._log = log
        self._attendance = pack(Attendance(name=settings.node_name, datacenter=settings.datacenter))
        self._refusals = Once()

    @property
    def attendance(self) -> bytes:
        """What this agent says of itself."""
        return self._attendance

    async def look(self, place: str, patience_s: float | None = None) -> Bulletin:
        """What the server at `place` says, within `patience_s` or else `LOOK_S_MAX`.

        Raises as `RpcPool.call` does, and `RequestError` when it serves others.
        """
        return unpack(
            await self._pool.call(place, LOOK, self._attendance, timeout_s=patience_s or LOOK_S_MAX), Bulletin
        )

    async def find(self, addresses: Iterable[str], reasons: list[str]) -> list[Bulletin]:
        """What the servers at `addresses` say, once for each address that answered; why not goes to `reasons`."""
        turns = asyncio.Semaphore(_AT_ONCE)

        async def ask(address: str) -> Bulletin | None:
            async with turns:
                return await self._first_of(address, reasons)

        found = await asyncio.gather(*(ask(address) for address in addresses))
        return [bulletin for bulletin in found if bulletin is not None]

    async def _first_of(self, address: str, reasons: list[str]) -> Bulletin | None:
        """What the first place of `address` says that answers."""
        try:
            places = await resolve(address, self._settings.join_port)
        except UnreachableError as error:
            self._log.warning("agent.name.unresolved", address=address, reason=str(error))
            reasons.append(str(error))
            return None
        for place in places:
            try:
                bulletin = await self.look(place)
            except LictorError as error:
                reason = str(error)
                reasons.append(reason if reason.startswith(place) else f"{place}: {reason}")
                if isinstance(error, RequestError | IncompatibleError):
                    self.tell_refusal(address, reason)
            else:
                self._refusals.forget(address)
                return bulletin
        return None

    def tell_refusal(self, address: str, reason: str) -> None:
        """Only an operator changes that, so it is told at once, and once."""
        if self._refusals.is_news(address, reason):
            self._log.warning("agent.join.refused", address=address, reason=reason)
