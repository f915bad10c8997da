"""What agents hold on to: who the servers are, told to every agent on its connection, and again when it changes.

An agent keeps one such stream open for as long as it stays: it learns of a lost connection at once, and of new servers
without asking.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

import msgspec

from lictor_core.calls import Attendance, Bulletin
from lictor_core.clock import Rng
from lictor_core.codec import pack
from lictor_core.errors import RequestError
from lictor_server.poke import Poke
from lictor_server.replica import Replica
from lictor_server.settings import ServerSettings

__all__ = ["REFRESH_S", "Bulletins"]

LOOK_S: Final = 1.0
"""How late news may be that nobody told of."""
REFRESH_S: Final = 40.0
"""Without any news an agent hears again after half of this to all of it, at random."""


class Bulletins:
    """What one server tells. All methods belong to the event loop; `run` runs while it serves."""

    def __init__(self, replica: Replica, settings: ServerSettings, *, rng: Rng) -> None:
        self._replica = replica
        self._settings = settings
        self._rng = rng
        self._poke = Poke()
        self._changed = asyncio.Event()
        self._told: Bulletin | None = None
        """What whoever hears was told last."""
        self._attended = 0

    def poke(self) -> None:
        """There may be news: look now."""
        self._poke.poke()

    async def run(self) -> None:
        """Look for news for ever, once for all who hear of it."""
        while True:
            self._look()
            await self._poke.rest(LOOK_S)

    def current(self, attendance: Attendance) -> Bulletin:
        """What is so now. Raises `RequestError` for an agent that does not belong here."""
        if attendance.datacenter.lower() != self._settings.datacenter.lower():
            raise RequestError(
                f"agent {attendance.name[:64]} is of datacenter {attendance.datacenter[:64]!r}, these servers of "
                f"{self._settings.datacenter!r}: correct its datacenter, or its retry_join"
            )
        return self._now()

    async def stream(self, attendance: Attendance) -> AsyncGenerator[bytes]:
        """What is so now, and then whatever it becomes."""
        self._attended += 1
        try:
            while True:
                self._look()  # what is told now is what later news differ from, though it may be over before the next
                changed = self._changed
                yield pack(self.current(attendance))
                try:
                    async with asyncio.timeout(self._rng.uniform(REFRESH_S / 2, REFRESH_S)):
                        await changed.wait()
                except TimeoutError:
                    pass
        finally:
            self._attended -= 1

    def _look(self) -> None:
        now = _news(self._now())
        if now != self._told:
            self._told = now
            self._changed.set()
            self._changed = asyncio.Event()

    def _now(self) -> Bulletin:
        replica, core = self._replica, self._replica.core
        addresses = replica.directory.addresses(core.peer_set) | {self._settings.node_id: replica.address}
        return Bulletin(
            name=self._settings.node_name,
            address=replica.address,
            servers=tuple(sorted({addresses[server.id] for server in core.peer_set.servers})) or (replica.address,),
            is_ready=core.caught_up and replica.leader_card() is not None,
            applied_index=core.applied_index,
            attended=self._attended,
        )


def _news(bulletin: Bulletin) -> Bulletin:
    return msgspec.structs.replace(bulletin, applied_index=0, attended=0)
