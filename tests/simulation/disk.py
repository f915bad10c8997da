"""A disk that keeps what was synced, and a log on it.

A sync takes time: it begins, covering what was written until then, and ends later. A crash loses what no ended sync
covers, or keeps any first part of it, as a real disk may.

A snapshot in here holds every entry up to its last one: it is the state, and the judge of a run can look at logs that
begin late as if they were whole.
"""

from __future__ import annotations

import enum
import random
import zlib
from collections.abc import Callable, Sequence
from typing import Final, cast, overload

import msgpack

from lictor_core.errors import DataDamagedError
from lictor_core.peers import PeerSet
from lictor_server.raft.log import LogEntry
from lictor_server.raft.members import BLANK, PEERS_KIND, decoded
from lictor_server.raft.retention import memory_bytes
from lictor_server.raft.settings import RaftSettings
from lictor_server.raft.snapshot_file import SnapshotHead
from lictor_server.raft.wal import NO_OP, align, fits

__all__ = ["Disk", "DiskLog", "Snapshot"]

_CRC_BYTES: Final = 4


class _Mark(enum.Enum):
    CLEAR = "all entries are dropped"


_Record = LogEntry | int | _Mark
"""An entry, the first entry that a truncation drops, or that everything is dropped."""


class Snapshot:
    """A file: every entry up to the last one, which follows from nothing else."""

    def __init__(self, entries: Sequence[LogEntry]) -> None:
        self.entries = list(entries)
        body = msgpack.packb(self.entries)
        self.data = zlib.crc32(body).to_bytes(_CRC_BYTES, "big") + body

    @staticmethod
    def read(data: bytes) -> Snapshot:
        """What was written. Raises `DataDamagedError` for anything else."""
        body = data[_CRC_BYTES:]
        if zlib.crc32(body).to_bytes(_CRC_BYTES, "big") != data[:_CRC_BYTES]:
            raise DataDamagedError("its checksum is wrong")
        return Snapshot(cast("list[LogEntry]", msgpack.unpackb(body, use_list=False)))

    @property
    def head(self) -> SnapshotHead:
        """The last entry, and the servers by it."""
        sets = [decoded(command, index) for command, index, _ in self.entries if command[0] == PEERS_KIND]
        _, index, term = self.entries[-1]
        return SnapshotHead(index, term, sets[-1] if sets else None)


class Disk:
    """What survives a crash."""

    def __init__(self) -> None:
        self.entries: list[LogEntry] = []
        self.snapshot: Snapshot | None = None
        self.note: tuple[int, int] | None = None
        """The snapshot that took its name before the log was emptied for it."""
        self.term = 0
        self.voted_for: str | None = None

    def write(self, records: Sequence[_Record]) -> None:
        """Make `records` durable."""
        for record in records:
            match record:
                case _Mark.CLEAR:
                    self.entries.clear()
                case int():
                    while self.entries and self.entries[-1][1] >= record:
                        self.entries.pop()
                case _:
                    self.entries.append(record)

    def take(self, snapshot: Snapshot, trailing: int) -> None:
        """An own snapshot is durable: the log before it may go."""
        if self.snapshot is None or snapshot.head.last_index > self.snapshot.head.last_index:
            self.snapshot = snapshot
            first_kept = snapshot.head.last_index - trailing
            self.entries = [entry for entry in self.entries if entry[1] >= first_kept]

    def publish(self, snapshot: Snapshot) -> list[Callable[[], None]]:
        """The steps by which a leader's snapshot takes its name; a crash may come between them."""

        def note() -> None:
            self.note = (snapshot.head.last_index, snapshot.head.term)

        def name() -> None:
            self.snapshot = snapshot

        return [note, name]

    def open(self, settings: RaftSettings) -> tuple[list[LogEntry], SnapshotHead]:
        """What a start finds, by the rules of `storage`."""
        head = SnapshotHead(0, 0) if self.snapshot is None else self.snapshot.head
        last = self.entries[-1][1] if self.entries else 0
        if self.note == (head.last_index, head.term) and not fits(self.entries, last, head.last_index, head.term):
            self.entries, last = [(NO_OP, head.last_index, head.term)], head.last_index
        self.note = None
        kept = align(list(self.entries), last, head.last_index, head.term, trailing=settings.snapshot_trailing)
        return kept, head

    def whole(self) -> list[LogEntry]:
        """Every entry that would survive, from the first on."""
        return _whole(self.entries, [] if self.snapshot is None else self.snapshot.entries)


def _whole(entries: Sequence[LogEntry], before: Sequence[LogEntry]) -> list[LogEntry]:
    """A log with what is before it; where both have an entry, the log's first may only stand for it."""
    if not entries:
        return list(before)
    first = entries[0][1]
    if len(before) < first:
        return [*before[: first - 1], *entries]
    return [*before[:first], *entries[1:]]


