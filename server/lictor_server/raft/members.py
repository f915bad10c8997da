"""Who belongs to the cluster, by the log. Pure. Raft thesis, chapter 4, and its erratum on single-server changes.

A peer set is in effect from the moment its entry is in the log, committed or not, and until the entry is cut off. So
the sets since the last committed one are kept. One change is in flight at a time, and two sets in a row differ by at
most one voter: any majority of the one then shares a server with any majority of the other.

A server without any set is *blank*. It takes entries and may vote, and never stands for election.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

import msgspec

from lictor_core.codec import pack, unpack
from lictor_core.errors import PeerError, RequestError
from lictor_core.peers import PeerSet
from lictor_server.raft.log import LogEntry

__all__ = [
    "BLANK",
    "PEERS_KIND",
    "SERVERS_MAX",
    "Members",
    "agreed",
    "change_problem",
    "decoded",
    "encoded",
    "founding_problem",
]

PEERS_KIND: Final = 2
"""The first byte of a log entry that holds a peer set."""
SERVERS_MAX: Final = 64
"""Servers in one set, non-voters included."""
BLANK: Final = PeerSet()

T = TypeVar("T", int, float)


class Members:
    """The sets that may still count: the last one known to be committed, and what followed it."""

    def __init__(self, own_id: str, snapshot: PeerSet | None, log: Iterable[LogEntry]) -> None:
        """`snapshot` is the set in effect where `log` begins; the log's own sets behind it are added.

        Raises `PeerError` for an entry that holds no set.
        """
        self._own_id = own_id
        self.restart(snapshot)
        for command, index, _ in log:
            if command[0] == PEERS_KIND and index > self.latest.index:
                self.append(decoded(command, index))

    @property
    def own_id(self) -> str:
        """The server that keeps these books."""
        return self._own_id

    def append(self, peer_set: PeerSet) -> None:
        """The entry `peer_set.index` is in the log: its set is in effect."""
        assert peer_set.index > self.latest.index, "a peer set lies before one that is known"
        self._sets.append(peer_set)
        self._judge()

    def truncate(self, last: int) -> bool:
        """The log ends with `last` now. Whether another set is in effect by that."""
        before = len(self._sets)
        while self._sets and self._sets[-1].index > last:
            self._sets.pop()
        self._judge()
        return len(self._sets) != before

    def restart(self, snapshot: PeerSet | None) -> None:
        """The log begins anew behind a snapshot with this set."""
        self._sets = [snapshot] if snapshot is not None and snapshot.servers else []
        self._judge()

    def settle(self, index: int) -> None:
        """The set of `index` is committed: no earlier one can come back."""
        while len(self._sets) > 1 and self._sets[1].index <= index:
            del self._sets[0]

    def at(self, index: int) -> PeerSet:
        """The set that the log up to `index` makes; not for an index before the last settled one."""
        return next((known for known in reversed(self._sets) if known.index <= index), BLANK)

    def may_stand(self, commit_index: int) -> bool:
        """Whether this server may be elected: as a voter, or as one whose removal is not known to be committed.

        It may be the only one that has the entry by which it is removed, and then nobody else can be elected. Raft
        thesis, section 4.2.2.
        """
        if self.is_voter:
            return True
        return self.latest.index > commit_index and any(self._own_id in known.voters for known in self._sets[:-1])

    def _judge(self) -> None:
        self.latest = self._sets[-1] if self._sets else BLANK
        """The set in effect."""
        self.voters = self.latest.voters
        self.is_voter = self._own_id in self.voters
        self.votes_needed = len(self.voters) // 2 + 1 - self.is_voter
        """Votes of others that make a majority. A candidate that is being removed does not count its own."""
        self.is_blank = not self.latest.servers
        self.is_lone = self.voters == frozenset({self._own_id})
        """Whether this server is the only voter; there may be non-voters."""
        self.others = tuple(sorted(server.id for server in self.latest.servers if server.id != self._own_id))
        """Who else receives the log."""
        self.other_voters = tuple(other for other in self.others if other in self.voters)


def agreed(own: T | None, others: Sequence[T]) -> T:
    """The highest value that a majority reaches; `own` is None for a leader that is no voter. Not of nobody."""
    values = list(others)
    if own is not None:
        values.append(own)
    values.sort(reverse=True)
    return values[len(values) // 2]


def change_problem(before: PeerSet, after: PeerSet) -> str | None:
    """Why `after` must not follow `before`; None when it may. A blank server may be given any set that is sound."""
    ids = [server.id for server in after.servers]
    if not after.voters:
        return "it has no voter"
    if len(ids) > SERVERS_MAX:
        return f"it has more than {SERVERS_MAX} servers"
    if "" in ids or len(set(ids)) != len(ids):
        return "it has a server twice, or one without an id"
    if not after.cluster_id:
        return "it names no cluster"
    if not before.servers:
        return None
    if before.cluster_id != after.cluster_id:
        return "it is of another cluster"
    if len(before.voters ^ after.voters) > 1:
        return "more than one voter differs from the set in effect: change them one after another"
    return None


def founding_problem(members: Members, peer_set: PeerSet, *, has_data: bool) -> str | None:
    """Why the server of `members`, whose log holds more than its first entry or not, must not found this cluster."""
    if not members.is_blank:
        return f"this server belongs to the cluster {members.latest.cluster_id} already"
    if members.own_id not in peer_set.voters:
        return "this server is no voter in it"
    if has_data and len(peer_set.servers) > 1:
        return "this server has data of its own, so it can begin a cluster alone only"
    return change_problem(BLANK, peer_set)


def encoded(peer_set: PeerSet) -> bytes:
    """The command of a log entry that holds `peer_set`."""
    return bytes([PEERS_KIND]) + pack(peer_set)


def decoded(command: bytes, index: int) -> PeerSet:
    """The set in the entry at `index`; what it says about its own index is not believed. Raises `PeerError`."""
    try:
        peer_set = unpack(command[1:], PeerSet)
    except RequestError as error:
        raise PeerError(f"the Raft entry {index} holds no peer set: {error}") from error
    problem = change_problem(BLANK, peer_set)
    if problem is not None:
        raise PeerError(f"the Raft entry {index} holds a peer set that cannot be: {problem}")
    return msgspec.structs.replace(peer_set, index=index)
