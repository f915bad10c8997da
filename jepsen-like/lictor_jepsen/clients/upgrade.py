"""A client that upgrades servers one by one, beside what any client of the KV store does."""

from __future__ import annotations

import asyncio
from typing import Final

from lictor_jepsen.clients.base import leader_of
from lictor_jepsen.clients.kv import KVClient
from lictor_jepsen.db import Cluster
from lictor_jepsen.net import Node
from lictor_jepsen.op import Invocation, Kind, Mode, Outcome

__all__ = ["END_S_MAX", "SERVE_S_MAX", "UpgradeClient"]

END_S_MAX: Final = 15.0
"""How long a server may take to end when it is told to; then it is killed."""
SERVE_S_MAX: Final = 45.0
"""How long it may take under its new version until it takes a write and both strict reads."""
_RETRY_S: Final = 0.3
_LEADER_S_MAX: Final = 2.0


class UpgradeClient(KVClient):
    """Asks one server or agent; upgrades any of them."""

    def __init__(self, base_url: str, cluster: Cluster) -> None:
        super().__init__(base_url)
        self._cluster = cluster

    async def do(self, asked: Invocation) -> Outcome:
        """`upgrade`: the next server, the leader last, then agents; else as the KV store.

        The value is (who, how many are left, whether it ended when it was told to).
        """
        if asked.f != "upgrade":
            return await super().do(asked)
        former = [node for node in self._cluster.everybody if self._cluster.is_former(node)]
        if not former:
            return Outcome(Kind.FAIL, error="all are upgraded")
        node = await self._next(former)
        ended = await self._cluster.end(node, END_S_MAX)
        self._cluster.upgrade(node)
        await self._cluster.start(node)
        if not await self._serves(node):
            return Outcome(Kind.INFO, error=f"{node.name} did not serve within {SERVE_S_MAX:.0f} s after its upgrade")
        return Outcome(Kind.OK, (node.name, len(former) - 1, ended))

    async def _next(self, former: list[Node]) -> Node:
        servers = [node for node in former if node in self._cluster.nodes]
        if len(servers) < 2:
            return (servers or former)[0]
        said = [await leader_of(self._cluster.url(node), _LEADER_S_MAX) for node in self._cluster.nodes]
        return sorted(servers, key=lambda node: node.address in said)[0]

    async def _serves(self, node: Node) -> bool:
        client = KVClient(self._cluster.url(node), prefix=self._cluster.prefix)
        key = f"upgraded-{node.name}"
        asked = [
            Invocation("write", key, 1),
            *(Invocation("read", key, None, m) for m in (Mode.DEFAULT, Mode.CONSISTENT)),
        ]
        try:
            async with asyncio.timeout(SERVE_S_MAX):
                while True:
                    if all([(await client.invoke(one)).kind is Kind.OK for one in asked]):
                        return True
                    await asyncio.sleep(_RETRY_S)
        except TimeoutError:
            return False
