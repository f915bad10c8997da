"""Which keys the agents know, as they tell: in memory, for who asks how far a change of the ring has come.

As with the policies of proxies an agent tells its server when something of that changed, each server knows what hangs
on its connections, and asks the others when somebody wants to know.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

import msgspec
from structlog.typing import FilteringBoundLogger

from lictor_core.calls import KEYS_TOLD
from lictor_core.clock import Clock
from lictor_core.codec import unpack
from lictor_core.errors import LictorError, RequestError
from lictor_core.keyring import KEYS_MAX
from lictor_core.sealed_ring import KeyTidings
from lictor_server.rpc import RpcPool
from lictor_server.rpc.visitor import Visitor

__all__ = ["ASK_S_MAX", "ServerKeyrings"]

ASK_S_MAX: Final = 1.0
"""How long another server may take to say what it was told; then it counts as one that was told nothing."""
_CHARS_MAX: Final = 256
"""Of a node's name, and of a fingerprint."""


class ServerKeyrings:
    """What this server was told, and the way to what the others were. All methods belong to the event loop."""

    def __init__(
        self, servers: Callable[[], Mapping[str, str]], pool: RpcPool, clock: Clock, log: FilteringBoundLogger
    ) -> None:
        """`servers` are the others by id, with their addresses, and `pool` the way there."""
        self._servers = servers
        self._pool = pool
        self._clock = clock
        self._log = log
        self._told: dict[Visitor | None, tuple[KeyTidings, float]] = {}

    def note(self, tidings: KeyTidings, visitor: Visitor | None = None) -> None:
        """An agent tells of its keys, over `visitor` if it is not the one in this process.

        One connection speaks for one node, so there are no more of these than connections. Raises `RequestError` at a
        bound.
        """
        if len(tidings.keys) > KEYS_MAX or any(len(text) > _CHARS_MAX for text in (tidings.node, *tidings.keys)):
            raise RequestError(f"an agent tells of {KEYS_MAX} keys at most, by their fingerprints")
        if visitor is not None:
            if visitor.is_gone:
                return
            if visitor not in self._told:
                visitor.at_end(lambda: self._forget(visitor))
        self._told[visitor] = (tidings, self._clock.monotonic())

    def _forget(self, visitor: Visitor) -> None:
        self._told.pop(visitor, None)

    def own(self) -> list[KeyTidings]:
        """What agents told this server."""
        now = self._clock.monotonic()
        return [
            msgspec.structs.replace(tidings, age_ms=round((now - at) * 1000)) for tidings, at in self._told.values()
        ]

    async def all(self) -> list[KeyTidings]:
        """What agents told any server, by node. One that does not answer within `ASK_S_MAX` is left out."""
        others = await asyncio.gather(*(self._ask(address) for address in self._servers().values()))
        newest: dict[str, KeyTidings] = {}
        for one in (*self.own(), *(row for rows in others for row in rows)):
            name = one.node.lower()
            # An agent that has just moved may still be known at two servers: what it told last is true.
            if name not in newest or one.age_ms < newest[name].age_ms:
                newest[name] = one
        return [newest[name] for name in sorted(newest)]

    async def _ask(self, address: str) -> list[KeyTidings]:
        try:
            return unpack(await self._pool.call(address, KEYS_TOLD, b"", timeout_s=ASK_S_MAX), list[KeyTidings])
        except LictorError as error:
            self._log.debug("keyring.tidings.missed", address=address, reason=str(error))
            return []
