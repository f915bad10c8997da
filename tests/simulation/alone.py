"""One server of five, whose messages, disk and clock are in our hands: what it says in a given conversation."""

from __future__ import annotations

from lictor_core.peers import PeerSet
from lictor_server.raft.core import RaftCore
from lictor_server.raft.log import LogEntry
from lictor_server.raft.messages import Append, Heard, PreVoteReply, Reply
from lictor_server.raft.outcome import Reason
from lictor_server.raft.wire import Message
from tests.simulation.clock import VirtualClock
from tests.simulation.disk import Disk, DiskLog
from tests.simulation.voters import SETTINGS
from tests.support.peers import peers

__all__ = ["FIVE", "Alone"]

FIVE = peers("n1", "n2", "n3", "n4", "n5")
FOLLOWERS = ("n2", "n3", "n4", "n5")


class Alone:
    """The server `n1`. It has been up for long, so that it may vote."""

    def __init__(self, clock: VirtualClock, peer_set: PeerSet = FIVE) -> None:
        self.clock = clock
        self.sent: list[tuple[str, Message]] = []
        self.applied: list[bytes] = []
        self.answers: list[tuple[object, Reason]] = []
        self.reads: list[Reason] = []
        self.log = DiskLog(Disk())
        self.core = RaftCore("n1", peer_set, settings=SETTINGS, log=self.log, wire=self, apply=self._apply)
        for other in FOLLOWERS:
            self.core.connected(other)
        clock.advance(SETTINGS.election_min_s)

    def send(self, node_id: str, message: Message) -> bool:
        """The wire."""
        self.sent.append((node_id, message))
        return True

    def _apply(self, index: int, payload: bytes) -> object:
        self.applied.append(payload)
        return index

    def done(self, result: object, reason: Reason) -> None:
        """What was asked for has ended."""
        self.answers.append((result, reason))

    def said(self, kind: str, to: str | None = None) -> list[Message]:
        """The messages of this kind that left."""
        return [message for node, message in self.sent if message["type"] == kind and to in (None, node)]

    def sync(self) -> None:
        """What was written is on the disk."""
        for _ in range(2):
            self.log.sync()
            self.core.log_synced()

    def campaign(self) -> None:
        """Ask, and stand for election when two others would vote."""
        self.clock.advance(SETTINGS.election_max_s + 0.1)
        self.core.pump()
        for node in ("n2", "n3"):
            self.core.receive(node, PreVoteReply(self.core.term, self.core.term + 1, True).message())
        self.core.pump()

    def vote(self, node_id: str) -> None:
        """A vote comes in."""
        self.core.receive(node_id, {"type": "response_vote", "term": self.core.term})

    def lead(self) -> None:
        """Be elected; the no-op is on no other disk yet."""
        self.campaign()
        self.vote("n2")
        self.vote("n3")
        assert self.core.is_leader
        self.sync()

    def replicated(self, *node_ids: str) -> None:
        """These have everything on their disks."""
        for node_id in node_ids:
            self.core.receive(node_id, Reply(self.core.term, self.core.last_index, 0).message())
        self.core.pump()

    def heard(self, seq: int, *node_ids: str) -> None:
        """These answer a message with this number."""
        for node_id in node_ids:
            self.core.receive(node_id, Heard(self.core.term, seq).message())

    def last_seq(self) -> int:
        """The number of the newest message with entries, or without, that left."""
        seq = self.said("append_entries")[-1]["seq"]
        assert isinstance(seq, int)
        return seq

    def follow(self, node_id: str, term: int, *entries: LogEntry, commit: int = 1) -> None:
        """The leader `node_id` sends entries that come after the first one."""
        self.core.receive(node_id, Append(term, 1, 0, entries, commit, 0).message())
