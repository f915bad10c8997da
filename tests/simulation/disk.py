"""A disk that keeps what was synced, and a log on it.

A sync takes time: it begins, covering what was written until then, and ends later. A crash loses what no ended sync
covers, or keeps any first part of it, as a real disk may.
"""

from __future__ import annotations

import random
from typing import overload

from lictor_server.raft.log import LogEntry

__all__ = ["Disk", "DiskLog"]

_Record = LogEntry | int
"""An entry, or the number of entries that a truncation leaves."""


class Disk:
    """What survives a crash."""

    def __init__(self) -> None:
        self.entries: list[LogEntry] = []
        self.term = 0
        self.voted_for: str | None = None

    def write(self, records: list[_Record]) -> None:
        """Make `records` durable."""
        for record in records:
            if isinstance(record, int):
                del self.entries[record:]
            else:
                self.entries.append(record)


class DiskLog:
    """One life of a voter's log; the next one starts with a new object on the same disk."""

    def __init__(self, disk: Disk, *, write_through: bool = False) -> None:
        self._disk = disk
        self._write_through = write_through
        self._entries = list(disk.entries)
        self._pending: list[_Record] = []
        self._durable_mark = 0
        self._durable_size = len(self._entries)
        self._sync_ends_at: int | None = None
        self._sync_size = 0

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
        return self._entries[self._durable_size - 1][1] if self._durable_size else 0

    @property
    def is_durable(self) -> bool:
        """Whether all entries are durable."""
        return self._durable_size == len(self._entries)

    @property
    def snapshot_index(self) -> int:
        """The simulated disk holds no snapshots."""
        return 0

    def sync(self) -> None:
        """End the sync under way, and begin one if there is something to write."""
        if self._sync_ends_at is not None:
            self._disk.write(self._pending[: self._sync_ends_at])
            del self._pending[: self._sync_ends_at]
            self._durable_mark += self._sync_ends_at
            self._durable_size = max(self._durable_size, self._sync_size)
        self._sync_ends_at = len(self._pending) or None
        self._sync_size = len(self._entries)

    def crash(self, chance: random.Random) -> None:
        """Lose what was not synced: all of it, or what comes after some record."""
        if chance.random() < 0.5:
            self._disk.write(self._pending[: chance.randrange(len(self._pending) + 1)])

    def add(self, command: bytes, idx: int, term: int) -> None:
        """Append an entry."""
        assert not self._entries or idx == self._entries[-1][1] + 1, "an entry does not follow the last one"
        entry = (command, idx, term)
        self._entries.append(entry)
        self._record(entry)

    def deleteEntriesFrom(self, entryFrom: int) -> None:
        """Drop the entries at this position and after."""
        del self._entries[entryFrom:]
        self._durable_size = min(self._durable_size, entryFrom)
        self._sync_size = min(self._sync_size, entryFrom)
        self._record(entryFrom)

    def _record(self, record: _Record) -> None:
        if self._write_through:
            self._disk.write([record])
            self._durable_mark += 1
            self._durable_size = len(self._entries)
        else:
            self._pending.append(record)

    def clear(self) -> None:
        """Nobody clears a log that is kept whole."""
        raise AssertionError("the log was cleared")

    def deleteEntriesTo(self, entryTo: int) -> None:
        """Nobody shortens a log that is kept whole."""
        raise AssertionError("the log lost its beginning")

    @property
    def memory_bytes(self) -> int:
        """Nothing is counted."""
        return 0

    def snapshot_made(self, index: int) -> None:
        """No matter."""

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
        """What is committed at a start: the first entry alone."""
        return 1

    def setCurrentTerm(self, term: int, votedForNodeId: str | None) -> None:
        """Term and vote are written and synced in place."""
        self._disk.term, self._disk.voted_for = term, votedForNodeId

    def getCurrentTerm(self) -> int:
        """The kept term."""
        return self._disk.term

    def getVotedForNodeId(self) -> str | None:
        """The kept vote."""
        return self._disk.voted_for

    def onOneSecondTimer(self) -> None:
        """Nothing to do each second."""

    def _destroy(self) -> None:
        """Nothing to close."""
