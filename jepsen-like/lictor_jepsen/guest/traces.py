"""What a run made in a cluster of others, found by its name and taken away, until nothing of it shows any more.

The cluster is asked what there is, instead of a list of what was made: a write whose answer was lost is found as well.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from itertools import cycle
from typing import Final, NamedTuple
from urllib.parse import quote

import msgspec

from lictor_jepsen.clients.base import Refused, decoded
from lictor_jepsen.guest.asking import DeniedError, ask, keep_trying
from lictor_jepsen.guest.stay import Stay
from lictor_jepsen.instances import outside_node
from lictor_jepsen.net import Node
from lictor_jepsen.op import NEMESIS, Kind, Op
from lictor_jepsen.workload import Made

__all__ = ["LATE_S", "Traces", "in_doubt"]

LATE_S: Final = 8.0
"""How long a write may take place after whoever asked for it has gone: servers hold back what has no leader for 7 s."""


class _Session(msgspec.Struct):
    ID: str
    Name: str = ""


class _Node(msgspec.Struct):
    Node: str


class _Row(msgspec.Struct):
    Node: str
    ServiceID: str


class _Service(msgspec.Struct):
    ID: str
    Service: str


class _Kind(NamedTuple):
    """One kind of what is made."""

    words: str
    """What there is of it, for a message."""
    gone: Callable[[], Awaitable[None]]
    """Take it away and look. Raises `Refused` for what is still there."""


class Traces:
    """What one stay leaves."""

    def __init__(self, stay: Stay, monotonic: Callable[[], float]) -> None:
        self.made: set[Made] = set()
        """What there may be something of: nothing is looked for that never was."""
        self._stay = stay
        self._monotonic = monotonic
        self._turns = cycle(stay.cluster.asked)

    async def remove(self) -> list[str]:
        """Take all away; what could not be, as sentences. Agents come first: they would bring back what is theirs."""
        stay = self._stay
        kinds = {
            Made.SERVICES: _Kind(f"the services {stay.mark}... at their agents", self._services),
            Made.NODES: _Kind(f"the nodes {outside_node(stay.mark)}... in the catalog", self._nodes),
            Made.SESSIONS: _Kind(f"the sessions named {stay.prefix}", self._sessions),
            Made.KEYS: _Kind(f"the keys below {stay.prefix}", self._keys),
        }
        until_s = self._monotonic() + stay.patience_s
        left: list[str] = []
        for made, kind in kinds.items():
            if made not in self.made:
                continue
            try:
                await keep_trying(kind.gone, until_s, self._monotonic)
            except (DeniedError, OSError, Refused) as error:
                left.append(f"{kind.words} could not be taken away: {error}")
        return left

    async def _services(self) -> None:
        await asyncio.gather(*(self._services_of(node) for node in self._stay.cluster.asked))
        url = self._anybody()
        answer = await ask("GET", f"{url}/v1/catalog/services?consistent")
        names = [name for name in decoded(answer, dict[str, list[str]]) if name.startswith(self._stay.mark)]
        places = [f"{url}/v1/catalog/service/{quote(name)}?consistent" for name in names]
        rows = [row for place in places for row in decoded(await ask("GET", place), list[_Row])]
        theirs = {node.name for node in self._stay.cluster.asked}
        shown = [row for row in rows if row.Node in theirs]
        for row in shown:  # an agent that is slow, or that has nothing of it any more
            body = json.dumps({"Node": row.Node, "ServiceID": row.ServiceID})
            await ask("PUT", f"{url}/v1/catalog/deregister", body)
        _none([f"{row.ServiceID} at {row.Node}" for row in shown])

    async def _services_of(self, node: Node) -> None:
        url = self._stay.cluster.urls[node.name]
        rows = decoded(await ask("GET", f"{url}/v1/agent/services"), dict[str, _Service])
        for row in rows.values():
            if row.Service.startswith(self._stay.mark):
                await ask("PUT", f"{url}/v1/agent/service/deregister/{quote(row.ID)}", may_lack=True)

    async def _nodes(self) -> None:
        url, prefix = self._anybody(), outside_node(self._stay.mark)
        found = quote(f'Node matches "^{prefix}"')

        async def shown() -> list[str]:
            rows = decoded(await ask("GET", f"{url}/v1/catalog/nodes?consistent&filter={found}"), list[_Node])
            return [row.Node for row in rows if row.Node.startswith(prefix)]

        for name in await shown():
            await ask("PUT", f"{url}/v1/catalog/deregister", json.dumps({"Node": name}))
        _none(await shown())

    async def _sessions(self) -> None:
        url = self._anybody()

        async def shown() -> list[str]:
            rows = decoded(await ask("GET", f"{url}/v1/session/list?consistent"), list[_Session])
            return [row.ID for row in rows if row.Name == self._stay.prefix]

        for session in await shown():
            await ask("PUT", f"{url}/v1/session/destroy/{session}")
        _none(await shown())

    async def _keys(self) -> None:
        url = f"{self._anybody()}/v1/kv/{self._stay.prefix}"
        await ask("DELETE", f"{url}?recurse")
        answer = await ask("GET", f"{url}?keys&consistent", may_lack=True)
        _none([] if answer.status == 404 else decoded(answer, list[str]))

    def _anybody(self) -> str:
        """Where to ask: everybody in turn, since one of them may be lost."""
        return self._stay.cluster.urls[next(self._turns).name]


def in_doubt(history: Sequence[Op]) -> bool:
    """Whether a write of which nobody knows may yet take place. Pure."""
    last_ms = max((op.time_ms for op in history), default=0.0)
    late = (op for op in history if op.time_ms > last_ms - LATE_S * 1000)
    return any(op.kind is Kind.INFO and op.process != NEMESIS for op in late)


def _none(shown: list[str]) -> None:
    if shown:
        raise Refused(f"{len(shown)} are still there, such as {shown[0]}", definite=False)
