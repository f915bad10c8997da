"""The consensus core: pysyncobj 0.3.17 behind one class.

pysyncobj does elections, terms, votes, log indexing and the queue of commands with their callbacks.
What this class changes:

* **nothing unpickles**: commands are plain bytes handed to `apply`, and log entries of other kinds than regular ones
  and no-ops are refused. Stock pysyncobj unpickles what the log and the wire hold;
* **apply has a budget** per tick and knows each entry's index. Stock applies everything at once;
* **messages** are typed and checked (`messages`);
* **entries are taken** by the rules of `append`, before pysyncobj sees them, and **sent** by those of `flow`;
* **answers wait for the disk** and carry their term (`acks`);
* **old entries go** from memory by the rules of `retention`; a follower who needs one that is gone gets a snapshot
  (`shipping`), and goes on behind it (`install`). pysyncobj's own snapshots, which are pickles, are out of reach;
* **who belongs to the cluster** stands in the log itself (`members`), and with it who counts: what is committed is
  decided here, since pysyncobj counts a leader also when it is being removed;
* **an election is asked for** before it is held (`prevote`), and leadership can be handed over (`transfer`);
* **reads** are confirmed by a majority (`readindex`), or covered by a lease (`lease`); how old the state here may be
  is told by what was proven, not by what was received (`evidence`);
* **no clock of its own**: `pump` is called from outside; no thread, no pipe, no socket.

A majority that does not answer for `leader_fallback_s` deposes a leader. What a leader knows in its term is a `Reign`.
A log with peers but without a depot of snapshots is kept whole.

Errors in `apply` or in a callback would make stock pysyncobj apply an entry twice or stop for ever, so neither may
raise: one that does is a broken invariant and ends the process (`Driver`).

The names of private attributes are checked at import: another version of pysyncobj is a change of its own, to be made
with every test of this room.

More than 500 lines, because all that overrides one class of pysyncobj's must stand in one class; the rules themselves
are in the modules that it names.
"""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from queue import Empty
from typing import Final

import pysyncobj.syncobj
from pysyncobj import SyncObj, SyncObjConf
from pysyncobj.node import Node
from pysyncobj.transport import Transport
from pysyncobj.version import VERSION

from lictor_core.errors import PeerError, RequestError
from lictor_core.peers import PeerSet
from lictor_server.raft import acks, append, prevote, sending
from lictor_server.raft.catchup import CatchUp
from lictor_server.raft.evidence import Evidence
from lictor_server.raft.flow import Flow, Progress
from lictor_server.raft.guard import PRIVATE_METHODS, PRIVATE_NAMES, guard
from lictor_server.raft.install import Intake
from lictor_server.raft.log import Log, LogEntry
from lictor_server.raft.members import PEERS_KIND, Members, change_problem, decoded, encoded, founding_problem
from lictor_server.raft.messages import (
    Append,
    Heard,
    PreVote,
    PreVoteReply,
    Reply,
    SnapshotChunk,
    SnapshotReply,
    TimeoutNow,
    Vote,
    VoteRequest,
    parsed,
)
from lictor_server.raft.outcome import Done, Reason
from lictor_server.raft.readindex import ReadDone
from lictor_server.raft.reign import Reign
from lictor_server.raft.retention import droppable
from lictor_server.raft.settings import RaftSettings
from lictor_server.raft.shipping import Depot, Shipments
from lictor_server.raft.snapshot_file import SnapshotHead
from lictor_server.raft.transfer import Transfer, best_target, chosen_target
from lictor_server.raft.wire import Message, Wire

__all__ = ["Apply", "Done", "OnPeers", "RaftCore"]

_REGULAR: Final = 0
_NO_OP: Final = 1
_FIRST_INDEX: Final = 1
"""Of the entry that pysyncobj puts into every new log."""
_FOLLOWER: Final = 0
_LEADER: Final = 2
_NEVER: Final = 1_000_000_000
_SUCCESS: Final = Reason.SUCCESS
BATCH_ENTRIES_MAX: Final = 1024
"""Entries in one message, however small they are: taking them in must not hold up the follower's event loop."""
_BATCHES_AT_ONCE: Final = 4
"""To one follower in one tick: a follower far behind must not hold up the leader's; the next pass goes on."""

Apply = Callable[[int, bytes], object]
"""Carries out the command at an index; what it returns goes to the submitter. Never raises."""
OnPeers = Callable[[PeerSet], None]
"""Told the peer set that is in effect now. Never raises."""


guard(VERSION, PRIVATE_METHODS, lambda name: hasattr(SyncObj, name) or hasattr(Transport, name))


def _journal_itself(journal: Log) -> Log:
    """Stock pysyncobj makes a journal from a file name; ours is handed through the same setting ready made."""
    return journal


pysyncobj.syncobj.createJournal = _journal_itself


def _clock() -> Callable[[], float]:
    """Seconds that also pass while the machine sleeps: a lease must have ended when it wakes. Elsewhere than on Linux
    nobody says so of any clock.
    """
    kind: int | None = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic if kind is None else partial(time.clock_gettime, kind)


