"""The log on the event loop: what is durable, and when it is told."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lictor_core.clock import SeededRng
from lictor_core.errors import DataDamagedError, DiskFailedError
from lictor_server.raft.memory_log import LogEntry
from lictor_server.raft.records import HEAD_BYTES
from lictor_server.raft.retention import memory_bytes
from lictor_server.raft.segments import Segments
from lictor_server.raft.term_vote import TermVote, load_term_vote
from lictor_server.raft.wal import NO_OP, Wal, align, fits
from tests.support.conditions import eventually


class Opened:
    """A log in a directory, and what it told."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "log").mkdir(exist_ok=True)
        self.segments = Segments(directory / "log", SeededRng(1))
        loaded = self.segments.load()
        self.thread = ThreadPoolExecutor(max_workers=1)
        self.wal = Wal(
            self.segments,
            align(loaded.entries, loaded.last_index, 0, 0),
            snapshot_index=0,
            vote_path=directory / "vote",
            vote=load_term_vote(directory / "vote") or TermVote(),
            thread=self.thread,
        )
        self.durable: list[int] = []
        self.failures: list[BaseException] = []

    def start(self) -> None:
        self.wal.start(on_durable=lambda: self.durable.append(self.wal.durable_index), on_failure=self.failures.append)

    def close(self) -> None:
        self.wal.stop()
        self.thread.shutdown()
        self.segments.finish()


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Opened]:
    made = Opened(tmp_path)
    made.start()
    yield made
    made.close()


