"""The consensus core: pysyncobj 0.3.17 behind one class.

pysyncobj does elections, terms, votes, the commit rule, log indexing and the queue of commands with their callbacks.
What this class changes:

* **nothing unpickles**: commands are plain bytes handed to `apply`, and log entries of other kinds than regular ones
  and no-ops are refused. Stock pysyncobj unpickles what the log and the wire hold;
* **apply has a budget** per tick and knows each entry's index. Stock applies everything at once;
* **messages** are typed and checked (`messages`); those of nodes that are no voters are dropped;
* **entries are taken** by the rules of `append`, before pysyncobj sees them, and **sent** by those of `flow`;
* **answers wait for the disk** and carry their term (`acks`); a leader counts no entry that is not on its own disk;
* **an election is asked for** before it is held (`prevote`);
* **reads** are confirmed by a majority (`readindex`);
* **no clock of its own**: `pump` is called from outside; no thread, no pipe, no socket.

A majority that does not answer for `leader_fallback_s` deposes a leader; that rule is pysyncobj's own. Members are
fixed, and a log with peers is kept whole.

Errors in `apply` or in a callback would make stock pysyncobj apply an entry twice or stop for ever, so neither may
raise: one that does is a broken invariant and ends the process (`Driver`).

The names of private attributes are checked at import: another version of pysyncobj is a change of its own, to be made
with every test of this room.

More than 500 lines, because all that overrides one class of pysyncobj's must stand in one class; the rules themselves
are in the modules that it names.
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

from lictor_server.raft import acks, append, prevote
from lictor_server.raft.flow import Flow
from lictor_server.raft.guard import PRIVATE_METHODS, PRIVATE_NAMES, guard
from lictor_server.raft.log import Log, LogEntry
from lictor_server.raft.messages import (
    Append,
    Heard,
    PreVote,
    PreVoteReply,
    Reply,
    Vote,
    VoteRequest,
    parsed,
)
from lictor_server.raft.outcome import Reason
from lictor_server.raft.readindex import ReadDone, ReadRounds
from lictor_server.raft.settings import RaftSettings
from lictor_server.raft.wire import Message, Wire

__all__ = ["Apply", "Done", "RaftCore"]

_REGULAR: Final = 0
_NO_OP: Final = 1
_LEADER: Final = 2
_NEVER: Final = 1_000_000_000

Apply = Callable[[int, bytes], object]
"""Carries out the command at an index; what it returns goes to the submitter. Never raises."""
Done = Callable[[object, Reason], None]
"""Told the result of a command, or why there is none. Never raises."""


guard(VERSION, PRIVATE_METHODS, lambda name: hasattr(SyncObj, name) or hasattr(Transport, name))


def _journal_itself(journal: Log) -> Log:
    """Stock pysyncobj makes a journal from a file name; ours is handed through the same setting ready made."""
    return journal


pysyncobj.syncobj.createJournal = _journal_itself


class _NoSockets:
    """Stands in for pysyncobj's poller: this process has one event loop, and it is not pysyncobj's."""

    def poll(self, timeout: float) -> None:
        """There is nothing to wait for."""


class _WireTransport(Transport):
    """pysyncobj's side of the wire: what it sends goes to the core first."""

    def __init__(self, node: Node, others: list[Node], send: Callable[[Node, Message], bool]) -> None:
        super().__init__(None, node, others)
        self._send = send

    def send(self, node: Node, message: Message) -> bool:
        """Hand `message` on."""
        return self._send(node, message)

    def connected(self, node: Node) -> None:
        """Messages can be sent to `node`."""
        self._onNodeConnected(node)

    def disconnected(self, node: Node) -> None:
        """No message can be sent to `node`."""
        self._onNodeDisconnected(node)


