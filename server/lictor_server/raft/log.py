"""What the core asks of a log: pysyncobj's journal, plus what is known to be on the disk.

The method names of the journal are pysyncobj's and therefore not ours. Durability is told in two ways. A *mark* counts
records ever written, truncations included: a reply about the log may leave once the mark it was made at is durable.
`durable_index` is the last index up to which every entry as it stands now would survive a power cut: a leader counts
itself in a majority up to there and no further.
"""

from __future__ import annotations

from typing import Protocol, overload

__all__ = ["Log", "LogEntry"]

LogEntry = tuple[bytes, int, int]
"""Command, index, term."""


class Log(Protocol):
    """Entries by position; the first one's index moves up as old ones are dropped. Never empty once a core has it."""

    @property
    def written_mark(self) -> int:
        """How many records were written so far."""
        ...

    @property
    def durable_mark(self) -> int:
        """How many of them are surely on the disk; at most `written_mark`."""
        ...

    @property
    def durable_index(self) -> int:
        """The last index up to which the log as it stands is on the disk."""
        ...

    @property
    def is_durable(self) -> bool:
        """Whether all entries are as durable as this log ever makes them."""
        ...

    @property
    def snapshot_index(self) -> int:
        """The last entry of the newest snapshot; 0 for none. When the log is opened, the state holds that much."""
        ...

    @property
    def memory_bytes(self) -> int:
        """What all entries take in memory, roughly."""
        ...

    def snapshot_made(self, index: int) -> None:
        """There is a snapshot now, durable, that ends with the entry `index`."""
        ...

    def add(self, command: bytes, idx: int, term: int) -> None:
        """Append an entry; `idx` follows the last one's."""
        ...

    def clear(self) -> None:
        """Drop everything."""
        ...

    def deleteEntriesFrom(self, entryFrom: int) -> None:
        """Drop the entries at this position and after."""
        ...

    def deleteEntriesTo(self, entryTo: int) -> None:
        """Drop the entries before this position."""
        ...

    @overload
    def __getitem__(self, item: int) -> LogEntry: ...
    @overload
    def __getitem__(self, item: slice) -> list[LogEntry]: ...

    def __len__(self) -> int:
        """How many entries there are."""
        ...

    def setRaftCommitIndex(self, raftCommitIndex: int) -> None:
        """Told of every advance; need not be kept."""
        ...

    def getRaftCommitIndex(self) -> int:
        """What is known to be committed at a start: 1, or the last entry of a snapshot."""
        ...

    def setCurrentTerm(self, term: int, votedForNodeId: str | None) -> None:
        """Keep the term and the vote; both are durable when this returns."""
        ...

    def getCurrentTerm(self) -> int:
        """The kept term."""
        ...

    def getVotedForNodeId(self) -> str | None:
        """The kept vote."""
        ...
