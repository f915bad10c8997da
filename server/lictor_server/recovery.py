"""Going on without a majority: the newest entry of a server's log names other servers, written while none runs.

Those who remain after a majority was lost for good can elect nobody, since their log still counts the others. This
writes a new peer set behind everything that the log of one data directory holds. It is the operator's word against
Raft's rules: what only the lost servers had is lost, and what was never agreed on may come into effect.

The entry's term is above that of the last entry, by a step that depends on the set. So servers that are recovered with
the same list still agree on whose log is the newest (Raft paper, section 5.4.1), and no entry of one can be taken for
another one's of the same index and term (section 5.3), even where their logs end differently.
"""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from lictor_core.addresses import split_host_port
from lictor_core.clock import Rng
from lictor_core.codec import pack
from lictor_core.errors import DataDamagedError, PeerError, RequestError
from lictor_core.peers import PeerSet, RaftServer
from lictor_server.raft.files import lock_directory, unlock_directory
from lictor_server.raft.members import BLANK, Members, change_problem, encoded
from lictor_server.raft.records import Kind
from lictor_server.raft.segments import Change, Segments, TailCut
from lictor_server.raft.shelf import read_note
from lictor_server.raft.snapshot_file import list_snapshots, read_head
from lictor_server.raft.term_vote import TermVote, load_term_vote, save_term_vote

__all__ = ["Recovery", "RecoveryPlan", "planned"]

_TERMS: Final = 2**20
"""How many terms two recoveries with different lists may choose from."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RecoveryPlan:
    """What would be written: the set `after` at `index` in `term`, behind the last entry, `last_index`."""

    before: PeerSet
    after: PeerSet
    last_index: int
    last_term: int
    term: int

    @property
    def index(self) -> int:
        """Where the new set stands in the log."""
        return self.last_index + 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Found:
    """What a data directory holds, as far as it matters here."""

    peers: PeerSet
    last_index: int
    last_term: int
    vote: TermVote
    tail_cut: TailCut | None


class Recovery:
    """One data directory, which no server may use meanwhile. A context manager; looking changes no file."""

    def __init__(self, data_dir: Path, own_id: str, rng: Rng) -> None:
        """Raises `RequestError` for a directory without a log, `ConfigurationError` while a server runs on it, and
        `StorageError` for files that cannot be used."""
        self._directory = data_dir / "raft"
        self._own_id = own_id
        self._rng = rng
        if not (self._directory / "log").is_dir():
            raise RequestError(f"there is no log in {self._directory}: is {data_dir} the data directory of a server?")
        self._lock = lock_directory(self._directory)
        try:
            self._found = self._look()
        except BaseException:
            unlock_directory(self._lock)
            raise

    def __enter__(self) -> Recovery:
        return self

    def __exit__(self, *_: object) -> None:
        unlock_directory(self._lock)

    @property
    def peers(self) -> PeerSet:
        """The servers that the log names now; none when it names none."""
        return self._found.peers

    @property
    def tail_cut(self) -> TailCut | None:
        """The end of the log that is no whole record, as a crash leaves it: writing cuts it off."""
        return self._found.tail_cut

    def plan(self, servers: Sequence[RaftServer]) -> RecoveryPlan:
        """What `write` would do to make these the servers; none of them is asked. Raises `RequestError`."""
        found = self._found
        return planned(
            self._own_id,
            found.peers,
            servers,
            last_index=found.last_index,
            last_term=found.last_term,
        )

    def write(self, plan: RecoveryPlan) -> None:
        """Make `plan` the newest entry of the log, durably. Raises `StorageError`; then it is written or it is not.

        The term is kept first: a term without its entry harms nobody.
        """
        if plan.term > self._found.vote.term:
            save_term_vote(self._directory / "vote", TermVote(term=plan.term))
        segments = Segments(self._directory / "log", self._rng)
        segments.load()
        try:
            segments.append([Change(Kind.ENTRY, plan.index, plan.term, encoded(plan.after))])
        finally:
            segments.finish()

    def _look(self) -> _Found:
        log, snapshots = self._directory / "log", self._directory / "snapshots"
        vote = load_term_vote(self._directory / "vote")
        if vote is None:
            raise DataDamagedError(
                f"{self._directory / 'vote'} is missing, so this data directory is not whole: take that of a backup"
            )
        if snapshots.is_dir() and read_note(snapshots) is not None:
            raise RequestError(
                f"a snapshot was being installed in {snapshots} when this server ended: start it once, which finishes "
                "that, end it, and recover then"
            )
        paths = list_snapshots(snapshots) if snapshots.is_dir() else []
        head = read_head(paths[-1]) if paths else None
        loaded = Segments(log, self._rng).read()
        if head is not None and loaded.last_index < head.last_index:
            raise DataDamagedError(
                f"the log ends with entry {loaded.last_index}, before the snapshot's last one, {head.last_index}: put "
                "the data directory of a backup in place"
            )
        if loaded.last_index == 0:
            raise RequestError(f"the log in {log} is empty: this server knows nothing that could be recovered")
        snapshot_peers = None if head is None else head.peers
        try:
            peers = Members(self._own_id, snapshot_peers, loaded.entries).latest
        except PeerError as error:
            raise DataDamagedError(str(error)) from error
        if loaded.entries:
            last_term = loaded.entries[-1][2]
        else:
            assert head is not None, "entries went only because a snapshot holds them"
            last_term = head.term
        return _Found(
            peers=peers, last_index=loaded.last_index, last_term=last_term, vote=vote, tail_cut=loaded.tail_cut
        )


def planned(
    own_id: str,
    before: PeerSet,
    servers: Sequence[RaftServer],
    *,
    last_index: int,
    last_term: int,
) -> RecoveryPlan:
    """What makes `servers` the peers of a log that ends with `last_index`. Raises `RequestError` with what is wrong."""
    ids = [server.id for server in servers]
    twice = next((id for id in ids if ids.count(id) > 1), None)
    if twice is not None:
        raise RequestError(f"the server {twice} is named twice")
    if before == BLANK:
        raise RequestError("the log names no servers: there is nothing to recover, the server starts as it is")
    for server in servers:
        if before.server(server.id) is None:
            raise RequestError(
                f"the log knows no server {server.id}: leave it out, start it with an empty data directory, and it "
                "joins the recovered cluster by itself"
            )
        if split_host_port(server.address, 0)[1] == 0:
            raise RequestError(f"the address {server.address!r} of the server {server.id} has no port: write host:port")
    if own_id not in ids:
        raise RequestError(
            f"this server, {own_id}, is not among those named: the data directory of a server that is to stay is needed"
        )
    if not any(server.voter for server in servers):
        raise RequestError("none of the servers named has a vote: nobody could lead")
    after = PeerSet(cluster_id=before.cluster_id, servers=tuple(sorted(servers, key=lambda one: one.id)))
    problem = change_problem(BLANK, after)
    if problem is not None:
        raise RequestError(f"the list of servers cannot be: {problem}")
    term = last_term + 1 + zlib.crc32(pack(after)) % _TERMS
    return RecoveryPlan(before=before, after=after, last_index=last_index, last_term=last_term, term=term)
