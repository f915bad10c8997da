"""The consensus core: pysyncobj 0.3.17 behind one class, and the guard of every private name used.

pysyncobj does elections, terms, votes, the commit rule, log indexing and the queue of commands with their callbacks.
What this class changes:

* **nothing unpickles**: commands are plain bytes handed to `apply`, and log entries of other kinds than regular ones
  and no-ops are refused. Stock pysyncobj unpickles what the log and the wire hold;
* **apply has a budget** per tick and knows each entry's index. Stock applies everything at once;
* **messages** of nodes that are no voters are dropped, and so are forwarded commands and split transmissions;
* **no clock of its own**: `tick` and `pump` are called from outside; no thread, no pipe, no socket.

Errors in `apply` or in a callback would make stock pysyncobj apply an entry twice or stop for ever, so neither may
raise: one that does is a broken invariant and ends the process (`Driver`).

The names of private attributes are checked at import: another version of pysyncobj is a change of its own, to be made
with every test of this room.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from queue import Empty
from typing import Final

import pysyncobj.syncobj
from pysyncobj import SyncObj, SyncObjConf
from pysyncobj.node import Node
from pysyncobj.transport import Transport
from pysyncobj.version import VERSION

from lictor_server.raft.memory_log import MemoryLog
from lictor_server.raft.outcome import Reason
from lictor_server.raft.settings import RaftSettings
from lictor_server.raft.wire import Message, Wire

__all__ = ["PINNED_VERSION", "PRIVATE_NAMES", "Apply", "Done", "RaftCore", "guard"]

PINNED_VERSION: Final = "0.3.17"
PRIVATE_METHODS: Final = frozenset(
    {
        "_SyncObj__applyLogEntries",
        "_SyncObj__doApplyCommand",
        "_SyncObj__onMessageReceived",
        "_SyncObj__parseChangeClusterRequest",
        "_applyCommand",
        "_getLeader",
        "_isLeader",
    }
)
"""Methods overridden or called."""
PRIVATE_ATTRIBUTES: Final = frozenset(
    {
        "_SyncObj__commandsQueue",
        "_SyncObj__commandsWaitingCommit",
        "_SyncObj__newAppendEntriesTime",
        "_SyncObj__noopIDx",
        "_SyncObj__otherNodes",
        "_SyncObj__raftCommitIndex",
        "_SyncObj__raftElectionDeadline",
        "_SyncObj__raftLastApplied",
        "_SyncObj__raftLog",
        "_poller",
    }
)
"""Attributes read or written; they exist once an instance is made."""
PRIVATE_NAMES: Final = PRIVATE_METHODS | PRIVATE_ATTRIBUTES

_REGULAR: Final = 0
_NO_OP: Final = 1
_NEVER: Final = 1_000_000_000

Apply = Callable[[int, bytes], object]
"""Carries out the command at an index; what it returns goes to the submitter. Never raises."""
Done = Callable[[object, Reason], None]
"""Told the result of a command, or why there is none. Never raises."""


def guard(version: str, names: frozenset[str], owned: Callable[[str], bool]) -> None:
    """Refuse a pysyncobj other than the one this module was written for. Raises `ImportError`."""
    if version != PINNED_VERSION:
        raise ImportError(f"pysyncobj is {version}, but Lictor needs exactly {PINNED_VERSION}: install that version")
    missing = sorted(name for name in names if not owned(name))
    if missing:
        raise ImportError(f"pysyncobj {version} lacks what Lictor builds on: {', '.join(missing)}")


guard(VERSION, PRIVATE_METHODS, lambda name: hasattr(SyncObj, name))


def _journal_itself(journal: MemoryLog) -> MemoryLog:
    """Stock pysyncobj makes a journal from a file name; ours is handed through the same setting ready made."""
    return journal


pysyncobj.syncobj.createJournal = _journal_itself


class _NoSockets:
    """Stands in for pysyncobj's poller: this process has one event loop, and it is not pysyncobj's."""

    def poll(self, timeout: float) -> None:
        """There is nothing to wait for."""


class _WireTransport(Transport):
    """pysyncobj's side of a `Wire`."""

    def __init__(self, wire: Wire, node: Node, others: list[Node]) -> None:
        super().__init__(None, node, others)
        self._wire = wire

    def send(self, node: Node, message: Message) -> bool:
        """Hand `message` on."""
        return self._wire.send(node.id, message)