class RaftCore(SyncObj):
    """One voter. All methods belong to one thread, that of the event loop."""

    def __init__(
        self,
        node_id: str,
        peers: Sequence[str],
        *,
        settings: RaftSettings,
        log: Log,
        wire: Wire,
        apply: Apply,
    ) -> None:
        self._own_log = log
        self._settings = settings
        self._apply = apply
        self._wire = wire
        self._peers = {peer: Node(peer) for peer in sorted(peers)}
        self._flows: dict[str, Flow] = {}
        self._reads = ReadRounds()
        self._held = acks.HeldReplies()
        self._pre_votes = prevote.PreVotes()
        self._agreed_term = 0
        self._voters_of_term: tuple[int, set[str]] = (0, set())
        self._leader_heard_at = -settings.election_min_s
        self._heartbeat_at = 0.0
        self._reply = Reply(0, 0, 0)
        node, others = Node(node_id), list(self._peers.values())
        self._links = _WireTransport(node, others, self._sent_by_pysyncobj)
        super().__init__(node, others, _configuration(settings, log, self._on_state), transport=self._links)
        self._poller = _NoSockets()
        guard(VERSION, PRIVATE_NAMES, lambda name: hasattr(self, name) or hasattr(Transport, name))
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

    def read_barrier(self, done: ReadDone) -> None:
        """Tell `done` once the state here holds everything that was committed before this call, anywhere."""
        if not self.is_leader:
            done(Reason.NOT_LEADER)
            return
        self._reads.register(self._index_to_read_at(), done)

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
        if (self._own_log[-1][1] != before or self._reads.is_due) and not self._awaits_disk:
            self._SyncObj__newAppendEntriesTime = 0.0
            self.doTick(0.0)
        if self.is_leader:
            self._reads.serve(self._peers, self.raftLastApplied)
        return self.raftCommitIndex > self.raftLastApplied

    def log_synced(self) -> None:
        """More of the log is on the disk: send the replies that waited for it, and count it."""
        for node_id, message in self._held.release(self._own_log.durable_mark, self.term):
            self._wire.send(node_id, message)
        if self.is_leader:
            for node_id in self._flows:
                self._count(node_id)

    def connected(self, node_id: str) -> None:
        """Messages can be sent to this peer."""
        self._links.connected(self._peers[node_id])

    def disconnected(self, node_id: str) -> None:
        """No message can be sent to this peer."""
        self._links.disconnected(self._peers[node_id])

    def receive(self, node_id: str, message: Message) -> None:
        """Take a message of another voter. Raises `PeerError` when it is malformed: close that connection."""
        self._SyncObj__onMessageReceived(Node(node_id), message)

    def _index_to_read_at(self) -> int:
        """Before the own no-op is committed, the commit index may lag behind what an earlier leader committed."""
        no_op = self._SyncObj__noopIDx
        assert no_op is not None, "a leader without its no-op"
        return max(self.raftCommitIndex, no_op)

    def _SyncObj__onMessageReceived(self, node: Node, message: Message) -> None:
        if node.id not in self._peers:
            return
        match parsed(message):
            case Append() as entries:
                self._on_append(node, entries)
            case Reply() as reply:
                self._on_reply(node, reply)
            case Heard() as heard:
                self._on_heard(node, heard)
            case PreVote() as ask:
                self._on_pre_vote(node, ask)
            case PreVoteReply() as answer:
                self._on_pre_vote_reply(node, answer)
            case VoteRequest():
                super()._SyncObj__onMessageReceived(node, message)
            case Vote(term):
                if self._is_first_vote(node.id, term):
                    super()._SyncObj__onMessageReceived(node, message)

    def _on_append(self, node: Node, received: Append) -> None:
        if received.term < self.term:
            self._answer_stale(node)
            return
        assert received.term > self.term or not self.is_leader, f"two leaders in term {self.term}"
        self._pre_votes.cancel()
        self._agreed_term = 0
        self._leader_heard_at = _monotonic()
        log = self._own_log
        result = append.examined(log, received, self.raftCommitIndex)
        if isinstance(result, append.Taken):
            self._reply = Reply(received.term, result.verified, 0)
            commit_index = append.committed_up_to(received.commit_index, result.verified)
            fitting = Append(received.term, result.after, result.after_term, result.entries, commit_index, 0)
        else:
            # pysyncobj still has to learn of the term and the leader: a message that changes no entry tells it.
            self._reply = Reply(received.term, result.hint, result.index)
            fitting = Append(received.term, log[-1][1], log[-1][2], (), 0, 0)
        super()._SyncObj__onMessageReceived(node, fitting.message())
        self._wire.send(node.id, Heard(received.term, received.seq).message())

    def _SyncObj__sendNextNodeIdx(
        self, node: Node, reset: bool = False, nextNodeIdx: int | None = None, success: bool = False
    ) -> None:
        """pysyncobj answers entries it took; what it would say is replaced by what was proven."""
        self._send_when_durable(node, self._reply.message())

    def _answer_stale(self, node: Node) -> None:
        """A leader of an earlier term learns of ours, and steps down."""
        self._wire.send(node.id, Reply(self.term, 0, 0).message())

    def _on_reply(self, node: Node, reply: Reply) -> None:
        if not self._is_of_my_reign(node, reply.term):
            return
        flow = self._flows[node.id]
        if reply.rejected:
            flow.refused(reply.rejected, reply.verified)
        else:
            flow.verified(reply.verified)
            self._count(node.id)
        self._SyncObj__lastResponseTime[node] = _monotonic()
        if flow.next_index <= self._own_log[-1][1] or reply.rejected:
            self._SyncObj__newAppendEntriesTime = 0.0

    def _on_heard(self, node: Node, heard: Heard) -> None:
        if self._is_of_my_reign(node, heard.term):
            self._reads.answered(node.id, heard.seq)
            self._SyncObj__lastResponseTime[node] = _monotonic()

    def _is_of_my_reign(self, node: Node, term: int) -> bool:
        """Whether an answer to the leader of `term` is one to this server as it leads now."""
        if term > self.term:
            self._step_down(node, term)
        return term == self.term and self.is_leader

    def _step_down(self, node: Node, term: int) -> None:
        """Follow into `term`: to pysyncobj this is a request for a vote that it never grants."""
        request: Message = {"type": "request_vote", "term": term, "last_log_index": 0, "last_log_term": -1}
        super()._SyncObj__onMessageReceived(node, request)

    def _count(self, node_id: str) -> None:
        counted = acks.countable(self._flows[node_id].match_index, self._own_log.durable_index)
        matched = self._SyncObj__raftMatchIndex
        node = self._peers[node_id]
        matched[node] = max(matched[node], counted)

    def _on_pre_vote(self, node: Node, ask: PreVote) -> None:
        granted = prevote.would_vote(
            ask,
            term=self.term,
            last_term=self._own_log[-1][2],
            last_index=self._own_log[-1][1],
            follows=self.is_leader or _monotonic() - self._leader_heard_at < self._settings.election_min_s,
        )
        self._wire.send(node.id, PreVoteReply(self.term, ask.term, granted).message())

    def _on_pre_vote_reply(self, node: Node, answer: PreVoteReply) -> None:
        if answer.granted:
            if answer.asked == self.term + 1 and self._pre_votes.granted(node.id, answer.asked, len(self._peers) + 1):
                self._agreed_term = answer.asked
                self._SyncObj__raftElectionDeadline = 0.0
        elif answer.term > self.term:
            self._step_down(node, answer.term)

    def _is_first_vote(self, node_id: str, term: int) -> bool:
        """pysyncobj counts votes without asking whose they are; here each voter has one in a term."""
        if self._voters_of_term[0] != term:
            self._voters_of_term = (term, set())
        voters = self._voters_of_term[1]
        first = node_id not in voters
        voters.add(node_id)
        return first

    def _onTick(self, timeToWait: float = 0.0) -> None:
        if self._peers and self._must_ask_first():
            self._ask_for_votes()
        super()._onTick(timeToWait)

    def _must_ask_first(self) -> bool:
        if self.is_leader or self._SyncObj__raftElectionDeadline >= _monotonic():
            return False
        return self._agreed_term != self.term + 1

    def _ask_for_votes(self) -> None:
        self._SyncObj__raftElectionDeadline = _monotonic() + self._SyncObj__generateRaftTimeout()
        ask = PreVote(self.term + 1, self._own_log[-1][1], self._own_log[-1][2])
        self._pre_votes.begin(ask.term)
        for node_id in self._peers:
            self._wire.send(node_id, ask.message())

    def _on_state(self, before: int, after: int) -> None:
        """pysyncobj's state changed; a new leader's no-op is not in the log yet."""
        self._reads.end()
        if after == _LEADER:
            last = self._own_log[-1][1]
            self._flows = {peer: Flow(last, self._settings.window_max) for peer in self._peers}

    def _sent_by_pysyncobj(self, node: Node, message: Message) -> bool:
        if message["type"] == "apply_command":
            # Leadership was lost between the submission and the tick that would have put the command into the log.
            done = self._SyncObj__commandsWaitingReply.pop(message["request_id"], None)
            if done is not None:
                done(None, Reason.NOT_LEADER)
            return True
        if message["type"] == "response_vote":
            self._send_when_durable(node, message)
            return True
        return self._wire.send(node.id, message)

    def _send_when_durable(self, node: Node, message: Message) -> None:
        log = self._own_log
        if acks.may_leave(log.written_mark, log.durable_mark):
            self._wire.send(node.id, message)
        else:
            self._held.hold(log.written_mark, self.term, node.id, message)

    def _SyncObj__sendAppendEntries(self) -> None:
        """Send each follower what its flow allows; those who get nothing, a heartbeat when one is due."""
        now = _monotonic()
        due = now >= self._heartbeat_at or self._reads.is_due
        seq = self._reads.stamp()
        if due:
            self._heartbeat_at = now + self._settings.heartbeat_s
        self._SyncObj__newAppendEntriesTime = self._heartbeat_at
        for node_id, node in self._peers.items():
            if node not in self._SyncObj__connectedNodes:
                continue
            flow = self._flows[node_id]
            if due:
                flow.forget_under_way()
            sent = self._send_entries(node_id, flow, seq)
            if due and not sent:
                self._wire.send(node_id, self._entries_from(flow.next_index, (), seq).message())

    def _send_entries(self, node_id: str, flow: Flow, seq: int) -> bool:
        sent = False
        while flow.may_send and flow.next_index <= self._own_log[-1][1]:
            entries = self._batch(flow.next_index)
            if not self._wire.send(node_id, self._entries_from(flow.next_index, entries, seq).message()):
                break
            flow.sent(entries[-1][1])
            sent = True
        return sent

    def _batch(self, index: int) -> tuple[LogEntry, ...]:
        """The entries from `index` on that fit one message; at least one."""
        log = self._own_log
        batch: list[LogEntry] = []
        size = 0
        for position in range(index - log[0][1], len(log)):
            entry = log[position]
            size += len(entry[0])
            if batch and size > self._settings.batch_bytes:
                break
            batch.append(entry)
        return tuple(batch)

    def _entries_from(self, index: int, entries: tuple[LogEntry, ...], seq: int) -> Append:
        before = self._own_log[index - 1 - self._own_log[0][1]]
        return Append(self.term, before[1], before[2], entries, self.raftCommitIndex, seq)

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


def _monotonic() -> float:
    """pysyncobj's clock, by which its deadlines are set; a simulation replaces it there."""
    return pysyncobj.syncobj.monotonicTime()


def _configuration(settings: RaftSettings, log: Log, on_state: Callable[[int, int], None]) -> SyncObjConf:
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
        onStateChanged=on_state,
        dynamicMembershipChange=False,
        useFork=False,
    )