class Gate:
    """fdatasync that waits until it is let through."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._open = threading.Event()
        self.entered = 0
        self._sync: Callable[[int], None] = os.fdatasync
        monkeypatch.setattr(os, "fdatasync", self._wait)

    def open(self) -> None:
        self._open.set()

    def _wait(self, descriptor: int) -> None:
        self.entered += 1
        assert self._open.wait(10)
        self._sync(descriptor)


async def test_an_entry_is_durable_only_after_the_sync_that_covers_it(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    opened.wal.add(b"x", 1, 1)
    await eventually(lambda: gate.entered > 0, what="the sync")
    assert not opened.wal.is_durable
    assert opened.durable == []
    gate.open()
    await eventually(lambda: opened.wal.is_durable, what="durability")
    assert opened.durable == [1]


async def test_what_comes_during_a_sync_is_one_batch_behind_it(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch)
    opened.wal.add(b"x", 1, 1)
    await eventually(lambda: gate.entered > 0, what="the sync")
    for index in range(2, 50):
        opened.wal.add(b"x", index, 1)
    gate.open()
    await eventually(lambda: opened.wal.is_durable, what="durability")
    assert opened.durable == [1, 49]


async def test_an_entry_that_was_truncated_during_its_sync_is_not_durable(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    opened.wal.add(b"a", 1, 1)
    opened.wal.add(b"b", 2, 1)
    await eventually(lambda: gate.entered > 0, what="the sync")
    opened.wal.deleteEntriesFrom(1)
    opened.wal.add(b"c", 2, 2)
    gate.open()
    await eventually(lambda: opened.wal.is_durable, what="durability")
    assert opened.durable == [1, 2]
    opened.close()
    again = Opened(opened.directory)
    assert again.wal[:] == [(b"a", 1, 1), (b"c", 2, 2)]
    again.close()


async def test_all_is_there_after_a_restart(opened: Opened) -> None:
    opened.wal.setCurrentTerm(4, "n2")
    for index in range(1, 4):
        opened.wal.add(b"%d" % index, index, 4)
    await eventually(lambda: opened.wal.is_durable, what="durability")
    opened.close()
    again = Opened(opened.directory)
    assert again.wal[:] == [(b"1", 1, 4), (b"2", 2, 4), (b"3", 3, 4)]
    assert (again.wal.getCurrentTerm(), again.wal.getVotedForNodeId()) == (4, "n2")
    assert again.wal.is_durable
    assert again.wal.getRaftCommitIndex() == 1
    again.close()


async def test_entries_dropped_from_memory_stay_on_disk(opened: Opened) -> None:
    for index in range(1, 101):
        opened.wal.add(b"x", index, 1)
    opened.wal.deleteEntriesTo(90)
    await eventually(lambda: opened.wal.is_durable, what="durability")
    assert len(opened.wal) == 10
    opened.close()
    again = Opened(opened.directory)
    assert len(again.wal) == 100
    again.close()


async def test_a_failed_sync_is_told_once_and_nothing_is_durable(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", fail)
        opened.wal.add(b"x", 1, 1)
        await eventually(lambda: opened.failures != [], what="the failure")
    opened.wal.add(b"x", 2, 1)
    assert [type(error) for error in opened.failures] == [DiskFailedError]
    assert opened.durable == []
    assert not opened.wal.is_durable


async def test_a_quiet_second_marks_the_last_batch_once(opened: Opened) -> None:
    opened.wal.add(b"x", 1, 1)
    await eventually(lambda: opened.wal.is_durable, what="durability")
    (path,) = (opened.directory / "log").iterdir()
    size = path.stat().st_size
    opened.wal.onOneSecondTimer()
    await eventually(lambda: len(opened.durable) == 2, what="the mark")
    opened.wal.onOneSecondTimer()
    assert path.stat().st_size == size + HEAD_BYTES


ENTRIES: list[LogEntry] = [(b"x", index, 1) for index in range(5, 9)]


def test_a_log_begins_with_some_entries_before_the_last_one_of_the_snapshot() -> None:
    assert align(list(ENTRIES), 8, 7, 1, trailing=1) == ENTRIES[1:]
    assert align(list(ENTRIES), 8, 7, 1, trailing=9) == ENTRIES
    assert align(list(ENTRIES), 8, 4, 3, trailing=9) == [(NO_OP, 4, 3), *ENTRIES]


@pytest.mark.parametrize(
    ("entries", "last", "snapshot", "term", "does_fit"),
    [
        (ENTRIES, 8, 6, 1, True),
        (ENTRIES, 8, 8, 1, True),
        (ENTRIES, 8, 4, 3, True),
        ([], 8, 8, 3, True),
        (ENTRIES, 8, 6, 2, False),  # another leader's entry
        (ENTRIES, 8, 9, 1, False),
        ([], 0, 9, 1, False),
    ],
)
def test_a_log_fits_an_installed_snapshot_when_it_holds_its_last_entry(
    entries: list[LogEntry], last: int, snapshot: int, term: int, does_fit: bool
) -> None:
    assert fits(list(entries), last, snapshot, term) is does_fit


async def test_a_log_that_is_emptied_goes_on_behind_the_snapshot(opened: Opened) -> None:
    for number in range(1, 6):
        opened.wal.add(b"x", number, 1)
    await eventually(lambda: opened.wal.is_durable, what="durability")
    opened.wal.clear()
    opened.wal.add(NO_OP, 3, 2)
    opened.wal.snapshot_made(3)
    opened.wal.add(b"y", 4, 2)
    assert not opened.wal.is_durable
    assert opened.wal.memory_bytes == memory_bytes(opened.wal[:])
    await eventually(lambda: opened.wal.is_durable, what="durability")
    assert (opened.wal.durable_index, opened.wal.snapshot_index) == (4, 3)
    opened.wal.snapshot_made(2)
    assert opened.wal.snapshot_index == 3
    assert Segments(opened.directory / "log", SeededRng(2)).load().entries == [(NO_OP, 3, 2), (b"y", 4, 2)]


def test_a_log_begins_with_the_last_entry_of_the_snapshot() -> None:
    assert align(list(ENTRIES), 8, 6, 1) == ENTRIES[1:]
    assert align(list(ENTRIES), 8, 8, 1) == ENTRIES[3:]
    assert align(list(ENTRIES), 8, 4, 3) == [(b"\x01", 4, 3), *ENTRIES]
    assert align([], 8, 8, 3) == [(b"\x01", 8, 3)]
    assert align([], 0, 0, 0) == []


@pytest.mark.parametrize(
    ("entries", "last", "snapshot", "term", "reason"),
    [
        (ENTRIES, 8, 3, 1, "begins with entry 5, but the snapshot ends with entry 3"),
        (ENTRIES, 8, 0, 0, "begins with entry 5, but there is no snapshot"),
        (ENTRIES, 8, 9, 1, "ends with entry 8, before the snapshot's last one, 9"),
        (ENTRIES, 8, 6, 2, "entry 6 is of term 1 in the log and of term 2 in the snapshot"),
        ([], 8, 0, 0, "begins with entry 9, but there is no snapshot"),
    ],
)
def test_a_log_that_does_not_go_with_the_snapshot_is_refused(
    entries: list[LogEntry], last: int, snapshot: int, term: int, reason: str
) -> None:
    with pytest.raises(DataDamagedError, match=reason):
        align(list(entries), last, snapshot, term)