pysyncobj.syncobj.monotonicTime = _clock()


class _NoSockets:
    """Stands in for pysyncobj's poller: this process has one event loop, and it is not pysyncobj's."""

    def poll(self, timeout: float) -> None:
        """There is nothing to wait for."""


class _Server(Node):
    """A server as pysyncobj knows it. It keeps them in sets: by this hash their order does not change with the process.

    Runs of the simulator can be repeated by that.
    """

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self._hash = zlib.crc32(id.encode())

    def __hash__(self) -> int:
        return self._hash


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


def _nobody_cares(peer_set: PeerSet) -> None:
    """Nothing hangs on the peers."""


class RaftCore(SyncObj):
    """One server. All methods belong to one thread, that of the event loop."""

    def __init__(
        self,
        node_id: str,
        peers: PeerSet | None,
        *,
        settings: RaftSettings,
        log: Log,
        wire: Wire,
        apply: Apply,
        on_peers: OnPeers = _nobody_cares,
    ) -> None:
        """`peers` is the set in effect where `log` begins: that of its snapshot, if there is one.

        `on_peers` is told whenever another set is in effect, but not yet in here; it neither raises nor calls back.
        Raises `PeerError` when the log holds a peer set that cannot be.
        """
        self._own_log = log
        self._settings = settings
        self._apply = apply
        self._wire = wire
        self._on_peers = on_peers
        self._members = Members(node_id, peers, log[:])
        self._reign: Reign | None = None
        self._catch_up = CatchUp()
        self._evidence = Evidence(settings.connection_timeout_s)
        self._connected: set[str] = set()
        self._held = acks.HeldReplies()
        self._pre_votes = prevote.PreVotes()
        self._agreed_term = 0
        self._forced_term = 0
        self._votes = prevote.Votes()
        self._started_at = _monotonic()
        self.turns = [0, 0, 0]
        """How often this server became a follower, a candidate, a leader."""
        self._leader_heard_at: float | None = None
        self._led_until = 0.0
        self._said_heard: tuple[str, Heard] | None = None
        self._heartbeat_at = 0.0
        self._reply: Reply | None = None
        self._is_more_to_send = False
        self._shipments: Shipments | None = None
        self._intake: Intake | None = None
        node: Node = _Server(node_id)
        others: list[Node] = [_Server(other) for other in self._members.other_voters]
        self._links = _WireTransport(node, others, self._sent_by_pysyncobj)
        super().__init__(node, others, _configuration(settings, log, self._on_state), transport=self._links)
        self._poller = _NoSockets()
        guard(VERSION, PRIVATE_NAMES, lambda name: hasattr(self, name) or hasattr(Transport, name))
        assert self._SyncObj__raftLog is log, "pysyncobj made a log of its own instead of taking ours"
        self._SyncObj__raftLastApplied = max(self._SyncObj__raftLastApplied, log.snapshot_index)
        self._hurry_if_lone()

    # What is so.

    @property
    def is_leader(self) -> bool:
        """Whether this node believes it leads."""
        return self._isLeader()

    @property
    def leader(self) -> str | None:
        """The id of the leader; None when there is none, or it was not heard for as long as any voter would wait."""
        node = self._getLeader()
        contact_s = self.last_contact_s
        if node is None or contact_s is None or contact_s > self._settings.election_max_s:
            return None
        return node.id

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
    def last_index(self) -> int:
        """The last entry in the log."""
        return self._own_log[-1][1]

    @property
    def peer_set(self) -> PeerSet:
        """The set in effect: the last one in the log, committed or not. It has no servers on a blank server."""
        return self._members.latest

    def peer_set_at(self, index: int) -> PeerSet:
        """The set that the log up to `index` makes, for a snapshot that ends there; `index` is the applied one."""
        return self._members.at(index)

    @property
    def peers_committed(self) -> bool:
        """Whether the set in effect is known here to be committed; False on a blank server."""
        return not self.is_blank and self._members.latest.index <= self.raftCommitIndex

    @property
    def is_blank(self) -> bool:
        """Whether this server knows of no set: it waits to be found, or to found."""
        return self._members.is_blank

    @property
    def has_led_alone(self) -> bool:
        """Whether this server led before there were sets: it knows of none, has data, and has voted for itself.

        Each alone is no proof: a newcomer may have died between a snapshot from that time and the first set, and a
        founder between its vote and the moment when its set was on the disk.
        """
        has_voted = self._own_log.getVotedForNodeId() == self._members.own_id
        return self.is_blank and has_voted and self.last_index > _FIRST_INDEX

    @property
    def is_voter(self) -> bool:
        """Whether this server counts in the set in effect."""
        return self._members.is_voter

    @property
    def has_peers(self) -> bool:
        """Whether there are other servers, voters or not."""
        return bool(self._members.others)

    @property
    def last_contact_s(self) -> float | None:
        """Seconds since a leader was heard, or this server led: 0 on a leader, None for never since the start.

        What was heard may have waited to be read: how old the state here is, `age_s` tells.
        """
        if self.is_leader:
            return 0.0
        last = max(self._led_until, self._leader_heard_at or 0.0)
        return _monotonic() - last if last else None

    @property
    def age_s(self) -> float | None:
        """The state here surely holds all that was committed anywhere until so many seconds ago; None if it never did.

        0 on a leader while nobody else can lead. A follower lags by its leader's heartbeat and a round trip.
        """
        if not self._catch_up.is_done:
            return None
        now = _monotonic()
        at = self._evidence.current_at(self._SyncObj__raftLastApplied)
        led_at = None if self._reign is None else self._led_at(now)
        if at is None or (led_at is not None and led_at > at):
            at = led_at
        return None if at is None else max(now - at, 0.0)

    @property
    def caught_up(self) -> bool:
        """Whether the state here holds all that was committed before this server was started.

        The leader who said so may have been deposed without knowing it yet: `age_s` waits for what is sure.
        """
        return self._catch_up.is_done

    @property
    def up_s(self) -> float:
        """Seconds since the start of this server."""
        return _monotonic() - self._started_at

    @property
    def knows_commits(self) -> bool:
        """Whether this leader has committed its own no-op, and so knows all that its predecessors committed.

        Raft paper, section 8.
        """
        no_op = self._SyncObj__noopIDx
        return no_op is not None and self.raftCommitIndex >= no_op

    @property
    def lease_holds(self) -> bool:
        """Whether nobody else can lead just now, so that no other server can have committed anything newer.

        Looks at the clock. A read may be answered at once when besides `applied_index >= commit_index`.
        """
        reign = self._reign
        return reign is not None and self.knows_commits and reign.lease_holds(_monotonic())

    @property
    def is_current(self) -> bool:
        """Whether this leader has applied all it committed, and nobody can have committed more: `leads` apart, what
        `applied_index`, `commit_index`, `knows_commits` and `lease_holds` say together.

        Every read asks, so it looks at as little as it can.
        """
        reign, no_op, committed = self._reign, self._SyncObj__noopIDx, self._SyncObj__raftCommitIndex
        if reign is None or no_op is None or not no_op <= committed <= self._SyncObj__raftLastApplied:
            return False
        return self._isLeader() and (self._members.is_lone or reign.lease.holds(_monotonic()))

    @property
    def is_handing_over(self) -> bool:
        """Whether this leader takes no commands because it hands over leadership."""
        return self._reign is not None and self._reign.transfer is not None

    def progress(self) -> Mapping[str, Progress]:
        """On a leader: how far each other server of the set is. Else nothing."""
        return {} if self._reign is None else self._reign.progress(_monotonic())

    def term_of(self, index: int) -> int:
        """The term of an entry that the log still holds in memory, as it does the last applied one."""
        return self._own_log[index - self._own_log[0][1]][2]

    # What is asked for.

    def submit(self, payload: bytes, done: Done) -> None:
        """Queue a command for the log; `done` is told once, maybe at once. Refused while leadership is handed over."""
        if not self.is_leader or self.is_handing_over:
            done(None, Reason.NOT_LEADER)
            return

        def finished(result: object, reason: int) -> None:
            done(result, _SUCCESS if reason == _SUCCESS else Reason(reason))

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
        if self._reign is None:
            done(Reason.NOT_LEADER)
            return
        self._reign.reads.register(self._index_to_read_at(), done)

    def found(self, peer_set: PeerSet) -> None:
        """Begin a cluster: write its first set into the own log. Pump next.

        For a blank server that has nothing in its log. One that led alone before there were sets may have more, and is
        given a set of itself alone. Raises `RequestError` for all else.
        """
        log = self._own_log
        problem = founding_problem(self._members, peer_set, has_data=log[-1][1] > _FIRST_INDEX)
        if problem is not None:
            raise RequestError(f"the cluster cannot be founded: {problem}")
        # The term of the last entry: nobody can have led in it but, before there were sets, this server.
        self._log_peers(peer_set, log[-1][2])
        self._hurry_if_lone()

    def change_peers(self, peer_set: PeerSet, done: Done) -> None:
        """On a leader: put another set into the log, in effect at once; `done` is told when it is applied, or why not.

        `REQUEST_DENIED` comes with a sentence that says why. Pump next. A leader that is no voter in the new set
        resigns once that is committed.
        """
        if not self.is_leader:
            done(None, Reason.NOT_LEADER)
            return
        problem = change_problem(self.peer_set, peer_set)
        if not self._may_change():
            problem = "this leader does not know yet what is committed: retry in a second"
        elif not self.peers_committed:
            problem = "another change is under way: retry in a second"
        elif self.is_handing_over:
            problem = "leadership is being handed over: retry in a second"
        if problem is not None:
            done(f"the servers of the cluster cannot be changed: {problem}", Reason.REQUEST_DENIED)
            return

        def finished(result: object, reason: int) -> None:
            done(result, Reason(reason))

        index = self._log_peers(peer_set, self.term)
        self._SyncObj__commandsWaitingCommit[index].append((self.term, finished))
        self._SyncObj__newAppendEntriesTime = 0.0

    def transfer(self, target: str | None, done: Done) -> None:
        """On a leader: hand leadership to `target`, or to whom it costs least; `done` is told the end. Pump next.

        `SUCCESS`: this server leads no more. `REQUEST_DENIED`, with a sentence: it goes on leading. `UNKNOWN_OUTCOME`,
        with a sentence: it goes on, but the target was told and may take over yet.
        """
        reign = self._reign
        if reign is None:
            done(None, Reason.NOT_LEADER)
            return
        now = _monotonic()
        progress = reign.progress(now)
        voters = {id: progress[id] for id in self._members.other_voters}
        try:
            target = chosen_target(target, voters, self._connected, is_under_way=self.is_handing_over)
        except RequestError as error:
            done(str(error), Reason.REQUEST_DENIED)
            return
        reign.transfer = Transfer(target, now + self._settings.election_max_s, done)

    # What happens.

    def pump(self) -> bool:
        """Do what is due now: commit, apply, take queued commands into the log, send. Whether more is left of that.

        The second tick follows at once when the first one put commands into the log: they leave in one batch, and a
        lone voter commits them in the same pass, unless they have to reach the disk first.

        A lone voter is its own majority, so it must not count itself before its entries are durable: until then it does
        nothing, and new commands wait in the queue as the next batch.
        """
        if self._awaits_disk:
            return False
        self._is_more_to_send = False
        before = self._own_log[-1][1]
        self.doTick(0.0)
        if (self._own_log[-1][1] != before or self._is_read_due) and not self._awaits_disk:
            self._SyncObj__newAppendEntriesTime = 0.0
            self.doTick(0.0)
        if self._reign is not None:
            self._do_duties(self._reign)
        self._shorten_log()
        if not self._catch_up.is_done:
            self._look_whether_caught_up()
        if self._is_more_to_send:
            self.send_soon()
        return self._is_more_to_send or self.raftCommitIndex > self.raftLastApplied

    def log_synced(self) -> None:
        """More of the log is on the disk: send the replies that waited for it. Pump next."""
        for node_id, message in self._held.release(self._own_log.durable_mark, self.term):
            self._wire.send(node_id, message)

    def connected(self, node_id: str) -> None:
        """Messages can be sent to this server, whether it is in the set or not."""
        self._connected.add(node_id)
        self._links.connected(_Server(node_id))

    def disconnected(self, node_id: str) -> None:
        """No message can be sent to this server."""
        self._connected.discard(node_id)
        self._links.disconnected(_Server(node_id))

    def receive(self, node_id: str, message: Message) -> None:
        """Take a message of another server. Raises `PeerError` when it is malformed: close that connection.

        The wire has made sure that it is who it says, and of this cluster. Entries and candidates are judged without
        asking the own set, which may be behind; answers and votes count by it. Raft thesis, section 4.1.
        """
        self._SyncObj__onMessageReceived(_Server(node_id), message)

    # Snapshots.

    def exchange_snapshots(self, depot: Depot, intake: Intake) -> None:
        """Send snapshots from `depot` to those too far behind, and hand what others send to `intake`; call once."""
        self._shipments = Shipments(depot, self._settings)
        self._intake = intake

    def send_soon(self) -> None:
        """More of a snapshot can be sent. Pump next."""
        self._SyncObj__newAppendEntriesTime = 0.0

    def answer(self, node_id: str, message: Message) -> None:
        """Send a message of `intake`."""
        self._wire.send(node_id, message)

    def covers(self, last_index: int, term: int) -> bool:
        """Whether this server holds all that a snapshot with this last entry does; then its log has to be kept.

        What it acknowledged may stand behind that entry, and must not be lost.
        """
        log = self._own_log
        position = last_index - log[0][1]
        return last_index <= self.raftCommitIndex or (0 <= position < len(log) and log[position][2] == term)

    def install(self, head: SnapshotHead, adopt: Callable[[], None]) -> bool:
        """Go on behind a leader's snapshot, whose state `adopt` takes over. False, and nothing done, if it is covered.

        Commands whose index it jumped over have an unknown outcome. Pump next.
        """
        if self.covers(head.last_index, head.term):
            return False
        assert self._reign is None, f"the leader of term {self.term} lacks the committed entry {head.last_index}"
        log = self._own_log
        log.clear()
        log.add(bytes([_NO_OP]), head.last_index, head.term)
        log.snapshot_made(head.last_index)
        adopt()
        self._SyncObj__raftLastApplied = self._SyncObj__raftCommitIndex = head.last_index
        self._members.restart(head.peers)
        self._adopt_peers()
        waiting = self._SyncObj__commandsWaitingCommit
        for index in sorted(index for index in waiting if index <= head.last_index):
            for _, done in waiting.pop(index):
                done(None, Reason.UNKNOWN_OUTCOME)
        leader = self._getLeader()
        if leader is not None:
            self._send_when_durable(leader, Reply(self.term, head.last_index, 0).message())
        return True

    def _on_chunk(self, node: Node, chunk: SnapshotChunk) -> None:
        if chunk.term < self.term:
            self._answer_stale(node)
            return
        self._heed(chunk.term)
        self._follow(node, chunk.term)
        if self.covers(chunk.last_index, chunk.last_term):
            self._send_when_durable(node, Reply(self.term, chunk.last_index, 0).message())
        elif self._intake is not None:
            self._intake.take(node.id, chunk)

    def _on_snapshot_reply(self, node: Node, reply: SnapshotReply) -> None:
        reign = self._reign_that_asked(node, reply.term)
        if reign is None or node.id not in reign.flows or self._shipments is None:
            return
        now = _monotonic()
        reign.answered(node.id, now)
        if self._shipments.answered(node.id, reply, now):
            self.send_soon()

    def _shorten_log(self) -> None:
        """Drop entries that nobody needs from memory."""
        log, settings, needed = self._own_log, self._settings, None
        if not self.has_peers:
            covered, trailing = self.raftLastApplied, settings.log_entries_max // 2
            at_once = settings.log_entries_max - trailing
        elif self._shipments is None:
            return
        else:
            covered, trailing = log.snapshot_index, settings.snapshot_trailing
            at_once = trailing // 8 + 1
            needed = self._needed_index(self._shipments)
        count = droppable(
            log,
            applied=self.raftLastApplied,
            covered=covered,
            trailing=trailing,
            needed=needed,
            bytes_max=settings.log_memory_bytes,
            at_once=at_once,
        )
        if count:
            log.deleteEntriesTo(count)

    def _needed_index(self, shipments: Shipments) -> int | None:
        """The last entry that every live follower has, or will have by its snapshot; None without any."""
        if self._reign is None:
            return None
        held: list[int] = []
        for node_id, match_index in self._reign.live(_monotonic()):
            shipped = shipments.last_index(node_id)
            held.append(match_index if shipped is None else shipped)
        return min(held, default=None)

    def _look_whether_caught_up(self) -> None:
        if self._reign is not None and self.knows_commits:
            self._catch_up.learnt(self.term, self.raftCommitIndex)
        applied = self.raftLastApplied
        self._catch_up.applied(applied, self.term_of(applied))

    # Peer sets.

    def _log_peers(self, peer_set: PeerSet, term: int) -> int:
        self._note_reign()
        index = self._own_log[-1][1] + 1
        command = encoded(peer_set)
        self._own_log.add(command, index, term)
        self._members.append(decoded(command, index))
        self._adopt_peers()
        return index

    def _may_change(self) -> bool:
        """A leader's first change waits for its no-op: an earlier leader may have left another one in flight.

        See the erratum to the Raft thesis on single-server changes.
        """
        return self.knows_commits

    def _adopt_peers(self) -> None:
        """Another set is in effect. pysyncobj counts majorities over its other nodes: these are the other voters."""
        now = _monotonic()
        voters: set[Node] = {_Server(id) for id in self._members.other_voters}
        self._SyncObj__otherNodes = voters
        if self._reign is not None:
            self._SyncObj__raftMatchIndex = dict.fromkeys(voters, 0)
            self._reign.adopt(self._own_log[-1][1], now)
            self._heartbeat_at = 0.0  # newcomers are asked at once how far they are
            self._SyncObj__lastResponseTime = dict.fromkeys(voters, self._reign.majority_heard_at(now))
        self._on_peers(self._members.latest)

    def _hurry_if_lone(self) -> None:
        """A lone voter has nobody to wait for."""
        if self._members.is_lone:
            self._SyncObj__raftElectionDeadline = 0.0

    # Messages.

    def _SyncObj__onMessageReceived(self, node: Node, message: Message) -> None:
        match parsed(message):
            case Append() as entries:
                self._on_append(node, entries)
            case Reply() as reply:
                self._on_reply(node, reply)
            case Heard() as heard:
                self._on_heard(node, heard)
            case SnapshotChunk() as chunk:
                self._on_chunk(node, chunk)
            case SnapshotReply() as reply:
                self._on_snapshot_reply(node, reply)
            case PreVote() as ask:
                self._on_pre_vote(node, ask)
            case PreVoteReply() as answer:
                self._on_pre_vote_reply(node, answer)
            case VoteRequest() as request:
                if request.is_transfer or not self._is_bound():
                    super()._SyncObj__onMessageReceived(node, message)
            case Vote(term):
                self._on_vote(node, message, term)
            case TimeoutNow(term):
                if term == self.term and self.is_voter and not self.is_leader:
                    super()._SyncObj__onMessageReceived(node, message)
                    if self._SyncObj__transferInProgress:
                        self._forced_term = term + 1

    def _counts(self, node_id: str) -> bool:
        """Whether another server counts in majorities."""
        return node_id in self._members.voters

    def _is_bound(self) -> bool:
        """Whether this server must not vote for another leader yet; see `lease`."""
        if self._reign is not None and self.lease_holds:
            return True
        return self._heard_lately() or self._started_lately()

    def _heard_lately(self) -> bool:
        heard_at = self._leader_heard_at
        return heard_at is not None and _monotonic() - heard_at < self._settings.election_min_s

    def _started_lately(self) -> bool:
        """Whom it heard before it was restarted, it has forgotten."""
        return _monotonic() - self._started_at < self._settings.election_min_s

    def _on_append(self, node: Node, received: Append) -> None:
        if received.term < self.term:
            self._answer_stale(node)
            return
        now = self._heed(received.term)
        self._catch_up.learnt(received.term, received.commit_index)
        self._evidence.heard(received.term, received.seq, received.answered, received.commit_index, now)
        result = append.examined(self._own_log, received, self.raftCommitIndex)
        if isinstance(result, append.Taken):
            sets = [decoded(entry[0], entry[1]) for entry in result.entries if entry[0][0] == PEERS_KIND]
            self._reply = Reply(received.term, result.verified, 0)
            commit_index = append.committed_up_to(received.commit_index, result.verified)
            fitting = Append(received.term, result.after, result.after_term, result.entries, commit_index, 0)
            super()._SyncObj__onMessageReceived(node, fitting.message())
            if result.entries:
                self._follow_peers(result.after, sets)
        else:
            self._follow(node, received.term, Reply(received.term, result.hint, result.index))
        self._say_heard(node.id, Heard(received.term, received.seq), now)

    def _say_heard(self, node_id: str, heard: Heard, now: float) -> None:
        """Once for each round: entries between two heartbeats carry the number of the round before them.

        One that is lost is not said again; the next heartbeat has another number.
        """
        if (node_id, heard) != self._said_heard and self._wire.send(node_id, heard.message()):
            self._said_heard = (node_id, heard)
            self._evidence.said(heard.seq, now)

    def _heed(self, term: int) -> float:
        """A leader of `term`, the current or a later one, is there. What time it is."""
        assert term > self.term or not self.is_leader, f"two leaders in term {self.term}"
        self._pre_votes.cancel()
        if not self._SyncObj__transferInProgress:
            self._agreed_term = 0
        self._leader_heard_at = now = _monotonic()
        return now

    def _follow(self, node: Node, term: int, reply: Reply | None = None) -> None:
        """pysyncobj has to learn of the term and the leader: a message that changes no entry tells it."""
        last = self._own_log[-1]
        self._reply = reply
        super()._SyncObj__onMessageReceived(node, Append(term, last[1], last[2], (), 0, 0).message())

    def _follow_peers(self, after: int, sets: Sequence[PeerSet]) -> None:
        """The log was cut behind `after`, and `sets` came instead."""
        is_cut = self._members.truncate(after)
        for peer_set in sets:
            self._members.append(peer_set)
        if is_cut or sets:
            self._adopt_peers()

    def _SyncObj__sendNextNodeIdx(
        self, node: Node, reset: bool = False, nextNodeIdx: int | None = None, success: bool = False
    ) -> None:
        """pysyncobj answers entries it took; what it would say is replaced by what was proven."""
        if self._reply is not None:
            self._send_when_durable(node, self._reply.message())

    def _answer_stale(self, node: Node) -> None:
        """A leader of an earlier term learns of ours, and steps down."""
        self._wire.send(node.id, Reply(self.term, 0, 0).message())

    def _on_reply(self, node: Node, reply: Reply) -> None:
        reign = self._reign_that_asked(node, reply.term)
        flow = None if reign is None else reign.flows.get(node.id)
        if reign is None or flow is None:
            return
        if (claimed := reply.rejected or reply.verified) > self.last_index:
            raise PeerError(f"a server judges the Raft entry {claimed}, which its leader does not have")
        if reply.rejected:
            flow.refused(reply.rejected, reply.verified)
        else:
            flow.verified(reply.verified)
        reign.answered(node.id, _monotonic())
        if self._own_log[0][1] < flow.next_index <= self._own_log[-1][1]:
            self._SyncObj__newAppendEntriesTime = 0.0

    def _on_heard(self, node: Node, heard: Heard) -> None:
        reign = self._reign_that_asked(node, heard.term)
        if reign is None or node.id not in reign.flows:
            return
        reign.answered(node.id, _monotonic())
        reign.answers.note(node.id, heard.seq)
        if self._counts(node.id):
            reign.heard(node.id, heard.seq)

    def _reign_that_asked(self, node: Node, term: int) -> Reign | None:
        """The leadership now, when an answer to the leader of `term` is one to it."""
        if term > self.term:
            self._step_down(node, term)
        return self._reign if term == self.term else None

    def _step_down(self, node: Node, term: int) -> None:
        """Follow into `term`: to pysyncobj this is a request for a vote that it never grants."""
        request: Message = {"type": "request_vote", "term": term, "last_log_index": 0, "last_log_term": -1}
        super()._SyncObj__onMessageReceived(node, request)

    # Elections.

    def _on_pre_vote(self, node: Node, ask: PreVote) -> None:
        granted = prevote.would_vote(
            ask,
            term=self.term,
            last_term=self._own_log[-1][2],
            last_index=self._own_log[-1][1],
            follows=self.is_leader or self._is_bound(),
        )
        self._wire.send(node.id, PreVoteReply(self.term, ask.term, granted).message())

    def _on_pre_vote_reply(self, node: Node, answer: PreVoteReply) -> None:
        if answer.granted:
            if not self._counts(node.id) or answer.asked != self.term + 1:
                return
            if self._pre_votes.granted(node.id, answer.asked, self._members.votes_needed):
                self._agreed_term = answer.asked
                self._SyncObj__raftElectionDeadline = 0.0
        elif answer.term > self.term:
            self._step_down(node, answer.term)

    def _on_vote(self, node: Node, message: Message, term: int) -> None:
        """pysyncobj counts a candidate's own vote always, and others' without asking whose they are.

        So it hears of votes once they are enough by our count, and then as often as it needs.
        """
        if not self._counts(node.id) or self._votes.add(node.id, term) < self._members.votes_needed:
            return
        for _ in self._members.voters:
            super()._SyncObj__onMessageReceived(node, message)

    def _onTick(self, timeToWait: float = 0.0) -> None:
        if self._reign is not None:
            self._commit(self._reign)
        elif not self._is_election_due():
            # pysyncobj looks at the clock again, and time may have passed since we did: it must not see a deadline.
            deadline, self._SyncObj__raftElectionDeadline = self._SyncObj__raftElectionDeadline, math.inf
            super()._onTick(timeToWait)
            if self._SyncObj__raftElectionDeadline == math.inf:
                self._SyncObj__raftElectionDeadline = deadline
            return
        super()._onTick(timeToWait)

    def _is_election_due(self) -> bool:
        """Whether this server shall stand for election now; asks for that first, or waits on, where it has to."""
        if self._SyncObj__raftElectionDeadline >= _monotonic():
            return False
        if not self._may_stand():
            self._postpone_election()
            return False
        if self._must_ask_first():
            self._ask_for_votes()
            return False
        return True

    def _may_stand(self) -> bool:
        return self._members.may_stand(self.raftCommitIndex)

    def _must_ask_first(self) -> bool:
        if self._members.is_lone:
            return False
        return self.term + 1 not in (self._agreed_term, self._forced_term)

    def _ask_for_votes(self) -> None:
        self._postpone_election()
        ask = PreVote(self.term + 1, self._own_log[-1][1], self._own_log[-1][2])
        self._pre_votes.begin(ask.term)
        for node_id in self._members.other_voters:
            self._wire.send(node_id, ask.message())

    def _postpone_election(self) -> None:
        self._SyncObj__raftElectionDeadline = _monotonic() + self._SyncObj__generateRaftTimeout()

    def _on_state(self, before: int, after: int) -> None:
        """pysyncobj's state changed; a new leader's no-op is not in the log yet."""
        self.turns[after] += 1
        self._note_reign()
        reign, self._reign = self._reign, None
        if reign is not None:
            if self._shipments is not None:
                self._shipments.keep(())
            reign.end(succeeded=self.term > reign.term)
            self._led_until = _monotonic()
        if after == _LEADER:
            self._reign = Reign(self.term, self._members, self._settings, self._own_log[-1][1], _monotonic())

    def _led_at(self, now: float) -> float | None:
        """As of when the state of this leader is current, when it has applied what its predecessors committed."""
        reign, no_op = self._reign, self._SyncObj__noopIDx
        if reign is None or no_op is None or self.raftLastApplied < no_op:
            return None
        return reign.led_at(now)

    def _note_reign(self) -> None:
        """Keep how fresh this leader's state is, before its leadership or its voters change."""
        at = self._led_at(_monotonic())
        if at is not None:
            self._evidence.led(at)

    # A leader's work.

    @property
    def _awaits_disk(self) -> bool:
        return self._members.is_lone and not self._own_log.is_durable

    @property
    def _is_read_due(self) -> bool:
        return self._reign is not None and self._reign.reads.is_due

    def _index_to_read_at(self) -> int:
        """Before the own no-op is committed, the commit index may lag behind what an earlier leader committed."""
        no_op = self._SyncObj__noopIDx
        assert no_op is not None, "a leader without its no-op"
        return max(self.raftCommitIndex, no_op)

    def _own_match(self) -> int:
        """A leader counts itself like anybody else: up to what is on its disk."""
        return self._own_log.durable_index

    def _commit(self, reign: Reign) -> None:
        """Commit what a majority of the voters has, when it is of this term. Raft paper, section 5.4.2.

        pysyncobj would count the leader also when it is no voter any more, and by each entry; it is told of no match,
        so it commits nothing of its own accord, but for a lone voter.
        """
        if self._members.is_lone:
            return
        index = reign.agreed_index(self._own_match())
        if index > self.raftCommitIndex and self.term_of(index) == self.term:
            self._SyncObj__raftCommitIndex = index

    def _do_duties(self, reign: Reign) -> None:
        """What a leader does at the end of each pump."""
        now = _monotonic()
        if reign.reads.is_waiting:
            reign.reads.serve(reign.confirmed_round(), self.raftLastApplied)
        reign.dismiss(now)
        if reign.transfer is not None:
            self._hand_over(reign, reign.transfer, now)
        if not self.is_voter and self._members.latest.index <= self.raftLastApplied:
            self._resign(reign, now)

    def _hand_over(self, reign: Reign, transfer: Transfer, now: float) -> None:
        if now >= transfer.until:
            reign.transfer = None
            if transfer.is_told:
                transfer.done(f"{transfer.target} was told, but does not lead yet", Reason.UNKNOWN_OUTCOME)
            else:
                transfer.done(f"{transfer.target} did not catch up in time", Reason.REQUEST_DENIED)
        elif not transfer.is_told and reign.flows[transfer.target].match_index >= self._own_log[-1][1]:
            transfer.is_told = self._tell_to_stand(reign, transfer.target)

    def _tell_to_stand(self, reign: Reign, target: str) -> bool:
        reign.lease.forfeit()
        return self._wire.send(target, TimeoutNow(self.term).message())

    def _resign(self, reign: Reign, now: float) -> None:
        """The set without this leader is committed: tell everybody, and let the best of the voters go on."""
        self._heartbeat_at = 0.0
        self._SyncObj__sendAppendEntries()
        progress = reign.progress(now)
        target = best_target({id: progress[id] for id in self._members.other_voters if id in self._connected})
        if target is not None:
            self._tell_to_stand(reign, target)
        self._SyncObj__setState(_FOLLOWER)
        self._SyncObj__raftLeader = None
        self._postpone_election()

    # Sending.

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
        if message["type"] == "request_vote" and self._forced_term == self.term:
            message["transfer"] = True
        return self._wire.send(node.id, message)

    def _send_when_durable(self, node: Node, message: Message) -> None:
        log = self._own_log
        if acks.may_leave(log.written_mark, log.durable_mark):
            self._wire.send(node.id, message)
        else:
            self._held.hold(log.written_mark, self.term, node.id, message)

    def _SyncObj__sendAppendEntries(self) -> None:
        """Send everybody what their flow allows; those who get nothing, a heartbeat when one is due."""
        reign = self._reign
        assert reign is not None, "only a leader sends entries"
        now = _monotonic()
        is_due = now >= self._heartbeat_at
        must_speak = is_due or reign.reads.is_due
        seq = reign.reads.stamp(anew=is_due)
        reign.lease.sent(seq, now)
        reign.vouch(seq, now, knows_commits=self.knows_commits)
        if must_speak:
            self._heartbeat_at = now + self._settings.heartbeat_s
            # pysyncobj's check of the quorum counts the leader always; told one time for all, it decides by ours.
            heard_at = reign.majority_heard_at(now)
            self._SyncObj__lastResponseTime = dict.fromkeys(self._SyncObj__otherNodes, heard_at)
        self._SyncObj__newAppendEntriesTime = self._heartbeat_at
        for node_id, flow in reign.flows.items():
            if node_id not in self._connected:
                continue
            if must_speak:
                flow.forget_under_way()
            answered = reign.answers.vouched(node_id)
            sent = self._send_entries(node_id, flow, seq, answered)
            if must_speak and not sent:
                self._wire.send(node_id, self._claim(flow.next_index, (), seq, answered))
            if self._shipments is not None:
                self._tend(self._shipments, node_id, flow, now)

    def _tend(self, shipments: Shipments, node_id: str, flow: Flow, now: float) -> None:
        first = self._own_log[0][1]
        if flow.next_index <= first:
            shipments.tend(node_id, self.term, first, now, self._wire.send)
        else:
            shipments.end(node_id)

    def _send_entries(self, node_id: str, flow: Flow, seq: int, answered: int) -> bool:
        sent = 0
        while flow.may_send and self._own_log[0][1] < flow.next_index <= self._own_log[-1][1]:
            if sent == _BATCHES_AT_ONCE:
                self._is_more_to_send = True
                break
            entries = sending.batch(self._own_log, flow.next_index, self._settings.batch_bytes)
            if not self._wire.send(node_id, self._claim(flow.next_index, entries, seq, answered)):
                break
            flow.sent(entries[-1][1])
            sent += 1
        return sent > 0

    def _claim(self, index: int, entries: tuple[LogEntry, ...], seq: int, answered: int) -> Message:
        before = sending.predecessor(self._own_log, index)
        return Append(self.term, before[1], before[2], entries, self.raftCommitIndex, seq, answered).message()

    # Applying.

    def _SyncObj__parseChangeClusterRequest(self, command: bytes) -> None:
        """Peer sets are not pysyncobj's business: it would unpickle them."""

    def _SyncObj__doApplyCommand(self, command: bytes) -> object:
        kind = command[0]
        if kind == _REGULAR:
            return self._apply(self.raftLastApplied + 1, command[1:])
        if kind == PEERS_KIND:
            self._members.settle(self.raftLastApplied + 1)
            return None
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
