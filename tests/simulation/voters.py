"""The voters of a simulation: the production core, and stock pysyncobj as a canary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from pysyncobj import SyncObj, SyncObjConf
from pysyncobj.node import Node
from pysyncobj.transport import Transport

from lictor_server.raft.core import Done, RaftCore
from lictor_server.raft.outcome import Reason
from lictor_server.raft.readindex import ReadDone
from lictor_server.raft.settings import RaftSettings
from lictor_server.raft.wire import Message, Wire
from tests.simulation.disk import DiskLog

__all__ = ["SETTINGS", "Applied", "Make", "StockVoter", "Voter", "local_reads", "production", "stock"]

SETTINGS: Final = RaftSettings(
    batch_bytes=1_200,
    apply_batch_max=20,
    window_max=4,
    log_entries_max=16,
    snapshot_trailing=8,
    snapshot_chunk_bytes=300,
    snapshot_window_max=3,
    log_memory_bytes=16_000,
)
"""Tiny batches, and short logs: most faults need several messages on the way."""

Applied = Callable[[int, bytes], object]


class Voter(Protocol):
    """What the simulation asks of a voter."""

    @property
    def is_leader(self) -> bool: ...
    @property
    def term(self) -> int: ...
    @property
    def applied_index(self) -> int: ...
    def submit(self, payload: bytes, done: Done) -> None: ...
    def read_barrier(self, done: ReadDone) -> None: ...
    def pump(self) -> bool: ...
    def log_synced(self) -> None: ...
    def receive(self, node_id: str, message: Message) -> None: ...


Make = Callable[[str, Sequence[str], DiskLog, Wire, Applied], Voter]
"""Starts a server on what its disk holds; it can send to the others named."""


def production(node_id: str, others: Sequence[str], log: DiskLog, wire: Wire, apply: Applied) -> Voter:
    """The core as it ships: blank, or what its log says."""
    return _connected(RaftCore(node_id, log.peer_set, settings=SETTINGS, log=log, wire=wire, apply=apply), others)


class _LocalReads(RaftCore):
    """A control: reads are answered by whoever says leader, without asking anybody."""

    def read_barrier(self, done: ReadDone) -> None:
        done(Reason.SUCCESS if self.is_leader else Reason.NOT_LEADER)


def local_reads(node_id: str, others: Sequence[str], log: DiskLog, wire: Wire, apply: Applied) -> Voter:
    """The core with reads that are not confirmed."""
    return _connected(_LocalReads(node_id, log.peer_set, settings=SETTINGS, log=log, wire=wire, apply=apply), others)


def _connected(core: RaftCore, others: Sequence[str]) -> RaftCore:
    for other in others:
        core.connected(other)
    return core


class _StockTransport(Transport):
    def __init__(self, node: Node, others: list[Node], wire: Wire) -> None:
        super().__init__(None, node, others)
        self._wire = wire

    def send(self, node: Node, message: Message) -> bool:
        return self._wire.send(node.id, message)

    def connect(self, others: list[Node]) -> None:
        for other in others:
            self._onNodeConnected(other)


class _NoSockets:
    def poll(self, timeout: float) -> None:
        pass


class StockVoter(SyncObj):
    """pysyncobj as it comes; only what a command means is replaced."""

    def __init__(self, node_id: str, peers: Sequence[str], log: DiskLog, wire: Wire, apply: Applied) -> None:
        self._apply = apply
        node, others = Node(node_id), [Node(peer) for peer in peers]
        configuration = SyncObjConf(
            autoTick=False,
            appendEntriesUseBatch=True,
            appendEntriesPeriod=SETTINGS.heartbeat_s,
            appendEntriesBatchSizeBytes=SETTINGS.batch_bytes,
            raftMinTimeout=SETTINGS.election_min_s,
            raftMaxTimeout=SETTINGS.election_max_s,
            leaderFallbackTimeout=SETTINGS.leader_fallback_s,
            commandsWaitLeader=False,
            logCompactionMinEntries=1_000_000_000,
            logCompactionMinTime=1_000_000_000.0,
            journalFile=log,
            dynamicMembershipChange=False,
            useFork=False,
        )
        links = _StockTransport(node, others, wire)
        super().__init__(node, others, configuration, transport=links)
        self._poller = _NoSockets()
        links.connect(others)

    @property
    def is_leader(self) -> bool:
        return self._isLeader()

    @property
    def term(self) -> int:
        return self.raftCurrentTerm

    @property
    def applied_index(self) -> int:
        return self.raftLastApplied

    def submit(self, payload: bytes, done: Done) -> None:
        self._applyCommand(payload, lambda result, reason: done(result, Reason(reason)), 0)

    def read_barrier(self, done: ReadDone) -> None:
        done(Reason.NOT_LEADER)

    def pump(self) -> bool:
        self.doTick(0.0)
        return False

    def log_synced(self) -> None:
        pass

    def receive(self, node_id: str, message: Message) -> None:
        self._SyncObj__onMessageReceived(Node(node_id), message)

    def _SyncObj__doApplyCommand(self, command: bytes) -> object:
        return self._apply(self.raftLastApplied + 1, command[1:]) if command[0] == 0 else None


def stock(node_id: str, peers: Sequence[str], log: DiskLog, wire: Wire, apply: Applied) -> Voter:
    """pysyncobj 0.3.17 as it comes."""
    return StockVoter(node_id, peers, log, wire, apply)
