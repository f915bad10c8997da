"""Servers in one process, without their doors: store, log and snapshots on disk, and a wire made of calls.

Messages go through the encoding of a real wire, in order; a wire can be cut, and what goes over it looked at or lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import cast

import msgpack

from lictor_core.clock import SeededRng, SystemClock
from lictor_core.codec import encode_command
from lictor_core.commands import KVSet
from lictor_core.peers import PeerSet
from lictor_server.exchange import SnapshotExchange
from lictor_server.machine import Machine
from lictor_server.raft import Driver, RaftCore, RaftSettings
from lictor_server.raft.wire import Message
from lictor_server.state import Watches
from lictor_server.state.snapshot import state_hash
from lictor_server.storage import Storage
from tests.server.conftest import Log
from tests.support.conditions import eventually

__all__ = ["FAST", "SMALL", "Replica", "Replicas"]

FAST = RaftSettings(heartbeat_s=0.05, election_min_s=0.6, election_max_s=1.2, tick_s=0.01, leader_fallback_s=2.0)
SMALL = RaftSettings(
    heartbeat_s=0.05,
    election_min_s=0.6,
    election_max_s=1.2,
    tick_s=0.01,
    leader_fallback_s=2.0,
    connection_timeout_s=1.5,
    segment_bytes_max=4096,
    snapshot_log_bytes=10_000,
    snapshot_trailing=10,
    log_entries_max=20,
    snapshot_chunk_bytes=2000,
    snapshot_window_max=3,
)
"""Snapshots often, and in many pieces; a silent follower is soon given up."""

Sent = Callable[[str, str, Message], bool]


class Replica:
    """One server."""

    def __init__(self, name: str, directory: Path, replicas: Replicas, settings: RaftSettings, log: Log) -> None:
        self.name = name
        self.log = log
        self.failures: list[BaseException] = []
        self.storage = Storage(directory, "dc1", settings, rng=SeededRng(1), log=log.logger)
        self.store = self.storage.store
        self.watches = Watches()
        self._replicas = replicas
        self.core = RaftCore(
            name,
            self.storage.peer_set,
            settings=settings,
            log=self.storage.wal,
            wire=self,
            apply=Machine(self.store, self.watches).apply,
        )
        self.driver = Driver(
            self.core,
            settings,
            on_leadership=lambda _: None,
            on_leader=lambda leader: None,
            on_failure=self.failures.append,
        )
        self.exchange = SnapshotExchange(
            self.store, self.watches, self.driver, self.storage, settings, clock=SystemClock(), log=log.logger
        )

    def start(self) -> None:
        """Begin to write and to drive."""
        self.storage.wal.start(on_durable=self._durable, on_failure=self.driver.fail)
        self.driver.start()

    def _durable(self) -> None:
        self.core.log_synced()
        self.driver.kick()
        self.exchange.consider()

    async def stop(self) -> None:
        """End in good order."""
        self.driver.stop()
        await self.exchange.stop()
        await self.storage.close()

    async def write(self, count: int, *, value_bytes: int = 100, prefix: str = "k", at_once: int = 500) -> None:
        """Write that many keys at this leader."""
        value = bytes(value_bytes)
        for first in range(0, count, at_once):
            numbers = range(first, min(first + at_once, count))
            payloads = [encode_command(KVSet(key=f"{prefix}{number}", value=value)) for number in numbers]
            await asyncio.gather(*(self.driver.propose(payload) for payload in payloads))

    def send(self, node_id: str, message: Message) -> bool:
        """Send a message of this server."""
        return self._replicas.carry(self.name, node_id, message)


class Replicas:
    """Some servers, and all wires between them."""

    def __init__(self, directory: Path, settings: RaftSettings = SMALL) -> None:
        self.directory = directory
        self.settings = settings
        self.up: dict[str, Replica] = {}
        self.cut: set[str] = set()
        self.tamper: Callable[[str, str, Message], Message | None] = lambda source, target, message: message

    def start(self, name: str, log: Log, *, peer_set: PeerSet | None = None) -> Replica:
        """Start a server on what its directory holds; a blank one founds with `peer_set`, if given."""
        replica = self.up[name] = Replica(name, self.directory / name, self, self.settings, log)
        if peer_set is not None and replica.core.is_blank:
            replica.core.found(peer_set)
        for other in self.up.values():
            if other is not replica:
                other.core.connected(name)
                replica.core.connected(other.name)
        replica.start()
        return replica

    async def stop(self, name: str) -> None:
        """Stop one server in good order."""
        replica = self.up.pop(name)
        for other in self.up.values():
            other.core.disconnected(name)
        await replica.stop()

    async def stop_all(self) -> None:
        """Stop all that still run."""
        for name in list(self.up):
            await self.stop(name)

    def carry(self, source: str, target: str, message: Message) -> bool:
        """Carry a message to its receiver, in a later pass of the loop."""
        if {source, target} & self.cut:
            return True
        changed = self.tamper(source, target, message)
        if changed is not None:
            data = msgpack.packb(changed)
            asyncio.get_running_loop().call_soon(self._deliver, source, target, data)
        return True

    def _deliver(self, source: str, target: str, data: bytes) -> None:
        receiver = self.up.get(target)
        if receiver is None or source not in self.up:
            return
        receiver.core.receive(source, cast(Message, msgpack.unpackb(data, use_list=False)))
        receiver.driver.kick()

    async def leader(self) -> Replica:
        """Who leads, once somebody does."""
        await eventually(lambda: any(one.driver.leads for one in self.up.values()), within_s=10, what="a leader")
        return next(one for one in self.up.values() if one.driver.leads)

    async def level(self, *, within_s: float = 10.0) -> None:
        """Wait until all who run have applied as much as the one furthest on, and look whether they agree."""

        def even() -> bool:
            indexes = {one.core.applied_index for one in self.up.values()}
            return len(indexes) == 1 and not any(one.failures for one in self.up.values())

        await eventually(even, within_s=within_s, what="everybody at one index")
        assert len({state_hash(one.store) for one in self.up.values()}) == 1
