"""Performs a run: clients carry out what the generator says, the nemesis what its schedule says; all of it is recorded.

The only place where the pure parts meet the world. One asyncio loop; time is passed in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random
from typing import Final, NamedTuple, TextIO

from lictor_jepsen.clients.kv import KVClient
from lictor_jepsen.db import Cluster
from lictor_jepsen.generator import Generator
from lictor_jepsen.history import to_line
from lictor_jepsen.nemesis import FAULTS, Fault, Spell, Surroundings
from lictor_jepsen.net import NetError, Node
from lictor_jepsen.op import HEAL, NEMESIS, Invocation, Kind, Mode, Op, Outcome, Value
from lictor_jepsen.workload import Client, Place

__all__ = ["RECOVERY_S_MAX", "Interpreter", "Pace", "Recorder", "serving"]

RECOVERY_S_MAX: Final = 60.0
"""How long after the last fault the servers may take until every one of them writes and reads again."""
_BACK_OFF_S: Final = 0.1
"""The pause after a failure, so that a server that refuses connections is not asked thousands of times."""
_RETRY_S: Final = 0.25
_KEEP_UP_S: Final = 1.0
"""How often servers that ended are started again in the end."""


class Recorder:
    """The history, in memory and, line by line, in its file."""

    def __init__(self, file: TextIO, monotonic: Callable[[], float]) -> None:
        self.history: list[Op] = []
        self._file = file
        self._monotonic = monotonic
        self._began = monotonic()

    def elapsed_s(self) -> float:
        """Seconds since the run began."""
        return self._monotonic() - self._began

    def note(self, op: Op) -> None:
        """Add a line, with the time of now."""
        timed = op._replace(time_ms=self.elapsed_s() * 1000)
        self.history.append(timed)
        self._file.write(to_line(timed) + "\n")


class Pace(NamedTuple):
    """How hard the clients work."""

    seconds: float
    ops_per_s: float
    """Of all clients together, at most."""
    patience_s: float = RECOVERY_S_MAX
    """How long after the last fault all servers and agents may take to serve again."""


async def serving(cluster: Cluster, elapsed_s: Callable[[], float], within_s: float = RECOVERY_S_MAX) -> float | None:
    """Wait until every server and agent writes, and reads in both strict modes; how many seconds that took.

    None when it took longer than `within_s`.
    """
    began = elapsed_s()
    try:
        async with asyncio.timeout(within_s):
            await asyncio.gather(*(_serves(cluster, node) for node in cluster.everybody))
    except TimeoutError:
        return None
    return elapsed_s() - began


async def _serves(cluster: Cluster, node: Node) -> None:
    number = 0
    client = KVClient(cluster.url(node), prefix=cluster.prefix)
    key = f"ready-{node.name}"
    while True:
        number += 1
        outcomes = [
            await client.invoke(Invocation("write", key, number)),
            await client.invoke(Invocation("read", key, mode=Mode.DEFAULT)),
            await client.invoke(Invocation("read", key, mode=Mode.CONSISTENT)),
        ]
        if all(outcome.kind is Kind.OK for outcome in outcomes):
            return
        await asyncio.sleep(_RETRY_S)


class Interpreter:
    """One run over a cluster that is ready."""

    def __init__(
        self,
        around: Surroundings,
        generator: Generator,
        pace: Pace,
        recorder: Recorder,
        faults: Mapping[str, Fault] | None = None,
    ) -> None:
        self._around = around
        self._faults = FAULTS if faults is None else faults
        self._generator = generator
        self._pace = pace
        self._recorder = recorder
        self._processes = list(range(generator.threads))
        self._keys: dict[str, None] = {}
        self._acting = asyncio.Lock()
        self.troubles: list[str] = []
        """Faults that could not be made or ended when their time came, as sentences."""

    async def perform(self, spells: Sequence[Spell]) -> float | None:
        """All of it: the clients beside the nemesis, the recovery, the last reads.

        Returns how many seconds the servers took to serve again after the last fault, None when they never did.
        """
        clients = [self._generator.workload.client(self._place(thread)) for thread in self._threads()]
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._work(thread, client)) for thread, client in enumerate(clients)]
                tasks.append(group.create_task(self._spoil(spells)))
            del tasks
            recovered_s = await self.recover()
            if recovered_s is not None:
                await self._ask_last(clients)
        finally:
            await asyncio.gather(*(client.close() for client in clients))
        return recovered_s

    async def recover(self) -> float | None:
        """End all faults and wait until every server serves; how many seconds that took, None if too long."""
        self._around.holds.clear()
        for name, fault in self._faults.items():
            if fault.lacks(self._around):
                continue
            try:
                await fault.end(self._around.acting(name))
            except (NetError, OSError, TimeoutError) as error:
                self.troubles.append(f"{name} could not be ended: {error!r}")
        if not self._around.cluster.net.lacks_cuts:
            await self._around.cluster.net.heal()
        self._tell(HEAL, "ended all faults")
        async with asyncio.TaskGroup() as group:
            keeping = group.create_task(self._keep_up())
            try:
                return await serving(self._around.cluster, self._recorder.elapsed_s, self._pace.patience_s)
            finally:
                keeping.cancel()

    async def _keep_up(self) -> None:
        """End again what servers may end of, as a service manager would start them: they may do so after the fault.

        Their deaths are noted. While all run nothing is done: to end a fault may keep them busy.
        """
        faults = {name: one for name, one in self._faults.items() if one.may_end and not one.lacks(self._around)}
        while True:
            await asyncio.sleep(_KEEP_UP_S)
            if all(map(self._around.cluster.runs, self._around.cluster.everybody)):
                continue
            for name, fault in faults.items():
                await fault.end(self._around.acting(name))

    def _threads(self) -> range:
        return range(self._generator.threads)

    def _node(self, thread: int) -> Node:
        asked = self._around.cluster.asked
        return asked[thread % len(asked)]

    def _place(self, thread: int) -> Place:
        node, cluster = self._node(thread), self._around.cluster
        return Place(cluster.url(node), node, cluster, thread)

    async def _work(self, thread: int, client: Client) -> None:
        """One client, until time is up."""
        mean_s = self._generator.threads / self._pace.ops_per_s
        seen: dict[str, Value] = {}
        number = 0
        while self._recorder.elapsed_s() < self._pace.seconds:
            asked = self._generator.invocation(thread, number, seen)
            outcome = await self._invoke(thread, client, asked)
            if outcome.kind is Kind.OK:
                seen[asked.key] = self._generator.workload.saw(outcome.value)
            else:
                await asyncio.sleep(_BACK_OFF_S)
            await asyncio.sleep(self._generator.pause_s(thread, number, mean_s))
            number += 1

    async def _invoke(self, thread: int, client: Client, asked: Invocation) -> Outcome:
        self._keys.setdefault(asked.key)
        node = self._node(thread)
        relayed = node in self._around.cluster.agents
        begun = Op(0.0, self._processes[thread], Kind.INVOKE, *asked, node=node.name, relayed=relayed)
        self._recorder.note(begun)
        outcome = await client.invoke(asked)
        value = outcome.value if outcome.kind is Kind.OK else asked.value
        self._recorder.note(
            begun._replace(kind=outcome.kind, value=value, x_index=outcome.x_index, error=outcome.error)
        )
        if outcome.kind is Kind.INFO:
            self._processes[thread] += self._generator.threads
        return outcome

    async def _spoil(self, spells: Sequence[Spell]) -> None:
        """The nemesis. Spells may overlap; begins and ends are made one at a time."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._spell(spell)) for spell in spells]
        del tasks

    async def _spell(self, spell: Spell) -> None:
        fault = self._faults[spell.fault]
        around = self._around.acting(spell.fault)
        rng = Random(spell.seed)
        await self._wait_until(spell.begins_s)
        await self._act(spell.fault, fault.begin(around, rng))
        await self._meanwhile(spell, fault.meanwhile(around, rng))
        await self._act(spell.fault, fault.end(around))
        around.cluster.note_deaths()

    async def _act(self, fault: str, deed: Awaitable[str]) -> None:
        """One begin or end. What could not be done is told, and the run goes on: what it proves is judged later."""
        async with self._acting:
            began_s = self._recorder.elapsed_s()
            try:
                told = await deed
            except (NetError, OSError, TimeoutError) as error:
                told = f"could not: {error!r}"
                self.troubles.append(f"{fault} {told}")
            self._tell(fault, told, round((self._recorder.elapsed_s() - began_s) * 1000))

    async def _meanwhile(self, spell: Spell, goes_on: Awaitable[None]) -> None:
        """What a fault does until its end."""
        try:
            async with asyncio.timeout(max(0.0, spell.ends_s - self._recorder.elapsed_s())):
                await goes_on
        except TimeoutError:
            return
        except (NetError, OSError) as error:
            self.troubles.append(f"{spell.fault} did not go on: {error!r}")
        await self._wait_until(spell.ends_s)

    async def _wait_until(self, moment_s: float) -> None:
        await asyncio.sleep(max(0.0, moment_s - self._recorder.elapsed_s()))

    def _tell(self, fault: str, what: str, took_ms: int = 0) -> None:
        self._recorder.note(Op(0.0, NEMESIS, Kind.INFO, fault, value=what, took_ms=took_ms))

    async def _ask_last(self, clients: Sequence[Client]) -> None:
        """Ask everybody who is asked what the workload wants to know in the end."""
        last = self._generator.workload.last(list(self._keys))

        async def ask(thread: int) -> None:
            for asked in last:
                await self._invoke(thread, clients[thread], asked)

        await asyncio.gather(*(ask(thread) for thread in range(len(self._around.cluster.asked))))
