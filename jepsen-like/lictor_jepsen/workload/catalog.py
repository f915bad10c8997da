"""The catalog: services that come and go at agents and beside them, and what everybody sees of that."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from random import Random
from typing import Final

from lictor_jepsen.checker import Finding
from lictor_jepsen.checker.catalog import AFTER_MS, CHANGES, READS, catalog, rows
from lictor_jepsen.clients.base import QUERY, TIMEOUT_S, HTTPClient, Refused, checked, index_of
from lictor_jepsen.http import request
from lictor_jepsen.instances import (
    agent_registration,
    catalog_registration,
    catalog_rows,
    health_rows,
    local_rows,
    outside_node,
)
from lictor_jepsen.op import OUTSIDE, Invocation, Kind, Mode, Op, Outcome, Value
from lictor_jepsen.workload.base import Client, Made, Needs, Place, Turn, Workload
from lictor_jepsen.workload.kv import read_mode

__all__ = ["Catalog"]

AGREED_S_MAX: Final = AFTER_MS / 1000
"""How long a client waits in the end for agents and catalog to agree."""
_RETRY_S: Final = 0.5
_ERASED_IN_TIME: Final = frozenset({"lictor"})
"""Products that take `ae_interval`. Consul 1.8.7 compares its catalog every one to two minutes whatever is set."""


class Catalog(Workload):
    """Register and deregister at agents and in the catalog; read agents and catalog."""

    name = "catalog"
    about = "register and deregister services, at agents and in the catalog, and read both"
    alone = ""
    makes = frozenset({Made.NODES, Made.SERVICES})
    needs = Needs(settings={"ae_interval": "5s"})
    changes = CHANGES

    def invocation(self, rng: Random, turn: Turn) -> Invocation:
        """A thread has one instance of a service at its agent; all share one on a node without an agent."""
        asked = rng.choices(
            ("register", "deregister", "erase", "put", "remove", "local", "list", "health"),
            (20, 10, 2, 12, 6, 12, 10, 28),
        )[0]
        match asked:
            case "register":
                return Invocation(asked, turn.key, (turn.thread, turn.fresh))
            case "deregister" | "erase":
                return Invocation(asked, turn.key, turn.thread)
            case "put":
                return Invocation(asked, turn.key, turn.fresh)
            case "list" | "health":
                return Invocation(asked, turn.key, mode=read_mode(rng))
            case _:
                return Invocation(asked, turn.key)

    def client(self, place: Place) -> Client:
        """Asks its agent for everything."""
        return _CatalogClient(place)

    def last(self, keys: Sequence[str]) -> Sequence[Invocation]:
        """Wait until agents and catalog agree, then read all."""
        return [
            *(Invocation("agree", key) for key in keys),
            *(Invocation("local", key) for key in keys),
            *(
                Invocation(asked, key, mode=mode)
                for key in keys
                for asked in sorted(READS)
                for mode in (Mode.DEFAULT, Mode.CONSISTENT)
            ),
        ]

    def check(self, history: Sequence[Op]) -> Mapping[str, Finding]:
        """By `checker.catalog`."""
        return catalog(history)


class _CatalogClient(HTTPClient):
    """Carries out the invocations of one thread."""

    reads = READS | {"local", "agree"}

    def __init__(self, place: Place) -> None:
        super().__init__(place.url)
        self._place = place
        self._registered: set[str] = set()
        self._agreed_until: float | None = None

    async def do(self, asked: Invocation) -> Outcome:
        match asked.f, asked.value:
            case "register", (int() as thread, int() as number):
                id_ = f"{asked.key}-{thread}"
                self._registered.add(id_)
                await self._put("/v1/agent/service/register", agent_registration(asked.key, id_, number))
            case "deregister", int() as thread:
                return await self._deregister(f"{asked.key}-{thread}")
            case "erase", int() as thread:
                return await self._erase(f"{asked.key}-{thread}")
            case "put", int() as number:
                await self._put("/v1/catalog/register", catalog_registration(asked.key, asked.key, number))
            case "remove", None:
                await self._take_out(outside_node(asked.key), asked.key)
            case "local", None:
                return Outcome(Kind.OK, await self._local(self._place.url, self._place.node.name, asked.key))
            case (("health" | "list"), None):
                return await self._shown(asked)
            case "agree", None:
                return Outcome(Kind.OK, await self._agreed(asked.key))
            case _:
                raise ValueError(f"no client of the catalog knows how to do {asked}")
        return Outcome(Kind.OK, asked.value)

    async def _put(self, path: str, body: str = "") -> None:
        checked(await self.ask("PUT", path, body))

    async def _take_out(self, node: str, id_: str) -> None:
        await self._put("/v1/catalog/deregister", json.dumps({"Node": node, "ServiceID": id_}))

    async def _deregister(self, id_: str) -> Outcome:
        if id_ not in self._registered:
            return Outcome(Kind.FAIL, error="nothing to deregister")
        await self._put(f"/v1/agent/service/deregister/{id_}")
        self._registered.discard(id_)
        return Outcome(Kind.OK, self._place.thread)

    async def _erase(self, id_: str) -> Outcome:
        """Take an agent's instance out of the catalog, behind its back."""
        if id_ not in self._registered:
            return Outcome(Kind.FAIL, error="nothing to erase")
        if self._place.cluster.program.name not in _ERASED_IN_TIME:
            return Outcome(Kind.FAIL, error="not done: its agents notice later than a run can wait")
        await self._take_out(self._place.node.name, id_)
        return Outcome(Kind.OK, self._place.thread)

    async def _local(self, url: str, node: str, service: str) -> Value:
        answer = await request("GET", f"{url}/v1/agent/services", timeout_s=TIMEOUT_S)
        return local_rows(checked(answer), node, service)

    async def _shown(self, asked: Invocation) -> Outcome:
        family, read = ("health", health_rows) if asked.f == "health" else ("catalog", catalog_rows)
        answer = checked(await self.ask("GET", f"/v1/{family}/service/{asked.key}?{QUERY[asked.mode]}"))
        return Outcome(Kind.OK, read(answer), index_of(answer))

    async def _agreed(self, service: str) -> Value:
        """What all agents have, and what the catalog has of them: once it is the same, or when time is up."""
        clock = asyncio.get_running_loop()
        if self._agreed_until is None:
            self._agreed_until = clock.time() + AGREED_S_MAX
        while True:
            over = clock.time() >= self._agreed_until
            try:
                agents, shown = await self._both(service)
            except (OSError, Refused):
                if over:
                    raise
            else:
                if over or agents == shown:
                    return (agents, shown)
            await asyncio.sleep(_RETRY_S)

    async def _both(self, service: str) -> tuple[Value, Value]:
        cluster = self._place.cluster
        looks = [self._local(cluster.url(node), node.name, service) for node in cluster.asked]
        agents = {name: held for look in await asyncio.gather(*looks) for name, held in rows(look).items()}
        outcome = await self._shown(Invocation("health", service, mode=Mode.CONSISTENT))
        shown = {name: held for name, held in rows(outcome.value).items() if not name.startswith(OUTSIDE)}
        return tuple(sorted(agents.items())), tuple(sorted(shown.items()))
