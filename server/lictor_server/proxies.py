"""Which policy the proxies of the cluster run, as their agents tell: in memory, for who waits for a policy.

An agent tells its server when something of that changed, and nothing at rest; each server knows what hangs on its
connections, and asks the others when somebody wants to know. Nothing of it goes through the log: it is told anew by
whoever lost the connection over which it was told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

import msgspec
from structlog.typing import FilteringBoundLogger

from lictor_core.calls import PROXIES_TOLD
from lictor_core.clock import Clock
from lictor_core.codec import pack, unpack
from lictor_core.errors import LictorError, RequestError
from lictor_core.proxy_status import PROXIES_OF_AGENT_MAX, ProxyPolicy, ProxyTidings
from lictor_server.rpc import RpcPool
from lictor_server.rpc.visitor import Visitor

__all__ = ["ASK_S_MAX", "ServerProxies"]

ASK_S_MAX: Final = 1.0
"""How long another server may take to say what it was told; then it counts as one that was told nothing."""


class ServerProxies:
    """What this server was told, and the way to what the others were. All methods belong to the event loop."""

    def __init__(
        self, servers: Callable[[], Mapping[str, str]], pool: RpcPool, clock: Clock, log: FilteringBoundLogger
    ) -> None:
        """`servers` are the others by id, with their addresses, and `pool` the way there."""
        self._servers = servers
        self._pool = pool
        self._clock = clock
        self._log = log
        self._told: dict[str, tuple[ProxyTidings, float, Visitor | None]] = {}
        self._node_of: dict[Visitor, str] = {}

    def note(self, tidings: ProxyTidings, visitor: Visitor | None = None) -> None:
        """An agent tells of all its proxies, in place of what it told before; over `visitor`, if over any.

        One connection speaks for one node, so there are no more of these than connections. Raises `RequestError` at a
        bound.
        """
        if len(tidings.policies) > PROXIES_OF_AGENT_MAX:
            raise RequestError(f"an agent tells of {PROXIES_OF_AGENT_MAX} proxies at most, not {len(tidings.policies)}")
        key = tidings.node.lower()
        if visitor is not None:
            if visitor.is_gone:
                return
            if visitor not in self._node_of:
                visitor.at_end(lambda: self._ended(visitor))
            elif self._node_of[visitor] != key:
                self._drop(self._node_of[visitor], visitor)
            self._node_of[visitor] = key
        if tidings.policies:
            self._told[key] = (tidings, self._clock.monotonic(), visitor)
        else:
            self._told.pop(key, None)

    def own(self, service: str) -> list[ProxyPolicy]:
        """What agents told this server of the proxies of a service; of all when it is empty."""
        now = self._clock.monotonic()
        return [
            msgspec.structs.replace(one, age_ms=one.age_ms + round((now - at) * 1000))
            for tidings, at, _ in self._told.values()
            for one in tidings.policies
            if service in ("", one.service)
        ]

    async def all(self, service: str) -> list[ProxyPolicy]:
        """What agents told any server. One that does not answer within `ASK_S_MAX` is left out."""
        others = await asyncio.gather(*(self._ask(address, service) for address in self._servers().values()))
        newest: dict[tuple[str, str], ProxyPolicy] = {}
        for one in (*self.own(service), *(row for rows in others for row in rows)):
            key = (one.node.lower(), one.proxy_id)
            # An agent that has just moved may still be known at two servers: what it told last is true.
            if key not in newest or one.age_ms < newest[key].age_ms:
                newest[key] = one
        return [newest[key] for key in sorted(newest)]

    async def _ask(self, address: str, service: str) -> list[ProxyPolicy]:
        try:
            answer = await self._pool.call(address, PROXIES_TOLD, pack(service), timeout_s=ASK_S_MAX)
            return unpack(answer, list[ProxyPolicy])
        except LictorError as error:
            self._log.debug("proxy.policies.missed", address=address, reason=str(error))
            return []

    def _ended(self, visitor: Visitor) -> None:
        self._drop(self._node_of.pop(visitor), visitor)

    def _drop(self, node: str, visitor: Visitor) -> None:
        """Forget what was told of a node, unless another connection has told it since."""
        told = self._told.get(node)
        if told is not None and told[2] is visitor:
            del self._told[node]
