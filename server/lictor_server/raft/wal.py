"""The write-ahead log on the event loop's side: what pysyncobj adds is in memory at once, and on disk a moment later.

Group commit: while one batch is being written and synced in the log's thread, changes gather; when it is done they are
the next batch. Whoever may act only on what is durable compares with `durable_index`. Raft paper, section 5.1: a server
answers only for what is on stable storage.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from lictor_core.errors import DataDamagedError
from lictor_server.raft.files import DAMAGE_REMEDY
from lictor_server.raft.log import LogEntry
from lictor_server.raft.memory_log import MemoryLog
from lictor_server.raft.records import HEAD_BYTES, Kind
from lictor_server.raft.retention import memory_bytes
from lictor_server.raft.segments import Change, Segments
from lictor_server.raft.term_vote import TermVote, save_term_vote

__all__ = ["COMMAND", "NO_OP", "Wal", "align", "emptied", "fits"]

COMMAND: Final = b"\x00"
"""How an entry with a command begins."""
NO_OP: Final = b"\x01"
"""What stands for the entry that a snapshot ends with, where the log does not hold it any more."""


class Wal(MemoryLog):
    """A log whose changes go to `segments`. Before `start` they gather; nothing is durable until then."""

    def __init__(
        self,
        segments: Segments,
        entries: list[LogEntry],
        *,
        snapshot_index: int,
        vote_path: Path,
        vote: TermVote,
        thread: ThreadPoolExecutor,
    ) -> None:
        """`entries` are those of `align`; `thread` has one worker, in which alone `segments` are used from now on."""
        super().__init__()
        self._entries = entries
        self._memory_bytes = memory_bytes(entries)
        self._segments = segments
        self._snapshot_index = snapshot_index
        self._vote_path = vote_path
        self._vote = vote
        self._thread = thread
        self._changes: list[Change] = []
        self._durable_index = entries[-1][1] if entries else 0
        self._in_flight: int | None = None
        self._changes_in_flight = 0
        self._durable_mark = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._on_durable: Callable[[], None] = _nothing
        self._on_failure: Callable[[BaseException], None] = _raise
        self.on_batch: Callable[[float, int], None] | None = None
        """Told of each batch: the seconds until it was on the disk, and its changes."""
        self._batch_began = 0.0
        self._scheduled = False
        self._bytes_added = sum(HEAD_BYTES + len(command) for command, index, _ in entries if index > snapshot_index)

    # Life.

    def start(self, *, on_durable: Callable[[], None], on_failure: Callable[[BaseException], None]) -> None:
        """Begin to write. `on_durable` is called whenever more is durable; after `on_failure` nothing is written."""
        self._loop = asyncio.get_running_loop()
        self._on_durable, self._on_failure = on_durable, on_failure
        self._schedule()

    def stop(self) -> None:
        """Begin no more batches; one under way may still end."""
        self._loop = None

    @property
    def written_mark(self) -> int:
        """How many changes there were since this log was opened."""
        return self._durable_mark + self._changes_in_flight + len(self._changes)

    @property
    def durable_mark(self) -> int:
        """How many of them are on the disk."""
        return self._durable_mark

    @property
    def durable_index(self) -> int:
        """The last entry that a crash of the machine cannot take."""
        return self._durable_index

    @property
    def is_durable(self) -> bool:
        """Whether all entries are durable."""
        return not self._entries or self._durable_index >= self._entries[-1][1]

    @property
    def snapshot_index(self) -> int:
        """The last entry of the newest snapshot; 0 for none."""
        return self._snapshot_index

    def snapshot_made(self, index: int) -> None:
        """There is a snapshot now, durable, that ends with the entry `index`."""
        self._snapshot_index = max(self._snapshot_index, index)

    @property
    def bytes_added(self) -> int:
        """How much log there was behind the snapshot when it was opened, and by how much it grew since."""
        return self._bytes_added

    # pysyncobj's journal.

    def add(self, command: bytes, idx: int, term: int) -> None:
        """Append an entry; `idx` follows the last one's."""
        super().add(command, idx, term)
        self._note(Change(Kind.ENTRY, idx, term, command))

    def clear(self) -> None:
        """Drop everything; the next entry may have any index."""
        super().clear()
        self._forget_from(0)
        self._note(Change(Kind.CLEAR, 0, 0, b""))

    def deleteEntriesFrom(self, entryFrom: int) -> None:
        """Drop the entries at this position and after."""
        if entryFrom < len(self):
            index = self[entryFrom][1]
            super().deleteEntriesFrom(entryFrom)
            self._forget_from(index)
            self._note(Change(Kind.TRUNCATE, index, 0, b""))

    def getRaftCommitIndex(self) -> int:
        """What is committed at a start: what the snapshot holds. The rest is learnt anew."""
        return max(1, self._snapshot_index)

    def setCurrentTerm(self, term: int, votedForNodeId: str | None) -> None:
        """Keep the term and the vote, durably, before anybody is told. Raises `StorageError`."""
        self._vote = TermVote(term=term, voted_for=votedForNodeId)
        save_term_vote(self._vote_path, self._vote)

    def getCurrentTerm(self) -> int:
        """The kept term."""
        return self._vote.term

    def getVotedForNodeId(self) -> str | None:
        """The kept vote."""
        return self._vote.voted_for

    def onOneSecondTimer(self) -> None:
        """Mark what was written last once nothing follows it, so that its damage is not taken for a torn tail."""
        if self._loop is not None and self._in_flight is None and not self._changes and not self._segments.all_marked:
            self._begin()

    # Writing.

    def _note(self, change: Change) -> None:
        self._changes.append(change)
        self._bytes_added += HEAD_BYTES + len(change.payload)
        self._schedule()

    def _forget_from(self, index: int) -> None:
        """What is dropped is durable no more, also when it is being written just now."""
        self._durable_index = min(self._durable_index, max(index - 1, 0))
        if self._in_flight is not None:
            self._in_flight = min(self._in_flight, max(index - 1, 0))

    def _schedule(self) -> None:
        if self._loop is not None and self._changes and self._in_flight is None and not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._begin)  # after all that this pass of the loop adds

    def _begin(self) -> None:
        self._scheduled = False
        if self._loop is None:
            return
        changes, self._changes = self._changes, []
        self._in_flight = self._entries[-1][1] if self._entries else 0
        self._changes_in_flight = len(changes)
        self._batch_began = self._loop.time()
        self._thread.submit(self._append_in_thread, self._loop, changes)

    def _append_in_thread(self, loop: asyncio.AbstractEventLoop, changes: Sequence[Change]) -> None:
        """The loop is told directly: a future of the loop's for each batch would cost a tenth of a commit."""
        error: BaseException | None = None
        try:
            self._segments.append(changes)
        except BaseException as failure:
            error = failure
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(self._end, error)

    def _end(self, error: BaseException | None) -> None:
        written, self._in_flight = self._in_flight, None
        assert written is not None, "a batch ends once"
        if self._loop is None:
            return
        if error is not None:
            self._loop = None
            self._on_failure(error)
            return
        self._durable_index = max(self._durable_index, written)
        self._durable_mark += self._changes_in_flight
        if self.on_batch is not None and self._changes_in_flight:
            self.on_batch(self._loop.time() - self._batch_began, self._changes_in_flight)
        self._changes_in_flight = 0
        self._schedule()
        self._on_durable()


