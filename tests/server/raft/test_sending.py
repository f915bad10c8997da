"""What a leader cuts out of its log."""

from __future__ import annotations

from lictor_server.raft.memory_log import MemoryLog
from lictor_server.raft.sending import BATCH_ENTRIES_MAX, batch, predecessor


def log_of(count: int, *, first: int = 5, size: int = 10) -> MemoryLog:
    log = MemoryLog()
    for index in range(first, first + count):
        log.add(b"x" * size, index, 2)
    return log


def test_a_batch_ends_where_the_bytes_do() -> None:
    assert [index for _, index, _ in batch(log_of(9), 7, 30)] == [7, 8, 9]


def test_a_batch_holds_one_entry_however_large_it_is() -> None:
    assert [index for _, index, _ in batch(log_of(9), 7, 3)] == [7]


def test_a_batch_is_bounded_in_entries() -> None:
    assert len(batch(log_of(BATCH_ENTRIES_MAX + 5), 5, 1_000_000)) == BATCH_ENTRIES_MAX


def test_what_comes_before_is_the_first_entry_where_the_log_begins_later() -> None:
    log = log_of(9)
    assert [predecessor(log, index)[1] for index in (3, 5, 6, 9)] == [5, 5, 5, 8]