class RaftCore(SyncObj):
    """One voter. All methods belong to one thread, that of the event loop."""

    def __init__(
        self,
        node_id: str,
        peers: Sequence[str],
        *,
        settings: RaftSettings,
        log: MemoryLog,
        wire: Wire,
        apply: Apply,
    ) -> None:
        self._own_log = log
        self._settings = settings
        self._apply = apply
        node, others = Node(node_id), [Node(peer) for peer in peers]
        super().__init__(node, others, _configuration(settings, log), transport=_WireTransport(wire, node, others))
        self._poller = _NoSockets()
        guard(VERSION, PRIVATE_NAMES, lambda name: hasattr(self, name))
        assert self._SyncObj__raftLog is log, "pysyncobj made a log of its own instead of taking ours"
        self._SyncObj__raftLastApplied = max(self._SyncObj__raftLastApplied, log.snapshot_index)
        if not others:
            self._SyncObj__raftElectionDeadline = 0.0  # a lone voter has nobody to wait for

    @property
    def is_leader(self) -> bool:
        """Whether this node believes it leads."""
        return self._isLeader()

    @property
    def leader(self) -> str | None:
        """The id of the last known leader."""
        node = self._getLeader()
        return None if node is None else node.id

    @property
    def term(self) -> int:
        """The current term."""
        return self.raftCurrentTerm

    @property
    def applied_index(self) -> int:
        """The last entry that was applied here."""
        return self.raftLastApplied

    @property
    def commit_index(self) -> int:
        """The last entry known to be committed."""
        return self.raftCommitIndex

    @property
    def has_peers(self) -> bool:
        """Whether there are other voters."""
        return bool(self._SyncObj__otherNodes)

    @property
    def knows_commits(self) -> bool:
        """Whether this leader has committed its own no-op, and so knows all that its predecessors committed.

        Raft paper, section 8.
        """
        no_op = self._SyncObj__noopIDx
        return no_op is not None and self.raftCommitIndex >= no_op

    @property
    def _awaits_disk(self) -> bool:
        return not self.has_peers and not self._own_log.is_durable

    def term_of(self, index: int) -> int:
        """The term of an entry that the log still holds in memory, as it does the last applied one."""
        return self._own_log[index - self._own_log[0][1]][2]

    def submit(self, payload: bytes, done: Done) -> None:
        """Queue a command for the log; `done` is told once, maybe at once."""
        if not self.is_leader:
            done(None, Reason.NOT_LEADER)
            return

        def finished(result: object, reason: int) -> None:
            done(result, Reason(reason))

        self._applyCommand(payload, finished, _REGULAR)

    def refuse_queued(self) -> None:
        """Tell whoever waits for the log that their commands surely do not enter it."""
        queue = self._SyncObj__commandsQueue
        while True:
            try:
                _, finished = queue.get_nowait()
            except Empty:
                return
            finished(None, Reason.NOT_LEADER)

    def pump(self) -> bool:
        """Do what is due now: commit, apply, take queued commands into the log, send. Whether more is left to apply.

        The second tick follows at once when the first one put commands into the log: they leave in one batch, and a
        lone voter commits them in the same pass, unless they have to reach the disk first.

        A lone voter is its own majority, so it must not count itself before its entries are durable: until then it does
        nothing, and new commands wait in the queue as the next batch.
        """
        if self._awaits_disk:
            return False
        before = self._own_log[-1][1]
        self.doTick(0.0)
        if self._own_log[-1][1] != before and not self._awaits_disk:
            self._SyncObj__newAppendEntriesTime = 0.0
            self.doTick(0.0)
        return self.raftCommitIndex > self.raftLastApplied

    def receive(self, node_id: str, message: Message) -> None:
        """Take a message of another voter."""
        self._SyncObj__onMessageReceived(Node(node_id), message)

    def _SyncObj__onMessageReceived(self, node: Node, message: Message) -> None:
        if node not in self._SyncObj__otherNodes:
            return
        if message.get("type") in ("apply_command", "apply_command_response") or "transmission" in message:
            return  # forwarded commands and split entries: neither is ever sent by this code, and both unpickle
        super()._SyncObj__onMessageReceived(node, message)

    def _SyncObj__parseChangeClusterRequest(self, command: bytes) -> None:
        """Members are fixed: no log entry changes them."""

    def _SyncObj__doApplyCommand(self, command: bytes) -> object:
        kind = command[0]
        if kind == _REGULAR:
            return self._apply(self.raftLastApplied + 1, command[1:])
        assert kind == _NO_OP, f"log entry {self.raftLastApplied + 1} has the unknown kind {kind}"
        return None

    def _SyncObj__applyLogEntries(self) -> bool:
        """Apply what is committed, at most `apply_batch_max` entries; the caller comes again for the rest."""
        applied = self._SyncObj__raftLastApplied
        last = min(self._SyncObj__raftCommitIndex, applied + self._settings.apply_batch_max)
        if last > applied:
            first = self._own_log[0][1]
            for command, index, term in self._own_log[applied + 1 - first : last + 1 - first]:
                result = self._SyncObj__doApplyCommand(command)
                self._SyncObj__raftLastApplied = index
                for submitted_in, done in self._SyncObj__commandsWaitingCommit.pop(index, ()):
                    if submitted_in == term:
                        done(result, Reason.SUCCESS)
                    else:
                        done(None, Reason.DISCARDED)
            if not self.has_peers:
                self._own_log.drop_applied(last, keep_max=self._settings.log_entries_max)
        return False


def _configuration(settings: RaftSettings, log: MemoryLog) -> SyncObjConf:
    return SyncObjConf(
        autoTick=False,
        appendEntriesUseBatch=True,
        appendEntriesPeriod=settings.heartbeat_s,
        appendEntriesBatchSizeBytes=settings.batch_bytes,
        raftMinTimeout=settings.election_min_s,
        raftMaxTimeout=settings.election_max_s,
        leaderFallbackTimeout=settings.leader_fallback_s,
        connectionTimeout=settings.connection_timeout_s,
        commandsQueueSize=settings.queue_max,
        commandsWaitLeader=False,
        logCompactionMinEntries=_NEVER,
        logCompactionMinTime=float(_NEVER),
        journalFile=log,
        dynamicMembershipChange=False,
        useFork=False,
    )
