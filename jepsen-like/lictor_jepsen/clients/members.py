"""A client that changes who the servers are: it starts, dismisses, kills and replaces them, and asks who votes.

Each step ends when the servers say that it is done, so its value is what they said.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from random import Random
from time import monotonic
from typing import Final

import msgspec

from lictor_jepsen.checker.members import Server
from lictor_jepsen.clients.base import TIMEOUT_S, Refused, checked, decoded
from lictor_jepsen.clients.kv import KVClient
from lictor_jepsen.db import Cluster
from lictor_jepsen.http import request
from lictor_jepsen.net import NetError, Node
from lictor_jepsen.op import Invocation, Kind, Outcome

__all__ = ["LEAVE_S_MAX", "SERVERS_MAX", "SPARE_S_MAX", "STEP_S_MAX", "MembersClient"]

SERVERS_MAX: Final = 5
"""More than this many servers at once are not wanted."""
STEP_S_MAX: Final = 60.0
"""How long the servers may take to agree with a step; then nobody knows what comes of it."""
SPARE_S_MAX: Final = 20.0
"""How long a majority may take to serve again when all others are killed at once: some elections on a loaded host."""
LEAVE_S_MAX: Final = 40.0
"""How long a server may take to leave and end, also one that a fault kills on its way; then it is killed for good."""
_RETRY_S: Final = 0.3
_PORT: Final = ":8300"


class _Peer(msgspec.Struct):
    ID: str
    Node: str
    Address: str
    Leader: bool
    Voter: bool


class _Configuration(msgspec.Struct):
    """`/v1/operator/raft/configuration`."""

    Servers: tuple[_Peer, ...]


class _Raft(msgspec.Struct):
    state: str
    term: str


class _Stats(msgspec.Struct):
    raft: _Raft


class _Config(msgspec.Struct):
    NodeID: str


class _Self(msgspec.Struct):
    """Of `/v1/agent/self` what tells who it is and who leads which term."""

    Config: _Config
    Stats: _Stats


class MembersClient(KVClient):
    """Asks one agent for what is read and written, and all servers for who they are."""

    def __init__(self, base_url: str, cluster: Cluster) -> None:
        super().__init__(base_url)
        self._cluster = cluster

    async def do(self, asked: Invocation) -> Outcome:
        """The steps `grow`, `shrink`, `replace`, `move`, `remove`, `spare`; `look` and `settle`; else as the KV store.

        The value of a step is a seed, and where it says to how many servers, that number before it. Once done, it is
        what was before and the servers after: name, id, address, whether it votes, whether it leads. None begins
        before all vote: who does may be the only one, and what was before is to be known.
        """
        match asked.f, asked.value:
            case "look", _:
                return Outcome(Kind.OK, tuple(await self._terms()))
            case "settle", _:
                return await self._settle()
            case "grow", (int() as count, int()):
                return await self._grow(count)
            case "shrink", (int() as count, int() as seed):
                return await self._shrink(count, Random(seed))
            case "replace" | "move" | "remove" as step, int() as seed:
                return await self._replace(step, Random(seed))
            case "spare", int() as seed:
                return await self._spare(Random(seed))
            case _:
                return await super().do(asked)

    async def _grow(self, count: int) -> Outcome:
        missing = min(count, SERVERS_MAX) - len(self._cluster.nodes)
        if missing <= 0:
            return Outcome(Kind.FAIL, error=f"there are {len(self._cluster.nodes)} servers")
        before = await self._agree()
        if before is None:
            return await self._not_all_vote()
        try:
            for _ in range(missing):
                await self._cluster.start(await self._cluster.admit())
        except NetError as error:
            return Outcome(Kind.INFO, error=str(error))
        return await self._done(before)

    async def _shrink(self, count: int, rng: Random) -> Outcome:
        """Servers leave by themselves, the leader first half of the time."""
        surplus = len(self._cluster.nodes) - max(1, count)
        if surplus <= 0:
            return Outcome(Kind.FAIL, error=f"there are {len(self._cluster.nodes)} servers")
        before = await self._agree()
        if before is None:
            return await self._not_all_vote()
        leaders = [row.name for row in before if row.leads]
        order = rng.sample(list(self._cluster.nodes), len(self._cluster.nodes))
        if rng.random() < 0.5:
            order.sort(key=lambda node: node.name not in leaders)
        for node in order[:surplus]:
            if not await self._leave(node):
                return Outcome(Kind.INFO, error=f"{node.name} did not leave within {LEAVE_S_MAX:.0f} s and was killed")
        return await self._done(before)

    async def _leave(self, node: Node) -> bool:
        """Whether it was told to leave, ended, and the others have it no more.

        Until then it belongs to them: one that a fault kills on its way is started again, and leaves then.
        """
        try:
            async with asyncio.timeout(LEAVE_S_MAX):
                while True:
                    self._cluster.excuse(node)
                    await self._tell_to_leave(self._cluster.url(node))
                    if await self._cluster.gone_within(node, _RETRY_S) and await self._is_out(node):
                        break
                    await asyncio.sleep(_RETRY_S)
        except TimeoutError:
            self._cluster.dismiss(node)
            await self._cluster.kill(node)
            return False
        self._cluster.dismiss(node)
        return True

    async def _is_out(self, node: Node) -> bool:
        rows = await self._rows()
        return bool(rows) and node.name not in {row.name for row in rows} and not self._cluster.runs(node)

    async def _tell_to_leave(self, url: str) -> None:
        """In vain when it is down, or only starting; and it may end before it answers."""
        with suppress(OSError):
            await request("PUT", f"{url}/v1/agent/leave", timeout_s=LEAVE_S_MAX)

    async def _replace(self, step: str, rng: Random) -> Outcome:
        """One server is lost with all its data; another takes its name, at the same address or elsewhere, or none."""
        nodes = self._cluster.nodes
        if len(nodes) < 3:
            return Outcome(Kind.FAIL, error=f"of {len(nodes)} servers none can be spared")
        before = await self._agree()
        if before is None:
            return await self._not_all_vote()
        victim = rng.choice(list(nodes))
        await self._cluster.kill(victim)
        self._cluster.forget(victim)
        former = frozenset(row.id for row in before if row.name == victim.name)
        if step == "replace":
            await self._cluster.start(victim)
        else:
            self._cluster.dismiss(victim)
            if step == "move":
                try:
                    await self._cluster.start(await self._cluster.admit(victim.name))
                except NetError as error:
                    return Outcome(Kind.INFO, error=str(error))
            else:
                await self._remove_peer(former)
        return await self._done(before, former)

    async def _remove_peer(self, ids: frozenset[str]) -> None:
        """As an operator would; where it is refused, the servers clean up by themselves."""
        for one in ids:
            for node in self._cluster.nodes:
                try:
                    path = f"{self._cluster.url(node)}/v1/operator/raft/peer?id={one}"
                    if (await request("DELETE", path, timeout_s=TIMEOUT_S)).status == 200:
                        break
                except OSError:
                    continue

    async def _spare(self, rng: Random) -> Outcome:
        """All servers but a majority are killed at once, the leader among them; when do those left take a change?

        The value is (voters, killed, milliseconds until then or nothing).
        """
        voters = list(self._cluster.nodes)
        spare = (len(voters) - 1) // 2
        if not spare:
            return Outcome(Kind.FAIL, error=f"of {len(voters)} servers none can be spared")
        before = await self._agree()
        if before is None:
            return await self._not_all_vote()
        leaders = {row.name for row in before if row.leads}
        victims = sorted(rng.sample(voters, len(voters)), key=lambda node: node.name not in leaders)[:spare]
        began = monotonic()
        await asyncio.gather(*(self._cluster.kill(victim) for victim in victims))
        served = await self._serve_again([node for node in voters if node not in victims])
        took_ms = round((monotonic() - began) * 1000) if served else None
        await asyncio.gather(*(self._cluster.start(victim) for victim in victims))
        await self._done(before)
        return Outcome(Kind.OK, (len(voters), len(victims), took_ms))

    async def _serve_again(self, nodes: Sequence[Node]) -> bool:
        clients = [KVClient(self._cluster.url(node)) for node in nodes]
        try:
            async with asyncio.timeout(SPARE_S_MAX):
                while True:
                    for client in clients:
                        if (await client.invoke(Invocation("write", "spare", 1))).kind is Kind.OK:
                            return True
                    await asyncio.sleep(_RETRY_S)
        except TimeoutError:
            return False

    async def _settle(self) -> Outcome:
        """Wait for the servers to be those that should be; the value is (who should be, who is)."""
        ended = await self._done(())
        wanted = tuple(sorted((node.name, f"{node.address}{_PORT}") for node in self._cluster.nodes))
        is_there = ended.value[1] if isinstance(ended.value, tuple) else tuple(await self._rows())
        return Outcome(Kind.OK, (wanted, is_there))

    async def _done(self, before: Sequence[Server], gone: frozenset[str] = frozenset()) -> Outcome:
        """Wait until exactly the servers that belong to the cluster vote, and none of `gone` by its id.

        Not for who is back under such an id: it stays, and that is for the checker to judge.
        """
        rows = await self._agree(gone)
        if rows is None:
            return Outcome(Kind.INFO, error=f"after {STEP_S_MAX:.0f} s the servers are {await self._rows()}")
        return Outcome(Kind.OK, (tuple(before), tuple(rows)))

    async def _not_all_vote(self) -> Outcome:
        return Outcome(Kind.FAIL, error=f"not all servers had a vote for {STEP_S_MAX:.0f} s: {await self._rows()}")

    async def _agree(self, gone: frozenset[str] = frozenset()) -> Sequence[Server] | None:
        """What the servers are as soon as that is right; None after `STEP_S_MAX`."""
        try:
            async with asyncio.timeout(STEP_S_MAX):
                while True:
                    rows = await self._rows()
                    wanted = sorted((node.name, f"{node.address}{_PORT}", True) for node in self._cluster.nodes)
                    agreed = sorted((row.name, row.address, row.votes) for row in rows) == wanted
                    if agreed and await self._are_themselves(rows, gone):
                        return rows
                    await asyncio.sleep(_RETRY_S)
        except TimeoutError:
            return None

    async def _are_themselves(self, rows: Sequence[Server], gone: frozenset[str]) -> bool:
        """Whether no server that answers is known by another id than its own, and of `gone` only those who answer."""
        nodes = list(self._cluster.nodes)
        selves = await asyncio.gather(*(self._self(node) for node in nodes))
        ids = {node.name: one.Config.NodeID for node, one in zip(nodes, selves, strict=True) if one is not None}
        return all(ids[row.name] == row.id if row.name in ids else row.id not in gone for row in rows)

    async def _rows(self) -> list[Server]:
        """The servers that keep the log, as the leader says; none when nobody answers."""
        for node in list(self._cluster.nodes):
            try:
                url = f"{self._cluster.url(node)}/v1/operator/raft/configuration"
                answer = decoded(checked(await request("GET", url, timeout_s=TIMEOUT_S)), _Configuration)
            except (OSError, Refused):
                continue
            return sorted(Server(one.Node, one.ID, one.Address, one.Voter, one.Leader) for one in answer.Servers)
        return []

    async def _terms(self) -> list[tuple[str, str, int]]:
        """Of each server that answers: its name, what it is, in which term."""

        nodes = list(self._cluster.nodes)
        selves = await asyncio.gather(*(self._self(node) for node in nodes))
        rafts = [(node.name, one.Stats.raft) for node, one in zip(nodes, selves, strict=True) if one is not None]
        return [(name, raft.state, int(raft.term)) for name, raft in rafts]

    async def _self(self, node: Node) -> _Self | None:
        try:
            answer = await request("GET", f"{self._cluster.url(node)}/v1/agent/self", timeout_s=TIMEOUT_S)
            return decoded(checked(answer), _Self)
        except (OSError, Refused):
            return None
