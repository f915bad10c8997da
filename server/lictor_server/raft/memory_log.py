"""The log of a server that keeps nothing on disk: `agent -dev`.

Its interface is that of pysyncobj's journals, whose method names are therefore not ours.
"""

from __future__ import annotations

from typing import overload

from lictor_server.raft.log import LogEntry
from lictor_server.raft.retention import ENTRY_BYTES, memory_bytes

__all__ = ["LogEntry", "MemoryLog"]


class MemoryLog:
    """Entries by position; the first one's index moves up as applied entries are dropped."""

    def __init__(self) -> None:
        self._entries: list[LogEntry] = []
        self._memory_bytes = 0
        self._term = 0
        self._voted_for: str | None = None

    @property
    def is_durable(self) -> bool:
        """Whether all entries are as durable as this log ever makes them."""
        return True

    @property
    def snapshot_index(self) -> int:
        """The last entry that is in the state already when this log is opened; 0 for none."""
        return 0

    @property
    def written_mark(self) -> int:
        """Nothing is ever written."""
        return 0

    @property
    def durable_mark(self) -> int:
        """Nothing waits for a disk."""
        return 0

    @property
    def durable_index(self) -> int:
        """As durable as it will ever be."""
        return self._entries[-1][1]

    @property
    def memory_bytes(self) -> int:
        """What all entries take in memory, roughly."""
        return self._memory_bytes

    def snapshot_made(self, index: int) -> None:
        """A log in memory has no snapshots beside it."""

    def add(self, command: bytes, idx: int, term: int) -> None:
        """Append an entry; `idx` follows the last one's."""
        self._entries.append((command, idx, term))
        self._memory_bytes += len(command) + ENTRY_BYTES

    def clear(self) -> None:
        """Drop everything."""
        self._entries.clear()
        self._memory_bytes = 0

    def deleteEntriesFrom(self, entryFrom: int) -> None:
        """Drop the entries at this position and after."""
        self._memory_bytes -= memory_bytes(self._entries[entryFrom:])
        del self._entries[entryFrom:]

    def deleteEntriesTo(self, entryTo: int) -> None:
        """Drop the entries before this position."""
        self._memory_bytes -= memory_bytes(self._entries[:entryTo])
        del self._entries[:entryTo]

    @overload
    def __getitem__(self, item: int) -> LogEntry: ...
    @overload
    def __getitem__(self, item: slice) -> list[LogEntry]: ...
    def __getitem__(self, item: int | slice) -> LogEntry | list[LogEntry]:
        return self._entries[item]

    def __len__(self) -> int:
        return len(self._entries)

    def setRaftCommitIndex(self, raftCommitIndex: int) -> None:
        """Not kept: after a restart the commit index is learnt anew."""

    def getRaftCommitIndex(self) -> int:
        """What is committed at a start: the first entry alone."""
        return 1

    def setCurrentTerm(self, term: int, votedForNodeId: str | None) -> None:
        """Keep the term and the vote given in it."""
        self._term, self._voted_for = term, votedForNodeId

    def getCurrentTerm(self) -> int:
        """The kept term."""
        return self._term

    def getVotedForNodeId(self) -> str | None:
        """The kept vote."""
        return self._voted_for

    def onOneSecondTimer(self) -> None:
        """Nothing to do each second."""

    def _destroy(self) -> None:
        """Nothing to close."""