class DiskLog:
    """One life of a voter's log; the next one starts with a new object on the same disk."""

    def __init__(self, disk: Disk, settings: RaftSettings | None = None, *, write_through: bool = False) -> None:
        self.disk = disk
        self._write_through = write_through
        self._entries, head = disk.open(RaftSettings() if settings is None else settings)
        self.before = [] if disk.snapshot is None else disk.snapshot.entries
        """Entries that were dropped from memory, and maybe more: for the judge."""
        self.peer_set: PeerSet = head.peers or BLANK
        self._snapshot_index = head.last_index
        self._first_index = max(1, head.last_index)
        self._pending: list[_Record] = []
        self._durable_mark = 0
        self._durable_index = self._entries[-1][1] if self._entries else 0
        self._sync_ends_at: int | None = None
        self._sync_index = 0

    def whole(self) -> list[LogEntry]:
        """Every entry from the first on, also those that are not in memory."""
        return _whole(self._entries, self.before)

    @property
    def written_mark(self) -> int:
        """Records written in this life."""
        return self._durable_mark + len(self._pending)

    @property
    def durable_mark(self) -> int:
        """Records that an ended sync covers."""
        return self._durable_mark

    @property
    def durable_index(self) -> int:
        """The last index that would survive, as the log stands."""
        return self._durable_index

    @property
    def is_durable(self) -> bool:
        """Whether all entries are durable."""
        return not self._entries or self._durable_index >= self._entries[-1][1]

    @property
    def snapshot_index(self) -> int:
        """The last entry of the newest snapshot."""
        return self._snapshot_index

    def snapshot_made(self, index: int) -> None:
        """There is a snapshot now that ends with `index`."""
        self._snapshot_index = max(self._snapshot_index, index)

    @property
    def memory_bytes(self) -> int:
        """What all entries take in memory, roughly."""
        return memory_bytes(self._entries)

    def sync(self) -> None:
        """End the sync under way, and begin one if there is something to write."""
        if self._sync_ends_at is not None:
            self.disk.write(self._pending[: self._sync_ends_at])
            del self._pending[: self._sync_ends_at]
            self._durable_mark += self._sync_ends_at
            self._durable_index = max(self._durable_index, self._sync_index)
        self._sync_ends_at = len(self._pending) or None
        self._sync_index = self._entries[-1][1] if self._entries else 0

    def crash(self, chance: random.Random) -> None:
        """Lose what was not synced: all of it, or what comes after some record."""
        if chance.random() < 0.5:
            survivors = self._pending[: chance.randrange(len(self._pending) + 1)]
            if survivors and survivors[-1] is _Mark.CLEAR:
                survivors.pop()  # it shares its write with the entry behind it
            self.disk.write(survivors)

    def add(self, command: bytes, idx: int, term: int) -> None:
        """Append an entry."""
        assert not self._entries or idx == self._entries[-1][1] + 1, "an entry does not follow the last one"
        entry = (command, idx, term)
        self._entries.append(entry)
        self._record(entry)

    def deleteEntriesFrom(self, entryFrom: int) -> None:
        """Drop the entries at this position and after."""
        if entryFrom < len(self._entries):
            index = self._entries[entryFrom][1]
            del self._entries[entryFrom:]
            self._forget_from(index)
            self._record(index)

    def clear(self) -> None:
        """Drop everything; only a leader's snapshot makes a log do that."""
        self._entries.clear()
        self._forget_from(0)
        self._record(_Mark.CLEAR)

    def deleteEntriesTo(self, entryTo: int) -> None:
        """Drop the entries before this position from memory."""
        self.before = self.whole()[: self._entries[entryTo][1]]
        del self._entries[:entryTo]

    def _forget_from(self, index: int) -> None:
        self._durable_index = min(self._durable_index, max(index - 1, 0))
        self._sync_index = min(self._sync_index, max(index - 1, 0))

    def _record(self, record: _Record) -> None:
        if self._write_through:
            self.disk.write([record])
            self._durable_mark += 1
            self._durable_index = self._entries[-1][1] if self._entries else 0
        else:
            self._pending.append(record)

    @overload
    def __getitem__(self, item: int) -> LogEntry: ...
    @overload
    def __getitem__(self, item: slice) -> list[LogEntry]: ...
    def __getitem__(self, item: int | slice) -> LogEntry | list[LogEntry]:
        return self._entries[item]

    def __len__(self) -> int:
        return len(self._entries)

    def setRaftCommitIndex(self, raftCommitIndex: int) -> None:
        """Not kept."""

    def getRaftCommitIndex(self) -> int:
        """What is committed at a start: the first entry, or what the snapshot holds."""
        return self._first_index

    def setCurrentTerm(self, term: int, votedForNodeId: str | None) -> None:
        """Term and vote are written and synced in place."""
        self.disk.term, self.disk.voted_for = term, votedForNodeId

    def getCurrentTerm(self) -> int:
        """The kept term."""
        return self.disk.term

    def getVotedForNodeId(self) -> str | None:
        """The kept vote."""
        return self.disk.voted_for

    def onOneSecondTimer(self) -> None:
        """Nothing to do each second."""

    def _destroy(self) -> None:
        """Nothing to close."""