def fits(entries: list[LogEntry], last: int, index: int, term: int) -> bool:
    """Whether a log goes with a snapshot that was being installed: it holds its last entry, or begins behind that.

    When it does not, nothing in it is worth keeping: what the snapshot lacks of it was never committed.
    """
    first = entries[0][1] if entries else last + 1
    return last >= index and (index < first or entries[index - first][2] == term)


def emptied(index: int, term: int) -> tuple[Change, Change]:
    """What makes a log go on behind a snapshot, whatever it held; both in one batch."""
    return Change(Kind.CLEAR, 0, 0, b""), Change(Kind.ENTRY, index, term, NO_OP)


def align(entries: list[LogEntry], last: int, index: int, term: int, *, trailing: int = 0) -> list[LogEntry]:
    """The entries from the last one that a snapshot holds, (`index`, `term`), on, and up to `trailing` before it.

    `last` is the log's last index, `index` 0 no snapshot: then the log must begin with entry 1, or be new. Raises
    `DataDamagedError` for a log that does not go with the snapshot.
    """
    first = entries[0][1] if entries else last + 1
    if first > index + 1:
        held = f"the snapshot ends with entry {index}" if index else "there is no snapshot"
        raise DataDamagedError(f"the log begins with entry {first}, but {held}: {DAMAGE_REMEDY}")
    if last < index:
        raise DataDamagedError(
            f"the log ends with entry {last}, before the snapshot's last one, {index}: {DAMAGE_REMEDY}"
        )
    if index == 0:
        return entries
    if index < first:
        return [(NO_OP, index, term), *entries]
    its_term = entries[index - first][2]
    if its_term != term:
        raise DataDamagedError(
            f"entry {index} is of term {its_term} in the log and of term {term} in the snapshot: {DAMAGE_REMEDY}"
        )
    return entries[max(index - first - trailing, 0) :]


def _nothing() -> None:
    pass


def _raise(error: BaseException) -> None:
    raise error
